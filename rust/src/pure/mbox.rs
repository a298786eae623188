//! Splitting an mbox as it streams: mboxo, mboxrd, mboxcl, mboxcl2, with line ends of either kind or both.
//!
//! `From ` lines begin a message ([`Splitter::begins`]). Content-Length (mboxcl, mboxcl2) says which of them are text: it is
//! believed where it ends at a `From ` line or the end of the file, and only then, since the sender may have written it.
//!
//! mboxrd is undone: one `>` is taken off body lines that match `^>+From `. In an mboxo only `>From ` was ever written,
//! so the same rule serves; a `>>From ` that was data in an mboxo loses one `>`. A message with an unquoted `From ` line
//! within its Content-Length was never quoted (mboxcl2), and stays as it is.

use super::envelope::fields;

/// A Content-Length above this is not believed: until its end is there, so much may have to wait.
pub const HONOURED_BYTES: usize = 64 << 20;
/// Bytes of a header in which Content-Length is looked for.
const HEADER_BYTES: usize = 1 << 20;

/// One message cut out of an mbox.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// The `From ` line without its line end, if there was one.
    pub from_line: Option<Vec<u8>>,
    /// The message, `>From ` undone, the empty line before the next `From ` line taken off.
    pub raw: Vec<u8>,
    /// What was wrong with the mbox here; words of `limits::DEFECTS`.
    pub defects: Vec<&'static str>,
}

/// What the header of a message says of its length.
#[derive(Clone, Copy, Debug)]
enum Claim {
    Nothing,
    Bytes(usize),
    /// No number, several that differ, or beyond the bound.
    Absurd,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    body: usize,
    claim: Claim,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    At(usize),
    No,
    /// More bytes will tell.
    Later,
}

/// Cuts an mbox that comes in chunks. What waits for its end is `pending`; the caller says how much is too much.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Where the message that is being read begins.
    start: usize,
    head: Option<Head>,
    /// Where the search goes on: for the end of the header, then for the next `From ` line.
    searched: usize,
    skipping: bool,
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

/// True where the line has a clock time hh:mm in it, as every `From ` line of an mbox and little prose.
fn has_clock(line: &[u8]) -> bool {
    line.windows(5).any(|w| {
        w[2] == b':' && w[0].is_ascii_digit() && w[1].is_ascii_digit() && w[3].is_ascii_digit() && w[4].is_ascii_digit()
    })
}

/// True where the line also has a month and a day of the week: prose has not.
fn has_date(line: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
    ];
    let words = || line.split(|b| matches!(b, b' ' | b'\t' | b',' | b'\r'));
    words().any(|w| DAYS.contains(&w)) && words().any(|w| MONTHS.contains(&w))
}

/// True for a line that could be a header field.
fn is_field(line: &[u8]) -> bool {
    let name = memchr::memchr(b':', line).map_or(&b""[..], |i| &line[..i]);
    !name.is_empty() && name.iter().all(|b| (33..=126).contains(b))
}

fn claim(header: &[u8]) -> Claim {
    let mut found = Claim::Nothing;
    for value in fields(&header[..header.len().min(HEADER_BYTES)], b"content-length") {
        let digits = value.trim_ascii();
        let n = std::str::from_utf8(digits).ok().and_then(|t| t.parse::<usize>().ok());
        found = match (found, n.filter(|n| *n <= HONOURED_BYTES)) {
            (Claim::Nothing, Some(n)) => Claim::Bytes(n),
            (Claim::Bytes(before), Some(n)) if before == n => found,
            _ => Claim::Absurd,
        };
    }
    found
}

impl Splitter {
    /// Take a chunk; the messages that are whole by now.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<Piece> {
        self.buffer.extend_from_slice(chunk);
        let pieces = std::iter::from_fn(|| self.next(false)).collect();
        self.compact();
        pieces
    }

    /// What is left at the end of the file: mostly the last message.
    pub fn finish(&mut self) -> Vec<Piece> {
        let pieces = std::iter::from_fn(|| self.next(true)).collect();
        self.compact();
        pieces
    }

    /// Leave the message that is being read, which is too large, and go on at the next one.
    pub fn skip(&mut self) {
        self.skipping = true;
        self.head = None;
    }

    /// Bytes waiting for the end of a message.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// What was read goes, once it is more than what waits: a byte is moved twice at most.
    fn compact(&mut self) {
        if self.start >= self.buffer.len() - self.start {
            self.buffer.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            if let Some(head) = &mut self.head {
                head.body -= self.start;
            }
            self.start = 0;
        }
    }

    fn next(&mut self, at_end: bool) -> Option<Piece> {
        if self.skipping {
            match self.separator(at_end) {
                Found::At(line) => {
                    self.skipping = false;
                    self.go_to(line);
                }
                _ => {
                    self.start = if at_end { self.buffer.len() } else { self.searched };
                    return None;
                }
            }
        }
        if self.buffer[self.start..].iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let head = match self.head {
            Some(head) => head,
            None => self.read_head(at_end)?,
        };
        let end = match head.claim {
            Claim::Bytes(n) => self.ends(head.body + n, at_end),
            _ => Found::No,
        };
        let mut defects = Vec::new();
        let next = match (end, head.claim) {
            (Found::Later, _) => return None,
            (Found::At(next), _) => {
                if matches!(self.separator(at_end), Found::At(line) if line < next) {
                    defects.push("from_line_in_body");
                }
                let Claim::Bytes(n) = head.claim else { return None };
                return Some(self.cut(next, defects, Some(head.body + n)));
            }
            (Found::No, Claim::Nothing) => self.separator(at_end),
            (Found::No, _) => {
                defects.push("content_length_wrong");
                self.separator(at_end)
            }
        };
        match next {
            Found::At(line) => Some(self.cut(line, defects, None)),
            _ if at_end => Some(self.cut(self.buffer.len(), defects, None)),
            _ => None,
        }
    }

    /// Find the body of the message that is being read, and what its header says of its length.
    fn read_head(&mut self, at_end: bool) -> Option<Head> {
        self.searched = self.searched.max(self.start);
        loop {
            let Some(i) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                if at_end {
                    return Some(self.found_head(self.buffer.len(), Claim::Nothing));
                }
                return None;
            };
            let line = self.searched + i + 1;
            let rest = &self.buffer[line..];
            let blank = if rest.starts_with(b"\n") {
                1
            } else if rest.starts_with(b"\r\n") {
                2
            } else {
                0
            };
            if blank > 0 {
                let from_line = memchr::memchr(b'\n', &self.buffer[self.start..]).map_or(line, |i| self.start + i + 1);
                let claim = claim(&self.buffer[from_line.min(line)..line]);
                return Some(self.found_head(line + blank, claim));
            }
            if !at_end && rest.len() < 2 {
                return None;
            }
            if b"From ".starts_with(&rest[..rest.len().min(5)]) {
                match self.begins(line, at_end) {
                    Found::At(_) => return Some(self.found_head(line, Claim::Nothing)),
                    Found::Later => return None,
                    Found::No => {}
                }
            }
            self.searched = line;
        }
    }

    fn found_head(&mut self, body: usize, claim: Claim) -> Head {
        let head = Head { body, claim };
        self.head = Some(head);
        self.searched = body.saturating_sub(1).max(self.start);
        head
    }

    /// Whether a claimed end lies at a `From ` line or the end of the file, one or two line ends between.
    fn ends(&self, claimed: usize, at_end: bool) -> Found {
        let unknown = if at_end { Found::No } else { Found::Later };
        if claimed > self.buffer.len() {
            return unknown;
        }
        let mut at = claimed;
        for _ in 0..2 {
            let rest = &self.buffer[at..];
            if rest.starts_with(b"\n") {
                at += 1;
            } else if rest.starts_with(b"\r\n") {
                at += 2;
            }
        }
        let rest = &self.buffer[at..];
        if rest.is_empty() || rest == b"\r" {
            return if at_end {
                Found::At(self.buffer.len())
            } else {
                Found::Later
            };
        }
        if self.buffer[at - 1] != b'\n' {
            return Found::No;
        }
        match memchr::memchr(b'\n', rest) {
            Some(n) if rest.starts_with(b"From ") && has_clock(&rest[..n]) => Found::At(at),
            None if b"From ".starts_with(&rest[..rest.len().min(5)]) => unknown,
            _ => Found::No,
        }
    }

    /// The next line, from `searched` on, that begins a message.
    fn separator(&mut self, at_end: bool) -> Found {
        let mut from = self.searched;
        while let Some(i) = memchr::memmem::find(&self.buffer[from..], b"\nFrom ") {
            match self.begins(from + i + 1, at_end) {
                Found::Later => {
                    self.searched = from + i;
                    return Found::Later;
                }
                Found::At(line) => {
                    self.searched = from + i;
                    return Found::At(line);
                }
                Found::No => from += i + 1,
            }
        }
        // A "\nFrom " may straddle the chunks; what was searched need not be searched again.
        self.searched = from.max(self.buffer.len().saturating_sub(b"\nFrom".len()));
        Found::No
    }

    /// Whether the `From ` line at `line` begins a message. It has a clock time. An empty line stands before it; failing
    /// that, a header field after it. Without a date (`From 10:30 on we ...` is prose) both do.
    fn begins(&self, line: usize, at_end: bool) -> Found {
        let rest = &self.buffer[line..];
        let Some(n) = memchr::memchr(b'\n', rest).or(at_end.then_some(rest.len())) else {
            return Found::Later;
        };
        if !rest.starts_with(b"From ") || !has_clock(&rest[..n]) {
            return Found::No;
        }
        let before = &self.buffer[..line];
        let blank = before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n");
        let dated = has_date(&rest[..n]);
        if blank && dated {
            return Found::At(line);
        }
        if !blank && !dated {
            return Found::No;
        }
        let after = rest.get(n + 1..).unwrap_or(b"");
        match memchr::memchr(b'\n', after) {
            Some(n) if is_field(&after[..n]) => Found::At(line),
            Some(_) => Found::No,
            None if !at_end && after.len() < HEADER_BYTES => Found::Later,
            None if is_field(after) => Found::At(line),
            None => Found::No,
        }
    }

    fn go_to(&mut self, line: usize) {
        self.start = line;
        self.searched = line;
        self.head = None;
    }

    /// The message up to `next`; `claimed` is where its Content-Length says that it ends, which may be a line end short.
    fn cut(&mut self, next: usize, defects: Vec<&'static str>, claimed: Option<usize>) -> Piece {
        let whole = &self.buffer[self.start..next];
        let (from_line, body) = if whole.starts_with(b"From ") {
            let len = memchr::memchr(b'\n', whole).unwrap_or(whole.len());
            let line = whole[..len].strip_suffix(b"\r").unwrap_or(&whole[..len]);
            (Some(line.to_vec()), &whole[(len + 1).min(whole.len())..])
        } else {
            (None, whole)
        };
        // The empty line before the next separator belongs to the mbox, not to the message.
        let blank = if body.ends_with(b"\n\r\n") {
            2
        } else {
            usize::from(body.ends_with(b"\n\n"))
        };
        let body = &body[..body.len() - blank.min(next - claimed.unwrap_or(self.start))];
        let raw = if claimed.is_some() && memchr::memmem::find(body, b"\nFrom ").is_some() {
            body.to_vec()
        } else {
            undo_quoting(body)
        };
        self.go_to(next);
        Piece {
            from_line,
            raw,
            defects,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &[u8] = b"From a@b Mon Jan  1 00:00:00 2007\nSubject: 1\n\n>From me\n>>From x\n\nFrom prose to art\n\nFrom c@d Tue Jan  2 00:00:00 2007\nSubject: 2\n\nbody\n\n";
    const FROM: &str = "From a@b Mon Jan  1 00:00:00 2007\n";

    fn cut(mbox: &[u8], chunk: usize) -> Vec<Piece> {
        let mut s = Splitter::default();
        let mut out: Vec<Piece> = mbox.chunks(chunk).flat_map(|c| s.feed(c)).collect();
        out.extend(s.finish());
        assert_eq!(s.pending(), 0);
        out
    }

    /// The messages, the same however the mbox is cut into chunks.
    fn split(mbox: &[u8]) -> Vec<Piece> {
        let whole = cut(mbox, mbox.len());
        for n in 1..60 {
            assert_eq!(cut(mbox, n), whole, "chunks of {n}");
        }
        whole
    }

    fn raws(mbox: &str) -> Vec<(String, Vec<&'static str>)> {
        let pieces = split(mbox.as_bytes()).into_iter();
        pieces
            .map(|p| (String::from_utf8_lossy(&p.raw).into_owned(), p.defects))
            .collect()
    }

    #[test]
    fn any_chunking_gives_the_same_messages() {
        let whole = split(BOX);
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].raw, b"Subject: 1\n\nFrom me\n>From x\n\nFrom prose to art\n");
        assert_eq!(whole[1].raw, b"Subject: 2\n\nbody\n");
    }

    #[test]
    fn a_length_that_ends_at_a_from_line_makes_those_before_it_text() {
        let text = format!("x\n\n{FROM}Subject: inner\n\n>From y\n");
        let head = format!("Subject: 1\nContent-Length: {}\n\n", text.len());
        for (blank, end) in [
            ("\n", format!("{FROM}Subject: 2\n\nz\n")),
            ("", format!("{FROM}\nz\n")),
            ("\n", String::new()),
            ("", String::new()),
        ] {
            let found = raws(&format!("{FROM}{head}{text}{blank}{end}"));
            assert_eq!(found.len(), 1 + usize::from(!end.is_empty()), "{blank:?} {end:?}");
            assert_eq!(found[0], (format!("{head}{text}"), vec!["from_line_in_body"]));
        }
    }

    #[test]
    fn a_length_that_ends_anywhere_else_is_a_defect_and_from_lines_count() {
        for n in [
            "0",
            "1",
            "3",
            "17",
            "999",
            "99999999999999999999",
            "x",
            "4\nContent-Length: 5",
        ] {
            let found = raws(&format!("{FROM}Content-Length: {n}\n\nabcd\n\n{FROM}Subject: 2\n\nz\n"));
            assert_eq!(found.len(), 2, "{n}");
            assert_eq!(
                found[0],
                (format!("Content-Length: {n}\n\nabcd\n"), vec!["content_length_wrong"]),
                "{n}"
            );
            assert_eq!(found[1].1, Vec::<&str>::new());
        }
    }

    #[test]
    fn quoting_is_undone_where_a_length_finds_nothing_unquoted() {
        let found = raws(&format!("{FROM}Content-Length: 8\n\n>From x\n\n{FROM}\nz\n"));
        assert_eq!(found[0].0, "Content-Length: 8\n\nFrom x\n");
    }

    #[test]
    fn line_ends_may_be_mixed() {
        let crlf = FROM.replace('\n', "\r\n");
        for blank in ["\n\n", "\r\n\r\n", "\n\r\n", "\r\n\n"] {
            for from in [FROM, &crlf] {
                let found = split(format!("{from}Subject: 1{blank}a{blank}{from}Subject: 2{blank}b\n").as_bytes());
                assert_eq!(found.len(), 2, "{blank:?} {from:?}");
                assert_eq!(found[0].from_line.as_deref(), Some(FROM.trim_end().as_bytes()));
                assert!(matches!(
                    &found[0].raw[..],
                    [.., b'a', b'\n'] | [.., b'a', b'\r', b'\n']
                ));
            }
        }
    }

    #[test]
    fn prose_is_no_from_line_and_a_missing_empty_line_hides_none() {
        let found = raws(&format!("{FROM}Subject: 1\n\nFrom 10:30 on we sell\nall\n\nFrom 9:00 it is 10:00\n\n{FROM}Subject: 2\n\nx\n{FROM}Subject: 3\n{FROM}Subject: 4\n\ny\n"));
        let subjects: Vec<&str> = found.iter().map(|f| &f.0[..10]).collect();
        assert_eq!(subjects, ["Subject: 1", "Subject: 2", "Subject: 3", "Subject: 4"]);
        let cut_short = raws(&format!("{FROM}Subject: 1\n\nx\n\n{}", FROM.trim_end()));
        assert_eq!((cut_short.len(), cut_short[1].0.as_str()), (2, ""));
    }

    #[test]
    fn what_is_skipped_ends_at_the_next_from_line() {
        let mut s = Splitter::default();
        assert!(s.feed(format!("{FROM}Subject: 1\n\n").as_bytes()).is_empty());
        s.skip();
        for _ in 0..100 {
            assert!(s.feed(b"long long long\n\n").is_empty());
            assert!(s.pending() < 100);
        }
        let mut rest = s.feed(format!("{FROM}Subject: 2\n\nx\n").as_bytes());
        rest.extend(s.finish());
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].raw, b"Subject: 2\n\nx\n");
    }

    #[test]
    fn lengths_that_lie_cost_no_more_than_what_they_cover() {
        // Each message claims all that follows it and more.
        let one = format!("{FROM}Content-Length: 60000000\n\nabcd\n\n");
        let mut s = Splitter::default();
        let mut n = 0;
        for _ in 0..40 {
            n += s.feed(one.repeat(20_000).as_bytes()).len();
        }
        assert_eq!(n + s.finish().len(), 800_000);
    }
}
