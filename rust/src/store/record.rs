//! One record: header, meta, raw bytes, and the salted leaf that stands for it in the chain.
//!
//! ```text
//! offset size
//!  0      4   magic "STR1"
//!  4      1   flags: 1 = erased (a tombstone: salt zero, no meta, no raw), 2 = thinned
//!  5      3   zero; of a thinned record the length of what is kept of raw
//!  8      4   ordinal within the segment, from 0
//! 12      4   length of meta
//! 16      8   length of raw
//! 24      8   receive time, microseconds since 1970 UTC, signed
//! 32     16   salt
//! 48     32   leaf = SHA-256(salt || header[0..4] || header[8..32] || SHA-256(meta) || SHA-256(raw))
//! 80      4   CRC-32 (IEEE) of the 80 bytes before it
//! 84          meta, then raw
//! ```
//! All integers are little-endian. A tombstone keeps its header's lengths at zero and its leaf as it was, so the chain
//! verifies; with the salt gone the leaf no longer betrays a guess of the message. A thinned record has, in the place of raw, raw's
//! SHA-256 and then its header: since the leaf is made of that hash, and bytes 4 to 7 are not in it, the leaf still holds.

use crate::pure::capture::{Capture, Record};
use crate::pure::header_end;
use sha2::{Digest, Sha256};

/// First bytes of every record.
pub const MAGIC: [u8; 4] = *b"STR1";
/// Length of the fixed part.
pub const HEADER_LEN: usize = 84;
/// Flag of a tombstone.
pub const ERASED: u8 = 1;
/// Flag of a record whose body was dropped.
pub const THINNED: u8 = 2;
/// So much of a header is kept of a thinned record.
pub const MAX_KEPT: usize = 64 << 10;
/// No record may be larger: what a trap or an importer stores of one message.
pub const MAX_META: usize = 16 << 20;
/// Upper bound of raw bytes in one record.
pub const MAX_RAW: usize = 1 << 30;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The fixed part of a record, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Place within the segment.
    pub ordinal: u32,
    /// Length of the meta that follows.
    pub meta_len: usize,
    /// Length of the raw bytes after the meta.
    pub raw_len: usize,
    /// Receive time in microseconds.
    pub received_at: i64,
    /// Salt of the leaf.
    pub salt: [u8; 16],
    /// What stands for the record in the chain.
    pub leaf: Hash,
    /// True for a tombstone.
    pub erased: bool,
    /// Of a thinned record, how many bytes of raw are kept.
    pub kept: Option<usize>,
}

/// CRC-32 (IEEE), bitwise over a table: finds a torn header without hashing.
pub fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0u32; 256];
        let mut i = 0;
        while i < 256 {
            let mut c = i as u32;
            let mut k = 0;
            while k < 8 {
                c = if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    !bytes
        .iter()
        .fold(!0u32, |c, b| TABLE[((c ^ *b as u32) & 0xff) as usize] ^ (c >> 8))
}

fn leaf(salt: &[u8; 16], fixed: &[u8], meta_hash: &[u8], raw_hash: &[u8]) -> Hash {
    let mut h = Sha256::new();
    h.update(salt);
    h.update(&fixed[0..4]);
    h.update(&fixed[8..32]);
    h.update(meta_hash);
    h.update(raw_hash);
    h.finalize().into()
}

/// The next value of the chain.
pub fn link(chain: &Hash, leaf: &Hash) -> Hash {
    let mut h = Sha256::new();
    h.update(chain);
    h.update(leaf);
    h.finalize().into()
}

/// Append the bytes of one record to `out`, up to those of the message, which follow; its leaf.
pub fn encode_head(out: &mut Vec<u8>, ordinal: u32, capture: &Capture, meta: &[u8], salt: &[u8; 16]) -> Hash {
    let mut fixed = [0u8; HEADER_LEN];
    fixed[0..4].copy_from_slice(&MAGIC);
    fixed[8..12].copy_from_slice(&ordinal.to_le_bytes());
    fixed[12..16].copy_from_slice(&(meta.len() as u32).to_le_bytes());
    fixed[16..24].copy_from_slice(&(capture.raw.len() as u64).to_le_bytes());
    fixed[24..32].copy_from_slice(&capture.received_at.to_le_bytes());
    fixed[32..48].copy_from_slice(salt);
    let leaf = leaf(salt, &fixed, &Sha256::digest(meta), &capture.sha256);
    fixed[48..80].copy_from_slice(&leaf);
    let crc = crc32(&fixed[..80]);
    fixed[80..84].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&fixed);
    out.extend_from_slice(meta);
    leaf
}

/// Append the tombstone of an erased record to `out`.
pub fn encode_tombstone(out: &mut Vec<u8>, header: &Header) {
    let mut fixed = [0u8; HEADER_LEN];
    fixed[0..4].copy_from_slice(&MAGIC);
    fixed[4] = ERASED;
    fixed[8..12].copy_from_slice(&header.ordinal.to_le_bytes());
    fixed[24..32].copy_from_slice(&header.received_at.to_le_bytes());
    fixed[48..80].copy_from_slice(&header.leaf);
    let crc = crc32(&fixed[..80]);
    fixed[80..84].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&fixed);
}

/// Append the thinned form of the whole record in `bytes`, whose header is `header`; how many bytes of raw it keeps.
///
/// `bytes` must have been checked. One that is erased or thinned already is appended as it is.
pub fn encode_thinned(out: &mut Vec<u8>, header: &Header, bytes: &[u8]) -> usize {
    if header.erased || header.kept.is_some() {
        out.extend_from_slice(bytes);
        return header.kept.unwrap_or(0);
    }
    let (before, raw) = bytes.split_at(HEADER_LEN + header.meta_len);
    let kept = head_len(raw).min(MAX_KEPT);
    let start = out.len();
    out.extend_from_slice(before);
    out[start + 4] = THINNED;
    out[start + 5..start + 8].copy_from_slice(&(kept as u32).to_le_bytes()[..3]);
    let crc = crc32(&out[start..start + 80]);
    out[start + 80..start + 84].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&Sha256::digest(raw));
    out.extend_from_slice(&raw[..kept]);
    kept
}

/// Length of a message's header, its empty line included; what a reader would take for one where that line is missing.
fn head_len(raw: &[u8]) -> usize {
    let (split, missing) = header_end::separated(&raw[..raw.len().min(MAX_KEPT)]);
    let mut at = 0;
    while at < split.len() {
        let end = memchr::memchr(b'\n', &split[at..]).map_or(split.len(), |i| at + i + 1);
        if split[at..end].iter().all(|b| matches!(b, b'\r' | b'\n')) {
            return if missing { at } else { end };
        }
        at = end;
    }
    split.len()
}

/// The header at the start of `bytes`, if one stands there whole and sane.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let fixed: &[u8; HEADER_LEN] = bytes.get(..HEADER_LEN)?.try_into().ok()?;
    let u32_at = |i: usize| u32::from_le_bytes([fixed[i], fixed[i + 1], fixed[i + 2], fixed[i + 3]]);
    if fixed[0..4] != MAGIC || fixed[4] > THINNED || crc32(&fixed[..80]) != u32_at(80) {
        return None;
    }
    let kept = u32_at(4) as usize >> 8;
    if fixed[4] != THINNED && kept != 0 {
        return None;
    }
    let raw_len = u64::from_le_bytes(fixed[16..24].try_into().ok()?);
    let meta_len = u32_at(12) as usize;
    if meta_len > MAX_META || raw_len > MAX_RAW as u64 {
        return None;
    }
    Some(Header {
        ordinal: u32_at(8),
        meta_len,
        raw_len: raw_len as usize,
        received_at: i64::from_le_bytes(fixed[24..32].try_into().ok()?),
        salt: fixed[32..48].try_into().ok()?,
        leaf: fixed[48..80].try_into().ok()?,
        erased: fixed[4] == ERASED,
        kept: (fixed[4] == THINNED).then_some(kept),
    })
}

/// Length of the record whose header is `header`.
pub fn total_len(header: &Header) -> usize {
    HEADER_LEN + header.meta_len + header.kept.map_or(header.raw_len, |kept| 32 + kept)
}

/// SHA-256 of raw when the leaf is what meta and raw say it is. A tombstone has nothing left to say: zeros.
pub fn checked_raw(header: &Header, fixed: &[u8], meta: &[u8], raw: &[u8]) -> Option<Hash> {
    if header.erased {
        return Some([0; 32]);
    }
    let raw_hash: Hash = match header.kept {
        Some(_) => raw.get(..32)?.try_into().ok()?,
        None => Sha256::digest(raw).into(),
    };
    (leaf(&header.salt, fixed, &Sha256::digest(meta), &raw_hash) == header.leaf).then_some(raw_hash)
}

/// The whole record at the start of `bytes`, checked, and its length.
pub fn decode(bytes: &[u8]) -> Option<(Header, Record, usize)> {
    let h = header(bytes)?;
    let len = total_len(&h);
    let body = bytes.get(HEADER_LEN..len)?;
    let (meta, raw) = body.split_at(h.meta_len);
    let sha256 = checked_raw(&h, &bytes[..HEADER_LEN], meta, raw)?;
    let record = Record {
        ordinal: h.ordinal,
        received_at: h.received_at,
        meta: meta.to_vec(),
        raw: raw[h.kept.map_or(0, |_| 32)..].to_vec(),
        sha256,
        erased: h.erased,
        thinned: h.kept.is_some(),
    };
    Some((h, record, len))
}
