//! Random numbers without a state that is handed on: Philox4x64-10, keyed by a hash of the purpose, counted by what is drawn.
//!
//! Any message can be made alone and in any order, because each begins its own count. The blocks are those of
//! `numpy.random.Philox` (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), which is the twin in the tests.

use super::maths::{exp, ln};
use sha2::{Digest, Sha256};

/// A key: what the numbers are for.
pub type Key = [u64; 2];

/// The key of a purpose and its inputs.
pub fn key(parts: &[&str]) -> Key {
    let digest = Sha256::digest(parts.join("\0").as_bytes());
    let word = |i: usize| u64::from_le_bytes(digest[i..i + 8].try_into().expect("eight bytes"));
    [word(0), word(8)]
}

/// One block of four numbers.
pub fn block(mut counter: [u64; 4], mut key: Key) -> [u64; 4] {
    let wide = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        ((product >> 64) as u64, product as u64)
    };
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(0x9E37_79B9_7F4A_7C15);
            key[1] = key[1].wrapping_add(0xBB67_AE85_84CA_A73B);
        }
        let (high0, low0) = wide(0xD2E7_470E_E14C_6C93, counter[0]);
        let (high1, low1) = wide(0xCA5A_8263_9512_1157, counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
    }
    counter
}

/// Numbers one after another for one thing that is drawn: a message, a host, a network.
#[derive(Clone, Debug)]
pub struct Draw {
    key: Key,
    counter: [u64; 4],
    left: [u64; 4],
    used: usize,
}

impl Draw {
    /// The numbers of the thing with the three-part name `what` under `key`.
    pub fn new(key: Key, what: [u64; 3]) -> Self {
        Draw {
            key,
            counter: [0, what[0], what[1], what[2]],
            left: [0; 4],
            used: 4,
        }
    }
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        if self.used == 4 {
            self.left = block(self.counter, self.key);
            self.counter[0] += 1;
            self.used = 0;
        }
        self.used += 1;
        self.left[self.used - 1]
    }
    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// A whole number from 0 to below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.word()) * n as u128) >> 64) as usize
    }
    /// One of the items.
    pub fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -ln(1.0 - self.unit())
    }
    /// Standard normal, by Marsaglia's polar method: no sine, so the same on any machine.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                return x * (-2.0 * ln(s) / s).sqrt();
            }
        }
    }
    /// Pareto from 1 up, with this index; the smaller, the heavier the tail. At most 1,000.
    pub fn pareto(&mut self, index: f64) -> f64 {
        exp(self.exponential() / index).min(1_000.0)
    }
}

/// First place whose running sum is above `u` of the whole; sums ascend and the last is the whole.
pub fn place(sums: &[f64], u: f64) -> usize {
    let target = u * sums.last().copied().unwrap_or(0.0);
    sums.partition_point(|s| *s <= target).min(sums.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_those_of_the_published_answers() {
        // Random123's kat_vectors, philox4x64 with 10 rounds.
        assert_eq!(
            block([0; 4], [0; 2]),
            [
                0x16554d9eca36314c,
                0xdb20fe9d672d0fdc,
                0xd7e772cee186176b,
                0x7e68b68aec7ba23b
            ]
        );
        assert_eq!(
            block([u64::MAX; 4], [u64::MAX; 2]),
            [
                0x87b092c3013fe90b,
                0x438c3c67be8d0224,
                0x9cc7d7c69cd777b6,
                0xa09caebf594f0ba0
            ]
        );
    }

    #[test]
    fn a_place_is_drawn_as_often_as_its_weight() {
        let sums = [1.0, 1.0, 4.0];
        let mut draw = Draw::new(key(&["test"]), [0, 0, 0]);
        let mut seen = [0; 3];
        for _ in 0..4_000 {
            seen[place(&sums, draw.unit())] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((seen[0] as f64 - 1_000.0).abs() < 150.0);
    }

    #[test]
    fn exponentials_have_mean_one_and_normals_spread_one() {
        let mut draw = Draw::new(key(&["test"]), [1, 0, 0]);
        let n = 20_000;
        let mean = (0..n).map(|_| draw.exponential()).sum::<f64>() / f64::from(n);
        let spread = (0..n).map(|_| draw.normal().powi(2)).sum::<f64>() / f64::from(n);
        assert!(
            (mean - 1.0).abs() < 0.03 && (spread - 1.0).abs() < 0.05,
            "{mean} {spread}"
        );
    }
}
