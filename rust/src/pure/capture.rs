//! What arrived: the raw bytes of one message with the meta that stands beside them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where the importer found a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Path as the user gave it, members of an archive after `!`.
    pub path: String,
    /// Place in that source, from 0.
    pub ordinal: u64,
}

/// What is known of a message beside its bytes. Written as JSON into the record; unknown keys are kept by readers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Version of this structure: 1.
    pub v: u32,
    /// Reverse-path; `None` where nobody said, `""` for the null path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Recipients of the envelope, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Address of the connecting peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The name the peer gave at HELO or EHLO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    /// Whence the receive time: `smtp`, `received`, `envelope`, `file`, `date`, `simulated`.
    #[serde(default)]
    pub time_origin: String,
    /// Where an importer found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Session key, equal for messages of one connection; `None` means a session of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Persona of the listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persona: Option<String>,
    /// Marks such as `simulated`, `line_ends_not_evidence`, `unfinished`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Transcript of the session, opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<serde_json::Value>,
}

/// One captured message. The raw bytes are never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Our receive time, microseconds since 1970, UTC.
    pub received_at: i64,
    /// Envelope, peer, source.
    pub meta: Meta,
    /// The message's bytes as they were captured.
    pub raw: Vec<u8>,
    /// SHA-256 of `raw`.
    pub sha256: [u8; 32],
}

impl Capture {
    /// A capture with its digest computed.
    pub fn new(received_at: i64, meta: Meta, raw: Vec<u8>) -> Self {
        let sha256 = Sha256::digest(&raw).into();
        Capture {
            received_at,
            meta,
            raw,
            sha256,
        }
    }
}

/// A record as it is read back from a segment, ready to be digested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Place within the segment, from 0.
    pub ordinal: u32,
    /// Receive time, microseconds since 1970, UTC.
    pub received_at: i64,
    /// Meta as it was written (JSON bytes).
    pub meta: Vec<u8>,
    /// Raw bytes; empty when erased, the header alone when thinned.
    pub raw: Vec<u8>,
    /// SHA-256 of the raw bytes as they were captured; zero when erased.
    pub sha256: [u8; 32],
    /// True when only a tombstone is left.
    pub erased: bool,
    /// True when the body was dropped by policy.
    pub thinned: bool,
}
