//! The readers of segments, fed files of any bytes.
//!
//! The first byte of an input chooses what it is: an open segment; a list of records and a damage; a sealed segment in
//! four files (seal, frames, index, an open one). What a fuzzer cannot guess is repaired where the byte says so: checksums of
//! headers, the leaf of a record, the hashes by which a seal, a frame and an index vouch for themselves. Checked: no panic; a
//! scan that accounts for every byte; recovery that takes another record; what was read is what verifies. How much may be
//! allocated at once is an option of the fuzzer.
#![no_main]

use _kernel::pure::capture::{Capture, Meta};
use _kernel::store::seal::{self, encode_seal, frame_header, Frame, Seal};
use _kernel::store::segment::{self, encode_header, scan_bytes, SegmentHeader, SegmentWriter};
use _kernel::store::{read, record, StoreError};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Files in memory where the machine has such a place, one folder a process.
fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = root.join(format!("spamtide-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder.join("x")
}

fn put(base: &Path, ending: &str, bytes: &[u8]) {
    fs::write(seal::sibling(base, ending), bytes).expect("a file in memory");
}

fn emptied(base: &Path) {
    for ending in ["open", "seg", "idx", "seal", "open-new", "seg-new", "idx-new", "seal-new"] {
        let _ = fs::remove_file(seal::sibling(base, ending));
    }
}

fn header() -> SegmentHeader {
    SegmentHeader {
        feed: "f".into(),
        format: 1,
        number: 1,
        previous_chain: "0".repeat(64),
        writer: "w".into(),
    }
}

fn capture(raw: &[u8]) -> Capture {
    Capture::new(1_300_000_000_000_000, Meta { v: 1, time_origin: "smtp".into(), ..Meta::default() }, raw.to_vec())
}

/// Checksums of a segment's and of records' headers made to hold; with `leaves`, leaves too where the lengths allow it.
fn repaired(bytes: &mut [u8], leaves: bool) {
    if bytes.starts_with(&segment::MAGIC) && bytes.len() >= 16 {
        let len = u32::from_le_bytes(bytes[8..12].try_into().expect("4 bytes")) as usize;
        if let Some(json) = bytes.get(16..16usize.saturating_add(len)) {
            let crc = record::crc32(json);
            bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        }
    }
    let mut at = 0;
    while at + record::HEADER_LEN <= bytes.len() {
        if bytes[at..].starts_with(&record::MAGIC) {
            repair_record(&mut bytes[at..], leaves);
        }
        at += 1;
    }
}

fn repair_record(bytes: &mut [u8], leaves: bool) {
    let crc = |bytes: &mut [u8]| {
        let crc = record::crc32(&bytes[..80]);
        bytes[80..84].copy_from_slice(&crc.to_le_bytes());
    };
    crc(bytes);
    let Some(header) = record::header(bytes).filter(|_| leaves) else { return };
    let Some(body) = bytes.get(record::HEADER_LEN..record::total_len(&header)) else { return };
    let (meta, raw) = body.split_at(header.meta_len);
    // Of a thinned record the hash of its raw bytes stands before what is kept.
    let raw_hash = match header.kept {
        Some(_) => raw[..32].to_vec(),
        None => Sha256::digest(raw).to_vec(),
    };
    let leaf = Sha256::new()
        .chain_update(header.salt)
        .chain_update(&bytes[0..4])
        .chain_update(&bytes[8..32])
        .chain_update(Sha256::digest(meta))
        .chain_update(raw_hash)
        .finalize();
    bytes[48..80].copy_from_slice(&leaf);
    crc(bytes);
}

/// An open segment of records whose raw bytes are the pieces of `input`, cut at newlines.
fn made(input: &[u8]) -> Vec<u8> {
    let mut bytes = encode_header(&header());
    for (n, raw) in input.split(|b| *b == b'\n').enumerate() {
        record::encode(&mut bytes, n as u32, &capture(raw), b"{}", &[n as u8; 16]);
    }
    bytes
}

/// Bytes changed, cut and inserted where `orders` says, three bytes an order.
fn damaged(mut bytes: Vec<u8>, orders: &[u8]) -> Vec<u8> {
    for order in orders.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([order[0], order[1]])) % (bytes.len() + 1);
        match order[2] {
            0 => bytes.truncate(at),
            1 => bytes.splice(at..at, record::MAGIC).for_each(drop),
            2..=9 => {
                let from = at.saturating_sub(usize::from(order[2]) * 20);
                let copy = bytes[from..at].to_vec();
                bytes.extend(copy);
            }
            byte => bytes.get_mut(at).into_iter().for_each(|b| *b ^= byte),
        }
    }
    bytes
}

/// An open segment: scanned, read, verified, recovered, and appended to.
fn open(base: &Path, bytes: &[u8]) {
    put(base, "open", bytes);
    let path = seal::sibling(base, "open");
    let found = scan_bytes(&path, bytes);
    let _ = (read::records(base, 0, u32::MAX), read::one(base, 1), read::raw_digests(base));
    let _ = read::verify(base, u64::MAX);
    let _ = read::verify(base, bytes.len() as u64 / 2);
    let Ok(found) = found else { return };
    assert_eq!(found.good_len + found.torn, bytes.len() as u64);
    let lost: u64 = found.rot.iter().map(|(from, to)| to - from).sum();
    let kept: u64 = found.entries.iter().map(|e| e.len).sum();
    assert_eq!(found.good_len, encode_len(bytes) + lost + kept, "every byte is header, record or rot");
    let (mut writer, torn, rot) = SegmentWriter::recover(&path).expect("what can be scanned can be recovered");
    assert_eq!((torn, &rot), (found.torn, &found.rot));
    writer.append(&[capture(b"one more")], &[9; 16]).expect("room in memory");
    writer.commit().expect("a file in memory");
    let again = segment::scan(&path).expect("scanned before");
    assert_eq!(again.entries[..], writer.entries[..]);
    assert_eq!((again.chain, again.torn), (writer.chain, 0));
    sealed_again(base, writer);
}

/// Sealing what was recovered: its records are those of the seal, and verify but for their places.
fn sealed_again(base: &Path, writer: SegmentWriter) {
    let (records, chain) = (writer.entries.len() as u32, segment::hex(&writer.chain));
    if encode_header(&writer.header) != fs::read(&writer.path).expect("there")[..encode_header(&writer.header).len()] {
        return; // Its header is JSON written otherwise: not ours.
    }
    let seal = seal::seal(writer).expect("room in memory");
    assert_eq!((seal.records, &seal.chain), (records, &chain));
    let checked = read::verify(base, u64::MAX).expect("just sealed");
    let wrong = |p: &&String| !p.contains("stands where");
    assert_eq!(checked.problems.iter().find(wrong), None);
    assert_eq!(read::raw_digests(base).expect("just sealed").len() / 32, (records - checked.erased) as usize);
    let gone = read::erase(base, &[records - 1]).expect("just sealed");
    assert_eq!(gone.len(), 1);
    let checked = read::verify(base, u64::MAX).expect("just sealed");
    assert_eq!(checked.problems.iter().find(wrong), None, "after erasure");
    read::thin(base, &[0]).expect("just sealed");
    let checked = read::verify(base, u64::MAX).expect("just sealed");
    assert_eq!(checked.problems.iter().find(wrong), None, "after thinning");
}

fn encode_len(bytes: &[u8]) -> u64 {
    segment::decode_header(bytes).expect("scanned").1 as u64
}

/// Four files, each with two bytes of length before it: seal, frames, index, open segment.
fn files(mut input: &[u8]) -> [&[u8]; 4] {
    let mut out = [&[][..]; 4];
    for file in &mut out {
        let Some((len, rest)) = input.split_at_checked(2) else { break };
        let len = usize::from(u16::from_le_bytes([len[0], len[1]])).min(rest.len());
        (*file, input) = rest.split_at(len);
    }
    out
}

fn with_hash(bytes: &[u8]) -> Vec<u8> {
    [bytes, &Sha256::digest(bytes)[..]].concat()
}

/// A seal from the JSON of the input, or one that fits the frames, with the fields that the input overrides.
fn sealed_files(flags: u8, input: &[u8]) -> [Vec<u8>; 4] {
    let [json, plain, index, open] = files(input);
    let mut records = plain.to_vec();
    repaired(&mut records, flags & 8 == 8);
    let mut bytes = encode_header(&header());
    let packed = zstd::bulk::compress(&records, 1).expect("in memory");
    let frame = Frame {
        first: 0,
        count: (index.len() / read::INDEX_ROW) as u32,
        offset: bytes.len() as u64,
        plain: records.len() as u32,
        packed: packed.len() as u32,
    };
    let mut seal = serde_json::to_value(Seal {
        frames: vec![frame.clone()],
        ..seal::summed(&header(), &[], &[0; 32])
    })
    .expect("a struct of strings and numbers");
    if let Ok(serde_json::Value::Object(said)) = serde_json::from_slice(json) {
        seal.as_object_mut().expect("a struct").extend(said);
    }
    let seal: Option<Seal> = serde_json::from_value(seal).ok();
    // Frames are written where the seal says, as far as that is near; their headers are what it says.
    let frames = seal.as_ref().map_or(vec![frame], |s| s.frames.clone());
    for frame in frames.iter().take(4) {
        let at = (frame.offset as usize).min(4096);
        bytes.resize(bytes.len().max(at + seal::FRAME_HEADER + packed.len()), 0);
        bytes[at..at + seal::FRAME_HEADER].copy_from_slice(&frame_header(frame));
        let body = if flags & 16 == 16 { plain } else { &packed };
        let end = (at + seal::FRAME_HEADER + body.len()).min(bytes.len());
        bytes[at + seal::FRAME_HEADER..end].copy_from_slice(&body[..end - at - seal::FRAME_HEADER]);
    }
    let mut open = open.to_vec();
    repaired(&mut open, flags & 8 == 8);
    let index = if flags & 32 == 32 { index.to_vec() } else { with_hash(index) };
    let seal = match seal {
        Some(mut seal) if flags & 64 == 0 => {
            seal.segment_sha256 = segment::hex(&Sha256::digest(&bytes));
            seal.index_sha256 = segment::hex(&Sha256::digest(&index));
            encode_seal(&seal)
        }
        _ => json.to_vec(),
    };
    [seal, bytes, index, open]
}

fn sealed(base: &Path, flags: u8, input: &[u8]) {
    let [seal, frames, index, open] = sealed_files(flags, input);
    let new = if flags & 128 == 128 { "-new" } else { "" };
    for (ending, bytes) in [("seal", &seal), ("seg", &frames), ("idx", &index)] {
        put(base, &format!("{ending}{new}"), bytes);
    }
    if !open.is_empty() {
        put(base, "open", &open);
    }
    let _ = read::settle(base);
    let read = read::records(base, 0, u32::MAX);
    let _ = (read::one(base, 0), read::records(base, 2, 5), read::raw_digests(base));
    let checked = read::verify(base, u64::MAX);
    if let (Ok(records), Ok(checked)) = (&read, &checked) {
        if checked.problems.is_empty() {
            assert_eq!(records.len(), checked.records as usize);
        }
    }
    if let Err(StoreError::Misuse(what)) = read::erase(base, &[0, 2]) {
        assert!(!what.is_empty());
    }
    let _ = (read::thin(base, &[1]), read::verify(base, u64::MAX));
}

fuzz_target!(|input: &[u8]| {
    let Some((flags, rest)) = input.split_first() else { return };
    let base = base();
    match flags & 3 {
        0 => {
            let mut bytes = rest.to_vec();
            repaired(&mut bytes, flags & 8 == 8);
            open(&base, &bytes);
        }
        1 => {
            let (orders, pieces) = rest.split_at(rest.len().min(12));
            let mut bytes = damaged(made(pieces), orders);
            if flags & 4 == 4 {
                repaired(&mut bytes, flags & 8 == 8);
            }
            open(&base, &bytes);
        }
        _ => sealed(&base, *flags, rest),
    }
    emptied(&base);
});
