//! A second reading of a message's structure, where honest readers differ: deliberately the other one.
//!
//! Fields: the first of two Content fields counts, the last Subject; a blank before the colon makes another field; the
//! header ends at the first line that is no field; a bare CR ends a line, a NUL a value. Parameters: the last of two
//! counts, a plain one before an extended one (RFC 2231), no comments. Parts: a delimiter is a line of its own, exactly;
//! that of an outer multipart ends the inner one. Files: a Content-Type's name before that of the disposition;
//! uuencoded lines in a text are a file. One pass; nothing is unpacked here but uuencoded lines.

use super::leaf::{Leaf, Name, Packing, Role};
use super::limits;
use std::borrow::Cow;

/// What the second reading finds.
#[derive(Debug, Default)]
pub struct Second<'x> {
    /// The Subject field, raw.
    pub subject: Option<&'x [u8]>,
    /// The leaves in order.
    pub leaves: Vec<Leaf<'x>>,
    /// False when a bound was met: then there is nothing to compare.
    pub whole: bool,
}

/// Fields of one header that matter here, raw, and where the body starts.
#[derive(Default)]
struct Header<'x> {
    subject: Option<&'x [u8]>,
    content_type: Option<&'x [u8]>,
    encoding: Option<&'x [u8]>,
    disposition: Option<&'x [u8]>,
    body: usize,
}

struct Open<'x> {
    boundary: Cow<'x, [u8]>,
    digest: bool,
}

/// A delimiter line: where the text before it ends, where the line ends, of which open multipart, whether it closes it.
struct Delimiter {
    before: usize,
    after: usize,
    level: usize,
    closes: bool,
}

/// Read all of `raw`.
pub fn read(raw: &[u8]) -> Second<'_> {
    let mut found = Second {
        whole: true,
        ..Second::default()
    };
    let mut open: Vec<Open<'_>> = Vec::new();
    let (mut at, mut outermost, mut inner) = (0, true, false);
    loop {
        let header = header(raw, at);
        if outermost {
            found.subject = header.subject;
            outermost = false;
        }
        let kind = kind_of(header.content_type);
        let digest = !inner && open.last().is_some_and(|o| o.digest);
        let message = match &kind {
            Some(k) => is(k, b"message/rfc822") || is(k, b"message/global"),
            None => digest && header.content_type.is_none(),
        };
        let packing = packing(header.encoding);
        if message && packing == Packing::Plain {
            (at, inner) = (header.body, true);
            continue;
        }
        inner = false;
        let multipart = kind.is_some_and(|k| k.len() > 10 && is(&k[..10], b"multipart/"));
        if let Some(boundary) = header.content_type.filter(|_| multipart).and_then(boundary) {
            let level = open.len();
            let digest = kind.is_some_and(|k| is(k, b"multipart/digest"));
            open.push(Open { boundary, digest });
            if open.len() > limits::SECOND_DEPTH {
                found.whole = false;
                return found;
            }
            match delimiter(raw, header.body, &open) {
                Some(d) if d.level == level && !d.closes => {
                    at = d.after;
                    continue;
                }
                // Its boundary never comes: a text, as in the first reading.
                _ => {
                    open.pop();
                }
            }
        }
        let end = delimiter(raw, header.body, &open);
        let body = &raw[header.body..end.as_ref().map_or(raw.len(), |d| d.before)];
        put(&mut found.leaves, &header, kind, message, packing, body);
        if found.leaves.len() > limits::PARTS {
            found.whole = false;
            return found;
        }
        let Some(next) = following(raw, end, &mut open) else {
            return found;
        };
        at = next;
    }
}

/// Where the next part starts after the delimiter `end`: closed multiparts are left, with what stands behind them.
fn following(raw: &[u8], end: Option<Delimiter>, open: &mut Vec<Open<'_>>) -> Option<usize> {
    let mut end = end?;
    loop {
        open.truncate(end.level + 1);
        if !end.closes {
            return Some(end.after);
        }
        open.pop();
        end = delimiter(raw, end.after, open)?;
    }
}

/// End of the line at `at` and start of the next. LF, CRs before an LF, and a bare CR end a line.
fn line(raw: &[u8], at: usize) -> (usize, usize) {
    let Some(i) = memchr::memchr2(b'\r', b'\n', &raw[at..]) else {
        return (raw.len(), raw.len());
    };
    let end = at + i;
    let after = end + raw[end..].iter().take_while(|b| **b == b'\r').count();
    if raw.get(after) == Some(&b'\n') {
        (end, after + 1)
    } else {
        (end, end + 1)
    }
}

fn header(raw: &[u8], start: usize) -> Header<'_> {
    let mut header = Header::default();
    let (mut at, mut fields) = (start, 0);
    while at < raw.len() {
        let (mut end, mut next) = line(raw, at);
        if end == at {
            at = next;
            break;
        }
        let text = &raw[at..end];
        let colon = memchr::memchr(b':', text).unwrap_or(0);
        let name = &text[..colon];
        let is_name = name.trim_ascii_end().iter().all(|b| (33..=126).contains(b));
        if colon == 0 || !is_name || text[colon..].starts_with(b"://") {
            if fields == 0 && (text.starts_with(b"From ") || text.starts_with(b">From ")) {
                at = next;
                continue;
            }
            break;
        }
        fields += 1;
        while matches!(raw.get(next), Some(b' ' | b'\t')) {
            (end, next) = line(raw, next);
        }
        let value = &raw[at + colon + 1..end];
        let value = memchr::memchr(0, value).map_or(value, |i| &value[..i]);
        let content = || value[..value.len().min(limits::CONTENT_FIELD_BYTES)].trim_ascii();
        match name.len() {
            7 if is(name, b"subject") => header.subject = Some(value),
            12 if is(name, b"content-type") => _ = header.content_type.get_or_insert_with(content),
            25 if is(name, b"content-transfer-encoding") => _ = header.encoding.get_or_insert_with(content),
            19 if is(name, b"content-disposition") => _ = header.disposition.get_or_insert_with(content),
            _ => {}
        }
        at = next;
    }
    header.body = at;
    header
}

fn is(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The next delimiter line of any open multipart, the innermost first. `from` is the start of a line.
fn delimiter(raw: &[u8], from: usize, open: &[Open<'_>]) -> Option<Delimiter> {
    if open.is_empty() {
        return None;
    }
    let first = raw[from..].starts_with(b"--").then_some(from);
    let others = memchr::memmem::find_iter(&raw[from..], b"\n--").map(|i| from + i + 1);
    first.into_iter().chain(others).find_map(|at| {
        let stop = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |i| at + i);
        let text = raw[at + 2..stop].trim_ascii_end();
        open.iter().enumerate().rev().find_map(|(level, o)| {
            let rest = text.strip_prefix(&*o.boundary)?;
            (rest.is_empty() || rest == b"--").then(|| Delimiter {
                before: at.saturating_sub(1).max(from),
                after: (stop + 1).min(raw.len()),
                level,
                closes: !rest.is_empty(),
            })
        })
    })
}

/// The type and subtype of a Content-Type, as written; `None` where it cannot be one (RFC 2045 section 5.2).
fn kind_of(value: Option<&[u8]>) -> Option<&[u8]> {
    let kind = word(value?);
    (kind.contains(&b'/') || is(kind, b"text")).then_some(kind)
}

fn packing(value: Option<&[u8]>) -> Packing {
    match value {
        Some(v) if is(v, b"base64") => Packing::Base64,
        Some(v) if is(v, b"quoted-printable") => Packing::Quoted,
        _ => Packing::Plain,
    }
}

fn boundary(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match parameter(value, b"boundary") {
        Parameter::Plain(b) => {
            let trimmed = b.trim_ascii_end().len();
            let boundary = match b {
                Cow::Borrowed(b) => Cow::Borrowed(&b[..trimmed]),
                Cow::Owned(mut b) => {
                    b.truncate(trimmed);
                    Cow::Owned(b)
                }
            };
            Some(boundary).filter(|b| !b.is_empty())
        }
        _ => None,
    }
}

enum Parameter<'x> {
    Absent,
    Plain(Cow<'x, [u8]>),
    Extended,
}

/// The last plain parameter of this name; `Extended` when there are only ones with an asterisk.
fn parameter<'x>(value: &'x [u8], wanted: &[u8]) -> Parameter<'x> {
    let mut found = Parameter::Absent;
    let mut rest = memchr::memchr(b';', value).map_or(&[][..], |i| &value[i + 1..]);
    while !rest.is_empty() {
        let equals = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
        let name = rest[..equals].trim_ascii();
        if rest.get(equals) != Some(&b'=') {
            rest = rest.get(equals + 1..).unwrap_or(&[]);
            continue;
        }
        let text = rest[equals + 1..].trim_ascii_start();
        let (given, after) = match text.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = memchr::memchr(b';', text).unwrap_or(text.len());
                (Cow::Borrowed(text[..end].trim_ascii_end()), &text[end..])
            }
        };
        let next = memchr::memchr(b';', after).map_or(after.len(), |i| i + 1);
        rest = &after[next..];
        if is(name, wanted) {
            found = Parameter::Plain(given);
        } else if name.len() > wanted.len() && is(&name[..wanted.len()], wanted) && name[wanted.len()] == b'*' {
            if let Parameter::Absent = found {
                found = Parameter::Extended;
            }
        }
    }
    found
}

/// A quoted string without its quotes and backslashes, from behind the first quote, and what follows it.
fn unquoted(text: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let end = memchr::memchr2(b'"', b'\\', text).unwrap_or(text.len());
    if text.get(end) != Some(&b'\\') {
        return (Cow::Borrowed(&text[..end]), &text[(end + 1).min(text.len())..]);
    }
    let mut out = text[..end].to_vec();
    let mut i = end;
    while i < text.len() && text[i] != b'"' {
        i += usize::from(text[i] == b'\\' && i + 1 < text.len());
        out.push(text[i]);
        i += 1;
    }
    (Cow::Owned(out), &text[(i + 1).min(text.len())..])
}

fn name<'x>(header: &Header<'x>) -> Name<'x> {
    let places = [(header.content_type, &b"name"[..]), (header.disposition, b"filename")];
    let mut found = Name::Absent;
    for (value, wanted) in places {
        match value.map_or(Parameter::Absent, |v| parameter(v, wanted)) {
            Parameter::Plain(Cow::Borrowed(b)) => return Name::Given(String::from_utf8_lossy(b)),
            Parameter::Plain(Cow::Owned(b)) => {
                return Name::Given(Cow::Owned(String::from_utf8_lossy(&b).into_owned()))
            }
            Parameter::Extended => found = Name::Unread,
            Parameter::Absent => {}
        }
    }
    found
}

fn put<'x>(
    leaves: &mut Vec<Leaf<'x>>,
    header: &Header<'x>,
    kind: Option<&[u8]>,
    message: bool,
    packing: Packing,
    body: &'x [u8],
) {
    let name = name(header);
    let named = name != Name::Absent;
    let attached = header.disposition.is_some_and(|d| is(word(d), b"attachment"));
    let prefix = |k: &[u8], p: &[u8]| k.get(..p.len()).is_some_and(|k| is(k, p));
    let role = match kind {
        _ if message => Role::Inner,
        Some(k) if is(k, b"text/html") || is(k, b"application/xhtml+xml") => Role::Html,
        Some(k) if is(k, b"text/plain") || is(k, b"text") || prefix(k, b"multipart/") => Role::Text,
        Some(k) if prefix(k, b"text/") && !named => Role::Text,
        Some(_) => Role::File,
        // No type, or none that can be one.
        None if header.content_type.is_none() || !named => Role::Text,
        None => Role::File,
    };
    let role = match role {
        Role::Text | Role::Html if attached && named => Role::File,
        other => other,
    };
    let charset = match header.content_type.map(|v| parameter(v, b"charset")) {
        Some(Parameter::Plain(c)) if matches!(role, Role::Text | Role::Html) => {
            let token = c.split(u8::is_ascii_whitespace).next().unwrap_or(&[]);
            Some(Cow::Owned(String::from_utf8_lossy(token).into_owned()))
        }
        _ => None,
    };
    let mut leaf = Leaf {
        role,
        packing,
        charset,
        name,
        body: Cow::Borrowed(body),
    };
    if role == Role::Text && packing == Packing::Plain {
        if let Some((text, file)) = uuencoded(body) {
            leaf.body = Cow::Owned(text);
            leaves.extend([leaf, file]);
            return;
        }
    }
    leaves.push(leaf);
}

/// A value up to its parameters or comment.
fn word(value: &[u8]) -> &[u8] {
    let stop = |b: &u8| matches!(b, b';' | b'(') || b.is_ascii_whitespace();
    &value[..value.iter().position(stop).unwrap_or(value.len())]
}

/// A text without its first uuencoded file, and that file.
fn uuencoded(text: &[u8]) -> Option<(Vec<u8>, Leaf<'_>)> {
    const BEGIN: &[u8] = b"begin ";
    let mut starts = (text.starts_with(BEGIN).then_some(0).into_iter())
        .chain(memchr::memmem::find_iter(text, b"\nbegin ").map(|i| i + 1));
    starts.find_map(|start| {
        let (end, mut at) = line(text, start);
        let rest = &text[start + BEGIN.len()..end];
        let mode = rest.iter().take_while(|b| (b'0'..=b'7').contains(b)).count();
        let name = rest.get(mode + 1..).unwrap_or(&[]).trim_ascii();
        if !(3..=4).contains(&mode) || rest.get(mode) != Some(&b' ') || name.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        while at < text.len() {
            let (end, next) = line(text, at);
            let last = text[at..end].starts_with(b"end");
            if !last && !uu_line(&text[at..end], &mut bytes) {
                break;
            }
            at = next;
            if last {
                break;
            }
        }
        if bytes.is_empty() {
            return None;
        }
        let file = Leaf {
            role: Role::File,
            packing: Packing::Plain,
            charset: None,
            name: Name::Given(String::from_utf8_lossy(name)),
            body: Cow::Owned(bytes),
        };
        Some(([&text[..start], &text[at..]].concat(), file))
    })
}

/// Unpack one uuencoded line; false when it is none.
fn uu_line(packed: &[u8], out: &mut Vec<u8>) -> bool {
    let six = |b: u8| b.wrapping_sub(b' ') & 63;
    let Some((first, rest)) = packed.split_first() else {
        return false;
    };
    let length = usize::from(six(*first));
    let needed = length.div_ceil(3) * 4;
    // Some add a check character, some lose blanks at the end.
    let fits = (needed.saturating_sub(2)..=needed + 2).contains(&rest.len());
    if !fits || !(b' '..=b'`').contains(first) || rest.iter().any(|b| !(b' '..=b'`').contains(b)) {
        return false;
    }
    let target = out.len() + length;
    for quantum in 0..needed / 4 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| six(rest.get(quantum * 4 + i).copied().unwrap_or(b' ')));
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    out.truncate(target);
    true
}
