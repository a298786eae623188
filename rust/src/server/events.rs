//! What the trap tells its owner: counts, and a queue of events that never grows without bound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{json, Value};

use super::minutes::Minutes;
use super::syncs::Syncs;

/// Events that wait for the owner at most; further ones are counted.
pub const QUEUED: usize = 100_000;

/// Microseconds since 1970 UTC.
pub fn utc_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros() as i64)
}

macro_rules! counts {
    ($($name:ident: $meaning:literal,)*) => {
        /// Counts since the start.
        #[derive(Debug, Default)]
        pub struct Counts {
            $(#[doc = $meaning] pub $name: AtomicU64,)*
        }

        impl Counts {
            /// All of them by name.
            pub fn json(&self) -> Value {
                let all = [$((stringify!($name), self.$name.load(Relaxed)),)*];
                Value::Object(all.into_iter().map(|(name, n)| (name.to_owned(), n.into())).collect())
            }
        }

        /// Name and meaning of each count.
        pub const COUNTS: &[(&str, &str)] = &[$((stringify!($name), $meaning),)*];
    };
}

counts! {
    connected: "sessions open now",
    accepted: "sessions begun",
    messages: "messages on disk and acknowledged",
    unfinished: "messages whose session ended within them, on disk",
    bytes: "bytes of these messages",
    recipients: "accepted recipients of messages on disk and acknowledged",
    last_message_at: "instant of the last message on disk, microseconds since 1970; 0: none yet",
    waiting: "messages with the store now, not answered yet",
    batches: "writes, each with one fdatasync",
    put_off_full: "messages answered 452: no room",
    put_off_failed: "messages answered 451: perhaps not on disk",
    refused_per_address: "connections answered 421: too many from one address",
    refused_total: "connections answered 421: too many in all",
    sessions: "sessions ended",
    replies_2xx: "replies 2xx",
    replies_3xx: "replies 3xx",
    replies_4xx: "replies 4xx",
    replies_5xx: "replies 5xx",
    no_room: "of these 4xx, those for want of room, which anybody would have got",
    bounced: "recipients answered 550 since their address bounces",
    shed: "sessions ended with 421 to make room",
    timed_out: "sessions ended with 421 since they were too slow",
    unproxied: "sessions of a listed relay ended with 421 since no PROXY header came that could be believed",
    looked: "connections by which a listed relay looked whether the trap is here; among those begun, and no sessions",
    tls: "handshakes done",
    tls_failed: "sessions whose handshake failed",
    dropped_events: "events that nobody fetched in time",
}

impl Counts {
    /// Count replies by their class: lines whose code is followed by a space.
    pub fn replied(&self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            let counter = match line {
                [b'2', _, _, b' ', ..] => &self.replies_2xx,
                [b'3', _, _, b' ', ..] => &self.replies_3xx,
                [b'4', _, _, b' ', ..] => &self.replies_4xx,
                [b'5', _, _, b' ', ..] => &self.replies_5xx,
                _ => continue,
            };
            counter.fetch_add(1, Relaxed);
        }
    }
}

/// Shared by the threads of one trap.
#[derive(Debug, Default)]
pub struct Shared {
    queue: Mutex<VecDeque<String>>,
    filled: Condvar,
    full: AtomicBool,
    /// The counts.
    pub counts: Counts,
    /// What was refused and taken by minute.
    pub minutes: Minutes,
    /// How long each fdatasync took.
    pub syncs: Syncs,
    /// Whether each stored message is an event too.
    pub log_messages: bool,
}

impl Shared {
    /// Nothing counted yet.
    pub fn new(log_messages: bool) -> Self {
        Shared {
            log_messages,
            ..Shared::default()
        }
    }

    /// Queue an event: its name, the instant, its facts.
    pub fn log(&self, name: &str, facts: Value) {
        let mut event = json!({"event": name, "at": utc_now()});
        if let (Some(event), Value::Object(facts)) = (event.as_object_mut(), facts) {
            event.extend(facts);
        }
        let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if queue.len() >= QUEUED {
            self.counts.dropped_events.fetch_add(1, Relaxed);
            return;
        }
        queue.push_back(event.to_string());
        self.filled.notify_one();
    }

    /// Wait so long for events; those there are.
    pub fn wait(&self, time: Duration) -> Vec<String> {
        let queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (mut queue, _) = self
            .filled
            .wait_timeout_while(queue, time, |queue| queue.is_empty())
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        queue.drain(..).collect()
    }

    /// Whether the store has no room.
    pub fn full(&self) -> bool {
        self.full.load(Relaxed)
    }

    /// Say whether the store has no room; a change is an event.
    pub fn set_full(&self, full: bool) {
        if self.full.swap(full, Relaxed) != full {
            self.log(if full { "store.full" } else { "store.recovered" }, json!({}));
        }
    }
}
