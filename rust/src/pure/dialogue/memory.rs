//! What a trap remembers from one session to the next: who was put off, and which messages did not come to their end. Keyed
//! hashes alone, and never more than `MOST` of a kind: the oldest are forgotten first.

use std::collections::{BTreeMap, VecDeque};

use super::keyed::keyed;

/// Hashes of a kind that are remembered.
pub const MOST: usize = 100_000;
/// After so long, microseconds, what comes again is no retry: five days, the longest that RFC 5321 (4.5.4.1) has senders try.
pub const FOR: i64 = 5 * 86_400_000_000;

/// What is remembered by: 16 bytes of a keyed hash.
pub type Key = [u8; 16];

/// The key of something a peer did.
pub fn key(secret: &[u8; 32], label: &str, parts: &[&[u8]]) -> Key {
    let mut out = [0; 16];
    out.copy_from_slice(&keyed(secret, label, parts)[..16]);
    out
}

/// Keys with the instant at which each was put in, and a word.
#[derive(Debug)]
struct Kept {
    by_key: BTreeMap<Key, (i64, bool)>,
    order: VecDeque<Key>,
    most: usize,
}

impl Kept {
    fn new(most: usize) -> Self {
        Kept {
            by_key: BTreeMap::new(),
            order: VecDeque::new(),
            most,
        }
    }

    fn get(&self, key: &Key, now: i64) -> Option<(i64, bool)> {
        let found = self.by_key.get(key).copied();
        found.filter(|(at, _)| now - at <= FOR)
    }

    fn put(&mut self, key: Key, now: i64, word: bool) {
        if self.by_key.insert(key, (now, word)).is_none() {
            self.order.push_back(key);
        }
        // A key that was taken out still stands in the order: both are kept within the bound.
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.by_key.remove(&oldest);
            }
        }
    }
}

/// The memory of one trap.
#[derive(Debug)]
pub struct Memory {
    greylisted: Kept,
    lost: Kept,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::of_size(MOST)
    }
}

impl Memory {
    /// A memory for so many keys of a kind.
    pub fn of_size(most: usize) -> Self {
        Memory {
            greylisted: Kept::new(most),
            lost: Kept::new(most),
        }
    }

    /// Whether a greylisted delivery may go on: it was tried before, at least `wait` microseconds ago. A first try is noted.
    pub fn let_through(&mut self, key: Key, wait: i64, now: i64) -> bool {
        match self.greylisted.get(&key, now) {
            Some((first, _)) => now - first >= wait,
            None => {
                self.greylisted.put(key, now, false);
                false
            }
        }
    }

    /// Note a delivery that was not acknowledged; `recorded` where a record of it stands all the same.
    pub fn lost(&mut self, key: Key, now: i64, recorded: bool) {
        let before = self.lost.get(&key, now).is_some_and(|(_, was)| was);
        self.lost.put(key, now, recorded || before);
    }

    /// Whether a delivery was tried before and not acknowledged, and if so whether a record of that stands.
    pub fn tried(&self, key: &Key, now: i64) -> Option<bool> {
        self.lost.get(key, now).map(|(_, recorded)| recorded)
    }

    /// It is acknowledged: what comes from now on is a repeat of its own.
    pub fn acknowledged(&mut self, key: &Key) {
        self.lost.by_key.remove(key);
    }

    /// Whether nothing was lost lately.
    pub fn nothing_lost(&self) -> bool {
        self.lost.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn k(n: u32) -> Key {
        key(&[7; 32], "test", &[&n.to_be_bytes()])
    }

    #[test]
    fn the_oldest_are_forgotten_first_and_there_are_never_more() {
        for (most, first) in [(9, None), (10, Some(false)), (11, Some(false))] {
            let mut memory = Memory::of_size(most);
            for n in 0..10 {
                memory.lost(k(n), 0, false);
                memory.acknowledged(&k(n));
                memory.lost(k(n), 0, false);
            }
            assert!(memory.lost.by_key.len() <= most && memory.lost.order.len() <= most);
            assert_eq!(memory.tried(&k(9), 0), Some(false));
            if most >= 20 {
                assert_eq!(memory.tried(&k(0), 0), first);
            }
        }
    }

    #[test]
    fn a_first_try_waits_and_a_later_one_goes_through() {
        let mut memory = Memory::default();
        assert!(!memory.let_through(k(1), 300, 1_000));
        assert!(!memory.let_through(k(1), 300, 1_299));
        assert!(memory.let_through(k(1), 300, 1_300));
        assert!(!memory.let_through(k(1), 300, 1_001 + FOR));
    }

    #[test]
    fn what_was_acknowledged_is_no_retry_and_what_stands_once_stands() {
        let mut memory = Memory::default();
        memory.lost(k(1), 0, true);
        memory.lost(k(1), 1, false);
        assert_eq!(memory.tried(&k(1), 2), Some(true));
        assert_eq!(memory.tried(&k(1), 2 + FOR), None);
        memory.acknowledged(&k(1));
        assert_eq!(memory.tried(&k(1), 2), None);
    }
}
