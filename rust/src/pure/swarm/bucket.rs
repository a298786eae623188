//! A token bucket without a clock: who asks is told when his turn is.

/// Gives turns: in any span of s seconds at most `rate` * s + `burst` of them.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Microseconds between two turns at the full rate.
    gap: f64,
    /// How far the turns may run ahead of the rate, microseconds.
    slack: f64,
    next: f64,
}

impl Bucket {
    /// `rate` turns a second; after a lull `burst` (1 or more) may come at once.
    pub fn new(rate: f64, burst: f64) -> Self {
        let gap = 1e6 / rate;
        Bucket {
            gap,
            slack: gap * (burst - 1.0).max(0.0),
            next: 0.0,
        }
    }

    /// Take a turn at `now` (microseconds); it may be used from the instant returned.
    pub fn take(&mut self, now: u64) -> u64 {
        let now = now as f64;
        let at = self.next.max(now - self.slack);
        self.next = at + self.gap;
        at.max(now).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_span_has_more_turns_than_rate_and_burst_allow(
            rate in 1.0..5_000.0f64, burst in 1.0..50.0f64, gaps in proptest::collection::vec(0..400_000u64, 1..120)
        ) {
            let mut bucket = Bucket::new(rate, burst);
            let mut now = 0;
            let mut turns: Vec<u64> = gaps.iter().map(|g| { now += g; bucket.take(now) }).collect();
            turns.sort_unstable();
            for i in 0..turns.len() {
                for k in i..turns.len() {
                    let span = (turns[k] - turns[i]) as f64 / 1e6;
                    // One turn of rounding: instants are whole microseconds.
                    prop_assert!((k - i + 1) as f64 <= rate * span + burst + 1.0 + 1e-3);
                }
            }
        }

        #[test]
        fn whoever_asks_seldom_never_waits(rate in 1.0..5_000.0f64, n in 1..50u64) {
            let mut bucket = Bucket::new(rate, 1.0);
            let gap = (1e6 / rate).ceil() as u64 + 1;
            for i in 1..n { prop_assert_eq!(bucket.take(i * gap), i * gap); }
        }
    }
}
