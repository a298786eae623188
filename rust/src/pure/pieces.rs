//! Pieces of an attachment, cut where its content says: a few changed bytes change the pieces they stand in and no other.
//!
//! A rolling gear hash over the bytes; a cut where its twelve highest bits are nought, so that a piece has about 4 KiB beyond
//! the least of 512 bytes. Method: content-defined chunking with a gear hash, after Xia et al. (FastCDC, 2016).

use super::fingerprint::keyed;

/// Pieces kept of a message: the smallest by hash.
pub const KEPT: usize = 16;
/// Bytes of an attachment that are cut; the rest is not compared.
pub const BYTES: usize = 1 << 20;
const LEAST: usize = 512;
const MOST: usize = 16 << 10;

const GEAR: [u64; 256] = {
    let mut table = [0u64; 256];
    let mut x = 0x7370_616d_7469_6465u64;
    let mut i = 0;
    while i < 256 {
        // splitmix64
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = x;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[i] = z ^ (z >> 31);
        i += 1;
    }
    table
};

/// Hashes of the pieces of `bytes`, in order; none of an empty attachment.
pub fn pieces(bytes: &[u8]) -> Vec<u64> {
    let mut rest = &bytes[..bytes.len().min(BYTES)];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cut(rest));
        out.push(keyed(3, piece));
        rest = after;
    }
    out
}

fn cut(bytes: &[u8]) -> usize {
    let mut hash = 0u64;
    for (i, b) in bytes.iter().enumerate().take(MOST) {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*b)]);
        if i >= LEAST && hash >> 52 == 0 {
            return i + 1;
        }
    }
    bytes.len().min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_and_a_longer_head_leave_most_pieces() {
        let plain: Vec<u8> = (0..60_000u64)
            .map(|i| (i.wrapping_mul(i).wrapping_mul(0x9e37_79b9) >> 7) as u8)
            .collect();
        let mut other = b"a longer head".to_vec();
        other.extend(&plain);
        other[30_000] ^= 1;
        let (a, b) = (pieces(&plain), pieces(&other));
        let common = a.iter().filter(|p| b.contains(p)).count();
        assert!(a.len() > 5 && common + 3 >= a.len(), "{common} of {}", a.len());
        assert!(pieces(b"").is_empty());
    }
}
