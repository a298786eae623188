//! The durable mark: a small file in which the trap says how far its open segment is on disk for certain.
//!
//! Who follows a segment while it is written cannot find that out alone. A record can be seen whole before its fdatasync; an
//! fdatasync of the reader's own does not help: after the writer's failed, the system counts the failure as told and lets the
//! reader's succeed (Linux reports a lost page once), and a batch that was whole on disk is cut off again when the write after
//! it failed. So the writer says it. The file is written in place, after each fdatasync of the segment and before any answer, and never
//! synced itself: what it says was true before it was written, so whatever of it is on disk after a crash promises too little at worst.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::store::record::crc32;
use crate::store::{at_path, Result};

/// Length of the file: numbers of segment, records and bytes, their CRC-32 in hex, blanks, a line feed.
pub const MARK_LEN: usize = 64;

/// The open file.
#[derive(Debug)]
pub struct Mark {
    file: File,
}

impl Mark {
    /// Make it, or take up the one that is there.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        Ok(Mark {
            file: at_path(path, file)?,
        })
    }

    /// Say that the first `records` records, `bytes` bytes, of segment `number` are durable. One write of one sector.
    pub fn write(&self, number: u32, records: usize, bytes: u64) -> std::io::Result<()> {
        self.file.write_all_at(&line(number, records, bytes), 0)
    }
}

/// What stands in the file.
fn line(number: u32, records: usize, bytes: u64) -> [u8; MARK_LEN] {
    let said = format!("{number} {records} {bytes}");
    let whole = format!("{said} {:08x}", crc32(said.as_bytes()));
    let mut out = [b' '; MARK_LEN];
    out[..whole.len()].copy_from_slice(whole.as_bytes());
    out[MARK_LEN - 1] = b'\n';
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mark_fits() {
        let longest = line(u32::MAX, u32::MAX as usize, u64::MAX);
        assert_eq!(longest[MARK_LEN - 2..], *b" \n");
        assert!(line(1, 2, 300).starts_with(b"1 2 300 "));
    }
}
