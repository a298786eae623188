//! A simulated world as far as the kernel makes it: who the senders are and what each message says. Rates and counts come
//! from `simulate`; here every message is a function of the seed, its feed, its stream, its hour and its number alone.

mod arrivals;
mod grammar;
mod letter;
mod maths;
mod packing;
mod philox;
mod phrases;
mod picture;
mod population;
mod spec;
mod spoken;
mod template;
mod wording;
mod wordlist;

use super::capture::{Capture, Meta};
use super::columns::{Column, Table};
use super::swarm::dialects::{find_dialect, Dialect, DIALECTS};
use letter::{letter, Envelope};
use philox::{key, place, Key};
use population::{DayTable, Population};
use spoken::{called, Spoken};
use std::collections::BTreeMap;
use wording::Words;

pub use packing::ctime;
pub use philox::block;
pub use spec::Spec;

const DAY_US: i64 = 86_400_000_000;

/// A world ready to be made.
pub struct World {
    spec: Spec,
    botnets: Vec<Population>,
    /// Engine of each botnet.
    dialects: Vec<&'static Dialect>,
    words: Vec<Words>,
    /// Key of each feed and stream.
    keys: Vec<Vec<Key>>,
    /// Running weights of the decoys of each feed and group; empty where all are alike.
    decoys: Vec<Vec<Vec<f64>>>,
    /// Key by which decoys are washed, of each feed and group.
    washing: Vec<Vec<Key>>,
}

/// Messages with their salts and the truth about them.
pub struct Made {
    /// The captures, in order of time.
    pub captures: Vec<Capture>,
    /// 16 bytes a capture.
    pub salts: Vec<u8>,
    /// Columns of the truth, a row a capture.
    pub truth: Table,
}

impl World {
    /// Draw the senders of a world.
    pub fn new(spec: Spec) -> Self {
        let seed = spec.seed.to_string();
        let pair = |purpose: &str, feed: &str, group: &str| key(&[purpose, &seed, feed, group]);
        let keys = (spec.feeds.iter())
            .map(|f| {
                let of = |s: &spec::StreamSpec| {
                    let (group, botnet) = (&spec.groups[s.group].name, &spec.botnets[s.botnet].name);
                    key(&["messages", &seed, &f.name, group, botnet])
                };
                spec.streams.iter().map(of).collect()
            })
            .collect();
        let weights = |f: &spec::FeedSpec, g: &spec::GroupSpec| {
            if g.address_sd == 0.0 {
                return Vec::new();
            }
            let of = pair("decoys", &f.name, &g.name);
            let mut sum = 0.0;
            (0..f.addresses)
                .map(|i| {
                    sum += maths::exp(g.address_sd * philox::Draw::new(of, [i as u64, 0, 0]).normal());
                    sum
                })
                .collect()
        };
        World {
            botnets: (spec.botnets.iter())
                .map(|b| Population::new(b, spec.seed, spec.start, spec.end))
                .collect(),
            dialects: (spec.botnets.iter())
                .map(|b| find_dialect(&b.dialect).unwrap_or(&DIALECTS[0]))
                .collect(),
            words: spec.groups.iter().map(|g| Words::new(spec.seed, g)).collect(),
            decoys: (spec.feeds.iter())
                .map(|f| spec.groups.iter().map(|g| weights(f, g)).collect())
                .collect(),
            washing: (spec.feeds.iter())
                .map(|f| spec.groups.iter().map(|g| pair("washing", &f.name, &g.name)).collect())
                .collect(),
            keys,
            spec,
        }
    }

    /// True when one of the first `washes` washes of a group took this decoy off its list.
    fn washed(&self, feed: usize, group: usize, washes: usize, decoy: usize) -> bool {
        (0..washes).any(|w| {
            let part = self.spec.groups[group].washes[w].2;
            let of = self.spec.groups[group].washes[w].0 == feed;
            let mut draw = philox::Draw::new(self.washing[feed][group], [decoy as u64, w as u64, 0]);
            of && draw.unit() < part
        })
    }

    /// Share of a group's mail at a feed that went to decoys which its first `washes` washes took off the list.
    pub fn washed_share(&self, feed: usize, group: usize, washes: usize) -> f64 {
        let sums = &self.decoys[feed][group];
        let weight = |i: usize| match (sums.is_empty(), i) {
            (true, _) => 1.0,
            (_, 0) => sums[0],
            _ => sums[i] - sums[i - 1],
        };
        let n = self.spec.feeds[feed].addresses;
        let gone: f64 = (0..n)
            .filter(|i| self.washed(feed, group, washes, *i))
            .map(weight)
            .sum();
        let whole: f64 = (0..n).map(weight).sum();
        gone / whole
    }

    fn decoy(&self, feed: usize, group: usize, washes: usize, draw: &mut philox::Draw) -> usize {
        let sums = &self.decoys[feed][group];
        let mut chosen = 0;
        for _ in 0..1_000 {
            chosen = if sums.is_empty() {
                draw.below(self.spec.feeds[feed].addresses)
            } else {
                place(sums, draw.unit())
            };
            if washes == 0 || !self.washed(feed, group, washes, chosen) {
                break;
            }
        }
        chosen
    }

    /// The messages `from..to` of the arrivals of some hours; see `arrivals` for what `counts` holds.
    pub fn make(&self, feed: usize, first: usize, lead: usize, counts: &[i64], from: usize, to: usize) -> Made {
        let arrivals = self.arrivals(feed, first, lead, counts);
        let to = to.min(arrivals.len());
        let mut days: BTreeMap<(usize, i64), DayTable> = BTreeMap::new();
        let mut made = Made {
            captures: Vec::with_capacity(to.saturating_sub(from)),
            salts: Vec::with_capacity(16 * to.saturating_sub(from)),
            truth: Table::new(),
        };
        for arrival in &arrivals[from.min(to)..to] {
            self.put(feed, arrival, &mut days, &mut made);
        }
        made
    }

    fn put(
        &self,
        feed: usize,
        arrival: &arrivals::Arrival,
        days: &mut BTreeMap<(usize, i64), DayTable>,
        made: &mut Made,
    ) {
        let &arrivals::Arrival {
            stream,
            hour,
            index,
            again,
            at,
            first_at,
        } = arrival;
        let (g, b) = (self.spec.streams[stream].group, self.spec.streams[stream].botnet);
        let (group, botnet, card) = (&self.spec.groups[g], &self.botnets[b], &self.spec.feeds[feed]);
        let mut draw = self.numbers(feed, stream, hour, index, 0);
        // A second attempt is drawn as the first was, at the first one's time.
        let lost = again || self.again(feed, stream, hour, index, first_at).is_some();
        let table = days
            .entry((b, first_at.div_euclid(DAY_US)))
            .or_insert_with(|| botnet.day(first_at.div_euclid(DAY_US) * DAY_US, feed, self.spec.feeds.len()));
        let host = botnet
            .sender(table, first_at, &mut draw)
            .unwrap_or(botnet.hosts.len() - 1);
        let washes = group.washes.partition_point(|w| w.1 <= first_at);
        let mut decoys = vec![self.decoy(feed, g, washes, &mut draw)];
        let u = draw.unit();
        let wanted = 1 + ((group.recipients - 1) as f64 * u * u * u + 0.5) as usize;
        for _ in 1..wanted {
            let next = self.decoy(feed, g, washes, &mut draw);
            if !decoys.contains(&next) {
                decoys.push(next);
            }
        }
        let helo = botnet.helo(host, &mut draw);
        let unfinished = draw.unit() < group.unfinished;
        let to = decoys
            .iter()
            .map(|d| format!("decoy{d}@{}", card.domain))
            .collect::<Vec<_>>();
        let envelope = Envelope {
            feed: card,
            written_at: first_at,
            arrived_at: at,
            peer: card.balancer.clone().unwrap_or_else(|| botnet.address(host, at)),
            helo,
            ahead: self.spec.botnets[b].countries[botnet.hosts[host].country].1,
            decoys,
        };
        let text = letter(
            &self.spec.scenario,
            self.spec.start,
            group,
            &self.words[g],
            &envelope,
            &mut draw,
        );
        let persona = card.personas.iter().rev().find(|p| p.0 <= at).or(card.personas.first());
        let mut marks = vec!["simulated".to_owned()];
        marks.extend(card.marks.iter().cloned());
        for (there, mark) in [
            (unfinished, "unfinished"),
            (lost && !again, "reply_lost"),
            (again, "retry"),
        ] {
            if there {
                marks.push(mark.into());
            }
        }
        let t = &mut made.truth;
        let mut int = |name: &'static str, value: i64| {
            t.entry(name).or_insert_with(Column::int64).push_int(value);
        };
        int("received_at", at);
        int("group", g as i64);
        int("botnet", b as i64);
        int("bot", host as i64);
        int("campaign", text.campaign as i64);
        int("recipients", to.len() as i64);
        int("delivery", (hour as i64) << 40 | (stream as i64) << 32 | index as i64);
        for (name, value) in [("retry", again), ("unfinished", unfinished)] {
            t.entry(name).or_insert_with(Column::boolean).push_int(i64::from(value));
        }
        for (name, value) in [
            ("exact", text.exact.as_str()),
            ("identical", text.identical.as_str()),
            ("language", text.language),
            ("origin", text.origin),
            ("form", text.form),
        ] {
            t.entry(name).or_insert_with(Column::utf8).push_str(value);
        }
        let persona = persona.map(|p| p.1.clone());
        let mut meta = Meta {
            v: 1,
            from: Some(text.reverse),
            to,
            peer: Some(envelope.peer),
            helo: Some(envelope.helo),
            time_origin: "simulated".into(),
            persona,
            marks,
            ..Meta::default()
        };
        if card.transcripts {
            let mut draw = self.numbers(feed, stream, hour, index, if again { 6 } else { 5 });
            self.speak(b, &card.domain, at, &text.raw, &mut meta, &mut draw);
        }
        made.captures.push(Capture::new(at, meta, text.raw));
        let mut salt = self.numbers(feed, stream, hour, index, if again { 4 } else { 3 });
        for _ in 0..2 {
            made.salts.extend_from_slice(&salt.word().to_le_bytes());
        }
    }

    /// Give the message the transcript of its session, and the name that was said in it.
    fn speak(&self, botnet: usize, domain: &str, at: i64, raw: &[u8], meta: &mut Meta, draw: &mut philox::Draw) {
        let dialect = self.dialects[botnet];
        let peer = meta.peer.as_deref().unwrap_or("");
        let name = called(dialect, meta.helo.take().unwrap_or_default(), peer, &meta.to);
        let spoken = Spoken {
            dialect,
            host: format!("mx.{domain}"),
            persona: meta.persona.clone().unwrap_or_default(),
            peer,
            name: &name,
            from: meta.from.as_deref().unwrap_or(""),
            to: &meta.to,
            raw,
            ended_at: at,
        };
        meta.transcript = spoken.transcript(draw);
        meta.helo = Some(name);
    }

    /// Hosts of a botnet: when infected and cleaned, country, network, line, activity.
    pub fn bots(&self, botnet: usize) -> Table {
        let mut table = Table::new();
        let (spec, drawn) = (&self.spec.botnets[botnet], &self.botnets[botnet]);
        for (i, host) in drawn.hosts.iter().enumerate() {
            let network = drawn.networks[host.line];
            for (name, value) in [
                ("bot", i as i64),
                ("infected_at", host.infected_at),
                ("cleaned_at", host.cleaned_at),
                ("line", host.line as i64),
                ("network", (spec.first_network + network) as i64),
                ("activity", (host.activity * 1e6) as i64),
                (
                    "feed",
                    host.one_list.map_or(-1, |u| (u * self.spec.feeds.len() as f64) as i64),
                ),
            ] {
                table.entry(name).or_insert_with(Column::int64).push_int(value);
            }
            let country = spec.countries[host.country].0.as_str();
            table.entry("country").or_insert_with(Column::utf8).push_str(country);
        }
        table
    }

    /// Addresses of a botnet's hosts over time, a row for each host and lease within its life.
    pub fn addresses(&self, botnet: usize) -> Table {
        let drawn = &self.botnets[botnet];
        let mut table = Table::new();
        for (i, host) in drawn.hosts.iter().enumerate() {
            for lease in &drawn.leases[host.line] {
                let (start, end) = (lease.start.max(host.infected_at), lease.end.min(host.cleaned_at));
                if start >= end {
                    continue;
                }
                for (name, value) in [("bot", i as i64), ("start", start), ("end", end)] {
                    table.entry(name).or_insert_with(Column::int64).push_int(value);
                }
                let address = drawn.written(drawn.networks[host.line], lease.slot);
                table.entry("address").or_insert_with(Column::utf8).push_str(&address);
            }
        }
        table
    }
}
