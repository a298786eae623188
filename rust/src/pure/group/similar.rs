//! How like two sketches are, and how like they must be.

use super::{By, Rules};
use crate::pure::limits::SKETCH;

/// Weights of strangers: all shingles alike.
const ALIKE: [u32; 3] = [1000; 3];

/// Weighted Jaccard of two sketches in thousandths, over the `SKETCH` smallest shingles of the two together; shingles that
/// stand in `without` (ascending) are left out. Nothing in common and nothing at all are 0.
pub fn similarity(a: (&[u64], &[u8]), b: (&[u64], &[u8]), weights: &[u32; 3], without: &[u64]) -> u32 {
    let ((a, a_classes), (b, b_classes)) = (a, b);
    let (mut i, mut j, mut seen) = (0, 0, 0);
    let (mut both, mut all) = (0u32, 0u32);
    let weight = |class: u8| weights[usize::from(class.min(2))];
    let counts = |shingle: u64| without.is_empty() || without.binary_search(&shingle).is_err();
    while seen < SKETCH && i < a.len() && j < b.len() {
        let (left, right) = (a[i], b[j]);
        let class = if left <= right { a_classes[i] } else { b_classes[j] };
        let w = if counts(left.min(right)) { weight(class) } else { 0 };
        all += w;
        both += if left == right { w } else { 0 };
        i += usize::from(left <= right);
        j += usize::from(right <= left);
        seen += 1;
    }
    // What is left stands in one of the two.
    let (rest, classes) = if i < a.len() {
        (&a[i..], &a_classes[i..])
    } else {
        (&b[j..], &b_classes[j..])
    };
    for (shingle, class) in rest.iter().zip(classes).take(SKETCH - seen) {
        all += if counts(*shingle) { weight(*class) } else { 0 };
    }
    (both * 1000).checked_div(all).unwrap_or(0)
}

/// What two need to be a pair, what their shingles weigh, and what lowered the need, by the marks of subject and links that count for each.
pub fn kin<'a>(a: (&[u64], &[u64]), b: (&[u64], &[u64]), rules: &'a Rules) -> (u32, &'a [u32; 3], By) {
    // A subject shared in part lowers in part: of generic words each campaign adds its own to.
    let (subject, link) = (common(a.0, b.0), meet(a.1, b.1));
    if subject > 0 || link {
        let off = subject * rules.subject / 1000 + u32::from(link) * rules.link;
        let by = if subject > 0 { By::Subject } else { By::Link };
        return (rules.base.saturating_sub(off).max(rules.least), &rules.weights, by);
    }
    if !a.0.is_empty() && !b.0.is_empty() {
        // Strangers: each has a subject of its own. What makes hash-busters vanish, a line that stands in one message alone, is
        // here what tells the two apart.
        return (rules.base, &ALIKE, By::Text);
    }
    let any = [a.0, a.1, b.0, b.1].iter().any(|marks| !marks.is_empty());
    (if any { rules.base } else { rules.without }, &rules.weights, By::Text)
}

/// Jaccard of two ascending lists, thousandths; 0 only of lists that have nothing in common.
pub fn common(a: &[u64], b: &[u64]) -> u32 {
    let both = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    let all = a.len() + b.len() - both;
    (both * 1000).checked_div(all).unwrap_or(0) as u32
}

/// Two ascending lists have a number in common.
pub fn meet(a: &[u64], b: &[u64]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.iter().any(|x| long.binary_search(x).is_ok())
}
