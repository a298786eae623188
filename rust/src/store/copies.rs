//! Which raw digests a feed holds, and how many copies of each: what an import leaves out.
//!
//! A sorted array, not a map: ten million digests take 200 MB here and three times that in a hash map. Of a digest the
//! first 20 bytes are kept; to make two messages that agree on them costs an attacker 2^80 hashes.

const KEPT: usize = 20;

/// Copies of digests, to be used up one by one. A digest with three copies stands here three times.
#[derive(Default)]
pub struct Copies {
    keys: Vec<[u8; KEPT]>,
    // One bit a key; within the copies of one digest the used ones come first. Empty while keys are unsorted.
    used: Vec<u64>,
}

impl Copies {
    /// Add digests, 32 bytes each; a shorter rest is ignored.
    pub fn add(&mut self, digests: &[u8]) {
        // One that was used up is given back: an import does so while it uses up others.
        if digests.len() == 32 && self.give_back(&digests[..KEPT]) {
            return;
        }
        self.unsettle();
        self.keys.extend(
            digests
                .chunks_exact(32)
                .map(|d| <[u8; KEPT]>::try_from(&d[..KEPT]).expect("20 of 32 bytes")),
        );
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Use up one copy of a digest; whether there was one.
    pub fn use_up(&mut self, digest: &[u8]) -> bool {
        let Some(wanted) = digest.get(..KEPT).filter(|_| digest.len() == 32) else {
            return false;
        };
        self.settle();
        let place = self.first_unused(wanted);
        let found = self.keys.get(place).is_some_and(|key| key == wanted);
        if found {
            self.used[place / 64] |= 1 << (place % 64);
        }
        found
    }

    fn is_used(&self, place: usize) -> bool {
        self.used[place / 64] >> (place % 64) & 1 == 1
    }

    /// Where the first unused copy of a key stands, or would stand. Keys must be settled.
    fn first_unused(&self, wanted: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.keys.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let key = self.keys[middle].as_slice();
            if key < wanted || (key == wanted && self.is_used(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn give_back(&mut self, wanted: &[u8]) -> bool {
        if self.used.is_empty() {
            return false;
        }
        let Some(place) = self.first_unused(wanted).checked_sub(1) else {
            return false;
        };
        let found = self.keys[place] == wanted && self.is_used(place);
        if found {
            self.used[place / 64] &= !(1 << (place % 64));
        }
        found
    }

    /// Copies that are left.
    pub fn left(&self) -> usize {
        self.keys.len() - self.used.iter().map(|word| word.count_ones() as usize).sum::<usize>()
    }

    fn settle(&mut self) {
        if self.used.is_empty() {
            self.keys.sort_unstable();
            self.used = vec![0; self.keys.len() / 64 + 1];
        }
    }

    /// Before more is added: what is used up goes, so that the bits need not move.
    fn unsettle(&mut self) {
        let used = std::mem::take(&mut self.used);
        if used.iter().any(|word| *word != 0) {
            let mut place = 0;
            self.keys.retain(|_| {
                place += 1;
                used[(place - 1) / 64] >> ((place - 1) % 64) & 1 == 0
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn digest(n: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        bytes
    }

    #[test]
    fn a_copy_is_used_up_once() {
        let mut copies = Copies::default();
        assert!(!copies.use_up(&digest(1)));
        copies.add(&[digest(1), digest(2), digest(1)].concat());
        assert_eq!(copies.left(), 3);
        assert!(copies.use_up(&digest(1)) && copies.use_up(&digest(1)) && !copies.use_up(&digest(1)));
        assert_eq!(copies.left(), 1);
        assert!(!copies.use_up(&digest(2)[..31]));
    }

    #[test]
    fn any_order_of_adding_and_using_up_is_that_of_a_map() {
        let mut state = 7_u64;
        let mut next = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        let mut copies = Copies::default();
        let mut map: HashMap<[u8; 32], usize> = HashMap::new();
        for _ in 0..20_000 {
            let one = digest(next(200));
            if next(3) == 0 {
                copies.add(&one);
                *map.entry(one).or_default() += 1;
            } else {
                let left = map.entry(one).or_default();
                assert_eq!(copies.use_up(&one), *left > 0);
                *left = left.saturating_sub(1);
            }
        }
        assert_eq!(copies.left(), map.values().sum::<usize>());
    }
}
