//! Reverse-paths and recipients as they really come, with their parameters (RFC 5321, 4.1.2; RFC 1870, 6152, 6531, 3461).

use std::collections::BTreeSet;

/// What a path argument holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The address, without brackets and source route; empty for `<>`.
    pub address: String,
    /// Parameters after it, in order; no value where there is no `=`.
    pub parameters: Vec<(String, Option<String>)>,
    /// Bytes of the address as it came, source route included.
    pub len: usize,
}

/// Text of bytes: UTF-8 where they are, else one character a byte, so that nothing is lost.
pub fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

fn blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !blank(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !blank(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Place of the first `wanted` outside quotes.
fn unquoted(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && wanted(*byte) => return Some(i),
            _ => {}
        }
    }
    None
}

/// The path after `FROM:` or `TO:`; None where there is none.
pub fn parse(argument: &[u8], marks: &mut BTreeSet<&'static str>) -> Option<Path> {
    if argument.first().copied().is_some_and(blank) {
        marks.insert("space_around_colon");
    }
    let argument = trimmed(argument);
    if argument.is_empty() {
        return None;
    }
    let closed = argument[0] == b'<';
    let (inner, rest) = match unquoted(argument, |b| b == b'>') {
        Some(end) if closed => (&argument[1..end], &argument[end + 1..]),
        _ => {
            marks.insert("no_angle_brackets");
            let end = unquoted(argument, blank).unwrap_or(argument.len());
            let inner = &argument[..end];
            let inner = inner.strip_prefix(b"<").unwrap_or(inner);
            (inner.strip_suffix(b">").unwrap_or(inner), &argument[end..])
        }
    };
    let bare = trimmed(inner);
    if bare.len() < inner.len() {
        marks.insert("space_in_path");
    }
    let mut address = bare;
    if bare.first() == Some(&b'@') {
        if let Some(colon) = unquoted(bare, |b| b == b':') {
            marks.insert("source_route");
            address = trimmed(&bare[colon + 1..]);
        }
    }
    let parameters = rest
        .split(|b| blank(*b))
        .filter(|word| !word.is_empty())
        .map(|word| match word.iter().position(|b| *b == b'=') {
            Some(at) => (text(&word[..at]).to_ascii_uppercase(), Some(text(&word[at + 1..]))),
            None => (text(word).to_ascii_uppercase(), None),
        })
        .collect();
    Some(Path {
        address: text(address),
        parameters,
        len: inner.len(),
    })
}

/// Whether a recipient asks to be passed on: `a%b@c`, `c!a`, `a@b@c`.
pub fn relay_form(address: &str) -> bool {
    let bytes = address.as_bytes();
    let Some(at) = unquoted(bytes, |b| b == b'@') else {
        return unquoted(bytes, |b| b == b'!' || b == b'%').is_some();
    };
    unquoted(&bytes[..at], |b| b == b'!' || b == b'%').is_some() || unquoted(&bytes[at + 1..], |b| b == b'@').is_some()
}
