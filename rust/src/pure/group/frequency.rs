//! In how many fingerprints a shingle stands: once, in a few, in many.

use super::lists::Lists;

/// Values looked at in one sort.
const AT_ONCE: usize = 24 << 20;

/// One byte a shingle, beside `shingles.values()`: 0 once, 1 in a few, 2 in `many` or more.
///
/// Exact, by sorting; the values are taken in as many parts of the hash range as memory asks for, which changes nothing.
pub fn classes(shingles: &Lists, many: usize) -> Vec<u8> {
    let values = shingles.values();
    let mut classes = vec![0u8; values.len()];
    let parts = values.len().div_ceil(AT_ONCE).next_power_of_two();
    let bits = parts.trailing_zeros();
    let mut sorted: Vec<(u64, u32)> = Vec::with_capacity(values.len() / parts + values.len() / parts / 8);
    for part in 0..parts as u64 {
        sorted.clear();
        // The smallest hashes of a message lie low, so the part is told from the low bits.
        let mine = values
            .iter()
            .enumerate()
            .filter(|(_, v)| *v & ((1 << bits) - 1) == part);
        sorted.extend(mine.map(|(i, v)| (*v, i as u32)));
        sorted.sort_unstable();
        for run in sorted.chunk_by(|a, b| a.0 == b.0) {
            if run.len() > 1 {
                let class = if run.len() >= many { 2 } else { 1 };
                for (_, i) in run {
                    classes[*i as usize] = class;
                }
            }
        }
    }
    classes
}
