//! Which marks (a bigram of the subject, a host) say that two messages belong together.
//!
//! A bigram that unlike messages carry ("your account") says nothing. Whether the carriers of a mark are alike is asked of the
//! lowest by content hash, the mark's own shingles left out: a function of the set, and bounded.

use super::lists::Lists;
use super::looks::builds;
use super::similar::{similarity, table};
use super::{Rules, Set};

/// Marks that count, per fingerprint.
pub struct Proven {
    /// Bigrams of the subject that say whose it is: their carriers are alike, or nobody else has them.
    pub subject: Lists,
    /// Hosts of links.
    pub links: Lists,
    /// What each bare message is built like, 0 where that says nothing.
    pub builds: Vec<u64>,
}

impl Proven {
    /// The fingerprint carries some evidence.
    pub fn any(&self, i: usize) -> bool {
        !self.subject.get(i).is_empty() || !self.links.get(i).is_empty()
    }
}

/// Of every fingerprint the marks whose carriers are alike, and those of its subject that nobody shares. A host of one message
/// alone is no such mark: senders change hosts with each message, subjects seldom.
pub fn prove(set: &Set, classes: &[u8], rules: &Rules) -> Proven {
    Proven {
        subject: proven(&set.subject, set, classes, rules, true),
        links: proven(&set.links, set, classes, rules, false),
        builds: builds(set, classes, rules),
    }
}

fn proven(marks: &Lists, set: &Set, classes: &[u8], rules: &Rules, alone: bool) -> Lists {
    let mut carried: Vec<(u64, u32)> = Vec::with_capacity(marks.values().len());
    for i in 0..marks.len() {
        carried.extend(marks.get(i).iter().map(|m| (*m, i as u32)));
    }
    carried.sort_unstable();
    let good: Vec<u64> = carried
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|run| match run.len() {
            1 => alone,
            n => alike(&run[..n.min(rules.sample)], set, classes, rules),
        })
        .map(|run| run[0].0)
        .collect();
    drop(carried);
    let mut out = Lists::with_capacity(marks.len(), marks.values().len() / 2);
    for i in 0..marks.len() {
        out.push(marks.get(i).iter().copied().filter(|m| good.binary_search(m).is_ok()));
    }
    out
}

fn alike(carriers: &[(u64, u32)], set: &Set, classes: &[u8], rules: &Rules) -> bool {
    let of = |i: usize| (set.shingles.get(i), &classes[set.shingles.span(i)]);
    let weights = table(&rules.weights, None);
    let (mut pairs, mut like) = (0, 0);
    for (k, (_, a)) in carriers.iter().enumerate() {
        for (_, b) in &carriers[..k] {
            let (a, b) = (*a as usize, *b as usize);
            pairs += 1;
            let near = similarity(of(a), of(b), &weights, set.subject.get(a)) >= rules.like;
            like += u32::from(near);
        }
    }
    like * 1000 >= rules.agreeing * pairs
}
