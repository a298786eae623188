//! When the messages of an hour arrive: evenly over the time in which the feed is up and the group sends, each by its own number.

use super::philox::Draw;
use super::World;

/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// A lost reply brings its message again within so many hours.
pub const LOOKBACK: usize = 6;

/// One attempt to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When.
    pub at: i64,
    /// Index of the stream.
    pub stream: usize,
    /// Hour of the world in which it was first brought.
    pub hour: usize,
    /// Number within stream and hour.
    pub index: usize,
    /// The same message again, after our reply was lost.
    pub again: bool,
    /// When it was first brought.
    pub first_at: i64,
}

/// The parts of `from..to` that lie in none of `out`.
fn open_spans<'a>(from: i64, to: i64, out: impl Iterator<Item = &'a (i64, i64)>) -> Vec<(i64, i64)> {
    let mut cuts: Vec<(i64, i64)> = out.filter(|s| s.0 < to && s.1 > from).copied().collect();
    cuts.sort_unstable();
    let (mut at, mut spans) = (from, Vec::new());
    for (a, b) in cuts {
        if a > at {
            spans.push((at, a));
        }
        at = at.max(b);
    }
    if at < to {
        spans.push((at, to));
    }
    spans
}

impl World {
    /// Attempts of the hours from `first` on, in order of time. `counts` holds the messages of each hour and stream, row by
    /// row, beginning `lead` hours earlier.
    pub fn arrivals(&self, feed: usize, first: usize, lead: usize, counts: &[i64]) -> Vec<Arrival> {
        let streams = self.spec.streams.len();
        let hours = counts.len() / streams;
        let mut found = Vec::new();
        let (begin, end) = (
            self.hour_start(first),
            self.hour_start(first + hours - lead).min(self.spec.end),
        );
        for row in 0..hours {
            let hour = first + row - lead;
            for stream in 0..streams {
                let n = counts[row * streams + stream].max(0) as usize;
                let group = &self.spec.groups[self.spec.streams[stream].group];
                if n == 0 || (row < lead && group.retry == 0.0) {
                    continue;
                }
                let down = &self.spec.feeds[feed].down;
                let from = self.hour_start(hour);
                let to = (from + HOUR_US).min(self.spec.end);
                let spans = open_spans(from, to, down.iter().chain(&self.spec.streams[stream].quiet));
                let open: i64 = spans.iter().map(|s| s.1 - s.0).sum();
                for index in 0..n {
                    let mut draw = self.numbers(feed, stream, hour, index, 1);
                    let mut left = (draw.unit() * open as f64) as i64;
                    let mut at = from;
                    for (a, b) in &spans {
                        at = a + left;
                        if at < *b {
                            break;
                        }
                        left -= b - a;
                    }
                    let first_at = at;
                    let mut put = |at: i64, again: bool| {
                        if begin <= at && at < end {
                            found.push(Arrival {
                                at,
                                stream,
                                hour,
                                index,
                                again,
                                first_at,
                            });
                        }
                    };
                    put(at, false);
                    if let Some(again) = self.again(feed, stream, hour, index, at) {
                        put(again, true);
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// When the message comes again because our reply was lost, if it was.
    pub fn again(&self, feed: usize, stream: usize, hour: usize, index: usize, at: i64) -> Option<i64> {
        let retry = self.spec.groups[self.spec.streams[stream].group].retry;
        if retry == 0.0 {
            return None;
        }
        let mut draw = self.numbers(feed, stream, hour, index, 2);
        if draw.unit() >= retry {
            return None;
        }
        let wait = 60_000_000 + (draw.exponential() * 1_200_000_000.0) as i64;
        let again = at + wait.min((LOOKBACK as i64 - 1) * HOUR_US);
        let down = self.spec.feeds[feed].down.iter().any(|s| s.0 <= again && again < s.1);
        (!down && again < self.spec.end).then_some(again)
    }

    fn hour_start(&self, hour: usize) -> i64 {
        self.spec.start + hour as i64 * HOUR_US
    }

    /// The numbers of one message for a purpose.
    pub fn numbers(&self, feed: usize, stream: usize, hour: usize, index: usize, purpose: u64) -> Draw {
        Draw::new(self.keys[feed][stream], [index as u64, hour as u64, purpose])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_out_is_out() {
        let cuts = [(5, 10), (8, 12), (0, 1), (30, 99)];
        assert_eq!(open_spans(0, 40, cuts.iter()), [(1, 5), (12, 30)]);
        assert_eq!(open_spans(6, 9, cuts.iter()), []);
    }
}
