//! What `simulate` hands over of a scenario: everything that messages and senders depend on, and no rates.

use serde::Deserialize;

/// A world as far as the kernel makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the world.
    pub seed: u64,
    /// First instant, microseconds.
    pub start: i64,
    /// Instant after the last.
    pub end: i64,
    /// Feeds.
    pub feeds: Vec<FeedSpec>,
    /// Sender groups.
    pub groups: Vec<GroupSpec>,
    /// Botnets.
    pub botnets: Vec<BotnetSpec>,
    /// Who sends for whom.
    pub streams: Vec<StreamSpec>,
}

/// One feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSpec {
    /// Its name.
    pub name: String,
    /// Domain of its decoys.
    pub domain: String,
    /// Decoys.
    pub addresses: usize,
    /// Personas with the instant from which each holds, the first from the start.
    pub personas: Vec<(i64, String)>,
    /// Spans in which it was down.
    pub down: Vec<(i64, i64)>,
    /// What stands before it and shows its own address in place of the peer's.
    pub balancer: Option<String>,
    /// Marks that every capture of it bears.
    pub marks: Vec<String>,
    /// Whether the session of each message is kept as a transcript.
    pub transcripts: bool,
}

/// One sender group: what a customer has sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Its name.
    pub name: String,
    /// What it writes about.
    pub topic: String,
    /// Chance of a word that folding finds.
    pub words: f64,
    /// Chance of a spelling that it does not find.
    pub missed: f64,
    /// Chance of a text like no other.
    pub unique: f64,
    /// Running sums of how often each variant is sent.
    pub variants: Vec<f64>,
    /// Length of a campaign, microseconds.
    pub campaign: i64,
    /// Languages with running sums.
    pub languages: Vec<(String, f64)>,
    /// Forms with running sums.
    pub forms: Vec<(String, f64)>,
    /// Chance of hidden text in HTML.
    pub hidden: f64,
    /// Share of variants whose subject is misspelt.
    pub misspelt: f64,
    /// Share of variants whose subject has letters of other alphabets.
    pub homoglyph: f64,
    /// A line of each text changes after so long; 0: never. Microseconds.
    pub drift: i64,
    /// Groups of one family share boilerplate.
    pub family: Option<String>,
    /// Link domains in rotation within a campaign; 0: a new one each time.
    pub domains: usize,
    /// Most recipients of one message.
    pub recipients: usize,
    /// Chance that our reply is lost and the message comes again.
    pub retry: f64,
    /// Chance that a message ends in a way SMTP does not know.
    pub unfinished: f64,
    /// Spread of how often decoys are written to, on a log scale.
    pub address_sd: f64,
    /// When it leaves out which share of a feed's decoys: (feed, instant, share).
    pub washes: Vec<(usize, i64, f64)>,
}

/// One botnet: a population of hosts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BotnetSpec {
    /// Its name.
    pub name: String,
    /// How its engine speaks.
    pub dialect: String,
    /// Hosts at any time.
    pub hosts: usize,
    /// Mean time from infection to cleaning, microseconds; 0: never cleaned.
    pub life: i64,
    /// From an instant on hosts are cleaned with this half-life and not replaced.
    pub decay: Option<(i64, i64)>,
    /// Countries: code, hours ahead of UTC, share.
    pub countries: Vec<(String, i64, f64)>,
    /// Relative activity by local hour.
    pub diurnal: Vec<f64>,
    /// Networks.
    pub networks: usize,
    /// Number of its first network among all of its space.
    pub first_network: usize,
    /// `benchmark`, `loopback` or `ipv6`.
    pub space: String,
    /// Shortest and longest mean lease, microseconds; 0: an address is for ever.
    pub churn: (i64, i64),
    /// Share of networks whose leases end at a fixed period.
    pub periodic: f64,
    /// Share of hosts that share an address with up to three others.
    pub nat: f64,
    /// Pareto index of the activity; 0: all alike.
    pub tail: f64,
    /// Share of hours in which a host sends.
    pub duty: f64,
    /// Share of hosts that hold every feed's list; the others hold one.
    pub overlap: f64,
    /// `host`: each keeps its HELO name; `random`: a new one each time.
    pub helo: String,
}

/// A botnet that sends for a group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// Index of the group.
    pub group: usize,
    /// Index of the botnet.
    pub botnet: usize,
    /// Spans in which it sends nothing at all.
    pub quiet: Vec<(i64, i64)>,
}
