//! The PROXY header: what a load balancer says of the client that it stands for, before the client's first byte.
//! Versions 1 (a line) and 2 (binary) of HAProxy's `doc/proxy-protocol.txt`.
//!
//! Theory of operation. Whoever owns the socket knows by the address of the connection that a header must come, and gives
//! what it reads to `Gather` until that says `Header` or `Wrong`. What lies beyond the header is the client's. It is never guessed
//! whether there is a header: the specification forbids it, since anybody could then say that he is somebody else.
//!
//! A header that is not whole and right is refused. So is one of a client over UDP: none speaks SMTP.

mod binary;
mod checksum;
mod text;

use serde_json::{json, Map, Value};
use std::net::IpAddr;

/// The first bytes of version 2.
pub const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of a header of version 1 at most, its CRLF included: the longest that the specification allows.
pub const LINE_BYTES: usize = 107;
/// Bytes of a header of version 2 at most, its first 16 included. It could announce 65,551; what is used needs some hundred.
pub const BLOCK_BYTES: usize = 4_096;

/// Why there is no header to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// What came is no header.
    Absent,
    /// It begins like one and is none.
    Malformed,
    /// Longer than the bound.
    TooLong,
    /// Neither version 1 nor 2.
    Version,
    /// Neither LOCAL nor PROXY.
    Command,
    /// A family or transport that is unknown, or that no client of ours has.
    Family,
    /// Something behind the addresses is not whole.
    Tlv,
    /// The checksum is another.
    Checksum,
}

/// Every reason by its name, with what it means.
pub const REASONS: &[(Wrong, &str, &str)] = &[
    (Wrong::Absent, "absent", "what came is no header"),
    (
        Wrong::Malformed,
        "malformed",
        "it begins like a header and is none: words or lengths are wrong",
    ),
    (Wrong::TooLong, "too_long", "longer than the bound"),
    (Wrong::Version, "version", "a version other than 1 and 2"),
    (Wrong::Command, "command", "a command other than LOCAL and PROXY"),
    (
        Wrong::Family,
        "family",
        "a family or transport that no client of SMTP has",
    ),
    (Wrong::Tlv, "tlv", "what stands behind the addresses is not whole"),
    (Wrong::Checksum, "checksum", "its CRC32c is another"),
];

impl Wrong {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        REASONS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

/// The kind of address that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
    /// A socket of the relay's own machine.
    Unix,
    /// Not said.
    Unknown,
}

/// An address with its port.
pub type End = (IpAddr, u16);

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// 1 or 2.
    pub version: u8,
    /// Whether the relay speaks for itself (LOCAL): a check of its own, mostly.
    pub local: bool,
    /// Kind of the addresses.
    pub family: Family,
    /// The client, and where it connected to; None where the family has no such addresses.
    pub ends: Option<(End, End)>,
    /// What else was said of the connection, by name.
    pub more: Map<String, Value>,
}

impl Header {
    fn new(version: u8, local: bool, family: Family) -> Self {
        Header {
            version,
            local,
            family,
            ends: None,
            more: Map::new(),
        }
    }

    /// The address of the true client; None where the header does not say it, and the connection's own stands.
    pub fn client(&self) -> Option<IpAddr> {
        self.ends.map(|((address, _), _)| address.to_canonical())
    }

    /// What is written down of it.
    pub fn claimed(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("version".into(), json!(self.version));
        out.insert("command".into(), json!(if self.local { "local" } else { "proxy" }));
        out.insert(
            "family".into(),
            json!(match self.family {
                Family::Tcp4 => "tcp4",
                Family::Tcp6 => "tcp6",
                Family::Unix => "unix",
                Family::Unknown => "unknown",
            }),
        );
        if let Some(((source, source_port), (destination, destination_port))) = self.ends {
            out.insert("source".into(), json!(source.to_string()));
            out.insert("source_port".into(), json!(source_port));
            out.insert("destination".into(), json!(destination.to_string()));
            out.insert("destination_port".into(), json!(destination_port));
        }
        out.extend(self.more.clone());
        out
    }
}

/// What the bytes so far come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing yet.
    More,
    /// A whole header.
    Header(Box<Header>),
    /// No header to believe.
    Wrong(Wrong),
}

/// Gathers a header from bytes in any pieces.
#[derive(Debug, Default)]
pub struct Gather(Vec<u8>);

impl Gather {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Take bytes as they came: how many of them belong to the header, and what it says.
    pub fn put(&mut self, bytes: &[u8]) -> (usize, Said) {
        for (i, byte) in bytes.iter().enumerate() {
            self.0.push(*byte);
            let said = judge(&self.0);
            if said != Said::More {
                return (i + 1, said);
            }
        }
        (bytes.len(), Said::More)
    }
}

fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let n = bytes.len().min(with.len());
    bytes[..n] == with[..n]
}

/// The verdict on all bytes so far; the last of them is new.
fn judge(bytes: &[u8]) -> Said {
    let read = if begins(bytes, SIGNATURE) {
        binary::read(bytes)
    } else if begins(bytes, b"PROXY") {
        text::read(bytes)
    } else {
        Err(Wrong::Absent)
    };
    match read {
        Ok(None) => Said::More,
        Ok(Some(header)) => Said::Header(Box::new(header)),
        Err(wrong) => Said::Wrong(wrong),
    }
}
