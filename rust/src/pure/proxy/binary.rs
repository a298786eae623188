//! Version 2: 16 bytes that say how many follow, the addresses, and then items of a type and a length (TLV).

use super::checksum::crc32c;
use super::{End, Family, Header, Wrong, BLOCK_BYTES};
use crate::pure::dialogue::path::text;
use serde_json::{json, Map, Value};
use std::net::IpAddr;

/// Bytes before those that the length counts.
const FIXED: usize = 16;
/// Bytes of a unique id that are kept: as many as the specification allows.
const ID_BYTES: usize = 128;

const ALPN: u8 = 0x01;
const CRC32C: u8 = 0x03;
const NOOP: u8 = 0x04;
const UNIQUE_ID: u8 = 0x05;
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const SSL_CIPHER: u8 = 0x23;

/// The header, None while it is not whole; the bytes begin with the signature, as far as they go.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Wrong> {
    if bytes.len() < FIXED {
        return Ok(None);
    }
    if bytes[12] >> 4 != 2 {
        return Err(Wrong::Version);
    }
    let (local, family, size) = match (bytes[12] & 15, bytes[13]) {
        // Whatever else a relay says of itself is to be thrown away.
        (0, _) => (true, Family::Unknown, 0),
        // How long addresses of no family are nobody knows, so what stands behind them is not read either.
        (1, 0x00) => (false, Family::Unknown, 0),
        (1, 0x11) => (false, Family::Tcp4, 4),
        (1, 0x21) => (false, Family::Tcp6, 16),
        (1, 0x31) => (false, Family::Unix, 108),
        (1, _) => return Err(Wrong::Family),
        _ => return Err(Wrong::Command),
    };
    let whole = FIXED + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if whole > BLOCK_BYTES {
        return Err(Wrong::TooLong);
    }
    if bytes.len() < whole {
        return Ok(None);
    }
    let mut header = Header::new(2, local, family);
    if family != Family::Unknown {
        let behind = FIXED + 2 * size + if family == Family::Unix { 0 } else { 4 };
        let block = bytes.get(FIXED..behind).ok_or(Wrong::Malformed)?;
        header.ends = ends(block, size);
        header.more = more(bytes, behind)?;
    }
    Ok(Some(header))
}

/// Both ends; None for names of sockets.
fn ends(block: &[u8], size: usize) -> Option<(End, End)> {
    let address = |at: usize| match size {
        4 => <[u8; 4]>::try_from(&block[at..at + 4]).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(&block[at..at + 16]).ok().map(IpAddr::from),
        _ => None,
    };
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    Some(((address(0)?, port(2 * size)), (address(size)?, port(2 * size + 2))))
}

/// Type, place and value.
type Item<'a> = (u8, usize, &'a [u8]);

/// Items in order; an error where one is longer than what there is.
fn items(bytes: &[u8], mut at: usize) -> Result<Vec<Item<'_>>, Wrong> {
    let mut found = Vec::new();
    while at < bytes.len() {
        let [kind, high, low, rest @ ..] = &bytes[at..] else {
            return Err(Wrong::Tlv);
        };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        found.push((*kind, at + 3, rest.get(..len).ok_or(Wrong::Tlv)?));
        at += 3 + len;
    }
    Ok(found)
}

/// What the items say. Of those that may name somebody (a certificate's name, a server's) the type alone is kept.
fn more(bytes: &[u8], behind: usize) -> Result<Map<String, Value>, Wrong> {
    let mut out = Map::new();
    let mut others = Vec::new();
    for (kind, at, value) in items(bytes, behind)? {
        match kind {
            CRC32C => {
                let sum = value.try_into().map_err(|_| Wrong::Tlv)?;
                check(bytes, at, u32::from_be_bytes(sum))?;
                out.insert("checksum".into(), json!(true));
            }
            NOOP => {}
            ALPN => {
                out.insert("alpn".into(), json!(text(value)));
            }
            UNIQUE_ID => {
                let kept = &value[..value.len().min(ID_BYTES)];
                let hex: String = kept.iter().map(|b| format!("{b:02x}")).collect();
                out.insert("unique_id".into(), json!(hex));
            }
            SSL => {
                // Which certificate the client showed, and whether it was good, is five bytes.
                if value.len() < 5 {
                    return Err(Wrong::Tlv);
                }
                for (kind, _, value) in items(value, 5)? {
                    match kind {
                        SSL_VERSION => out.insert("tls_version".into(), json!(text(value))),
                        SSL_CIPHER => out.insert("tls_cipher".into(), json!(text(value))),
                        _ => None,
                    };
                }
            }
            other => others.push(other),
        }
    }
    if !others.is_empty() {
        out.insert("others".into(), json!(others));
    }
    Ok(out)
}

/// The sum is of the whole header, with zeros in its own place.
fn check(bytes: &[u8], at: usize, sum: u32) -> Result<(), Wrong> {
    let mut blank = bytes.to_vec();
    blank[at..at + 4].fill(0);
    match crc32c(&blank) == sum {
        true => Ok(()),
        false => Err(Wrong::Checksum),
    }
}
