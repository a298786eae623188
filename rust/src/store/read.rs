//! Reading: one record by ordinal, ranges for the digest, the digests of what is there, verification, erasure.

use super::record::{self, Header};
use super::seal::{self, file_sha256, read_seal, sibling, Frame, Seal, FRAME_HEADER};
use super::segment::{self, decode_header, hex, scan, unhex, Entry};
use super::{at_path, Result, StoreError};
use crate::pure::capture::Record;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Length of one row of the index.
pub const INDEX_ROW: usize = 96;

/// Rows of an index file, its own hash checked.
pub fn read_index(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = at_path(path, std::fs::read(path))?;
    let cut = bytes.len().saturating_sub(32);
    if bytes.len() < 32 || cut % INDEX_ROW != 0 || Sha256::digest(&bytes[..cut])[..] != bytes[cut..] {
        return Err(StoreError::Corrupt {
            path: path.into(),
            at: 0,
            what: "the index's own hash does not hold",
        });
    }
    bytes.truncate(cut);
    Ok(bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn frame_bytes(path: &Path, file: &File, frame: &Frame) -> Result<Vec<u8>> {
    let corrupt = |what| StoreError::Corrupt {
        path: path.into(),
        at: frame.offset,
        what,
    };
    // The seal may be wrong: what it states is allocated only where the file can hold it.
    let size = at_path(path, file.metadata())?.len();
    let end = frame
        .offset
        .saturating_add(FRAME_HEADER as u64 + u64::from(frame.packed));
    if end > size || frame.plain as usize > seal::FRAME_MAX {
        return Err(corrupt("a frame is not where or as large as a frame can be"));
    }
    let mut packed = vec![0u8; FRAME_HEADER + frame.packed as usize];
    at_path(path, file.read_exact_at(&mut packed, frame.offset))?;
    if packed[..FRAME_HEADER] != seal::frame_header(frame) {
        return Err(corrupt("a frame's header is not what the seal says"));
    }
    let plain = zstd::bulk::decompress(&packed[FRAME_HEADER..], frame.plain as usize)
        .map_err(|_| corrupt("a frame does not unpack"))?;
    if plain.len() != frame.plain as usize {
        return Err(corrupt("a frame unpacks to another length"));
    }
    Ok(plain)
}

/// Records `start..stop` of a segment named by its path without ending (`.open` or `.seg` is found by itself).
pub fn records(base: &Path, start: u32, stop: u32) -> Result<Vec<Record>> {
    let sealed = sibling(base, "seal");
    if sealed.exists() {
        let found = sealed_records(base, &read_seal(&sealed)?, start, stop);
        if found.is_ok() {
            return found;
        }
        // It may have been rewritten between the two looks, or its rewriting was killed between two renames.
        let new = read_seal(&sibling(base, "seal-new")).or_else(|_| read_seal(&sealed))?;
        return sealed_records(base, &new, start, stop).or(found);
    }
    let open = sibling(base, "open");
    match open_records(&open, start, stop) {
        // It may have been sealed between the two looks.
        Err(StoreError::Io { .. }) if sealed.exists() => sealed_records(base, &read_seal(&sealed)?, start, stop),
        other => other,
    }
}

fn open_records(path: &Path, start: u32, stop: u32) -> Result<Vec<Record>> {
    let mut file = BufReader::with_capacity(1 << 18, at_path(path, File::open(path))?);
    let Some((_, header_len)) = at_path(path, segment::read_header(&mut file))? else {
        return Err(StoreError::Corrupt {
            path: path.into(),
            at: 0,
            what: "the segment's header does not hold",
        });
    };
    let size = at_path(path, file.get_ref().metadata())?.len();
    let mut at = header_len as u64;
    let mut out = Vec::new();
    while at + record::HEADER_LEN as u64 <= size {
        let mut bytes = vec![0u8; record::HEADER_LEN];
        at_path(path, file.read_exact(&mut bytes))?;
        let Some(h) = record::header(&bytes).filter(|h| h.ordinal < stop) else {
            break;
        };
        let len = record::total_len(&h) as u64;
        if at + len > size {
            break;
        }
        let body = len - record::HEADER_LEN as u64;
        if h.ordinal >= start {
            at_path(path, (&mut file).take(body).read_to_end(&mut bytes))?;
            out.push(checked(path, &bytes, at)?.1);
        } else {
            at_path(path, file.seek_relative(body as i64))?;
        }
        at += len;
    }
    Ok(out)
}

fn checked(path: &Path, bytes: &[u8], at: u64) -> Result<(Header, Record)> {
    record::decode(bytes)
        .map(|(h, r, _)| (h, r))
        .ok_or(StoreError::Corrupt {
            path: path.into(),
            at,
            what: "a record's leaf does not hold",
        })
}

fn sealed_records(base: &Path, seal: &Seal, start: u32, stop: u32) -> Result<Vec<Record>> {
    let path = sibling(base, "seg");
    let file = at_path(&path, File::open(&path))?;
    let mut out = Vec::new();
    for frame in seal
        .frames
        .iter()
        .filter(|f| f.first < stop && f.first.saturating_add(f.count) > start)
    {
        let plain = frame_bytes(&path, &file, frame)?;
        // A record's place counts, not what its header says: after rot in an open segment the two may differ.
        let (mut at, mut ordinal) = (0, frame.first);
        while at < plain.len() {
            let h = record::header(&plain[at..]).ok_or(StoreError::Corrupt {
                path: path.clone(),
                at: frame.offset,
                what: "a frame holds something that is no record",
            })?;
            let end = at + record::total_len(&h);
            if ordinal >= start && ordinal < stop {
                let whole = plain.get(at..end).unwrap_or(&[]);
                let record = checked(&path, whole, frame.offset)?.1;
                out.push(Record { ordinal, ..record });
            }
            at = end;
            ordinal = ordinal.saturating_add(1);
        }
    }
    Ok(out)
}

/// One record: reads the seal, one row of the index, one frame.
pub fn one(base: &Path, ordinal: u32) -> Result<Option<Record>> {
    Ok(records(base, ordinal, ordinal.saturating_add(1))?.pop())
}

/// SHA-256 of the raw bytes of every record that is not erased, in order, 32 bytes each.
pub fn raw_digests(base: &Path) -> Result<Vec<u8>> {
    if !sibling(base, "seal").exists() {
        let found = scan(&sibling(base, "open"))?;
        return Ok(found
            .entries
            .iter()
            .filter(|e| e.sha256 != [0; 32])
            .flat_map(|e| e.sha256)
            .collect());
    }
    let rows = read_index(&sibling(base, "idx"))?;
    Ok(rows
        .chunks_exact(INDEX_ROW)
        .map(|r| &r[32..64])
        .filter(|h| **h != [0u8; 32])
        .flatten()
        .copied()
        .collect())
}

/// What verification of one segment found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Records, tombstones among them.
    pub records: u32,
    /// Tombstones.
    pub erased: u32,
    /// Ordinals of records whose body was dropped.
    pub thinned: Vec<u32>,
    /// Chain before the first record, hex.
    pub previous_chain: String,
    /// Chain after the last record, hex.
    pub chain: String,
    /// What does not hold, each with its place.
    pub problems: Vec<String>,
    /// (receive time, SHA-256 of the envelope, SHA-256 of raw) of each record that is not erased, 72 bytes each.
    pub content: Vec<u8>,
}

impl Checked {
    fn count(&mut self, record: &Record) {
        self.erased += u32::from(record.erased);
        if record.thinned {
            self.thinned.push(record.ordinal);
        }
        if !record.erased {
            self.content.extend_from_slice(&content_row(record));
        }
    }
}

fn content_row(record: &Record) -> [u8; 72] {
    #[derive(serde::Deserialize, Default)]
    struct Envelope {
        #[serde(default)]
        from: Option<String>,
        #[serde(default)]
        to: Vec<String>,
    }
    let envelope: Envelope = serde_json::from_slice(&record.meta).unwrap_or_default();
    let canonical = serde_json::to_vec(&(envelope.from, envelope.to)).expect("strings");
    let mut row = [0u8; 72];
    row[..8].copy_from_slice(&(record.received_at as u64 ^ (1 << 63)).to_be_bytes());
    row[8..40].copy_from_slice(&Sha256::digest(&canonical));
    row[40..72].copy_from_slice(&record.sha256);
    row
}

/// Check everything about one segment: hashes of files, frames, headers, leaves, chain, sums, index. Of one that is being
/// written, the first `until` bytes.
pub fn verify(base: &Path, until: u64) -> Result<Checked> {
    let mut out = Checked::default();
    if !sibling(base, "seal").exists() {
        let found = segment::scan_until(&sibling(base, "open"), until)?;
        out.records = found.entries.len() as u32;
        out.previous_chain = found.header.previous_chain.clone();
        out.chain = hex(&found.chain);
        for (from, to) in &found.rot {
            out.problems
                .push(format!("bytes {from} to {to} are no record, though records follow"));
        }
        if found.torn > 0 {
            out.problems
                .push(format!("{} bytes after the last whole record", found.torn));
        }
        for r in open_records(&sibling(base, "open"), 0, out.records)? {
            out.count(&r);
        }
        return Ok(out);
    }
    let seal = read_seal(&sibling(base, "seal"))?;
    out.previous_chain = seal.previous_chain.clone();
    out.chain = seal.chain.clone();
    let seg = sibling(base, "seg");
    if file_sha256(&seg)? != seal.segment_sha256 {
        out.problems
            .push("the sealed file's hash is not what the seal says".into());
    }
    if file_sha256(&sibling(base, "idx"))? != seal.index_sha256 {
        out.problems.push("the index's hash is not what the seal says".into());
    }
    let mut chain = unhex(&seal.previous_chain).unwrap_or([0; 32]);
    let file = at_path(&seg, File::open(&seg))?;
    for frame in &seal.frames {
        let plain = match frame_bytes(&seg, &file, frame) {
            Ok(plain) => plain,
            Err(error) => {
                out.problems.push(error.to_string());
                continue;
            }
        };
        let mut at = 0;
        while at < plain.len() {
            let Some((h, r, len)) = record::decode(&plain[at..]) else {
                out.problems.push(format!("record {} does not hold", out.records));
                break;
            };
            if h.ordinal != out.records {
                out.problems
                    .push(format!("record {} stands where {} should", h.ordinal, out.records));
            }
            chain = record::link(&chain, &h.leaf);
            out.records += 1;
            out.count(&r);
            at += len;
        }
    }
    if hex(&chain) != seal.chain {
        out.problems.push("the chain does not end where the seal says".into());
    }
    if out.records != seal.records || out.erased != seal.erased {
        out.problems
            .push("the number of records is not what the seal says".into());
    }
    Ok(out)
}

/// Whether the rows of an index are those of the frames that a seal states.
fn fits(seal: &Seal, entries: &[Entry]) -> bool {
    let mut rest = entries;
    let fits = seal.frames.iter().all(|frame| {
        let Some((mine, others)) = rest.split_at_checked(frame.count as usize) else {
            return false;
        };
        rest = others;
        let len = mine.iter().try_fold(0u64, |sum, e| sum.checked_add(e.len));
        len == Some(u64::from(frame.plain)) && mine.iter().all(|e| e.raw_len <= e.len)
    });
    fits && rest.is_empty()
}

/// Replace records of a sealed segment by tombstones; leaves and chain stay. The raw digests of those erased.
pub fn erase(base: &Path, ordinals: &[u32]) -> Result<Vec<[u8; 32]>> {
    let mut gone = Vec::new();
    rewrite(base, ordinals, |out, h, _, entry| {
        if entry.sha256 != [0; 32] {
            gone.push(entry.sha256);
        }
        entry.sha256 = [0; 32];
        entry.raw_len = 0;
        record::encode_tombstone(out, h);
    })?;
    Ok(gone)
}

/// Drop the bodies of records of a sealed segment; header, meta, hash of raw, leaf and chain stay. The bytes dropped.
pub fn thin(base: &Path, ordinals: &[u32]) -> Result<u64> {
    let mut dropped = 0;
    rewrite(base, ordinals, |out, h, whole, entry| {
        let kept = record::encode_thinned(out, h, whole) as u64;
        dropped += entry.raw_len.saturating_sub(kept);
        entry.raw_len = kept;
    })?;
    Ok(dropped)
}

/// Entries of a sealed segment as its index has them.
fn entries_of(base: &Path) -> Result<Vec<Entry>> {
    let rows = read_index(&sibling(base, "idx"))?;
    Ok(rows
        .chunks_exact(INDEX_ROW)
        .map(|r| Entry {
            offset: u64::from(u32_at(r, 4)),
            len: u64_at(r, 8),
            raw_len: u64_at(r, 16),
            received_at: u64_at(r, 24) as i64,
            sha256: r[32..64].try_into().expect("32 bytes"),
            leaf: r[64..96].try_into().expect("32 bytes"),
        })
        .collect())
}

/// Write a sealed segment anew, records `ordinals` in the form that `change` appends for each.
///
/// Twice over its frames: the lengths in the index must be known before the first is written.
fn rewrite(
    base: &Path,
    ordinals: &[u32],
    mut change: impl FnMut(&mut Vec<u8>, &Header, &[u8], &mut Entry),
) -> Result<()> {
    let seal = read_seal(&sibling(base, "seal"))?;
    let path = sibling(base, "seg");
    let file = at_path(&path, File::open(&path))?;
    let mut entries = entries_of(base)?;
    let mut wanted = ordinals.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.last().is_some_and(|last| *last as usize >= entries.len()) {
        return Err(StoreError::Misuse("no such record to erase"));
    }
    let corrupt = |what| StoreError::Corrupt {
        path: path.clone(),
        at: 0,
        what,
    };
    if !fits(&seal, &entries) {
        return Err(corrupt("the index has other records than the seal"));
    }
    let start = seal.frames.first().map_or(0, |f| f.offset);
    let mut header_bytes = Vec::new();
    at_path(&path, (&file).take(start).read_to_end(&mut header_bytes))?;
    let (header, _) = decode_header(&header_bytes).ok_or_else(|| corrupt("the segment's header does not hold"))?;
    let mut new = std::collections::HashMap::new();
    for frame in &seal.frames {
        each_record(&path, &file, frame, |ordinal, h, whole| {
            if wanted.binary_search(&ordinal).is_ok() {
                let mut bytes = Vec::new();
                let entry = &mut entries[ordinal as usize];
                change(&mut bytes, h, whole, entry);
                entry.len = bytes.len() as u64;
                new.insert(ordinal, bytes);
            }
        })?;
    }
    let chain = unhex(&seal.chain).unwrap_or([0; 32]);
    let sums = seal::summed(&header, &entries, &chain);
    let mut frames = seal.frames.iter();
    seal::write_sealed(&sibling(base, "open"), &header_bytes, sums, &entries, || {
        let Some(frame) = frames.next() else { return Ok(None) };
        let mut kept = Vec::with_capacity(frame.plain as usize);
        each_record(&path, &file, frame, |ordinal, _, whole| {
            kept.extend_from_slice(new.get(&ordinal).map_or(whole, Vec::as_slice));
        })?;
        Ok(Some((kept, frame.count)))
    })?;
    Ok(())
}

/// Every record of a frame with its place in the segment, its leaf checked: what is written anew is never damage made to look whole.
fn each_record(path: &Path, file: &File, frame: &Frame, mut take: impl FnMut(u32, &Header, &[u8])) -> Result<()> {
    let plain = frame_bytes(path, file, frame)?;
    let (mut at, mut ordinal) = (0, frame.first);
    while at < plain.len() {
        let (h, _, len) = record::decode(&plain[at..]).ok_or(StoreError::Corrupt {
            path: path.into(),
            at: frame.offset,
            what: "a frame holds something that is no record",
        })?;
        take(ordinal, &h, &plain[at..at + len]);
        at += len;
        ordinal = ordinal.saturating_add(1);
    }
    Ok(())
}

/// Complete or discard what a crash in the middle of sealing or erasing left. True when something was completed.
pub fn settle(base: &Path) -> Result<bool> {
    let news = ["seg-new", "idx-new", "seal-new"].map(|e| sibling(base, e));
    let complete = match read_seal(&news[2]) {
        Ok(seal) => {
            let holds = |new: &Path, old: &Path, hash: &str| -> Result<bool> {
                let path = if new.exists() { new } else { old };
                Ok(path.exists() && file_sha256(path)? == hash)
            };
            holds(&news[0], &sibling(base, "seg"), &seal.segment_sha256)?
                && holds(&news[1], &sibling(base, "idx"), &seal.index_sha256)?
        }
        Err(_) => false,
    };
    for (new, ending) in news.iter().zip(["seg", "idx", "seal"]) {
        if new.exists() {
            let result = if complete {
                std::fs::rename(new, sibling(base, ending))
            } else {
                std::fs::remove_file(new)
            };
            at_path(new, result)?;
        }
    }
    let (open, sealed) = (sibling(base, "open"), sibling(base, "seal"));
    if sealed.exists() && open.exists() {
        // Sealed for good: the plain file was about to go.
        read_seal(&sealed)?;
        at_path(&open, std::fs::remove_file(&open))?;
    }
    super::segment::sync_parent(base)?;
    Ok(complete)
}
