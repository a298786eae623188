//! Version 1: `PROXY TCP4 source destination port port` and CRLF, one blank between two words.

use super::{Family, Header, Wrong, LINE_BYTES};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The header, None while its line is not whole; the last byte is new.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Wrong> {
    if bytes.last() != Some(&b'\n') {
        return match bytes.len() < LINE_BYTES {
            true => Ok(None),
            false => Err(Wrong::TooLong),
        };
    }
    let line = bytes
        .strip_suffix(b"\r\n")
        .and_then(|line| std::str::from_utf8(line).ok());
    line.and_then(words).map(Some).ok_or(Wrong::Malformed)
}

fn words(line: &str) -> Option<Header> {
    let words: Vec<&str> = line.split(' ').collect();
    // Whatever follows UNKNOWN must be passed over.
    if let ["PROXY", "UNKNOWN", ..] = words[..] {
        return Some(Header::new(1, false, Family::Unknown));
    }
    let ["PROXY", family, source, destination, from, to] = words[..] else {
        return None;
    };
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let ends = ((address(source)?, port(from)?), (address(destination)?, port(to)?));
    let family = if family == "TCP4" { Family::Tcp4 } else { Family::Tcp6 };
    Some(Header {
        ends: Some(ends),
        ..Header::new(1, false, family)
    })
}

/// Digits without a sign and without a zero before them.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}
