//! Near-duplicates: which exact groups belong together. The labels are a function of the *set* of fingerprints: whatever the
//! order, the batches or the machine in which they came.
//!
//! Four steps, each over the whole set. *Frequency*: in how many fingerprints a shingle stands, kept only as a class (once, a
//! few, many): every use of it is a threshold. *Evidence*: a subject bigram, a link's host, a form counts for a pair only if
//! the fingerprints that carry it, the k lowest by content hash, are like each other. *Buckets*: the smallest recurring
//! shingles of a fingerprint are the places where it meets others; in each, up to eight leaders in order of content hash, and
//! every other member is held against them. *Forest*: accepted pairs are joined by union-find.
//!
//! Method: shared sketches after Broder (1997), two stages after Henzinger (2006), recurring keys in place of banded minima;
//! `docs/explanation/campaigns.md` has figures, and `tests/campaign/slow_group.py` the same, slow and obvious.

pub mod bare;
pub mod boilerplate;
pub mod buckets;
pub mod evidence;
pub mod forest;
pub mod frequency;
pub mod lists;
pub mod looks;
pub mod similar;

use bare::Bare;
use buckets::{Judged, Meeting};
use evidence::Proven;
use forest::Forest;
use lists::Lists;

/// Fingerprints of distinct exact groups, in ascending order of their exact digests. Each list ascends, without repeats.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// Up to 45 smallest shingles, those of subject and attachments among them.
    pub shingles: Lists,
    /// Bigrams of the subject.
    pub subject: Lists,
    /// Hosts and registered domains of links.
    pub links: Lists,
    /// Those that hardly say anything: their pictures and forms.
    pub bare: Bare,
}

impl Set {
    /// Number of fingerprints.
    pub fn len(&self) -> usize {
        self.shingles.len()
    }
    /// No fingerprint at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The numbers of the method. Weights and similarities are in thousandths, so that no float decides.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Recurring shingles of a fingerprint that are its buckets.
    pub keys: usize,
    /// Leaders of a bucket.
    pub leaders: usize,
    /// Weight of a shingle that stands in one fingerprint, in a few, in many.
    pub weights: [u32; 3],
    /// Fingerprints from which on a shingle stands in many.
    pub many: usize,
    /// Similarity that makes a pair.
    pub base: u32,
    /// The same where neither of the two carries any evidence.
    pub without: u32,
    /// What a shared bigram of the subject takes off.
    pub subject: u32,
    /// What a shared host takes off.
    pub link: u32,
    /// Never less than this.
    pub least: u32,
    /// Carriers of a mark that are compared: the lowest by content hash.
    pub sample: usize,
    /// Similarity from which two carriers are like each other.
    pub like: u32,
    /// Share of pairs of carriers that must be alike.
    pub agreeing: u32,
    /// The same of a bigram that is one campaign's own.
    pub own: u32,
    /// Carriers from which on a shingle may be boilerplate.
    pub spread: usize,
    /// Similarity from which two carriers of a shingle are alike.
    pub near: u32,
    /// Share of pairs of carriers that are alike, below which their shingle is boilerplate.
    pub common: u32,
    /// Weight of boilerplate between two whose subjects have less than `partial` in common, and no host.
    pub boilerplate: u32,
    /// So much of a subject is enough, thousandths.
    pub partial: u32,
    /// Bits in which two pictures that look alike may differ.
    pub bits: u32,
    /// Leaders where pictures meet: comparing them costs next to nothing.
    pub shown: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            keys: 10,
            leaders: 8,
            weights: [200, 400, 1000],
            many: 4,
            base: 550,
            without: 450,
            subject: 400,
            link: 300,
            least: 240,
            sample: 8,
            like: 250,
            agreeing: 250,
            own: 750,
            spread: 16,
            near: 300,
            common: 200,
            boilerplate: 200,
            partial: 800,
            bits: 12,
            shown: 256,
        }
    }
}

/// By what two belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Sketches alone.
    Text,
    /// Sketches, where a host that both have lowers what they need.
    Link,
    /// Sketches, where what their subjects have in common lowers it, with or without a host.
    Subject,
    /// Sketches of bare messages, where what they are built like lowers it.
    Build,
    /// Pictures that look alike.
    Picture,
    /// Subject and host, where one of them has no text.
    Heading,
}

impl By {
    /// Its name.
    pub fn name(self) -> &'static str {
        ["text", "link", "subject", "build", "picture", "heading"][self as usize]
    }
}

/// How like two are, thousandths, how like they must be, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Of sketches, pictures or subjects.
    pub similarity: u32,
    /// What makes a pair.
    pub needed: u32,
    /// What was compared.
    pub by: By,
}

/// One accepted pair that joined two trees: an edge of the spanning forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The leader.
    pub leader: u32,
    /// The member held against it.
    pub member: u32,
    /// Weighted Jaccard, thousandths.
    pub similarity: u32,
    /// What it had to reach, thousandths.
    pub needed: u32,
    /// By what.
    pub by: By,
    /// The shingle that brought them together; of pictures a band, of bare messages perhaps what they are built like.
    pub shingle: u64,
}

/// What grouping gives.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// For each fingerprint the lowest of its group.
    pub label: Vec<u32>,
    /// What joined the groups; each group of n has n - 1 of them.
    pub edges: Vec<Edge>,
    /// Buckets of two or more.
    pub buckets: u64,
    /// Pairs compared.
    pub compared: u64,
}

/// A grouping, and what it was found by.
pub struct Settled {
    /// The groups.
    pub groups: Groups,
    /// One byte a shingle (`frequency::classes`, `boilerplate::mark`).
    pub classes: Vec<u8>,
    /// Marks that count.
    pub proven: Proven,
}

/// Group a set. Time is linear in the set but for sorting; memory about 40 bytes a shingle beside the set.
pub fn group(set: &Set, rules: &Rules) -> Groups {
    settle(set, rules).groups
}

/// The same, with what it was found by.
pub fn settle(set: &Set, rules: &Rules) -> Settled {
    let mut classes = frequency::classes(&set.shingles, rules.many);
    boilerplate::mark(&set.shingles, &mut classes, rules);
    let proven = evidence::prove(set, &classes, rules);
    let mut forest = Forest::new(set.len());
    let mut groups = Groups::default();
    let mut judged = Judged::for_about(set.len());
    let meeting = Meeting {
        set,
        classes: &classes,
        proven: &proven,
        rules,
    };
    buckets::each(&set.shingles, &classes, rules.keys, |shingle, members| {
        groups.buckets += 1;
        let leaders = rules.leaders;
        groups.compared += meeting.pairs(shingle, members, leaders, &mut forest, &mut groups.edges, &mut judged);
    });
    looks::each(set, &proven, rules, |place, members, leaders| {
        groups.buckets += 1;
        groups.compared += meeting.pairs(place, members, leaders, &mut forest, &mut groups.edges, &mut judged);
    });
    groups.label = forest.labels();
    Settled {
        groups,
        classes,
        proven,
    }
}
