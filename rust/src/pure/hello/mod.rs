//! The ClientHello of TLS as a fingerprint of whoever sent it: gathered from the bytes of the handshake, taken apart (RFC 8446,
//! 4.1.2; RFC 5246, 7.4.1.2), and summed up in the ways that others use (`print`).
//!
//! Nothing here is believed or answered: the handshake itself is the business of a library.

mod print;
mod read;

use serde_json::{json, Value};

/// Bytes of a handshake in which a ClientHello is looked for; a longer one is not kept.
pub const HELLO_BYTES: usize = 8_192;

/// What a ClientHello says, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Version in the message itself; 0x0303 in TLS 1.3 too.
    pub version: u16,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Types of the extensions.
    pub extensions: Vec<u16>,
    /// Groups, once called elliptic curves.
    pub groups: Vec<u16>,
    /// Formats of points.
    pub formats: Vec<u8>,
    /// Signature algorithms.
    pub signatures: Vec<u16>,
    /// Versions of the extension that TLS 1.3 brought; empty without it.
    pub versions: Vec<u16>,
    /// Application protocols.
    pub alpn: Vec<Vec<u8>>,
    /// Whether the name of a server was asked for.
    pub sni: bool,
}

/// Keeps the beginning of what a peer sent in a handshake.
#[derive(Debug, Default)]
pub struct Gather(Vec<u8>);

impl Gather {
    /// Take bytes as they came.
    pub fn put(&mut self, bytes: &[u8]) {
        let room = HELLO_BYTES - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The first bytes, at most so many.
    pub fn head(&self, most: usize) -> &[u8] {
        &self.0[..self.0.len().min(most)]
    }

    /// The ClientHello, if a whole one came.
    pub fn hello(&self) -> Option<Hello> {
        read::hello(&self.0)
    }
}

/// What is kept of a handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Version agreed on, as `1.3`.
    pub version: Option<String>,
    /// Cipher suite agreed on, by its registered name.
    pub suite: Option<String>,
    /// Why it failed; None where it did not.
    pub failed: Option<String>,
    /// What the peer began with.
    pub hello: Option<Hello>,
    /// Its first bytes where that was no ClientHello; not written down.
    pub head: Vec<u8>,
}

impl Handshake {
    /// As it stands in records.
    pub fn json(&self) -> Value {
        json!({
            "version": self.version,
            "suite": self.suite,
            "failed": self.failed,
            "hello": self.hello.as_ref().map(Hello::json),
        })
    }
}
