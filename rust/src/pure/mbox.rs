//! Splitting an mbox as it streams: `From ` lines at the start or after an empty line begin a message (mboxo, mboxrd).
//!
//! mboxrd is undone: one `>` is taken off body lines that match `^>+From `. In an mboxo only `>From ` was ever written,
//! so the same rule serves; a `>>From ` that was data in an mboxo loses one `>`.

/// One message cut out of an mbox.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The `From ` line without its line end, if there was one.
    pub from_line: Option<Vec<u8>>,
    /// The message, `>From ` undone, the empty line before the next `From ` line taken off.
    pub raw: Vec<u8>,
}

/// Cuts an mbox that comes in chunks. What waits for its end is `pending`; the caller says how much is too much.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    started: bool,
    /// Where the search for the next `From ` line goes on.
    searched: usize,
}

fn undo_quoting(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    for at in memchr::memmem::find_iter(body, b"From ") {
        // Walk back over '>' to the start of a line.
        let mut start = at;
        while start > 0 && body[start - 1] == b'>' {
            start -= 1;
        }
        if start < at && (start == 0 || body[start - 1] == b'\n') {
            let done = body.len() - rest.len();
            if start >= done {
                out.extend_from_slice(&body[done..start]);
                rest = &body[start + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// True when the line that starts at `line` is an mbox separator: `From ` and something that ends in a year or time.
fn separator(line: &[u8]) -> bool {
    if !line.starts_with(b"From ") {
        return false;
    }
    // `From the beginning of ...` is prose: a separator has a clock time hh:mm in it.
    line.windows(5).any(|w| {
        w[2] == b':' && w[0].is_ascii_digit() && w[1].is_ascii_digit() && w[3].is_ascii_digit() && w[4].is_ascii_digit()
    })
}

impl Splitter {
    /// Take a chunk; the messages that are whole by now.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<Piece> {
        self.buffer.extend_from_slice(chunk);
        let mut pieces = Vec::new();
        let mut start = 0;
        let mut from = self.searched.max(start);
        let mut waiting = false;
        while let Some(i) = memchr::memmem::find(&self.buffer[from..], b"\nFrom ") {
            let line = from + i + 1;
            let Some(end) = memchr::memchr(b'\n', &self.buffer[line..]) else {
                waiting = true;
                break;
            };
            let before = &self.buffer[..line];
            let blank = before.ends_with(b"\n\n") || before.ends_with(b"\r\n\r\n") || before.ends_with(b"\n\r\n");
            if blank && separator(&self.buffer[line..line + end]) {
                pieces.push(self.piece(start, line));
                start = line;
            }
            from = line + end;
        }
        // A "\nFrom " may straddle the chunks; what was searched need not be searched again.
        let searched = if waiting {
            from
        } else {
            from.max(self.buffer.len().saturating_sub(b"\nFrom".len()))
        };
        self.buffer.drain(..start);
        self.searched = searched - start;
        pieces
    }

    /// The last message, if any.
    pub fn finish(&mut self) -> Option<Piece> {
        if self.buffer.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let piece = self.piece(0, self.buffer.len());
        self.buffer.clear();
        Some(piece)
    }

    /// Bytes waiting for the end of a message.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    fn piece(&mut self, start: usize, end: usize) -> Piece {
        let whole = &self.buffer[start..end];
        self.started = true;
        let (from_line, body) = if whole.starts_with(b"From ") {
            let len = memchr::memchr(b'\n', whole).unwrap_or(whole.len());
            let line = whole[..len].strip_suffix(b"\r").unwrap_or(&whole[..len]);
            (Some(line.to_vec()), &whole[(len + 1).min(whole.len())..])
        } else {
            (None, whole)
        };
        // The empty line before the next separator belongs to the mbox, not to the message.
        let body = body
            .strip_suffix(b"\r\n\r\n")
            .map(|_| &body[..body.len() - 2])
            .or_else(|| body.strip_suffix(b"\n\n").map(|_| &body[..body.len() - 1]))
            .unwrap_or(body);
        Piece {
            from_line,
            raw: undo_quoting(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &[u8] = b"From a@b Mon Jan  1 00:00:00 2007\nSubject: 1\n\n>From me\n>>From x\n\nFrom prose to art\n\nFrom c@d Tue Jan  2 00:00:00 2007\nSubject: 2\n\nbody\n\n";

    fn cut(chunk: usize) -> Vec<Piece> {
        let mut s = Splitter::default();
        let mut out: Vec<Piece> = BOX.chunks(chunk).flat_map(|c| s.feed(c)).collect();
        out.extend(s.finish());
        out
    }

    #[test]
    fn any_chunking_gives_the_same_messages() {
        let whole = cut(BOX.len());
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].raw, b"Subject: 1\n\nFrom me\n>From x\n\nFrom prose to art\n");
        assert_eq!(whole[1].raw, b"Subject: 2\n\nbody\n");
        for n in 1..40 {
            assert_eq!(cut(n), whole, "chunks of {n}");
        }
    }
}
