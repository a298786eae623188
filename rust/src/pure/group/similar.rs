//! How like two sketches are, and how like they must be.

use super::{By, Rules};
use crate::pure::limits::SKETCH;

/// Weights by class, its bit of boilerplate included.
pub type Weights = [u32; 8];

/// Weights of strangers: all shingles alike.
const ALIKE: Weights = [1000; 8];

/// Weights of once, few and many; of boilerplate the same, or a weight of its own.
pub fn table(weights: &[u32; 3], boilerplate: Option<u32>) -> Weights {
    let [once, few, many] = *weights;
    let common = boilerplate.unwrap_or(many);
    [once, few, many, many, once, few, common, common]
}

/// Weighted Jaccard of two sketches in thousandths, over the `SKETCH` smallest shingles of the two together; shingles that
/// stand in `without` (ascending) are left out. Nothing in common and nothing at all are 0.
pub fn similarity(a: (&[u64], &[u8]), b: (&[u64], &[u8]), weights: &Weights, without: &[u64]) -> u32 {
    if without.is_empty() {
        jaccard(a, b, weights, |_| true)
    } else {
        let mut out = without;
        // Asked in ascending order.
        jaccard(a, b, weights, |shingle| {
            while out.first().is_some_and(|o| *o < shingle) {
                out = &out[1..];
            }
            out.first() != Some(&shingle)
        })
    }
}

/// Which of the two has the smaller shingle is a coin's toss, so no step is a branch on it.
#[inline]
fn jaccard(
    (a, a_classes): (&[u64], &[u8]),
    (b, b_classes): (&[u64], &[u8]),
    weights: &Weights,
    mut counts: impl FnMut(u64) -> bool,
) -> u32 {
    let (a_classes, b_classes) = (&a_classes[..a.len()], &b_classes[..b.len()]);
    let weight = |class: u8| weights[usize::from(class & 7)];
    let (mut i, mut j, mut seen) = (0, 0, 0);
    let (mut both, mut all) = (0u32, 0u32);
    while seen < SKETCH && i < a.len() && j < b.len() {
        let (left, right) = (a[i], b[j]);
        let (left_class, right_class) = (a_classes[i], b_classes[j]);
        let (first, second) = (left <= right, right <= left);
        let class = if first { left_class } else { right_class };
        let w = weight(class) * u32::from(counts(left.min(right)));
        all += w;
        both += w * u32::from(first & second);
        i += usize::from(first);
        j += usize::from(second);
        seen += 1;
    }
    // What is left stands in one of the two.
    let (rest, classes) = if i < a.len() {
        (&a[i..], &a_classes[i..])
    } else {
        (&b[j..], &b_classes[j..])
    };
    for (shingle, class) in rest.iter().zip(classes).take(SKETCH - seen) {
        all += weight(*class) * u32::from(counts(*shingle));
    }
    (both * 1000).checked_div(all).unwrap_or(0)
}

/// What two need to be a pair, what their shingles weigh, and what lowered the need, by the marks of subject and links that count for each.
pub fn kin(a: (&[u64], &[u64]), b: (&[u64], &[u64]), rules: &Rules) -> (u32, Weights, By) {
    // A subject shared in part lowers in part: of generic words each campaign adds its own to.
    let (subject, link) = (common(a.0, b.0), meet(a.1, b.1));
    if subject > 0 || link {
        let off = subject * rules.subject / 1000 + u32::from(link) * rules.link;
        let by = if subject > 0 { By::Subject } else { By::Link };
        // Generic words above one footer are no reason, nor is one host under two subjects: what unlike messages carry weighs
        // little then.
        let apart = !link || subject == 0 && !a.0.is_empty() && !b.0.is_empty();
        let little = (apart && subject < rules.partial).then_some(rules.boilerplate);
        let weights = table(&rules.weights, little);
        return (rules.base.saturating_sub(off).max(rules.least), weights, by);
    }
    if !a.0.is_empty() && !b.0.is_empty() {
        // Strangers: each has a subject of its own. What makes hash-busters vanish, a line that stands in one message alone, is
        // here what tells the two apart.
        return (rules.base, ALIKE, By::Text);
    }
    let any = [a.0, a.1, b.0, b.1].iter().any(|marks| !marks.is_empty());
    let needed = if any { rules.base } else { rules.without };
    (needed, table(&rules.weights, None), By::Text)
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
