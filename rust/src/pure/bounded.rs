//! What the MIME parser is given, so that its work is linear: it looks through all that is left for each multipart's
//! boundary, frees messages within messages level by level, and compares every parameter of a field with every other.

use super::limits;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// `raw` up to the multipart or inner message that is one too many, long Content fields blanked beyond their bound.
pub fn bounded<'x>(raw: &'x [u8], defects: &mut BTreeSet<&'static str>) -> Cow<'x, [u8]> {
    let mut raw = raw;
    if let Some(cut) = containers(raw).nth(limits::CONTAINERS) {
        defects.insert("too_many_parts");
        raw = &raw[..cut];
    }
    let mut out = Cow::Borrowed(raw);
    for (start, end) in content_fields(raw) {
        if end - start > limits::CONTENT_FIELD_BYTES {
            defects.insert("long_header");
            for b in &mut out.to_mut()[start + limits::CONTENT_FIELD_BYTES..end] {
                if !matches!(*b, b'\r' | b'\n' | b'\t') {
                    *b = b' ';
                }
            }
        }
    }
    out
}

/// Where a value begins that makes a part a multipart or a message.
fn containers(raw: &[u8]) -> impl Iterator<Item = usize> + '_ {
    // The parser takes no notice of quotes and backslashes around a type.
    let value = |from: usize| {
        let idle = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\\');
        &raw[from + raw[from..].iter().take_while(|b| idle(b)).count()..]
    };
    memchr::memchr2_iter(b':', b')', raw).filter(move |i| {
        let rest = value(i + 1);
        [&b"multipart"[..], b"message"].iter().any(|t| {
            let named = rest.len() > t.len() && rest[..t.len()].eq_ignore_ascii_case(t);
            named && matches!(value(raw.len() - rest.len() + t.len()).first(), Some(b'/' | b'('))
        })
    })
}

/// Start and end of each field whose name begins with `Content-`, with its folded lines, wherever it stands.
fn content_fields(raw: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', raw).map(|i| i + 1));
    let mut done = 0;
    starts.filter_map(move |start| {
        const NAME: &[u8] = b"content-";
        let line = raw.get(start..start + NAME.len())?;
        if start < done || !line.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut ends = memchr::memchr_iter(b'\n', &raw[start..]).map(|i| start + i + 1);
        let end = ends.find(|e| !matches!(raw.get(*e), Some(b' ' | b'\t')));
        done = end.unwrap_or(raw.len());
        Some((start, done))
    })
}
