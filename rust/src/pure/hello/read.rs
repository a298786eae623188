//! Takes a ClientHello apart. What ends too early or does not fit its lengths is none; an extension whose inside does not fit counts as
//! present and empty.

use super::Hello;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// A reader of bytes that ends before it goes wrong.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// A vector with a length of so many bytes before it.
    fn vector(&mut self, length_bytes: usize) -> Option<&'a [u8]> {
        let n = self.number(length_bytes)?;
        self.take(n)
    }
}

fn pairs(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|p| u16::from_be_bytes([p[0], p[1]]))
        .collect()
}

/// The ClientHello at the beginning of a stream of records.
pub fn hello(stream: &[u8]) -> Option<Hello> {
    let message = message(stream)?;
    let mut body = Bytes(&message);
    let mut hello = Hello {
        version: body.number(2)? as u16,
        ..Hello::default()
    };
    body.take(32)?; // random
    body.vector(1)?; // session id
    hello.ciphers = pairs(body.vector(2)?);
    body.vector(1)?; // compression
    if body.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = Bytes(body.vector(2)?);
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)? as u16;
        let inside = extensions.vector(2)?;
        hello.extensions.push(kind);
        extension(&mut hello, kind, Bytes(inside));
    }
    Some(hello)
}

/// The first handshake message, put together from its records.
fn message(stream: &[u8]) -> Option<Vec<u8>> {
    let (mut records, mut gathered) = (Bytes(stream), Vec::new());
    loop {
        if let [CLIENT_HELLO, a, b, c, rest @ ..] = gathered.as_slice() {
            let n = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if rest.len() >= n {
                return Some(rest[..n].to_vec());
            }
        } else if gathered.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return None;
        }
        if records.number(1)? != usize::from(HANDSHAKE) || records.number(1)? != 3 {
            return None;
        }
        records.take(1)?;
        let piece = records.vector(2)?;
        if piece.is_empty() {
            return None;
        }
        gathered.extend_from_slice(piece);
    }
}

/// What we read of one extension (numbers: the IANA registry of TLS ExtensionType values).
fn extension(hello: &mut Hello, kind: u16, mut inside: Bytes) {
    match kind {
        0 => hello.sni = true,
        10 => hello.groups = inside.vector(2).map(pairs).unwrap_or_default(),
        11 => hello.formats = inside.vector(1).unwrap_or_default().to_vec(),
        13 => hello.signatures = inside.vector(2).map(pairs).unwrap_or_default(),
        16 => {
            let mut names = Bytes(inside.vector(2).unwrap_or_default());
            while let Some(name) = names.vector(1) {
                hello.alpn.push(name.to_vec());
            }
        }
        43 => hello.versions = inside.vector(1).map(pairs).unwrap_or_default(),
        _ => {}
    }
}
