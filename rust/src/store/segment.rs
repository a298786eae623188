//! The open segment: a header, then records, appended by one writer; and the scan that recovers it after a crash.
//!
//! Header: magic "STSEG\x001\n" (8 bytes), length of the JSON that follows (u32), CRC-32 of that JSON (u32), the JSON
//! `{"feed", "format", "number", "previous_chain", "writer"}`.

use super::record::{self, Hash};
use super::{at_path, Result, StoreError};
use crate::pure::capture::Capture;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// First bytes of every segment.
pub const MAGIC: [u8; 8] = *b"STSEG\x001\n";

/// From so many bytes on a message is written from where it is, not copied behind others.
const LARGE_BYTES: usize = 64 << 10;
/// A buffer larger than this is not kept for the next records.
const KEPT_BYTES: usize = 1 << 20;

/// Whose segment it is and where its chain starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHeader {
    /// Name of the feed.
    pub feed: String,
    /// Version of the format: 1.
    pub format: u32,
    /// Number within (feed, writer), from 1.
    pub number: u32,
    /// Chain at the end of this writer's previous segment, hex; 64 zeros for the first.
    pub previous_chain: String,
    /// Name of the writer.
    pub writer: String,
}

/// What the index holds of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Byte offset in the plain segment.
    pub offset: u64,
    /// Length of the whole record.
    pub len: u64,
    /// Length of its raw bytes.
    pub raw_len: u64,
    /// Receive time.
    pub received_at: i64,
    /// SHA-256 of its raw bytes; zero for a tombstone.
    pub sha256: Hash,
    /// Leaf of the chain.
    pub leaf: Hash,
}

/// Hex of a hash.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The 32 bytes of a hash in hex.
pub fn unhex(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut out = [0u8; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}

/// The header at the start of a file that is read as a stream, and its length.
pub fn read_header(file: &mut impl Read) -> std::io::Result<Option<(SegmentHeader, usize)>> {
    let mut bytes = vec![0u8; 16];
    file.read_exact(&mut bytes)?;
    let len = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    file.take(u64::from(len)).read_to_end(&mut bytes)?;
    Ok(decode_header(&bytes))
}

/// Bytes of a segment's header.
pub fn encode_header(header: &SegmentHeader) -> Vec<u8> {
    let json = serde_json::to_vec(header).expect("a struct of strings and numbers");
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&(json.len() as u32).to_le_bytes());
    out.extend_from_slice(&record::crc32(&json).to_le_bytes());
    out.extend_from_slice(&json);
    out
}

/// The header at the start of `bytes` and its length.
pub fn decode_header(bytes: &[u8]) -> Option<(SegmentHeader, usize)> {
    if bytes.get(..8)? != MAGIC {
        return None;
    }
    let len = u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?);
    let json = bytes.get(16..16usize.checked_add(len)?)?;
    if record::crc32(json) != crc {
        return None;
    }
    Some((serde_json::from_slice(json).ok()?, 16 + len))
}

/// What a scan of a plain segment found.
#[derive(Debug)]
pub struct Scan {
    /// The segment's header.
    pub header: SegmentHeader,
    /// Its whole records, in order.
    pub entries: Vec<Entry>,
    /// Chain after the last of them.
    pub chain: Hash,
    /// Length up to the end of the last whole record.
    pub good_len: u64,
    /// Ranges of bytes between good records that are no record: rot.
    pub rot: Vec<(u64, u64)>,
    /// Bytes after the last whole record: what a crash left, to be cut.
    pub torn: u64,
}

/// Walk a plain segment. A short or wrong record is a torn tail only if no valid record follows; otherwise it is rot.
/// Nothing is looked for within a record whose header holds: a message may carry the bytes of a record.
pub fn scan(path: &Path) -> Result<Scan> {
    scan_until(path, u64::MAX)
}

/// As `scan`, of the first `until` bytes: of a segment that is being written, those that are durable.
pub fn scan_until(path: &Path, until: u64) -> Result<Scan> {
    let mut bytes = Vec::new();
    at_path(
        path,
        File::open(path).and_then(|f| f.take(until).read_to_end(&mut bytes)),
    )?;
    scan_bytes(path, &bytes)
}

/// As `scan`, of bytes already read.
pub fn scan_bytes(path: &Path, bytes: &[u8]) -> Result<Scan> {
    let corrupt = |at, what| StoreError::Corrupt {
        path: path.to_path_buf(),
        at,
        what,
    };
    let (header, start) = decode_header(bytes).ok_or_else(|| corrupt(0, "the segment's header does not hold"))?;
    let mut chain = unhex(&header.previous_chain).ok_or_else(|| corrupt(0, "the previous chain is no hash"))?;
    let (mut entries, mut rot): (Vec<Entry>, Vec<(u64, u64)>) = (Vec::new(), Vec::new());
    let (mut at, mut good) = (start, start);
    // Whether `at` follows from the lengths of what stands before it, and not from a search.
    let mut led = true;
    while at < bytes.len() {
        let next = record::header(&bytes[at..]).and_then(|h| {
            let end = at.checked_add(record::total_len(&h))?;
            let body = bytes.get(at + record::HEADER_LEN..end)?;
            let (meta, raw) = body.split_at(h.meta_len);
            let sha256 = record::checked_raw(&h, &bytes[at..at + record::HEADER_LEN], meta, raw)?;
            Some((h, end, sha256))
        });
        match next {
            Some((h, end, sha256)) => {
                if at > good {
                    rot.push((good as u64, at as u64));
                }
                chain = record::link(&chain, &h.leaf);
                entries.push(Entry {
                    offset: at as u64,
                    len: (end - at) as u64,
                    raw_len: h.kept.unwrap_or(h.raw_len) as u64,
                    received_at: h.received_at,
                    sha256,
                    leaf: h.leaf,
                });
                at = end;
                good = end;
                led = true;
            }
            None => {
                if let Some(h) = record::header(&bytes[at..]).filter(|_| led) {
                    at = bytes.len().min(at + record::total_len(&h));
                    continue;
                }
                // Not a record: go on at the next magic, if any.
                led = false;
                at = memchr::memmem::find(&bytes[at + 1..], &record::MAGIC).map_or(bytes.len(), |i| at + 1 + i);
            }
        }
    }
    Ok(Scan {
        header,
        entries,
        chain,
        good_len: good as u64,
        rot,
        torn: (bytes.len() - good) as u64,
    })
}

/// Bytes on their way to a file: small ones are gathered, large ones go from where they are.
struct Chunk<'a> {
    file: &'a File,
    /// Where `bytes` will stand.
    at: u64,
    bytes: Vec<u8>,
}

impl Chunk<'_> {
    fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if bytes.len() < LARGE_BYTES {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all_at(&self.bytes, self.at)?;
        self.at = self.end();
        self.bytes.clear();
        Ok(())
    }
}

/// The one writer of an open segment.
#[derive(Debug)]
pub struct SegmentWriter {
    /// Path of the open file.
    pub path: PathBuf,
    /// Its header.
    pub header: SegmentHeader,
    /// Records so far.
    pub entries: Vec<Entry>,
    /// Chain after the last of them.
    pub chain: Hash,
    /// Length up to the end of the last whole record.
    pub len: u64,
    file: File,
    broken: bool,
    buffer: Vec<u8>,
    durable: (usize, u64, Hash),
}

impl SegmentWriter {
    /// Create a new open segment; the file must not exist. The header is on disk before this returns.
    pub fn create(path: &Path, header: SegmentHeader) -> Result<Self> {
        let chain = unhex(&header.previous_chain).ok_or(StoreError::Misuse("previous_chain is 64 hex digits"))?;
        if path.exists() {
            return Err(StoreError::Misuse("this segment exists already"));
        }
        // By rename, so that no segment is ever seen with half a header.
        let new = path.with_extension("open-new");
        let mut file = at_path(
            &new,
            OpenOptions::new()
                .write(true)
                .read(true)
                .create(true)
                .truncate(true)
                .open(&new),
        )?;
        let bytes = encode_header(&header);
        at_path(&new, file.write_all(&bytes).and_then(|()| file.sync_all()))?;
        at_path(path, std::fs::rename(&new, path))?;
        sync_parent(path)?;
        let len = bytes.len() as u64;
        Ok(SegmentWriter {
            path: path.into(),
            header,
            entries: Vec::new(),
            chain,
            len,
            file,
            broken: false,
            buffer: Vec::new(),
            durable: (0, len, chain),
        })
    }

    /// Take up an open segment after a crash: cut what is torn, keep rot where it is. The scan says what was found.
    #[allow(clippy::type_complexity)]
    pub fn recover(path: &Path) -> Result<(Self, u64, Vec<(u64, u64)>)> {
        let found = scan(path)?;
        let file = at_path(path, OpenOptions::new().write(true).read(true).open(path))?;
        if found.torn > 0 {
            at_path(path, file.set_len(found.good_len))?;
        }
        // What a killed writer had written but not synced counts as durable from now on.
        at_path(path, file.sync_all())?;
        let writer = SegmentWriter {
            path: path.into(),
            header: found.header,
            durable: (found.entries.len(), found.good_len, found.chain),
            entries: found.entries,
            chain: found.chain,
            len: found.good_len,
            file,
            broken: false,
            buffer: Vec::new(),
        };
        Ok((writer, found.torn, found.rot))
    }

    /// Append captures; on any failure the file is cut back to what it was and the error is returned.
    pub fn append(&mut self, captures: &[Capture], salts: &[u8]) -> Result<()> {
        if self.broken {
            return Err(StoreError::Misuse(
                "this segment failed before; seal it at its last good length",
            ));
        }
        if salts.len() != captures.len() * 16 {
            return Err(StoreError::Misuse("16 bytes of salt a capture"));
        }
        let metas: Vec<Vec<u8>> = captures.iter().map(meta_json).collect();
        // No reader would take it for a record, nor find those after it.
        let fits = |meta: &Vec<u8>, raw: &Vec<u8>| meta.len() <= record::MAX_META && raw.len() <= record::MAX_RAW;
        if !metas
            .iter()
            .zip(captures)
            .all(|(meta, capture)| fits(meta, &capture.raw))
        {
            return Err(StoreError::Misuse("a record larger than the format allows"));
        }
        let mut chunk = Chunk {
            file: &self.file,
            at: self.len,
            bytes: std::mem::take(&mut self.buffer),
        };
        let mut fresh = Vec::with_capacity(captures.len());
        let mut chain = self.chain;
        let mut written = Ok(());
        for ((capture, meta), salt) in captures.iter().zip(&metas).zip(salts.chunks_exact(16)) {
            let offset = chunk.end();
            let ordinal = (self.entries.len() + fresh.len()) as u32;
            let leaf = record::encode_head(
                &mut chunk.bytes,
                ordinal,
                capture,
                meta,
                salt.try_into().expect("16 bytes"),
            );
            written = chunk.put(&capture.raw);
            if written.is_err() {
                break;
            }
            chain = record::link(&chain, &leaf);
            fresh.push(Entry {
                offset,
                len: chunk.end() - offset,
                raw_len: capture.raw.len() as u64,
                received_at: capture.received_at,
                sha256: capture.sha256,
                leaf,
            });
        }
        let written = written.and_then(|()| chunk.flush());
        let (len, buffer) = (chunk.at, chunk.bytes);
        if let Err(error) = written {
            // A short write may have left half a record: cut it before anyone reads it.
            self.broken = self.file.set_len(self.len).is_err();
            return Err(StoreError::Io {
                path: self.path.clone(),
                error,
            });
        }
        (self.len, self.chain) = (len, chain);
        self.entries.extend(fresh);
        // A flood of mail leaves no large buffer behind.
        self.buffer = if buffer.capacity() > KEPT_BYTES {
            Vec::new()
        } else {
            buffer
        };
        Ok(())
    }

    /// Make everything appended so far durable. After a failure nothing more is written to this file.
    pub fn commit(&mut self) -> Result<()> {
        if let Err(error) = self.file.sync_data() {
            self.broken = true;
            return Err(StoreError::Io {
                path: self.path.clone(),
                error,
            });
        }
        self.durable = (self.entries.len(), self.len, self.chain);
        Ok(())
    }

    /// Records and bytes that are on disk for certain.
    pub fn durable(&self) -> (usize, u64) {
        (self.durable.0, self.durable.1)
    }

    /// Whether nothing more may be written: a failed write could not be cut off, or fdatasync failed.
    pub fn broken(&self) -> bool {
        self.broken
    }

    /// Forget what was appended since the last `commit` that held: after a failed one nobody knows whether it is on disk.
    pub fn back_to_durable(&mut self) -> Result<()> {
        let (records, len, chain) = self.durable;
        self.broken = true;
        self.entries.truncate(records);
        (self.len, self.chain) = (len, chain);
        at_path(&self.path, self.file.set_len(len))
    }
}

/// The meta of a record: the struct as JSON, with the digest of the raw bytes for use by other programs.
fn meta_json(capture: &Capture) -> Vec<u8> {
    let mut out = serde_json::to_vec(&capture.meta).expect("a struct of strings and numbers");
    out.pop();
    if out.len() > 1 {
        out.push(b',');
    }
    out.extend_from_slice(b"\"sha256\":\"");
    out.extend_from_slice(hex(&capture.sha256).as_bytes());
    out.extend_from_slice(b"\"}");
    out
}

/// fsync of the folder that holds `path`, so that a new name survives a crash.
pub fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    at_path(parent, File::open(parent).and_then(|d| d.sync_all()))
}
