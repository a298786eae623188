//! Which marks (a bigram of the subject, a host) say that two messages belong together.
//!
//! A bigram that unlike messages carry ("your account") says nothing. Whether the carriers of a mark are alike is asked of the
//! lowest by content hash, the mark's own shingles left out: a function of the set, and bounded.

use super::lists::Lists;
use super::looks::{alike, builds};
use super::similar::{similarity, table};
use super::{Rules, Set};

/// Marks that count, per fingerprint.
pub struct Proven {
    /// Bigrams of the subject that say whose it is: their carriers are alike, or nobody else has them.
    pub subject: Lists,
    /// Bigrams of subjects, ascending, that hardly two unlike messages carry: they are one campaign's own.
    pub own: Vec<u64>,
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
    let (subject, own) = proven(&set.subject, set, classes, rules, true);
    Proven {
        subject,
        own,
        links: proven(&set.links, set, classes, rules, false).0,
        builds: builds(set, classes, rules),
    }
}

/// Lists of the marks that count, and those of them that are one campaign's own.
fn proven(marks: &Lists, set: &Set, classes: &[u8], rules: &Rules, alone: bool) -> (Lists, Vec<u64>) {
    let mut carried: Vec<(u64, u32)> = Vec::with_capacity(marks.values().len());
    for i in 0..marks.len() {
        carried.extend(marks.get(i).iter().map(|m| (*m, i as u32)));
    }
    carried.sort_unstable();
    let (mut good, mut own) = (Vec::new(), Vec::new());
    for run in carried.chunk_by(|a, b| a.0 == b.0) {
        let found = match run.len() {
            1 => Carriers::default(),
            n => compared(&run[..n.min(rules.sample)], set, classes, rules),
        };
        if found
            .share()
            .map_or(alone || run.len() > 1, |share| share >= rules.agreeing)
        {
            good.push(run[0].0);
        }
        if found.seen_share().map_or(run.len() == 2, |share| share >= rules.own) {
            own.push(run[0].0);
        }
    }
    drop(carried);
    let mut out = Lists::with_capacity(marks.len(), marks.values().len() / 2);
    for i in 0..marks.len() {
        out.push(marks.get(i).iter().copied().filter(|m| good.binary_search(m).is_ok()));
    }
    (out, own)
}

/// Pairs of carriers that can be compared, and how many of them are alike.
#[derive(Clone, Copy, Default)]
struct Carriers {
    pairs: u32,
    like: u32,
    /// The same where nothing but a letter's text or a picture's looks is asked.
    seen: u32,
    seen_like: u32,
}

impl Carriers {
    fn share(self) -> Option<u32> {
        (self.like * 1000).checked_div(self.pairs)
    }
    fn seen_share(self) -> Option<u32> {
        (self.seen_like * 1000).checked_div(self.seen)
    }
}

/// Few words and many cannot be compared: a picture and a letter are no pair. Bare ones are alike by tags soon, so for a bigram that is to
/// be one campaign's own their pictures are asked.
fn compared(carriers: &[(u64, u32)], set: &Set, classes: &[u8], rules: &Rules) -> Carriers {
    let of = |i: usize| (set.shingles.get(i), &classes[set.shingles.span(i)]);
    let weights = table(&rules.weights, None);
    let mut found = Carriers::default();
    for (k, (_, a)) in carriers.iter().enumerate() {
        for (_, b) in &carriers[..k] {
            let (a, b) = (*a as usize, *b as usize);
            let bare = set.bare.has(a);
            if bare != set.bare.has(b) {
                continue;
            }
            let near = similarity(of(a), of(b), &weights, set.subject.get(a)) >= rules.like;
            found.pairs += 1;
            found.like += u32::from(near);
            let shown = (set.bare.pictures(a), set.bare.pictures(b));
            if !bare {
                found.seen += 1;
                found.seen_like += u32::from(near);
            } else if !shown.0.is_empty() && !shown.1.is_empty() {
                found.seen += 1;
                found.seen_like += u32::from(alike(shown.0, shown.1, rules.bits).is_some());
            }
        }
    }
    found
}
