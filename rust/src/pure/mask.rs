//! Masking, for fingerprints and for everything published: recipient, addresses, URLs, digit runs and opaque tokens are
//! replaced by their kind, runs of white space by one space.

use super::eight::{eight, letters_end, odd};
use super::lookalike::{alphanumeric, ignorable, numeric};

fn is_word(c: char) -> bool {
    match u8::try_from(c) {
        Ok(b) if b.is_ascii() => WORD[usize::from(b)],
        _ => alphanumeric(c),
    }
}

/// ASCII that stands in a word.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        table[b] = (b as u8).is_ascii_alphanumeric() || matches!(b as u8, b'.' | b'_' | b'%' | b'+' | b'-');
        b += 1;
    }
    table
};

/// Length of the leading part of `text` whose characters `ascii` takes, or beyond ASCII are letters or digits.
fn leading(text: &str, ascii: impl Fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] < 0x80 {
            if !ascii(bytes[i]) {
                break;
            }
            i += 1;
        } else {
            match text[i..].chars().next() {
                Some(c) if alphanumeric(c) => i += c.len_utf8(),
                _ => break,
            }
        }
    }
    i
}

/// Bytes of the shortest opaque token.
const OPAQUE: usize = 12;

/// True for a token that carries no word: long, and of mixed digits and letters or of hex digits.
fn opaque(token: &str) -> bool {
    let n = token.len();
    if n < OPAQUE
        || !token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b))
    {
        return false;
    }
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let uppers = token.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    let lowers = token.bytes().filter(u8::is_ascii_lowercase).count();
    (digits >= 3 && digits < n) || (n >= 24 && uppers >= 4 && lowers >= 4)
}

/// True when a URL starts at the beginning of `s`.
pub fn url_start(s: &str) -> bool {
    let b = s.as_bytes();
    let has = |p: &[u8]| b.len() > p.len() && b[..p.len()].eq_ignore_ascii_case(p);
    has(b"http://") || has(b"https://") || has(b"www.") || has(b"ftp://")
}

/// Length of the URL at the beginning of `s`.
pub fn url_len(s: &str) -> usize {
    let end = s
        .char_indices()
        .find(|(_, c)| c.is_whitespace() || c.is_control() || "<>\"'`{}|\\^".contains(*c))
        .map_or(s.len(), |(i, _)| i);
    s[..end]
        .trim_end_matches(['.', ',', ')', ']', ';', ':', '!', '?'])
        .len()
        .max(4.min(end))
}

/// A text masked but for its digits: in a word they may be letters (`V1agra`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    text: String,
    /// Where in `text` something was dropped that shows nothing: digits on both sides of it are two numbers.
    seams: Vec<usize>,
}

impl Masked {
    /// Mask `text` but for its digits; `recipients` are the local parts of the envelope's recipients, lower case.
    pub fn of(text: &str, recipients: &[String]) -> Self {
        let mut masking = Masking {
            text,
            recipients,
            copied: 0,
            spaced: true,
            out: Masked {
                text: String::with_capacity(text.len()),
                seams: Vec::new(),
            },
        };
        masking.run();
        masking.out
    }

    /// The text, digits as they stand.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, each run of digits replaced by its kind.
    pub fn without_digits(&self) -> String {
        let text = self.text.as_str();
        let mut out = String::with_capacity(text.len());
        let mut seams = self.seams.iter().peekable();
        let mut i = 0;
        while let Some(start) = numeric_from(text, i) {
            out.push_str(&text[i..start]);
            out.push_str("<n>");
            i = start + text[start..].chars().next().map_or(0, char::len_utf8);
            loop {
                while seams.next_if(|s| **s < i).is_some() {}
                let next = text[i..].chars().next().filter(|c| numeric(*c));
                match next {
                    Some(c) if seams.peek().is_none_or(|s| **s > i) => i += c.len_utf8(),
                    _ => break,
                }
            }
        }
        out.push_str(&text[i..]);
        out
    }
}

/// Where the first character from `i` on stands that is a number.
fn numeric_from(text: &str, mut i: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    while i < bytes.len() {
        let marks = odd(eight(bytes, i));
        if marks == 0 {
            i += 8;
            continue;
        }
        i += marks.trailing_zeros() as usize / 8;
        let c = text[i..].chars().next()?;
        if numeric(c) {
            return Some(i);
        }
        i += c.len_utf8();
    }
    None
}

/// Mask `text`; `recipients` are the local parts of the envelope's recipients, lower case.
pub fn mask(text: &str, recipients: &[String]) -> String {
    Masked::of(text, recipients).without_digits()
}

/// What stands as it is is copied in long pieces.
struct Masking<'a> {
    text: &'a str,
    recipients: &'a [String],
    /// Up to here `text` is in `out`, or left out.
    copied: usize,
    /// What is shown so far is nothing, or ends with a space.
    spaced: bool,
    out: Masked,
}

impl Masking<'_> {
    fn run(&mut self) {
        let text = self.text;
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            let b = bytes[i];
            if WORD[usize::from(b)] {
                // Letters, few of them, and a space: most of all words.
                let end = letters_end(bytes, i);
                if end - i < OPAQUE && self.recipients.is_empty() && bytes.get(end) == Some(&b' ') {
                    (self.spaced, i) = (true, end + 1);
                } else {
                    (self.spaced, i) = (false, self.word(i, end));
                }
                continue;
            }
            if b > b' ' && b.is_ascii() {
                (self.spaced, i) = (false, i + 1);
                continue;
            }
            if b == b' ' && !self.spaced {
                (self.spaced, i) = (true, i + 1);
                continue;
            }
            let c = text[i..].chars().next().expect("a boundary");
            let next = i + c.len_utf8();
            if c.is_whitespace() {
                let shown = if self.spaced { "" } else { " " };
                self.put(i, shown, next);
                self.spaced = true;
            } else if ignorable(c) {
                self.put(i, "", next);
                self.out.seams.push(self.out.text.len());
            } else {
                self.spaced = false;
                if is_word(c) {
                    i = self.word(i, i);
                    continue;
                }
            }
            i = next;
        }
        self.put(i, "", i);
        let len = self.out.text.trim_end().len();
        self.out.text.truncate(len);
    }

    /// Copy what stands before `at`, put `kind` for what stands from there to `next`.
    fn put(&mut self, at: usize, kind: &str, next: usize) {
        self.out.text.push_str(&self.text[self.copied..at]);
        self.out.text.push_str(kind);
        self.copied = next;
    }

    /// The word, address or URL at `i`, ASCII letters up to `letters`; where it ends.
    fn word(&mut self, i: usize, letters: usize) -> usize {
        let rest = &self.text[i..];
        let mut end = letters - i;
        let next = rest.as_bytes().get(end);
        if matches!(next, Some(b':' | b'.')) && url_start(rest) {
            let end = i + url_len(rest);
            self.put(i, "<url>", end);
            return end;
        }
        end += rest.as_bytes()[end..]
            .iter()
            .position(|b| !WORD[usize::from(*b)])
            .unwrap_or(rest.len() - end);
        if rest.as_bytes().get(end).is_some_and(|b| *b >= 0x80) {
            end += leading(&rest[end..], |b| WORD[usize::from(b)]);
        }
        if rest.as_bytes().get(end) == Some(&b'@') {
            let domain = leading(&rest[end + 1..], |b| {
                b.is_ascii_alphanumeric() || b == b'-' || b == b'.'
            });
            if domain > 0 {
                let end = i + end + 1 + domain;
                self.put(i, "<addr>", end);
                return end;
            }
        }
        let word = &rest[..end];
        if word.len() < OPAQUE && self.recipients.is_empty() {
            return i + end;
        }
        let core = word.trim_matches(['.', '%', '+', '-', '_']);
        if core.len() >= 3 && self.recipients.iter().any(|r| r.eq_ignore_ascii_case(core)) {
            let at = i + word.find(core).unwrap_or(0);
            self.put(at, "<rcpt>", at + core.len());
        } else if opaque(core) {
            self.put(i, "<blob>", i + end);
        }
        i + end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_left_as_they_stand_are_masked_afterwards() {
        let parted = Masked::of("12\u{200b}34 5\u{200b}a6 \u{200b}7\u{200b}\u{200b}8 ٣4", &[]);
        assert_eq!(parted.text(), "1234 5a6 78 ٣4");
        assert_eq!(parted.without_digits(), "<n><n> <n>a<n> <n><n> <n>");
    }

    #[test]
    fn kinds_replace_what_varies() {
        assert_eq!(
            mask(
                "Dear  joe, -80% now!\n http://x.example/a?b=1 joe@x.example q83hf92hfa0q 12,5",
                &["joe".into()]
            ),
            "Dear <rcpt>, -<n>% now! <url> <addr> <blob> <n>,<n>"
        );
    }
}
