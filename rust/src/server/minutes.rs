//! What was refused by us and what was taken, by minute and by family of the peer: our refusals are holes in the exposure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde_json::{json, Value};

use crate::pure::dialogue::Refused;

const MINUTE: i64 = 60_000_000;

/// One minute of one family.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    refused: u64,
    no_room: u64,
    taken: u64,
}

/// Minutes since they were last asked for. Nobody asks: they are few all the same, one a minute and family, for a day at most.
#[derive(Debug, Default)]
pub struct Minutes(Mutex<BTreeMap<(i64, bool), Minute>>);

impl Minutes {
    fn at(&self, now: i64, peer: IpAddr, change: impl FnOnce(&mut Minute)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(
            all.entry((now.div_euclid(MINUTE), peer.to_canonical().is_ipv6()))
                .or_default(),
        );
        while all.len() > 2 * 24 * 60 {
            all.pop_first();
        }
    }

    /// Count replies of ours that put something off; `down`: the store has no room and the exposure has ended already.
    pub fn refused(&self, now: i64, peer: IpAddr, refused: Refused, down: bool) {
        if refused.all > 0 || refused.no_room > 0 {
            self.at(now, peer, |m| {
                m.refused += refused.all;
                m.no_room += if down { 0 } else { refused.no_room };
            });
        }
    }

    /// Count a message that was acknowledged.
    pub fn taken(&self, now: i64, peer: IpAddr) {
        self.at(now, peer, |m| m.taken += 1);
    }

    /// Minutes in which something was refused, as `[start, family, refused, no_room, taken]`, and none any more.
    pub fn take(&self) -> Value {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let rows = all
            .into_iter()
            .filter(|(_, m)| m.refused > 0)
            .map(|((minute, six), m)| {
                let family = if six { "ipv6" } else { "ipv4" };
                json!([minute * MINUTE, family, m.refused, m.no_room, m.taken])
            });
        Value::Array(rows.collect())
    }
}
