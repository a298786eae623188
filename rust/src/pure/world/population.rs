//! A botnet's hosts: infected and cleaned, unequally active, behind lines whose addresses change, some of them shared.
//!
//! A *seat* is a place in the botnet that is always taken: when its host is cleaned another machine, on another line, takes it.
//! A *line* is what an address is lent to. The lines of one network draw on one pool, so an address that one line gives back
//! another may get; at no instant do two lines hold the same one.

use super::maths::exp;
use super::philox::{key, Draw, Key};
use super::spec::BotnetSpec;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const HOUR_US: i64 = 3_600_000_000;

/// One infected machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// When it was infected; may be before the world begins.
    pub infected_at: i64,
    /// When it was cleaned; may be after the world ends.
    pub cleaned_at: i64,
    /// How much it sends, 1 being the least.
    pub activity: f64,
    /// Index of its country.
    pub country: usize,
    /// The line its address is lent to.
    pub line: usize,
    /// The one feed whose list it holds, as a number from 0 to below 1; `None`: every feed's.
    pub one_list: Option<f64>,
}

/// An address lent to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// From when.
    pub start: i64,
    /// Until when.
    pub end: i64,
    /// Number of the address within its network.
    pub slot: u32,
}

/// A drawn botnet.
pub struct Population {
    /// Every host that ever belonged to it.
    pub hosts: Vec<Host>,
    /// Network of each line.
    pub networks: Vec<usize>,
    /// Leases of each line in order of time.
    pub leases: Vec<Vec<Lease>>,
    spec: BotnetSpec,
    duty: Key,
    helo: Key,
}

/// How long one address of a network is lent.
#[derive(Clone, Copy)]
struct Terms {
    mean: i64,
    periodic: bool,
}

impl Population {
    /// Draw the botnet for a world from `start` to `end`.
    pub fn new(spec: &BotnetSpec, seed: u64, start: i64, end: i64) -> Self {
        let seed = seed.to_string();
        let named = |purpose: &str| key(&[purpose, &seed, &spec.name]);
        let countries: Vec<f64> = spec
            .countries
            .iter()
            .scan(0.0, |sum, c| {
                *sum += c.2;
                Some(*sum)
            })
            .collect();
        let mut hosts: Vec<Host> = Vec::with_capacity(spec.hosts);
        let mut networks = Vec::new();
        // The country of a network is the network's, so that neighbours share a time zone.
        let home = |network: usize| {
            let mut draw = Draw::new(named("network"), [network as u64, 0, 0]);
            super::philox::place(&countries, draw.unit())
        };
        let homes: Vec<usize> = (0..spec.networks.max(1)).map(home).collect();
        for seat in 0..spec.hosts {
            let mut draw = Draw::new(named("seat"), [seat as u64, 0, 0]);
            let mut at = start;
            loop {
                let life = draw.exponential();
                let age = draw.exponential();
                let (infected_at, mut cleaned_at) = if spec.life == 0 {
                    (start, end)
                } else if at == start {
                    (
                        at - (age * spec.life as f64) as i64,
                        at + (life * spec.life as f64) as i64,
                    )
                } else {
                    (at, at + (life * spec.life as f64).max(1.0) as i64)
                };
                if let Some((from, half_life)) = spec.decay {
                    let left = draw.exponential() * half_life as f64 / std::f64::consts::LN_2;
                    cleaned_at = cleaned_at.min(from + left as i64);
                }
                let network = draw.below(spec.networks.max(1));
                let shares = draw.unit() < spec.nat;
                // Four on a line on average less one: the line of a host before it in the same network.
                let line = hosts
                    .iter()
                    .rev()
                    .take(if shares { 4_000 } else { 0 })
                    .find(|h| networks[h.line] == network && h.infected_at <= infected_at.max(start))
                    .map(|h| h.line)
                    .filter(|_| draw.below(4) > 0);
                let line = line.unwrap_or_else(|| {
                    networks.push(network);
                    networks.len() - 1
                });
                hosts.push(Host {
                    infected_at,
                    cleaned_at,
                    activity: if spec.tail > 0.0 { draw.pareto(spec.tail) } else { 1.0 },
                    country: homes[network],
                    line,
                    one_list: (draw.unit() >= spec.overlap).then(|| draw.unit()),
                });
                at = cleaned_at;
                if at >= end || spec.decay.is_some_and(|(from, _)| at >= from) {
                    break;
                }
            }
        }
        let leases = lend(spec, named("lease"), &hosts, &networks, start, end);
        Population {
            hosts,
            networks,
            leases,
            spec: spec.clone(),
            duty: named("duty"),
            helo: named("helo"),
        }
    }

    /// True when the host sends in the hour that holds `at`.
    pub fn awake(&self, host: usize, at: i64) -> bool {
        let hour = at.div_euclid(HOUR_US) as u64;
        self.spec.duty >= 1.0 || Draw::new(self.duty, [host as u64, hour, 0]).unit() < self.spec.duty
    }

    /// Address of a host at an instant.
    pub fn address(&self, host: usize, at: i64) -> String {
        let line = self.hosts[host].line;
        let leases = &self.leases[line];
        let i = leases.partition_point(|l| l.start <= at).saturating_sub(1);
        self.written(self.networks[line], leases[i].slot)
    }

    /// An address of a network as text.
    pub fn written(&self, network: usize, slot: u32) -> String {
        let n = self.spec.first_network + network;
        match self.spec.space.as_str() {
            "loopback" => format!("127.{}.{}.{}", 1 + n / 256, n % 256, slot + 1),
            "ipv6" => format!("2001:db8:{:x}:{:x}::{:x}", n, slot, 0x100 + slot % 7),
            _ => format!("198.{}.{}.{}", 18 + n / 256, n % 256, slot + 1),
        }
    }

    /// HELO name of a host for one message.
    pub fn helo(&self, host: usize, draw: &mut Draw) -> String {
        if self.spec.helo == "host" {
            let mut own = Draw::new(self.helo, [host as u64, 0, 0]);
            return format!("{}-{:x}", super::wordlist::name(&mut own), own.below(0x1000));
        }
        super::wordlist::name(draw)
    }

    /// The hosts that may send to `feed` of `feeds` on the day that begins at `day`, by country, with running activity.
    pub fn day(&self, day: i64, feed: usize, feeds: usize) -> DayTable {
        let countries = self.spec.countries.len();
        let mut table = DayTable {
            sums: vec![Vec::new(); countries],
            hosts: vec![Vec::new(); countries],
        };
        for (i, host) in self.hosts.iter().enumerate() {
            let here = host.one_list.is_none_or(|u| (u * feeds as f64) as usize == feed);
            if here && host.infected_at < day + 24 * HOUR_US && host.cleaned_at > day {
                let before = table.sums[host.country].last().copied().unwrap_or(0.0);
                table.sums[host.country].push(before + host.activity);
                table.hosts[host.country].push(i as u32);
            }
        }
        table
    }

    /// A host that sends at `at`, or any host of the day when after many tries none is awake.
    pub fn sender(&self, table: &DayTable, at: i64, draw: &mut Draw) -> Option<usize> {
        let local = |ahead: i64| (at.div_euclid(HOUR_US) + ahead).rem_euclid(24) as usize;
        let mut whole = 0.0;
        let weights: Vec<f64> = (self.spec.countries.iter().zip(&table.sums))
            .map(|((_, ahead, _), sums)| {
                let shape = self.spec.diurnal.get(local(*ahead)).copied().unwrap_or(1.0);
                whole += sums.last().copied().unwrap_or(0.0) * shape;
                whole
            })
            .collect();
        if whole <= 0.0 {
            return None;
        }
        let mut chosen = 0;
        for _ in 0..400 {
            let country = super::philox::place(&weights, draw.unit());
            chosen = table.hosts[country][super::philox::place(&table.sums[country], draw.unit())] as usize;
            let host = &self.hosts[chosen];
            if host.infected_at <= at && at < host.cleaned_at && self.awake(chosen, at) {
                break;
            }
        }
        Some(chosen)
    }
}

/// Hosts of one day by country.
pub struct DayTable {
    sums: Vec<Vec<f64>>,
    hosts: Vec<Vec<u32>>,
}

fn lend(spec: &BotnetSpec, key: Key, hosts: &[Host], networks: &[usize], start: i64, end: i64) -> Vec<Vec<Lease>> {
    let mut spans = vec![(i64::MAX, i64::MIN); networks.len()];
    for host in hosts {
        let span = &mut spans[host.line];
        span.0 = span.0.min(host.infected_at.max(start));
        span.1 = span.1.max(host.cleaned_at.min(end));
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); spec.networks.max(1)];
    for (line, network) in networks.iter().enumerate() {
        members[*network].push(line);
    }
    let mut leases: Vec<Vec<Lease>> = vec![Vec::new(); networks.len()];
    for (network, lines) in members.iter().enumerate() {
        let mut draw = Draw::new(key, [network as u64, 0, 0]);
        let terms = terms(spec, &mut draw);
        let size = if spec.space == "ipv6" { 65_536 } else { 254 };
        let mut holders = vec![0u16; size];
        let mut free = size;
        let mut events: BinaryHeap<Reverse<(i64, usize)>> = lines
            .iter()
            .filter(|l| spans[**l].0 < spans[**l].1)
            .map(|l| Reverse((spans[*l].0, *l)))
            .collect();
        while let Some(Reverse((at, line))) = events.pop() {
            if let Some(last) = leases[line].last() {
                holders[last.slot as usize] -= 1;
                free += usize::from(holders[last.slot as usize] == 0);
                if at >= spans[line].1 {
                    continue;
                }
            }
            let first = leases[line].is_empty();
            let term = match (terms.mean, terms.periodic) {
                (0, _) => i64::MAX,
                // The first lease of a fixed period has begun before the host was seen.
                (mean, true) if first => ((draw.unit() * mean as f64) as i64).max(1),
                (mean, true) => mean,
                (mean, false) => ((draw.exponential() * mean as f64) as i64).max(60_000_000),
            };
            let until = at.saturating_add(term).min(spans[line].1);
            // A pool that is used up lends an address twice.
            let mut slot = draw.below(size);
            while free > 0 && holders[slot] > 0 {
                slot = (slot + 1) % size;
            }
            free -= usize::from(holders[slot] == 0);
            holders[slot] += 1;
            leases[line].push(Lease {
                start: at,
                end: until,
                slot: slot as u32,
            });
            events.push(Reverse((until, line)));
        }
    }
    leases
}

/// Terms of a network: a mean lease between the shortest and the longest, evenly on a log scale.
fn terms(spec: &BotnetSpec, draw: &mut Draw) -> Terms {
    let (low, high) = spec.churn;
    let u = draw.unit();
    let periodic = draw.unit() < spec.periodic;
    if low <= 0 {
        return Terms {
            mean: 0,
            periodic: false,
        };
    }
    let ratio = super::maths::ln(high.max(low) as f64 / low as f64);
    Terms {
        mean: (low as f64 * exp(u * ratio)) as i64,
        periodic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR_US;

    fn spec() -> BotnetSpec {
        BotnetSpec {
            name: "b".into(),
            dialect: "plain".into(),
            hosts: 300,
            life: 10 * DAY,
            decay: None,
            countries: vec![("aa".into(), 0, 1.0), ("bb".into(), 8, 3.0)],
            diurnal: vec![1.0; 24],
            networks: 6,
            first_network: 0,
            space: "benchmark".into(),
            churn: (6 * HOUR_US, 60 * DAY),
            periodic: 0.3,
            nat: 0.2,
            tail: 1.2,
            duty: 1.0,
            overlap: 1.0,
            helo: "host".into(),
        }
    }

    #[test]
    fn no_two_lines_hold_one_address_at_one_instant() {
        let p = Population::new(&spec(), 1, 0, 30 * DAY);
        let mut held: Vec<(usize, u32, i64, i64)> = Vec::new();
        for (line, leases) in p.leases.iter().enumerate() {
            for pair in leases.windows(2) {
                assert_eq!(pair[0].end, pair[1].start);
            }
            held.extend(leases.iter().map(|l| (p.networks[line], l.slot, l.start, l.end)));
        }
        held.sort_unstable();
        assert!(held.len() > 1_000);
        for pair in held.windows(2) {
            let same = (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1);
            assert!(!same || pair[0].3 <= pair[1].2, "{pair:?}");
        }
    }

    #[test]
    fn the_population_keeps_its_size_and_every_live_host_has_an_address() {
        let p = Population::new(&spec(), 1, 0, 30 * DAY);
        for day in 0..30 {
            let at = day * DAY + 7;
            let live: Vec<usize> = (0..p.hosts.len())
                .filter(|i| p.hosts[*i].infected_at <= at && at < p.hosts[*i].cleaned_at)
                .collect();
            assert_eq!(live.len(), 300);
            for i in live {
                let leases = &p.leases[p.hosts[i].line];
                assert!(leases.iter().any(|l| l.start <= at && at < l.end));
            }
        }
        assert!(p.hosts.len() > 900, "thirty days of ten-day lives");
    }

    #[test]
    fn some_hosts_share_a_line() {
        let p = Population::new(&spec(), 1, 0, 30 * DAY);
        assert!(p.networks.len() < p.hosts.len() - 50);
        let alone = Population::new(&BotnetSpec { nat: 0.0, ..spec() }, 1, 0, 30 * DAY);
        assert_eq!(alone.networks.len(), alone.hosts.len());
    }

    #[test]
    fn after_a_takedown_hosts_halve_by_the_half_life() {
        let decay = Some((10 * DAY, 5 * DAY));
        let p = Population::new(
            &BotnetSpec {
                decay,
                hosts: 2_000,
                networks: 20,
                ..spec()
            },
            1,
            0,
            30 * DAY,
        );
        let live = |at: i64| {
            p.hosts
                .iter()
                .filter(|h| h.infected_at <= at && at < h.cleaned_at)
                .count() as f64
        };
        // Its own cleaning goes on beside: rates 1/10 and ln 2/5 a day.
        let expected = 2_000.0 * (-(0.1 + std::f64::consts::LN_2 / 5.0) * 10.0_f64).exp();
        assert_eq!(live(10 * DAY - 1), 2_000.0);
        assert!(
            (live(20 * DAY) / expected - 1.0).abs() < 0.15,
            "{} {expected}",
            live(20 * DAY)
        );
    }
}
