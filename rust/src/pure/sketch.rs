//! The sketch: the smallest keyed hashes of a message's shingles.

use super::limits;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The smallest distinct values seen, at most `limits::SKETCH`.
#[derive(Default)]
struct Smallest {
    values: Vec<i64>,
    /// No value at or above this can be among the smallest.
    bound: Option<i64>,
}

impl Smallest {
    fn add(&mut self, value: i64) {
        if self.bound.is_none_or(|b| value < b) {
            self.values.push(value);
            if self.values.len() >= 8 * limits::SKETCH {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
        self.values.truncate(limits::SKETCH);
        if self.values.len() == limits::SKETCH {
            self.bound = self.values.last().copied();
        }
    }
}

/// Keyed hashes of the message's shingles: word 3-grams of the folded masked text, else character 5-grams.
///
/// Both texts are as `fold` yields them: tokens between single spaces.
pub fn sketch(masked_folded: &str, subject_folded: &str) -> Vec<i64> {
    let hash = |kind: &[u8], shingle: &str| {
        // The key is public here: a secret key belongs to the archive that compares with strangers.
        let mut h = SipHasher13::new_with_keys(0x7370616d74696465, 0x736b6574636831);
        h.write(kind);
        h.write(shingle.as_bytes());
        h.finish() as i64
    };
    let mut set = Smallest::default();
    // Where each token starts, and one past the last.
    let starts = |text: &str| -> Vec<usize> { memchr::memchr_iter(b' ', text.as_bytes()).map(|i| i + 1).collect() };
    let words = starts(masked_folded);
    if words.len() > 8 {
        for w in words.windows(4) {
            set.add(hash(b"", &masked_folded[w[0]..w[3]]));
        }
    } else {
        let text = masked_folded.trim();
        let chars: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        for w in chars.windows(6) {
            set.add(hash(b"c ", &text[w[0]..w[5]]));
        }
    }
    for w in starts(subject_folded).windows(3) {
        set.add(hash(b"s ", &subject_folded[w[0]..w[2]]));
    }
    set.settle();
    set.values
}
