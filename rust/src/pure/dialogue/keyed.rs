//! Keyed hashes: what stands for something that must not be written down, and what decides where luck must not.

use sha2::{Digest, Sha256};

/// HMAC-SHA-256 (RFC 2104) over a label and parts, each behind its length, so that no two lists of parts are one text.
pub fn keyed(key: &[u8; 32], label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let mut inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(label)
        .chain_update([0]);
    for part in parts {
        inner.update((part.len() as u64).to_be_bytes());
        inner.update(part);
    }
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner.finalize())
        .finalize()
        .into()
}

/// The first 16 hex digits of one.
pub fn short(hash: &[u8; 32]) -> String {
    hash[..8].iter().map(|b| format!("{b:02x}")).collect()
}
