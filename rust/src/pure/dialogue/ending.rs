//! The end of DATA: CRLF.CRLF and nothing else, whatever the chunks; dots unstuffed on the way (RFC 5321, 4.5.2).
//!
//! The line end of the DATA command counts as the first CRLF. A line begins after CRLF only: after a bare LF or CR a dot is
//! a dot. What looks like an end and is none is data, and a mark.

use std::collections::BTreeSet;

use memchr::memmem::Finder;
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the start of a line.
    Line,
    /// A dot at the start of a line; it is not in `raw` yet.
    Dot,
    /// That dot, then CR; neither is in `raw` yet.
    DotCr,
    /// After CR, which is in `raw`.
    Cr,
    /// Elsewhere.
    Within,
}

/// Reads the data of one message.
#[derive(Debug)]
pub struct Reader {
    at: At,
    /// Bytes so far, dots unstuffed.
    pub raw: Vec<u8>,
    /// Bytes that would be in `raw` if it had no bound.
    pub len: usize,
    bound: usize,
    marks: BTreeSet<&'static str>,
    /// Finds a line that begins with a dot.
    dotted: Finder<'static>,
}

impl Reader {
    /// A reader that keeps `bound` bytes at most; beyond them nothing is kept but the length.
    pub fn new(bound: usize) -> Self {
        Reader {
            at: At::Line,
            raw: Vec::new(),
            len: 0,
            bound,
            marks: BTreeSet::new(),
            dotted: Finder::new(b"\r\n."),
        }
    }

    /// Take octets as they are: those of a chunk.
    pub fn put(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        if self.len <= self.bound {
            self.raw.extend_from_slice(bytes);
        } else {
            self.raw = Vec::new();
        }
    }

    /// SHA-256 of the bytes so far.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.raw).into()
    }

    /// Whether the message has outgrown the bound.
    pub fn too_large(&self) -> bool {
        self.len > self.bound
    }

    /// Read on; the number of bytes used, and whether the end was met.
    pub fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut i = 0;
        while i < bytes.len() {
            let byte = bytes[i];
            match self.at {
                At::Within | At::Line => {
                    if self.at == At::Line && byte == b'.' {
                        self.at = At::Dot;
                        i += 1;
                        continue;
                    }
                    // Nothing else begins a line with a dot, which is all that matters.
                    let rest = &bytes[i..];
                    if let Some(n) = self.dotted.find(rest) {
                        self.put(&rest[..n + 2]);
                        self.at = At::Dot;
                        i += n + 3;
                        continue;
                    }
                    self.put(rest);
                    self.at = match rest {
                        [.., b'\r', b'\n'] => At::Line,
                        [.., b'\r'] => At::Cr,
                        _ => At::Within,
                    };
                    i = bytes.len();
                }
                At::Cr => match byte {
                    b'\n' => {
                        self.put(b"\n");
                        self.at = At::Line;
                        i += 1;
                    }
                    b'\r' => {
                        self.put(b"\r");
                        i += 1;
                    }
                    _ => self.at = At::Within,
                },
                At::Dot => match byte {
                    b'\r' => {
                        self.at = At::DotCr;
                        i += 1;
                    }
                    b'.' => {
                        self.put(b".");
                        self.at = At::Within;
                        i += 1;
                    }
                    _ => {
                        self.marks.insert(if byte == b'\n' {
                            "end_crlf_dot_lf"
                        } else {
                            "dot_unstuffed"
                        });
                        self.at = At::Within;
                    }
                },
                At::DotCr => {
                    if byte == b'\n' {
                        return (i + 1, true);
                    }
                    // CRLF.CR: the dot goes, the CR stays.
                    self.marks.insert("end_crlf_dot_cr");
                    self.put(b"\r");
                    self.at = At::Cr;
                }
            }
        }
        (bytes.len(), false)
    }

    /// What was held back because it might have been the end is data after all: the session ended within it.
    pub fn cut_short(&mut self) {
        match self.at {
            At::Dot => self.put(b"."),
            At::DotCr => self.put(b".\r"),
            _ => {}
        }
        self.at = At::Within;
    }

    /// Marks of the bytes read; `eight_bit_said`: MAIL announced them.
    pub fn marks(&self, eight_bit_said: bool) -> BTreeSet<&'static str> {
        let mut marks = self.marks.clone();
        let raw = &self.raw;
        if memchr::memchr(0, raw).is_some() {
            marks.insert("data_nul");
        }
        if !eight_bit_said && !raw.is_ascii() {
            marks.insert("data_eight_bit");
        }
        let (mut start, mut paired, mut bare) = (0, 0, false);
        for end in memchr::memchr_iter(b'\n', raw) {
            if end + 1 - start > 1000 {
                marks.insert("data_long_line");
            }
            start = end + 1;
            match end > 0 && raw[end - 1] == b'\r' {
                true => paired += 1,
                false => bare = true,
            }
        }
        if raw.len() - start > 1000 {
            marks.insert("data_long_line");
        }
        // Counting is faster than finding, and seldom is one bare.
        if bare || memchr::memchr_iter(b'\r', raw).count() > paired {
            self.bare_marks(&mut marks);
        }
        marks
    }

    /// Bare line ends, and dots alone between them.
    fn bare_marks(&self, marks: &mut BTreeSet<&'static str>) {
        let raw = &self.raw;
        let lf_bare = |i: usize| raw[i] == b'\n' && (i == 0 || raw[i - 1] != b'\r');
        let cr_bare = |i: usize| raw[i] == b'\r' && raw.get(i + 1) != Some(&b'\n');
        for i in memchr::memchr2_iter(b'\r', b'\n', raw) {
            let (lf, cr) = (lf_bare(i), cr_bare(i));
            if lf {
                marks.insert("data_bare_lf");
            }
            if cr {
                marks.insert("data_bare_cr");
            }
            if !(lf || cr) || raw.get(i + 1) != Some(&b'.') {
                continue;
            }
            let mark = match (lf, raw.get(i + 2), raw.get(i + 3)) {
                (true, Some(b'\n'), _) => "end_lf_dot_lf",
                (true, Some(b'\r'), Some(b'\n')) => "end_lf_dot_crlf",
                (true, Some(b'\r'), _) => "end_lf_dot_cr",
                (false, Some(b'\n'), _) => "end_cr_dot_lf",
                (false, Some(b'\r'), Some(b'\n')) => "end_cr_dot_crlf",
                (false, Some(b'\r'), _) => "end_cr_dot_cr",
                _ => continue,
            };
            marks.insert(mark);
        }
    }
}
