//! Sealing: an open segment becomes frames of 2 to 4 MiB, an index and a seal; only then the plain file goes.
//!
//! `X.seg`: the segment's header as it was, then frames. A frame is "STFR", first ordinal, count, plain length, packed
//! length (u32 each), CRC-32 of these 20 bytes, then a zstd frame with the records. `X.idx`: per record frame number
//! (u32), offset in the frame (u32), record length (u64), raw length (u64), receive time (i64), SHA-256 of raw, leaf;
//! 96 bytes each, then SHA-256 of all before. `X.seal`: JSON with the chain, the frames and the hashes of both files;
//! its last line is the SHA-256 of the lines before.

use super::record::{self, Hash};
use super::segment::{decode_header, encode_header, hex, sync_parent, Entry, SegmentWriter};
use super::{at_path, Result, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// First bytes of a frame.
pub const FRAME_MAGIC: [u8; 4] = *b"STFR";
/// Length of a frame's header.
pub const FRAME_HEADER: usize = 24;
/// A frame is closed when it holds at least so much.
pub const FRAME_BYTES: usize = 2 << 20;
/// No frame holds more: one that is not closed yet and a record as large as records are.
pub const FRAME_MAX: usize = FRAME_BYTES + record::HEADER_LEN + record::MAX_META + record::MAX_RAW;
const LEVEL: i32 = 3;

/// Where a frame stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Ordinal of its first record.
    pub first: u32,
    /// Number of its records.
    pub count: u32,
    /// Byte offset of its header in the sealed file.
    pub offset: u64,
    /// Length of its records.
    pub plain: u32,
    /// Length of the zstd frame.
    pub packed: u32,
}

/// What the seal states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Version of the format: 1.
    pub format: u32,
    /// Name of the feed.
    pub feed: String,
    /// Name of the writer.
    pub writer: String,
    /// Number within (feed, writer).
    pub number: u32,
    /// Number of records, tombstones among them.
    pub records: u32,
    /// Tombstones.
    pub erased: u32,
    /// Sum of the raw bytes.
    pub raw_bytes: u64,
    /// Earliest receive time, or 0 without records.
    pub first_received_at: i64,
    /// Latest receive time, or 0 without records.
    pub last_received_at: i64,
    /// Chain before the first record, hex.
    pub previous_chain: String,
    /// Chain after the last record, hex.
    pub chain: String,
    /// SHA-256 of the sealed file, hex.
    pub segment_sha256: String,
    /// SHA-256 of the index file, hex.
    pub index_sha256: String,
    /// Its frames.
    pub frames: Vec<Frame>,
}

/// `path` with another ending.
pub fn sibling(path: &Path, ending: &str) -> PathBuf {
    path.with_extension(ending)
}

/// Bytes of a seal: JSON, a newline, the SHA-256 of both in hex, a newline.
pub fn encode_seal(seal: &Seal) -> Vec<u8> {
    let mut out = serde_json::to_vec_pretty(seal).expect("a struct of strings and numbers");
    out.push(b'\n');
    let hash = hex(&Sha256::digest(&out));
    out.extend_from_slice(hash.as_bytes());
    out.push(b'\n');
    out
}

/// Read a seal and check its own hash.
pub fn read_seal(path: &Path) -> Result<Seal> {
    let bytes = at_path(path, fs::read(path))?;
    let corrupt = |what| StoreError::Corrupt {
        path: path.to_path_buf(),
        at: 0,
        what,
    };
    let cut = bytes
        .len()
        .checked_sub(65)
        .ok_or_else(|| corrupt("the seal is too short"))?;
    let (json, tail) = bytes.split_at(cut);
    if tail != format!("{}\n", hex(&Sha256::digest(json))).as_bytes() {
        return Err(corrupt("the seal's own hash does not hold"));
    }
    serde_json::from_slice(json).map_err(|_| corrupt("the seal is not the JSON it should be"))
}

/// A frame's header.
pub fn frame_header(frame: &Frame) -> [u8; FRAME_HEADER] {
    let mut out = [0u8; FRAME_HEADER];
    out[0..4].copy_from_slice(&FRAME_MAGIC);
    for (i, value) in [frame.first, frame.count, frame.plain, frame.packed].iter().enumerate() {
        out[4 + 4 * i..8 + 4 * i].copy_from_slice(&value.to_le_bytes());
    }
    let crc = record::crc32(&out[..20]);
    out[20..24].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Index file of entries placed in frames.
pub fn encode_index(entries: &[Entry], frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 96 + 32);
    let mut rest = entries;
    for (number, frame) in frames.iter().enumerate() {
        let (mine, others) = rest.split_at(frame.count as usize);
        let mut within = 0u32;
        for e in mine {
            out.extend_from_slice(&(number as u32).to_le_bytes());
            out.extend_from_slice(&within.to_le_bytes());
            out.extend_from_slice(&e.len.to_le_bytes());
            out.extend_from_slice(&e.raw_len.to_le_bytes());
            out.extend_from_slice(&e.received_at.to_le_bytes());
            out.extend_from_slice(&e.sha256);
            out.extend_from_slice(&e.leaf);
            within += e.len as u32;
        }
        rest = others;
    }
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out
}

/// A file that is hashed while it is written.
struct Hashed {
    file: File,
    hash: Sha256,
    len: u64,
}

impl Hashed {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }
}

/// Write the sealed form of records that `next` yields frame by frame, then index and seal, each by rename.
///
/// `records` yields the plain bytes of one frame and its count until it is exhausted.
pub fn write_sealed(
    open_path: &Path,
    header_bytes: &[u8],
    mut seal: Seal,
    entries: &[Entry],
    mut records: impl FnMut() -> Result<Option<(Vec<u8>, u32)>>,
) -> Result<Seal> {
    let (seg, idx, sealed) = (
        sibling(open_path, "seg"),
        sibling(open_path, "idx"),
        sibling(open_path, "seal"),
    );
    let (seg_new, idx_new, seal_new) = (
        sibling(open_path, "seg-new"),
        sibling(open_path, "idx-new"),
        sibling(open_path, "seal-new"),
    );
    let mut out = Hashed {
        file: at_path(&seg_new, File::create(&seg_new))?,
        hash: Sha256::new(),
        len: 0,
    };
    at_path(&seg_new, out.put(header_bytes))?;
    let mut first = 0u32;
    seal.frames.clear();
    let mut compressor = at_path(&seg_new, zstd::bulk::Compressor::new(LEVEL))?;
    let mut decompressor = at_path(&seg_new, zstd::bulk::Decompressor::new())?;
    while let Some((plain, count)) = records()? {
        let packed = at_path(&seg_new, compressor.compress(&plain))?;
        // The plain file goes for good, so what replaces it is read back before it is trusted.
        let back = at_path(&seg_new, decompressor.decompress(&packed, plain.len()))?;
        if back != plain {
            return Err(StoreError::Corrupt {
                path: seg_new,
                at: out.len,
                what: "a frame does not unpack to its records",
            });
        }
        let frame = Frame {
            first,
            count,
            offset: out.len,
            plain: plain.len() as u32,
            packed: packed.len() as u32,
        };
        at_path(&seg_new, out.put(&frame_header(&frame)).and_then(|()| out.put(&packed)))?;
        first += count;
        seal.frames.push(frame);
    }
    at_path(&seg_new, out.file.sync_all())?;
    seal.segment_sha256 = hex(&out.hash.finalize());
    if file_sha256(&seg_new)? != seal.segment_sha256 {
        return Err(StoreError::Corrupt {
            path: seg_new,
            at: 0,
            what: "the sealed file reads back differently",
        });
    }
    let index = encode_index(entries, &seal.frames);
    seal.index_sha256 = hex(&Sha256::digest(&index));
    write_synced(&idx_new, &index)?;
    write_synced(&seal_new, &encode_seal(&seal))?;
    at_path(&seg, fs::rename(&seg_new, &seg))?;
    at_path(&idx, fs::rename(&idx_new, &idx))?;
    at_path(&sealed, fs::rename(&seal_new, &sealed))?;
    sync_parent(open_path)?;
    Ok(seal)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = at_path(path, File::create(path))?;
    at_path(path, file.write_all(bytes).and_then(|()| file.sync_all()))
}

/// SHA-256 of a file, hex.
pub fn file_sha256(path: &Path) -> Result<String> {
    let mut reader = at_path(path, File::open(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n = at_path(path, reader.read(&mut buffer))?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}

/// How many entries from `from` make the next frame.
fn frame_count(entries: &[Entry]) -> usize {
    let mut bytes = 0usize;
    for (i, e) in entries.iter().enumerate() {
        bytes += e.len as usize;
        if bytes >= FRAME_BYTES {
            return i + 1;
        }
    }
    entries.len()
}

/// The seal's sums over entries.
pub fn summed(header: &super::segment::SegmentHeader, entries: &[Entry], chain: &Hash) -> Seal {
    Seal {
        format: header.format,
        feed: header.feed.clone(),
        writer: header.writer.clone(),
        number: header.number,
        records: entries.len() as u32,
        erased: entries.iter().filter(|e| e.sha256 == [0; 32]).count() as u32,
        raw_bytes: entries.iter().map(|e| e.raw_len).sum(),
        first_received_at: entries.iter().map(|e| e.received_at).min().unwrap_or(0),
        last_received_at: entries.iter().map(|e| e.received_at).max().unwrap_or(0),
        previous_chain: header.previous_chain.clone(),
        chain: hex(chain),
        segment_sha256: String::new(),
        index_sha256: String::new(),
        frames: Vec::new(),
    }
}

/// Seal an open segment. The plain file is removed last; a crash before that leaves it, and sealing starts again.
pub fn seal(writer: SegmentWriter) -> Result<Seal> {
    let path = writer.path.clone();
    let mut file = BufReader::with_capacity(1 << 20, at_path(&path, File::open(&path))?);
    let header_len = encode_header(&writer.header).len();
    let mut header_bytes = vec![0u8; header_len];
    at_path(&path, file.read_exact(&mut header_bytes))?;
    if decode_header(&header_bytes).is_none() {
        return Err(StoreError::Corrupt {
            path,
            at: 0,
            what: "the segment's header does not hold",
        });
    }
    let entries = &writer.entries;
    let (mut done, mut at) = (0usize, header_len as u64);
    let sums = summed(&writer.header, entries, &writer.chain);
    let result = write_sealed(&path, &header_bytes, sums, entries, || {
        let count = frame_count(&entries[done..]);
        if count == 0 {
            return Ok(None);
        }
        let mine = &entries[done..done + count];
        let mut plain = Vec::with_capacity(mine.iter().map(|e| e.len as usize).sum());
        for e in mine {
            // Rot between records is left behind here; its range stands in the journal.
            if e.offset > at {
                at_path(
                    &path,
                    std::io::copy(&mut (&mut file).take(e.offset - at), &mut std::io::sink()),
                )?;
            }
            at_path(&path, (&mut file).take(e.len).read_to_end(&mut plain))?;
            at = e.offset + e.len;
        }
        done += count;
        Ok(Some((plain, count as u32)))
    })?;
    at_path(&path, fs::remove_file(&path))?;
    sync_parent(&path)?;
    Ok(result)
}
