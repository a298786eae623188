//! Which recipients are accepted, and whether what they get counts: the lives of a trap's addresses.

use std::collections::BTreeMap;

/// Where an address stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It belonged to somebody: 550, so that whoever still writes to them learns of it.
    Bouncing,
    /// Accepted; a person has not looked yet.
    Conditioning,
    /// Accepted; it counts from this instant on, microseconds since 1970.
    Ramp(i64),
    /// Accepted, and it counts.
    Live,
    /// Accepted; somebody knows it for a trap.
    Disclosed,
    /// 550, as if it had never been.
    Retired,
}

impl Life {
    /// The life of that name; a ramp ends at `until`.
    pub fn named(name: &str, until: i64) -> Option<Life> {
        Some(match name {
            "bouncing" => Life::Bouncing,
            "conditioning" => Life::Conditioning,
            "ramp" => Life::Ramp(until),
            "live" => Life::Live,
            "disclosed" => Life::Disclosed,
            "retired" => Life::Retired,
            _ => return None,
        })
    }

    /// Whether mail for it is accepted.
    pub fn accepts(self) -> bool {
        !matches!(self, Life::Bouncing | Life::Retired)
    }

    /// The mark of a message for such addresses alone; None where it counts.
    pub fn mark(self, now: i64) -> Option<&'static str> {
        match self {
            Life::Conditioning => Some("conditioning"),
            Life::Ramp(until) if now < until => Some("ramp"),
            Life::Disclosed => Some("disclosed"),
            _ => None,
        }
    }
}

/// Addresses in lower case, `@domain` for all of one, each with its life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives(BTreeMap<String, Life>);

impl Lives {
    /// The life of a recipient: its own, else that of its domain; None where neither is listed.
    pub fn of(&self, address: &str) -> Option<Life> {
        let lower = address.to_lowercase();
        let domain = lower.rfind('@').map_or("", |at| &lower[at..]);
        self.0.get(&lower).or_else(|| self.0.get(domain)).copied()
    }
}

impl FromIterator<(String, Life)> for Lives {
    fn from_iter<T: IntoIterator<Item = (String, Life)>>(all: T) -> Self {
        Lives(all.into_iter().map(|(a, life)| (a.to_lowercase(), life)).collect())
    }
}
