//! The clock of a play: microseconds since its start, and what they are in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Started once.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    wall: i64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock {
            start: Instant::now(),
            wall: wall.as_micros() as i64,
        }
    }

    /// Microseconds since the start.
    pub fn now(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// The same instant in UTC, microseconds since 1970. It never goes back, whatever happens to the system's clock.
    pub fn utc(&self, at: u64) -> i64 {
        self.wall + at as i64
    }

    /// For sleeping.
    pub fn instant(&self, at: u64) -> Instant {
        // A year, so that "never" is an instant too.
        self.start + Duration::from_micros(at.min(31_536_000_000_000))
    }
}
