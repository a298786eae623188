//! An SMTP server's replies, read from bytes in any chunks. The server is not trusted: lines and replies are bounded.

/// Most bytes of one line.
pub const LINE_BYTES: usize = 4_096;
/// Most lines of one reply.
pub const REPLY_LINES: usize = 1_000;

/// One reply, all its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code; 0 where a line was none of SMTP.
    pub code: u16,
    /// The words after the code, one string a line.
    pub lines: Vec<String>,
}

impl Reply {
    /// Whether one of its lines begins with this word, case-blind.
    pub fn offers(&self, keyword: &str) -> bool {
        self.lines.iter().any(|l| {
            l.split([' ', '='])
                .next()
                .is_some_and(|w| w.eq_ignore_ascii_case(keyword))
        })
    }
}

/// Reads replies.
#[derive(Debug, Default)]
pub struct ReplyReader {
    pending: Vec<u8>,
    lines: Vec<String>,
    first: Option<u16>,
}

impl ReplyReader {
    /// Take bytes; the replies that are whole by now. A code of 0 says that what came is no SMTP.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Reply> {
        let mut found = Vec::new();
        for &byte in bytes {
            if byte != b'\n' {
                self.pending.push(byte);
                if self.pending.len() > LINE_BYTES {
                    self.pending.clear();
                    found.push(self.broken());
                }
                continue;
            }
            let line = std::mem::take(&mut self.pending);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            match parse(line) {
                None => found.push(self.broken()),
                Some((code, last, text)) => {
                    self.lines.push(text);
                    let code = *self.first.get_or_insert(code);
                    if last {
                        self.first = None;
                        found.push(Reply {
                            code,
                            lines: std::mem::take(&mut self.lines),
                        });
                    } else if self.lines.len() >= REPLY_LINES {
                        found.push(self.broken());
                    }
                }
            }
        }
        found
    }

    /// Code of a reply of which only the first lines have come.
    pub fn begun(&self) -> Option<u16> {
        self.first
    }

    fn broken(&mut self) -> Reply {
        self.first = None;
        Reply {
            code: 0,
            lines: std::mem::take(&mut self.lines),
        }
    }
}

fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || !(b'2'..=b'5').contains(&digits[0]) {
        return None;
    }
    let code = digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'));
    let last = match line.get(3) {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let text = line.get(4..).unwrap_or_default();
    Some((code, last, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reply_of_several_lines_is_one() {
        let mut reader = ReplyReader::default();
        assert_eq!(reader.feed(b"250-mx\r\n250-PIPELINING\r\n"), vec![]);
        assert_eq!(reader.begun(), Some(250));
        let replies = reader.feed(b"250 SIZE 1000\n");
        assert!(replies[0].offers("pipelining") && replies[0].offers("SIZE") && !replies[0].offers("1000"));
    }

    #[test]
    fn what_is_no_smtp_has_the_code_0() {
        for bad in [&b"hello\n"[..], b"\n", b"25\n", b"250_x\n", b"990 x\n"] {
            assert_eq!(ReplyReader::default().feed(bad)[0].code, 0);
        }
        assert_eq!(ReplyReader::default().feed(&[b'2'; LINE_BYTES + 1])[0].code, 0);
        let endless = b"250-x\r\n".repeat(REPLY_LINES);
        assert_eq!(ReplyReader::default().feed(&endless)[0].code, 0);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_replies(
            bytes in proptest::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'-'), Just(b' '), Just(b'\n'), Just(b'\r'), any::<u8>()], 0..60),
            cut in 0..60usize
        ) {
            let whole = ReplyReader::default().feed(&bytes);
            let cut = cut.min(bytes.len());
            let mut reader = ReplyReader::default();
            let mut parts = reader.feed(&bytes[..cut]);
            parts.extend(reader.feed(&bytes[cut..]));
            prop_assert_eq!(whole, parts);
        }
    }
}
