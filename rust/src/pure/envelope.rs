//! What an importer can tell of a message's arrival from its own header: time, peer, envelope. The raw bytes stay as they are.
//!
//! The receive time is that of the topmost parsable Received, else of the mbox `From ` line, else of the file; the Date
//! field only when asked for. Instants before 1982 or more than a day ahead are refused and the next source is tried.

use super::capture::{Capture, Meta, Source};
use mail_parser::parsers::MessageStream;
use mail_parser::{DateTime, HeaderValue};

/// 1982-01-01, when mail became mail.
pub const EARLIEST: i64 = 378_691_200_000_000;
const DAY_US: i64 = 86_400_000_000;

/// Where the time should come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// Received, then envelope, then file.
    Auto,
    /// Received only, then file.
    Received,
    /// The `From ` line only, then file.
    Envelope,
    /// The Date field, then as Auto.
    Date,
    /// The file.
    File,
}

/// Values of one header field (raw, still folded), in order.
pub(super) fn fields<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + 'a {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < header.len() {
            let start = at;
            let mut end = start;
            loop {
                end = memchr::memchr(b'\n', &header[end..]).map_or(header.len(), |i| end + i + 1);
                if end >= header.len() || !matches!(header[end], b' ' | b'\t') {
                    break;
                }
            }
            at = end;
            let field = &header[start..end];
            if field.len() > name.len() && field[name.len()] == b':' && field[..name.len()].eq_ignore_ascii_case(name) {
                return Some(&field[name.len() + 1..]);
            }
        }
        None
    })
}

fn header_of(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let a = memchr::memmem::find(raw, b"\n\n").map(|i| i + 1);
    let b = memchr::memmem::find(raw, b"\n\r\n").map(|i| i + 1);
    let end = match (a, b) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b).unwrap_or(raw.len()),
    };
    &raw[..end.min(1 << 20)]
}

fn plausible(at: i64, now: i64) -> Option<i64> {
    (EARLIEST..=now.saturating_add(DAY_US)).contains(&at).then_some(at)
}

fn date(text: &[u8]) -> Option<i64> {
    let mut line: Vec<u8> = text
        .iter()
        .map(|b| if matches!(b, b'\r' | b'\n' | b'\t') { b' ' } else { *b })
        .collect();
    line.push(b'\n');
    match MessageStream::new(&line).parse_date() {
        HeaderValue::DateTime(d) => utc(&d),
        _ => None,
    }
}

fn utc(d: &DateTime) -> Option<i64> {
    (d.is_valid() && d.year >= 1970).then(|| d.to_timestamp() * 1_000_000)
}

/// `From someone Mon Jan  1 00:00:00 2007` (asctime, UTC where no zone is given).
fn envelope_date(line: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(line).ok()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let clock = words
        .iter()
        .position(|w| w.len() >= 5 && w.as_bytes()[2] == b':' && w.as_bytes()[0].is_ascii_digit())?;
    let month = words.get(clock.checked_sub(2)?)?;
    let day = words.get(clock - 1)?;
    let year = words[clock + 1..]
        .iter()
        .find(|w| w.len() == 4 && w.bytes().all(|b| b.is_ascii_digit()))?;
    let zone = words[clock + 1..]
        .iter()
        .find(|w| w.starts_with(['+', '-']) && w.len() == 5)
        .copied()
        .unwrap_or("+0000");
    let clock = words[clock];
    let clock = if clock.len() == 5 {
        format!("{clock}:00")
    } else {
        clock.to_owned()
    };
    date(format!("{day} {month} {year} {clock} {zone}").as_bytes())
}

fn received_parts(value: &[u8]) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(value);
    let by = text.find(" by ").unwrap_or(text.len());
    let from = &text[..by];
    let helo = from
        .trim_start()
        .strip_prefix("from ")
        .and_then(|t| t.split_whitespace().next())
        .map(str::to_owned);
    let peer = from
        .split(['[', ']', '(', ')', ' ', '\t', '\r', '\n'])
        .map(|t| t.trim_start_matches("IPv6:"))
        .find_map(|t| t.parse::<std::net::IpAddr>().ok())
        .map(|a| a.to_string());
    (peer, helo)
}

fn address(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let text = text.trim();
    let inside = text
        .find('<')
        .and_then(|i| text[i + 1..].find('>').map(|j| &text[i + 1..i + 1 + j]))
        .unwrap_or(text);
    let inside = inside.trim();
    (inside.is_empty() && text.contains("<>") || inside.contains('@')).then(|| inside.to_owned())
}

/// A capture of bytes that someone else received. None when no source of time is plausible; `file_time` is the last resort.
pub fn imported(
    raw: Vec<u8>,
    from_line: Option<&[u8]>,
    source: Source,
    wish: TimeSource,
    file_time: Option<i64>,
    now: i64,
) -> Option<Capture> {
    let header = header_of(&raw);
    let received = || {
        fields(header, b"received").find_map(|v| {
            let text = v.rsplit(|b| *b == b';').next()?;
            plausible(date(text)?, now)
        })
    };
    let envelope = || from_line.and_then(envelope_date).and_then(|t| plausible(t, now));
    let declared = || {
        fields(header, b"date")
            .next()
            .and_then(date)
            .and_then(|t| plausible(t, now))
    };
    let file = file_time.and_then(|t| plausible(t, now)).map(|t| (t, "file"));
    let first = match wish {
        TimeSource::Auto => received()
            .map(|t| (t, "received"))
            .or_else(|| envelope().map(|t| (t, "envelope"))),
        TimeSource::Received => received().map(|t| (t, "received")),
        TimeSource::Envelope => envelope().map(|t| (t, "envelope")),
        TimeSource::Date => declared()
            .map(|t| (t, "date"))
            .or_else(|| received().map(|t| (t, "received")))
            .or_else(|| envelope().map(|t| (t, "envelope"))),
        TimeSource::File => None,
    };
    let (at, origin) = first.or(file)?;
    let (peer, helo) = fields(header, b"received")
        .map(received_parts)
        .find(|(p, _)| p.is_some())
        .unwrap_or((None, None));
    let from = fields(header, b"return-path").next().and_then(address);
    let mut to: Vec<String> = Vec::new();
    for name in [&b"delivered-to"[..], b"x-original-to", b"envelope-to"] {
        if let Some(a) = fields(header, name).next().and_then(address) {
            if !to.contains(&a) {
                to.push(a);
            }
            break;
        }
    }
    let meta = Meta {
        v: 1,
        from,
        to,
        peer,
        helo,
        time_origin: origin.into(),
        source: Some(source),
        ..Meta::default()
    };
    Some(Capture::new(at, meta, raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_parsable_received_gives_time_and_peer() {
        let raw = b"Received: from x ([192.0.2.7]) by y; nonsense\r\nReceived: from z (h [198.51.100.9])\r\n\tby w; Mon, 9 Apr 2007 01:08:34 -0400\r\nDate: Tue, 1 Jan 1980 00:00:00 +0000\r\n\r\n";
        let c = imported(
            raw.to_vec(),
            None,
            Source::default(),
            TimeSource::Auto,
            None,
            i64::MAX / 2,
        )
        .expect("a time");
        assert_eq!(c.received_at, 1_176_095_314_000_000);
        assert_eq!(c.meta.peer.as_deref(), Some("192.0.2.7"));
        assert_eq!(c.meta.time_origin, "received");
    }

    #[test]
    fn an_envelope_line_serves_where_no_received_does() {
        let line = b"From a@b Mon Apr  9 01:08:34 2007";
        let c = imported(
            b"Subject: x\n\n".to_vec(),
            Some(line),
            Source::default(),
            TimeSource::Auto,
            None,
            i64::MAX / 2,
        );
        assert_eq!(c.map(|c| c.received_at), Some(1_176_080_914_000_000));
    }
}
