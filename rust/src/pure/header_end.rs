//! Where the header ends when no empty line says so: at the first line that can be no header field, if none follows it.
//!
//! Mail readers show such text, so it is read. Garbage between two header fields is left to the parser, which skips it.

use std::borrow::Cow;

/// Lines looked at after one that is no field before it is taken as the first of the body.
const AHEAD: usize = 40;

/// A header field: printable ASCII but no colon, optional blanks, a colon that does not start `://`.
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let name = line[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(|b| (33..=126).contains(b)) && !line[colon..].starts_with(b"://")
}

fn is_unix_from(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// `raw` with an empty line before the first line of the body where that was missing; the flag says whether it was.
pub fn separated(raw: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut at = 0;
    while at < raw.len() {
        let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |i| at + i + 1);
        let line = raw[at..end].trim_ascii_end();
        let blank = line.is_empty() && raw[at..end].iter().all(|b| matches!(b, b'\r' | b'\n'));
        if blank {
            return (Cow::Borrowed(raw), false);
        }
        // A line of spaces may be meant as the empty one; a folded line goes on the field before it.
        let spaces = line.is_empty();
        if spaces {
            let after = folded_lines(raw, end);
            let next = memchr::memchr(b'\n', &raw[after..]).map_or(raw.len(), |i| after + i);
            if after > end && at > 0 && is_field(raw[after..next].trim_ascii_end()) {
                at = after;
                continue;
            }
        }
        let folded = !spaces && matches!(raw[at], b' ' | b'\t') && at > 0;
        let body = if spaces { end } else { at };
        let is_header = folded || is_field(line) || (at == 0 && is_unix_from(line));
        if !is_header && body < raw.len() && starts_body(&raw[body..]) {
            let mut out = Vec::with_capacity(raw.len() + 1);
            out.extend_from_slice(&raw[..body]);
            out.push(b'\n');
            out.extend_from_slice(&raw[body..]);
            return (Cow::Owned(out), true);
        }
        at = end;
    }
    (Cow::Borrowed(raw), false)
}

/// Where the lines that start with a blank end.
fn folded_lines(raw: &[u8], start: usize) -> usize {
    let mut at = start;
    while matches!(raw.get(at), Some(b' ' | b'\t')) {
        at = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |i| at + i + 1);
    }
    at
}

/// True when no header field stands among the next lines up to an empty one, or a delimiter of parts stands first.
fn starts_body(rest: &[u8]) -> bool {
    // The delimiter of a first part: fields follow it, but they are the part's.
    if rest.starts_with(b"--") {
        return true;
    }
    for line in rest.split(|b| *b == b'\n').take(AHEAD) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        if is_field(line) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(raw: &str) -> String {
        let (text, _) = separated(raw.as_bytes());
        let text = String::from_utf8(text.into_owned()).expect("ascii");
        text.split_once("\n\n").map_or(String::new(), |(_, b)| b.to_owned())
    }

    #[test]
    fn a_missing_empty_line_is_put_back() {
        assert_eq!(body("Subject: x\nDear friend,\nbuy\n"), "Dear friend,\nbuy\n");
        assert_eq!(body("Subject: x\n \nDear friend,\nbuy\n"), "Dear friend,\nbuy\n");
        assert!(separated(b"just words\nand more\n").1);
    }

    #[test]
    fn a_good_header_is_left_alone() {
        for raw in [
            "Subject: x\n\nbody\n",
            "Subject: x\r\n\r\nbody: y\r\n",
            "From a@b Mon Jan 1 00:00:00 2007\nSubject: x\n\nbody",
            "Subject: x\n folded\n\tmore\n\nbody",
            "Subject: x\ngarbage here\nFrom: a@b\n\nbody",
            "Subject : x\n\nbody",
            "X: a report\n \n goes on\n \n here:\n\tx\nSubject: x\n\nbody",
            "Subject: x",
            "",
        ] {
            assert!(!separated(raw.as_bytes()).1, "{raw:?}");
        }
    }
}
