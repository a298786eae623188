//! How long each fdatasync took, as a histogram: what a slow disk looks like before anybody is answered late.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{json, Value};

/// Upper bounds of the buckets, microseconds; one more bucket has no bound.
const BOUNDS: [u64; 12] = [
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000,
];

/// Counts by bucket, and the sum.
#[derive(Debug, Default)]
pub struct Syncs {
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Syncs {
    /// Count one.
    pub fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|&bound| bound < micros);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    /// `bounds` in seconds, `counts` of each bucket alone (one more than bounds), `seconds` in all.
    pub fn json(&self) -> Value {
        json!({
            "bounds": BOUNDS.map(|b| b as f64 / 1e6),
            "counts": self.counts.iter().map(|c| c.load(Relaxed)).collect::<Vec<_>>(),
            "seconds": self.micros.load(Relaxed) as f64 / 1e6,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let syncs = Syncs::default();
        for micros in [0, 500, 501, 5_000_000, 5_000_001] {
            syncs.took(Duration::from_micros(micros));
        }
        let counts: Vec<u64> = syncs.counts.iter().map(|c| c.load(Relaxed)).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(syncs.json()["seconds"], 10.001002);
    }
}
