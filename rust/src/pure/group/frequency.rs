//! In how many fingerprints a shingle stands: once, in a few, in many.

use super::lists::Lists;

/// Values looked at in one go.
const AT_ONCE: usize = 24 << 20;
/// About so many values are sorted at a time: what stays near the processor.
const NEAR: usize = 128;

/// One byte a shingle, beside `shingles.values()`: 0 once, 1 in a few, 2 in `many` or more.
///
/// Exact, by sorting; the values are taken in as many parts of the hash range as memory asks for, which changes nothing.
pub fn classes(shingles: &Lists, many: usize) -> Vec<u8> {
    let values = shingles.values();
    let mut classes = vec![0u8; values.len()];
    let parts = values.len().div_ceil(AT_ONCE).next_power_of_two();
    let bits = parts.trailing_zeros();
    let heaps = (values.len() / parts / NEAR).next_power_of_two().min(1 << 16);
    let mut ends = vec![0usize; heaps];
    let mut heaped: Vec<(u64, u32)> = Vec::new();
    for part in 0..parts as u64 {
        // The smallest hashes of a message lie low, so the part is told from the low bits.
        let mine = || {
            let all = values.iter().enumerate();
            all.filter(|(_, v)| *v & ((1 << bits) - 1) == part)
        };
        ends.fill(0);
        mine().for_each(|(_, v)| ends[heap(*v, heaps)] += 1);
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        heaped.clear();
        heaped.resize(before, (0, 0));
        for (i, v) in mine() {
            let end = &mut ends[heap(*v, heaps)];
            heaped[*end] = (*v, i as u32);
            *end += 1;
        }
        let mut start = 0;
        for end in &ends {
            let sorted = &mut heaped[start..*end];
            sorted.sort_unstable();
            start = *end;
            for run in sorted.chunk_by(|a, b| a.0 == b.0) {
                if run.len() > 1 {
                    let class = if run.len() >= many { 2 } else { 1 };
                    for (_, i) in run {
                        classes[*i as usize] = class;
                    }
                }
            }
        }
    }
    classes
}

/// Which of `heaps` (a power of two) a value is laid on: equal ones on one, different ones anywhere.
fn heap(value: u64, heaps: usize) -> usize {
    (value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize & (heaps - 1)
}
