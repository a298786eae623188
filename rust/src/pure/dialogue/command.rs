//! One command line: which command, its argument, and the dialect in which it was said.

use super::states::Word;
use std::collections::BTreeSet;

/// A command line taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// What is asked.
    pub word: Word,
    /// What follows the verb; after `FROM:` or `TO:` for these two. None where their colon is missing.
    pub argument: Option<&'a [u8]>,
}

const VERBS: &[(&str, Word)] = &[
    ("HELO", Word::Helo),
    ("EHLO", Word::Ehlo),
    ("LHLO", Word::Lhlo),
    ("MAIL", Word::Mail),
    ("RCPT", Word::Rcpt),
    ("DATA", Word::Data),
    ("BDAT", Word::Bdat),
    ("RSET", Word::Rset),
    ("NOOP", Word::Noop),
    ("VRFY", Word::Vrfy),
    ("EXPN", Word::Expn),
    ("HELP", Word::Help),
    ("AUTH", Word::Auth),
    ("STARTTLS", Word::StartTls),
    ("XCLIENT", Word::Xclient),
    ("XFORWARD", Word::Xforward),
    ("QUIT", Word::Quit),
];

const HTTP: &[&str] = &["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH"];

fn blank(byte: &u8) -> bool {
    *byte == b' ' || *byte == b'\t'
}

/// Take a line, without its line end, apart.
pub fn parse<'a>(line: &'a [u8], marks: &mut BTreeSet<&'static str>) -> Command<'a> {
    if line.contains(&0) {
        marks.insert("nul");
    }
    if line.contains(&b'\r') {
        marks.insert("bare_cr");
    }
    if !line.is_ascii() {
        marks.insert("eight_bit");
    }
    let start = line.iter().position(|b| !blank(b)).unwrap_or(line.len());
    if start > 0 {
        marks.insert("leading_space");
    }
    let end = line.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    if end < line.len() && end > start {
        marks.insert("trailing_space");
    }
    let line = &line[start..end];
    let verb_end = line.iter().position(blank).unwrap_or(line.len());
    let (verb, rest) = line.split_at(verb_end);
    let rest = &rest[rest.iter().position(|b| !blank(b)).unwrap_or(rest.len())..];
    let found = VERBS
        .iter()
        .find(|(name, _)| verb.eq_ignore_ascii_case(name.as_bytes()));
    let Some((name, word)) = found else {
        let asked = HTTP.iter().any(|v| verb == v.as_bytes());
        let word = if asked && (rest.first() == Some(&b'/') || memchr::memmem::find(rest, b"HTTP/").is_some()) {
            marks.insert("http");
            Word::Http
        } else {
            marks.insert("unknown_command");
            Word::Unknown
        };
        return Command {
            word,
            argument: Some(rest),
        };
    };
    if verb != name.as_bytes() {
        marks.insert("lower_case");
    }
    let keyword: &[u8] = match word {
        Word::Mail => b"FROM",
        Word::Rcpt => b"TO",
        _ => {
            return Command {
                word: *word,
                argument: Some(rest),
            }
        }
    };
    Command {
        word: *word,
        argument: after_colon(rest, keyword, marks),
    }
}

/// What follows `FROM:` or `TO:`.
fn after_colon<'a>(rest: &'a [u8], keyword: &[u8], marks: &mut BTreeSet<&'static str>) -> Option<&'a [u8]> {
    let said = rest.get(..keyword.len())?;
    if !said.eq_ignore_ascii_case(keyword) {
        return None;
    }
    if said != keyword {
        marks.insert("lower_case");
    }
    let rest = &rest[keyword.len()..];
    let colon = rest.iter().position(|b| !blank(b))?;
    if rest[colon] != b':' {
        return None;
    }
    if colon > 0 {
        marks.insert("space_around_colon");
    }
    Some(&rest[colon + 1..])
}

/// How the name of a HELO is wrong; None where it is a domain or an address in brackets.
pub fn helo_mark(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("helo_empty");
    }
    if let Some(inner) = name.strip_prefix(b"[").and_then(|n| n.strip_suffix(b"]")) {
        let inner = std::str::from_utf8(inner).unwrap_or("");
        let address = inner.strip_prefix("IPv6:").unwrap_or(inner);
        return address.parse::<std::net::IpAddr>().is_err().then_some("helo_malformed");
    }
    if std::str::from_utf8(name).is_ok_and(|n| n.parse::<std::net::IpAddr>().is_ok()) {
        return Some("helo_address");
    }
    let label = |l: &[u8]| {
        !l.is_empty()
            && l.len() <= 63
            && l.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && l[0] != b'-'
            && l[l.len() - 1] != b'-'
    };
    let good = name.len() <= 255 && name.split(|b| *b == b'.').all(label);
    (!good).then_some("helo_malformed")
}
