//! How like two sketches are.

use crate::pure::limits::SKETCH;

/// Weighted Jaccard of two sketches in thousandths, over the `SKETCH` smallest shingles of the two together; shingles that
/// stand in `without` (ascending) are left out. Nothing in common and nothing at all are 0.
pub fn similarity(a: (&[u64], &[u8]), b: (&[u64], &[u8]), weights: &[u32; 3], without: &[u64]) -> u32 {
    let (mut i, mut j, mut seen) = (0, 0, 0);
    let (mut both, mut all) = (0u32, 0u32);
    let weight = |class: u8| weights[usize::from(class)];
    while seen < SKETCH && (i < a.0.len() || j < b.0.len()) {
        let left = a.0.get(i).copied().unwrap_or(u64::MAX);
        let right = b.0.get(j).copied().unwrap_or(u64::MAX);
        let w = if left <= right { weight(a.1[i]) } else { weight(b.1[j]) };
        i += usize::from(left <= right);
        j += usize::from(right <= left);
        seen += 1;
        if !without.is_empty() && without.binary_search(&left.min(right)).is_ok() {
            continue;
        }
        all += w;
        both += if left == right { w } else { 0 };
    }
    (both * 1000).checked_div(all).unwrap_or(0)
}

/// Two ascending lists have a number in common.
pub fn meet(a: &[u64], b: &[u64]) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.iter().any(|x| long.binary_search(x).is_ok())
}
