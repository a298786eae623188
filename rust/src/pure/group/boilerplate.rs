//! Shingles that unlike messages carry: lines under letters of many campaigns.
//!
//! A shingle of many carriers is boilerplate if of the lowest of them by content hash hardly two are alike: what is asked of a bigram
//! of the subject, asked of the text. It says little where two have no more in common than part of a subject.

use super::lists::Lists;
use super::similar::{similarity, table};
use super::Rules;

/// The bit that marks a class as boilerplate.
pub const BOILERPLATE: u8 = 4;
/// Values looked at in one sort.
const AT_ONCE: usize = 24 << 20;

/// Mark boilerplate among the classes of `shingles`.
pub fn mark(shingles: &Lists, classes: &mut [u8], rules: &Rules) {
    let often = classes.iter().filter(|c| **c == 2).count();
    let parts = often.div_ceil(AT_ONCE).max(1).next_power_of_two() as u64;
    let mut found: Vec<u64> = Vec::new();
    let mut carried: Vec<(u64, u32)> = Vec::new();
    for part in 0..parts {
        carried.clear();
        for i in 0..shingles.len() {
            let both = shingles.get(i).iter().zip(&classes[shingles.span(i)]);
            let mine = both.filter(|(s, c)| **c == 2 && *s & (parts - 1) == part);
            carried.extend(mine.map(|(s, _)| (*s, i as u32)));
        }
        carried.sort_unstable();
        let runs = carried.chunk_by(|a, b| a.0 == b.0).filter(|r| r.len() >= rules.spread);
        found.extend(
            runs.filter(|r| unlike(&r[..r.len().min(rules.sample)], shingles, classes, rules))
                .map(|r| r[0].0),
        );
    }
    if found.is_empty() {
        return;
    }
    found.sort_unstable();
    for (class, shingle) in classes.iter_mut().zip(shingles.values()) {
        if *class == 2 && found.binary_search(shingle).is_ok() {
            *class |= BOILERPLATE;
        }
    }
}

/// Fewer of the pairs of these carriers are alike than `rules.common` says.
fn unlike(carriers: &[(u64, u32)], shingles: &Lists, classes: &[u8], rules: &Rules) -> bool {
    let of = |i: usize| (shingles.get(i), &classes[shingles.span(i)]);
    let pairs = (carriers.len() * (carriers.len() - 1) / 2) as u32;
    let weights = table(&rules.weights, None);
    let mut like = 0;
    for (k, (_, a)) in carriers.iter().enumerate() {
        for (_, b) in &carriers[..k] {
            like += u32::from(similarity(of(*a as usize), of(*b as usize), &weights, &[]) >= rules.near);
            if like * 1000 >= rules.common * pairs {
                return false;
            }
        }
    }
    true
}
