//! What two messages are told by where they hardly say anything: pictures, subject and host together, and what they are built
//! like.
//!
//! A message of fewer than eight words is *bare*. Two bare ones whose pictures look alike belong together, whatever stands
//! above. If what they are built like (tag order, link shapes, header order, parts, all of it) has carriers that are alike, it
//! lowers what they need, as a host does; and there they meet. A bare message and one that has a text are compared by what both
//! have: most of their subject and a host that counts, or all of it and a host; they meet by what counts of their subjects. Two bare ones that show pictures which are not alike, and have no host in common,
//! need one and the same subject: generic words of it are no reason.

use super::evidence::Proven;
use super::similar::{common, kin, meet, similarity, table};
use super::{By, Rules, Set, Verdict};
use crate::pure::forms::BARE;
use crate::pure::pictures::{differing, BITS};

/// Bands of a picture's bits: pictures of one band meet.
const BANDS: u32 = 9;
const BAND_BITS: u32 = BITS / BANDS;

/// What of a fingerprint is held against another's.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Sketch.
    pub shingles: &'a [u64],
    /// Frequency of each shingle.
    pub classes: &'a [u8],
    /// Bigrams of the subject, all of them, ascending.
    pub title: &'a [u64],
    /// Those that count.
    pub subject: &'a [u64],
    /// Those of all subjects that are one campaign's own.
    pub own: &'a [u64],
    /// Hosts that count.
    pub links: &'a [u64],
    /// All hosts.
    pub hosts: &'a [u64],
    /// It says fewer than eight words.
    pub bare: bool,
    /// Pictures of a bare message.
    pub pictures: &'a [u64],
    /// What a bare message is built like, where that counts; else 0.
    pub build: u64,
}

/// Similarity of two, what they need to be a pair, and by what.
pub fn judge(a: &Side, b: &Side, rules: &Rules) -> Verdict {
    if a.bare && b.bare {
        if let Some(bits) = alike(a.pictures, b.pictures, rules.bits) {
            return Verdict {
                similarity: agreement(bits),
                needed: agreement(rules.bits),
                by: By::Picture,
            };
        }
    }
    let unlike = a.bare && b.bare && !a.pictures.is_empty() && !b.pictures.is_empty();
    if unlike && !meet(a.hosts, b.hosts) {
        return headed(a, b, SAME);
    }
    let (mut needed, weights, mut by) = kin((a.subject, a.links), (b.subject, b.links), rules);
    if a.bare && b.bare && a.build != 0 && a.build == b.build {
        let lower = needed.saturating_sub(rules.link).max(rules.least);
        by = if lower < needed && by == By::Text {
            By::Build
        } else {
            by
        };
        needed = lower.min(needed);
    }
    // Few words and many are shingled apart: what both sketches could have is the subject, of which more below.
    let without = if a.bare != b.bare {
        either(a.title, b.title)
    } else {
        vec![]
    };
    let found = Verdict {
        similarity: similarity((a.shingles, a.classes), (b.shingles, b.classes), &weights, &without),
        needed,
        by,
    };
    if a.bare != b.bare && found.similarity < needed {
        return under_one(a, b, rules).unwrap_or(found);
    }
    found
}

/// A picture and a letter: most of a subject above a host that counts, or all of it above any host, or if it is one campaign's own.
fn under_one(a: &Side, b: &Side, rules: &Rules) -> Option<Verdict> {
    let mut both = a
        .subject
        .iter()
        .filter(|m| b.subject.binary_search(m).is_ok())
        .peekable();
    both.peek()?;
    if meet(a.links, b.links) {
        return Some(headed(a, b, rules.base));
    }
    let owned = meet(a.hosts, b.hosts) || both.any(|m| a.own.binary_search(m).is_ok());
    owned.then(|| headed(a, b, SAME))
}

/// What stands in one of two lists, ascending.
fn either(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all
}

/// So alike are two subjects that are one, thousandths.
const SAME: u32 = 900;

fn headed(a: &Side, b: &Side, needed: u32) -> Verdict {
    Verdict {
        similarity: common(a.title, b.title),
        needed,
        by: By::Heading,
    }
}

/// Bits that differ, as the share of those that do not: thousandths.
pub fn agreement(bits: u32) -> u32 {
    (BITS - bits) * 1000 / BITS
}

/// In how many bits the two most alike differ, where at least half of all pictures of both have one like them on the other side.
pub fn alike(a: &[u64], b: &[u64], most: u32) -> Option<u32> {
    let (mut like, mut least) = (0, BITS);
    for (own, others) in [(a, b), (b, a)] {
        for picture in own {
            let nearest = others.iter().map(|o| differing(*picture, *o)).min().unwrap_or(BITS);
            like += usize::from(nearest <= most);
            least = least.min(nearest);
        }
    }
    (like > 0 && 2 * like >= a.len() + b.len()).then_some(least)
}

/// The places where pictures meet: a number for each band of each, told from hashes of shingles by nothing but chance.
pub fn bands(pictures: &[u64]) -> impl Iterator<Item = u64> + '_ {
    pictures.iter().flat_map(|p| {
        (0..BANDS).map(move |band| {
            let bits = p >> (band * BAND_BITS) & ((1 << BAND_BITS) - 1);
            mixed(u64::from(band) << BAND_BITS | bits)
        })
    })
}

/// What a bare message is built like: all its forms as one number; 0 where it has none.
pub fn build(forms: &[u64]) -> u64 {
    let own: Vec<u64> = forms.iter().copied().filter(|f| f & 7 != BARE & 7).collect();
    if own.is_empty() {
        return 0;
    }
    own.iter().fold(0, |all, form| mixed(all ^ form))
}

/// An odd number without a pattern (digits of e) times another, its halves one over the other, in 63 bits, never 0.
fn mixed(value: u64) -> u64 {
    let product = u128::from(value ^ 0xb7e1_5162_8aed_2a6b) * 0x9e37_79b9_7f4a_7c15;
    ((product as u64 ^ (product >> 64) as u64) >> 1).max(1)
}

/// What each bare fingerprint is built like, where carriers of it are alike; else 0.
pub fn builds(set: &Set, classes: &[u8], rules: &Rules) -> Vec<u64> {
    let rows = set.bare.rows();
    let mut carried: Vec<(u64, u32)> = (0..)
        .zip(rows)
        .map(|(i, row)| (build(set.bare.forms(*row as usize)), i))
        .filter(|(build, _)| *build != 0)
        .collect();
    carried.sort_unstable();
    let mut out = vec![0; rows.len()];
    for run in carried.chunk_by(|a, b| a.0 == b.0) {
        let lowest: Vec<usize> = run
            .iter()
            .take(rules.sample)
            .map(|(_, i)| rows[*i as usize] as usize)
            .collect();
        if run.len() > 1 && agree(&lowest, set, classes, rules) {
            for (build, i) in run {
                out[*i as usize] = *build;
            }
        }
    }
    out
}

/// Of the pairs of these carriers enough are alike, by their pictures or by what they say.
fn agree(carriers: &[usize], set: &Set, classes: &[u8], rules: &Rules) -> bool {
    let of = |i: usize| (set.shingles.get(i), &classes[set.shingles.span(i)]);
    let weights = table(&rules.weights, None);
    let (mut pairs, mut like) = (0, 0);
    for (k, a) in carriers.iter().enumerate() {
        for b in &carriers[..k] {
            pairs += 1;
            let said = || similarity(of(*a), of(*b), &weights, set.bare.forms(*a)) >= rules.like;
            let seen = alike(set.bare.pictures(*a), set.bare.pictures(*b), rules.bits);
            like += u32::from(seen.is_some() || said());
        }
    }
    like * 1000 >= rules.agreeing * pairs
}

/// Call `visit` for each place where bare messages meet, once: members ascending, and how many of them may lead.
pub fn each(set: &Set, proven: &Proven, rules: &Rules, mut visit: impl FnMut(u64, &[u32], usize)) {
    let mut pairs: Vec<(u64, u32)> = Vec::new();
    for &row in set.bare.rows() {
        pairs.extend(bands(set.bare.pictures(row as usize)).map(|band| (band, row)));
    }
    runs(&mut pairs, |key, members| visit(key, members, rules.shown));
    pairs.clear();
    let built = proven.builds.iter().zip(set.bare.rows()).filter(|(b, _)| **b != 0);
    pairs.extend(built.map(|(b, row)| (*b, *row)));
    runs(&mut pairs, |key, members| visit(key, members, rules.leaders));
    drop(pairs);
    headings(set, proven, |key, members| visit(key, members, rules.leaders));
}

/// Values looked at in one sort.
const AT_ONCE: usize = 24 << 20;

/// Call `visit` where pictures meet letters: for each bigram that stands above both.
fn headings(set: &Set, proven: &Proven, mut visit: impl FnMut(u64, &[u32])) {
    let shown = above(set, proven);
    let all = if shown.is_empty() {
        0
    } else {
        proven.subject.values().len()
    };
    let parts = all.div_ceil(AT_ONCE).max(1).next_power_of_two() as u64;
    let mut pairs: Vec<(u64, u32)> = Vec::new();
    for part in 0..parts {
        pairs.clear();
        for row in 0..set.len() {
            let marks = proven.subject.get(row).iter();
            let mine = marks.filter(|m| **m & (parts - 1) == part && shown.binary_search(m).is_ok());
            pairs.extend(mine.map(|m| (*m, row as u32)));
        }
        runs(&mut pairs, |key, members| {
            if members.iter().any(|m| !set.bare.has(*m as usize)) {
                visit(key, members);
            }
        });
    }
}

/// Bigrams that count and stand in the subject of a bare message, ascending: there a picture meets its letter.
pub fn above(set: &Set, proven: &Proven) -> Vec<u64> {
    let of = |row: &u32| proven.subject.get(*row as usize).iter().copied();
    let mut marks: Vec<u64> = set.bare.rows().iter().flat_map(of).collect();
    marks.sort_unstable();
    marks.dedup();
    marks
}

fn runs(pairs: &mut Vec<(u64, u32)>, mut visit: impl FnMut(u64, &[u32])) {
    pairs.sort_unstable();
    pairs.dedup();
    for run in pairs.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        let members: Vec<u32> = run.iter().map(|p| p.1).collect();
        visit(run[0].0, &members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pictures_must_be_alike() {
        let (one, near, far) = (0x0f0f_0f0f_0f0f_0f0f, 0x0f0f_0f0f_0f0f_0f0c, 0x70f0_f0f0_f0f0_f0f0);
        assert_eq!(alike(&[one], &[near], 12), Some(2));
        assert_eq!(alike(&[one], &[far], 12), None);
        assert_eq!(alike(&[near, far], &[one], 12), Some(2));
        assert_eq!(alike(&[one, 1, 2, 4], &[far], 12), None);
        assert_eq!(alike(&[], &[], 12), None);
        assert_eq!((agreement(0), agreement(63)), (1000, 0));
    }

    #[test]
    fn pictures_that_differ_in_few_bits_share_a_band() {
        let one = 0x2468_ace0_1357_9bdf_u64;
        for seed in 0..200u64 {
            let mut other = one;
            (0..6).for_each(|k| other ^= 1 << (mixed(seed * 6 + k) % u64::from(BITS)));
            let own: Vec<u64> = bands(&[one]).collect();
            assert!(bands(&[other]).any(|b| own.contains(&b)), "{other:x}");
        }
    }
}
