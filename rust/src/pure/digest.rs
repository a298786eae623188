//! The digest of a batch: raw records in, columns of facts out. One call, any bytes, never a panic that loses a row.
//!
//! Column names and order are those of `src/spamtide/fingerprint/facts.py`; a test there compares them.

use super::capture::{Meta, Record};
use super::charset::{base64, decode, header_text, quoted_printable};
use super::columns::{Column, Table, Tables};
use super::fold::fold;
use super::header_end::separated;
use super::html::read_html;
use super::mask::{mask, url_len, url_start};
use super::origin::{origin, Signs};
use super::{limits, sniff};
use mail_parser::{
    DateTime, Encoding, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::Hasher;

const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// One link of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As written.
    pub url: String,
    /// Lower case.
    pub scheme: String,
    /// Lower case, where there is one.
    pub host: Option<String>,
}

/// One attachment of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Declared file name.
    pub name: Option<String>,
    /// Content-Type as declared.
    pub declared_type: String,
    /// Type by the first bytes.
    pub sniffed_type: &'static str,
    /// Decoded length.
    pub size: usize,
    /// SHA-256 of the decoded bytes.
    pub sha256: [u8; 32],
}

/// What one message says.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    subject: Option<String>,
    from_shown: String,
    from_address: Option<String>,
    visible: String,
    hidden: String,
    links: Vec<Link>,
    attachments: Vec<Attachment>,
    leaves: Vec<[u8; 32]>,
    html: String,
    declared_date: Option<i64>,
    hops: usize,
    origin: &'static str,
    defects: BTreeSet<&'static str>,
}

/// Hex of a digest.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[usize::from(b >> 4)] as char);
        out.push(DIGITS[usize::from(b & 15)] as char);
    }
    out
}

/// Parse one message into facts. Never panics on purpose; the caller catches what a dependency might do.
pub fn read_message(raw: &[u8], meta: &Meta) -> Facts {
    let mut facts = Facts {
        origin: "unsolicited",
        ..Facts::default()
    };
    let parsed = if raw.len() > limits::PARSED_BYTES {
        facts.defects.insert("parsed_in_part");
        &raw[..limits::PARSED_BYTES]
    } else {
        raw
    };
    if raw.is_empty() {
        facts.defects.insert("empty_message");
        return facts;
    }
    let (parsed, separated) = separated(parsed);
    let parsed = &parsed[..];
    if separated {
        facts.defects.insert("no_header_end");
    }
    // Only what MIME needs is parsed by the crate; every other field is kept raw and read here.
    let parser = MessageParser::new().with_mime_headers().with_date_headers();
    match parser.default_header_raw().parse(parsed) {
        Some(message) => {
            if message.headers().is_empty() {
                facts.defects.insert("no_header");
            }
            headers(&message, parsed, meta, &mut facts);
            let mut parts = 0;
            walk(&message, 0, &mut parts, &mut facts);
        }
        None => {
            facts.defects.insert("no_header");
            facts.visible = decode(parsed, None, false).text;
        }
    }
    text_links(&mut facts);
    facts
}

fn shown(raw: &[u8], facts: &mut Facts) -> String {
    let raw = if raw.len() > limits::HEADER_BYTES {
        facts.defects.insert("long_header");
        &raw[..limits::HEADER_BYTES]
    } else {
        raw
    };
    let decoded = header_text(raw);
    if decoded.overruled {
        facts.defects.insert("header_charset");
    }
    if decoded.lost {
        facts.defects.insert("header_undecodable");
    }
    decoded.text
}

fn headers(message: &Message<'_>, raw: &[u8], meta: &Meta, facts: &mut Facts) {
    let (mut auto_submitted, mut precedence, mut from) = (None, None, String::new());
    let mut signs = Signs {
        null_path: meta.from.as_deref() == Some(""),
        ..Signs::default()
    };
    let mut content_type = String::new();
    let (mut subjects, mut froms) = (0, 0);
    for h in message.headers() {
        let value = raw.get(h.offset_start as usize..h.offset_end as usize).unwrap_or(&[]);
        match &h.name {
            HeaderName::Subject => {
                subjects += 1;
                if subjects == 1 {
                    facts.subject = Some(shown(value, facts));
                }
            }
            HeaderName::From => {
                froms += 1;
                if froms == 1 {
                    facts.from_shown = shown(value, facts);
                    from = address_in(&facts.from_shown);
                }
            }
            HeaderName::Received => facts.hops += 1,
            HeaderName::ReturnPath => signs.null_path |= value.trim_ascii() == b"<>",
            HeaderName::Date => {
                if let HeaderValue::DateTime(d) = &h.value {
                    facts.declared_date = instant(d);
                }
                if facts.declared_date.is_none() {
                    facts.defects.insert("bad_date");
                }
            }
            HeaderName::ContentType => content_type = String::from_utf8_lossy(value).to_lowercase().trim().to_owned(),
            HeaderName::ListId | HeaderName::ListPost => signs.list = true,
            HeaderName::Other(name) => match name.to_ascii_lowercase().as_str() {
                "auto-submitted" => auto_submitted = Some(String::from_utf8_lossy(value).trim().to_lowercase()),
                "precedence" => precedence = Some(String::from_utf8_lossy(value).trim().to_lowercase()),
                "x-autoreply" | "x-autorespond" | "x-autogenerated" => signs.autoreply_field = true,
                "x-failed-recipients" => signs.failed_recipients = true,
                "x-spamtide-probe" => signs.probe = true,
                _ => {}
            },
            _ => {}
        }
    }
    for (count, none, many) in [
        (subjects, "no_subject", "many_subjects"),
        (froms, "no_from", "many_from"),
    ] {
        if count == 0 {
            facts.defects.insert(none);
        } else if count > 1 {
            facts.defects.insert(many);
        }
    }
    let subject = facts.subject.as_deref().unwrap_or("").to_lowercase();
    facts.origin = origin(&Signs {
        content_type: &content_type,
        auto_submitted: auto_submitted.as_deref().filter(|a| *a != "no"),
        precedence: precedence.as_deref(),
        from: &from,
        subject: &subject,
        ..signs
    });
    facts.from_address = Some(from).filter(|f| !f.is_empty());
}

/// First address in a field as shown, lower case; empty when there is none.
fn address_in(shown: &str) -> String {
    let inside = shown
        .rfind('<')
        .map(|i| &shown[i + 1..])
        .and_then(|s| s.split('>').next())
        .filter(|s| s.contains('@'));
    let text = inside.unwrap_or(shown);
    text.split(|c: char| c.is_whitespace() || "<>,;\"()".contains(c))
        .find(|t| t.contains('@'))
        .unwrap_or("")
        .to_lowercase()
}

fn instant(d: &DateTime) -> Option<i64> {
    d.is_valid().then(|| d.to_timestamp().saturating_mul(1_000_000))
}

fn walk(message: &Message<'_>, depth: usize, parts: &mut usize, facts: &mut Facts) {
    if depth > limits::DEPTH {
        facts.defects.insert("too_deep");
        return;
    }
    // The field, not the method: offsets of an inner message count from the start of the outer one.
    let raw: &[u8] = &message.raw_message;
    for part in &message.parts {
        if matches!(part.body, PartType::Multipart(_)) {
            continue;
        }
        *parts += 1;
        if *parts > limits::PARTS {
            facts.defects.insert("too_many_parts");
            return;
        }
        if part.is_encoding_problem {
            facts.defects.insert("transfer_encoding");
        }
        if let PartType::Message(inner) = &part.body {
            walk(inner, depth + 1, parts, facts);
            continue;
        }
        let bytes = raw
            .get(part.offset_body as usize..part.offset_end as usize)
            .unwrap_or(&[]);
        let decoded = match transfer_encoding(part) {
            Encoding::None => Cow::Borrowed(bytes),
            Encoding::Base64 => Cow::Owned(base64(bytes)),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(bytes, false)),
        };
        let unix = without_cr(&decoded);
        let leaf: [u8; 32] = Sha256::digest(&unix).into();
        facts.leaves.push(leaf);
        let declared = part.content_type().map(|c| {
            c.subtype().map_or_else(
                || c.ctype().to_lowercase(),
                |s| format!("{}/{}", c.ctype(), s).to_lowercase(),
            )
        });
        // What cannot be a type counts as none: RFC 2045 section 5.2.
        let declared = declared.filter(|d| {
            let sane = d.contains('/') || d == "text";
            if !sane {
                facts.defects.insert("bad_content_type");
            }
            sane
        });
        let charset = part.content_type().and_then(|c| c.attribute("charset"));
        let attached = part.content_disposition().is_some_and(|d| d.is_attachment());
        let (is_text, html) = match (&part.body, declared.as_deref()) {
            (PartType::Html(_), _) => (true, true),
            (_, Some("text/html" | "application/xhtml+xml")) => (true, true),
            (PartType::Text(_), None | Some("text/plain" | "text")) => (true, false),
            (PartType::Binary(_) | PartType::InlineBinary(_), None) => (part.attachment_name().is_none(), false),
            // Its boundary never came: the parser gives the body as text, and so do readers.
            (PartType::Text(_), Some(other)) if other.starts_with("multipart/") => (true, false),
            (PartType::Text(_), Some(other)) => (other.starts_with("text/") && part.attachment_name().is_none(), false),
            _ => (false, false),
        };
        if is_text && !(attached && part.attachment_name().is_some()) {
            let text = decode(&unix, charset, html);
            if text.overruled {
                facts.defects.insert("charset_overruled");
            }
            if text.lost {
                facts.defects.insert("charset_undecodable");
            }
            if html {
                let seen = read_html(&text.text);
                if seen.in_part {
                    facts.defects.insert("html_in_part");
                }
                put_text(&mut facts.visible, &seen.visible, &mut facts.defects);
                put_text(&mut facts.hidden, &seen.hidden, &mut facts.defects);
                for url in seen.links {
                    add_link(&url, &mut facts.links, &mut facts.defects);
                }
                append(
                    &mut facts.html,
                    &text.text,
                    limits::HTML_BYTES,
                    "html_in_part",
                    &mut facts.defects,
                );
            } else {
                put_text(&mut facts.visible, &text.text, &mut facts.defects);
            }
        } else if facts.attachments.len() < limits::ATTACHMENTS {
            let name = part.attachment_name().map(|n| header_text(n.as_bytes()).text);
            let declared = declared.unwrap_or_else(|| "text/plain".into());
            facts.attachments.push(Attachment {
                name,
                declared_type: declared,
                sniffed_type: sniff::sniff(&decoded),
                size: decoded.len(),
                sha256: match unix {
                    Cow::Borrowed(_) => leaf,
                    Cow::Owned(_) => Sha256::digest(&decoded).into(),
                },
            });
        } else {
            facts.defects.insert("too_many_attachments");
        }
    }
}

/// How a part was packed, as its header says: the parser forgets it where it found a fault, and a reader still unpacks.
fn transfer_encoding(part: &MessagePart<'_>) -> Encoding {
    match part.content_transfer_encoding().map(str::trim) {
        Some(e) if e.eq_ignore_ascii_case("base64") => Encoding::Base64,
        Some(e) if e.eq_ignore_ascii_case("quoted-printable") => Encoding::QuotedPrintable,
        _ => Encoding::None,
    }
}

/// Line ends as one byte; borrowed where nothing had to change.
fn without_cr(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut breaks = memchr::memmem::find_iter(bytes, b"\r\n").peekable();
    if breaks.peek().is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for i in breaks {
        out.extend_from_slice(&bytes[from..i]);
        from = i + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    Cow::Owned(out)
}

/// Put text at the end of what is there, as far as `bound` allows; the defect says that something was left out.
fn append(target: &mut String, text: &str, bound: usize, defect: &'static str, defects: &mut BTreeSet<&'static str>) {
    if text.is_empty() {
        return;
    }
    if !target.is_empty() {
        target.push('\n');
    }
    let room = bound.saturating_sub(target.len());
    if text.len() <= room {
        target.push_str(text);
        return;
    }
    defects.insert(defect);
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    target.push_str(&text[..end]);
}

fn put_text(target: &mut String, text: &str, defects: &mut BTreeSet<&'static str>) {
    append(target, text, limits::TEXT_BYTES, "text_in_part", defects);
}

fn add_link(url: &str, links: &mut Vec<Link>, defects: &mut BTreeSet<&'static str>) {
    let url: String = url.chars().filter(|c| !c.is_control()).take(2_000).collect();
    let lower = url.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once(':') {
        Some((s, r)) if !s.is_empty() && s.len() <= 12 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') => {
            (s, r)
        }
        _ if lower.starts_with("www.") => ("http", lower.as_str()),
        _ => return,
    };
    if matches!(scheme, "cid" | "data" | "javascript" | "about" | "mid") {
        return;
    }
    if links.len() >= limits::LINKS {
        defects.insert("too_many_links");
        return;
    }
    let host = if scheme == "mailto" {
        rest.split(['?', ',', ' '])
            .next()
            .and_then(|a| a.rsplit_once('@'))
            .map(|(_, d)| d.to_owned())
    } else {
        let authority = rest
            .trim_start_matches(['/', '\\'])
            .split(['/', '?', '#', '\\', ' '])
            .next()
            .unwrap_or("");
        let host = authority.rsplit('@').next().unwrap_or("");
        let host = if host.starts_with('[') {
            host
        } else {
            host.split(':').next().unwrap_or("")
        };
        Some(host.trim_end_matches('.').to_owned())
    };
    let host = host.filter(|h| !h.is_empty() && h.len() <= 253 && !h.contains(char::is_whitespace));
    links.push(Link {
        scheme: scheme.to_owned(),
        host,
        url,
    });
}

fn text_links(facts: &mut Facts) {
    let text = std::mem::take(&mut facts.visible);
    let bytes = text.as_bytes();
    let known: BTreeSet<String> = facts.links.iter().map(|l| l.url.clone()).collect();
    let mut done = 0;
    for i in memchr::memchr2_iter(b':', b'.', bytes) {
        let before = &bytes[done.min(i)..i];
        let scheme = if bytes[i] == b'.' {
            3
        } else {
            before.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count()
        };
        let Some(start) = i.checked_sub(scheme).filter(|s| *s >= done) else {
            continue;
        };
        let fresh = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        if scheme < 3 || !fresh || !text.is_char_boundary(start) || !url_start(&text[start..]) {
            continue;
        }
        let len = url_len(&text[start..]);
        let url = &text[start..start + len];
        if !known.contains(url) {
            add_link(url, &mut facts.links, &mut facts.defects);
        }
        done = start + len.max(1);
    }
    facts.visible = text;
}

/// Registered domain of a host by the public suffix list; IP addresses stand for themselves.
pub fn registered_domain(host: &str) -> Option<String> {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return Some(host.to_owned());
    }
    if !host.contains('.') {
        return None;
    }
    psl::domain_str(host).map(str::to_owned)
}

/// The smallest distinct values seen, at most `limits::SKETCH`.
#[derive(Default)]
struct Smallest {
    values: Vec<i64>,
    /// No value at or above this can be among the smallest.
    bound: Option<i64>,
}

impl Smallest {
    fn add(&mut self, value: i64) {
        if self.bound.is_none_or(|b| value < b) {
            self.values.push(value);
            if self.values.len() >= 8 * limits::SKETCH {
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        self.values.sort_unstable();
        self.values.dedup();
        self.values.truncate(limits::SKETCH);
        if self.values.len() == limits::SKETCH {
            self.bound = self.values.last().copied();
        }
    }
}

/// Keyed hashes of the message's shingles: word 3-grams of the folded masked text, else character 5-grams.
///
/// Both texts are as `fold` yields them: tokens between single spaces.
pub fn sketch(masked_folded: &str, subject_folded: &str) -> Vec<i64> {
    let hash = |kind: &[u8], shingle: &str| {
        // The key is public here: a secret key belongs to the archive that compares with strangers.
        let mut h = SipHasher13::new_with_keys(0x7370616d74696465, 0x736b6574636831);
        h.write(kind);
        h.write(shingle.as_bytes());
        h.finish() as i64
    };
    let mut set = Smallest::default();
    // Where each token starts, and one past the last.
    let starts = |text: &str| -> Vec<usize> { memchr::memchr_iter(b' ', text.as_bytes()).map(|i| i + 1).collect() };
    let words = starts(masked_folded);
    if words.len() > 8 {
        for w in words.windows(4) {
            set.add(hash(b"", &masked_folded[w[0]..w[3]]));
        }
    } else {
        let text = masked_folded.trim();
        let chars: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        for w in chars.windows(6) {
            set.add(hash(b"c ", &text[w[0]..w[5]]));
        }
    }
    for w in starts(subject_folded).windows(3) {
        set.add(hash(b"s ", &subject_folded[w[0]..w[2]]));
    }
    set.settle();
    set.values
}

/// Peer as what `peers` counts (IPv4 address or IPv6 /64) and its network (/24 or /48).
pub fn peer_units(address: &str) -> Option<(String, String)> {
    match address.parse::<std::net::IpAddr>().ok()? {
        std::net::IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Some((v4.to_string(), format!("{a}.{b}.{c}.0/24")))
        }
        std::net::IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => peer_units(&v4.to_string()),
            None => {
                let s = v6.segments();
                let unit = std::net::Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0);
                let net = std::net::Ipv6Addr::new(s[0], s[1], s[2], 0, 0, 0, 0, 0);
                Some((format!("{unit}/64"), format!("{net}/48")))
            }
        },
    }
}

struct Builder {
    table: Table,
}

impl Builder {
    fn column(&mut self, name: &'static str, make: fn() -> Column) -> &mut Column {
        self.table.entry(name).or_insert_with(make)
    }
    fn text(&mut self, name: &'static str, value: Option<&str>) {
        let column = self.column(name, Column::utf8);
        match value {
            Some(v) => column.push_str(v),
            None => column.push_null(),
        }
    }
    fn int(&mut self, name: &'static str, value: i64) {
        self.column(name, Column::int32).push_int(value);
    }
    fn long(&mut self, name: &'static str, value: Option<i64>) {
        let column = self.column(name, Column::int64);
        match value {
            Some(v) => column.push_int(v),
            None => column.push_null(),
        }
    }
    fn place(&mut self, segment: i64, record: &Record) {
        self.int("segment", segment);
        self.int("ordinal", i64::from(record.ordinal));
        self.long("received_at", Some(record.received_at));
    }
}

fn spaced<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let set: BTreeSet<&str> = items.into_iter().filter(|s| !s.is_empty()).collect();
    if set.is_empty() {
        return String::new();
    }
    let mut out = String::from(" ");
    for item in set {
        out.push_str(&item.replace(' ', "_"));
        out.push(' ');
    }
    out
}

/// Digest a batch of one segment. Erased records give no rows; a message on which a parser panics gives a row with the
/// defect `parser_panic` and nothing else.
pub fn digest(segment: u32, records: &[Record]) -> Tables {
    let mut tables = ["message", "text", "link", "attachment", "sketch"].map(|_| Builder { table: Table::new() });
    for record in records.iter().filter(|r| !r.erased) {
        let meta: Meta = serde_json::from_slice(&record.meta).unwrap_or_default();
        let facts = std::panic::catch_unwind(|| read_message(&record.raw, &meta)).unwrap_or_else(|_| {
            let mut facts = Facts {
                origin: "unsolicited",
                ..Facts::default()
            };
            facts.defects.insert("parser_panic");
            facts
        });
        put(i64::from(segment), record, &meta, facts, &mut tables);
    }
    let [message, text, link, attachment, sketch] = tables;
    Tables::from([
        ("message", message.table),
        ("text", text.table),
        ("link", link.table),
        ("attachment", attachment.table),
        ("sketch", sketch.table),
    ])
}

fn put(segment: i64, record: &Record, meta: &Meta, facts: Facts, tables: &mut [Builder; 5]) {
    let [message, text, link, attachment, sketches] = tables;
    let recipients: Vec<String> = meta
        .to
        .iter()
        .filter_map(|a| a.split('@').next())
        .map(str::to_lowercase)
        .filter(|l| l.len() >= 3)
        .collect();
    let subject = facts.subject.as_deref().unwrap_or("");
    let subject_folded = fold(subject);
    let masked_subject = mask(subject, &recipients);
    let masked_text = mask(&facts.visible, &recipients);
    let text_empty = masked_text.is_empty() && facts.attachments.is_empty();
    let mut exact = Sha256::new();
    exact.update(b"spamtide exact 1\0");
    exact.update(masked_subject.as_bytes());
    exact.update(b"\0");
    if text_empty {
        exact.update(b"html\0");
        exact.update(mask(&facts.html, &recipients).as_bytes());
    } else {
        exact.update(masked_text.as_bytes());
    }
    let mut digests: Vec<[u8; 32]> = facts.attachments.iter().map(|a| a.sha256).collect();
    digests.sort_unstable();
    for d in &digests {
        exact.update(d);
    }
    let exact: [u8; 32] = exact.finalize().into();
    // The subject is part of `exact`; `identical` holds it too, so that equal bytes are always exact copies as well.
    let mut identical = Sha256::new();
    identical.update(b"spamtide identical 1\0");
    identical.update(&exact[..16]);
    for leaf in &facts.leaves {
        identical.update(leaf);
    }
    let exact_hex = hex(&exact[..16]);
    let units = meta.peer.as_deref().and_then(peer_units);

    message.place(segment, record);
    message.text("time_origin", Some(&meta.time_origin));
    message.int("utc_day", record.received_at.div_euclid(DAY_US));
    message.int("utc_hour", record.received_at.div_euclid(HOUR_US));
    message.long("size_bytes", Some(record.raw.len() as i64));
    message.text("sha256", Some(&hex(&record.sha256)));
    message.text("source_path", meta.source.as_ref().map(|s| s.path.as_str()));
    message.long("source_ordinal", meta.source.as_ref().map(|s| s.ordinal as i64));
    message.text("session", meta.session.as_deref());
    message.text("persona", meta.persona.as_deref());
    message.text("marks", Some(&spaced(meta.marks.iter().map(String::as_str))));
    message.text("envelope_from", meta.from.as_deref());
    message.text("recipients", Some(&meta.to.join("\n")));
    message.int("recipient_count", meta.to.len().max(1) as i64);
    message.text("peer_address", meta.peer.as_deref());
    message.text("peer_unit", units.as_ref().map(|u| u.0.as_str()));
    message.text("network", units.as_ref().map(|u| u.1.as_str()));
    message.text("helo", meta.helo.as_deref());
    message.int("route_hops", facts.hops as i64);
    message.text("subject", facts.subject.as_deref());
    message.text("subject_lower", Some(&subject.to_lowercase()));
    message.text("subject_folded", Some(&subject_folded));
    message.text("from_address", facts.from_address.as_deref());
    message.text("from_folded", Some(&fold(&facts.from_shown)));
    message.text("from_lower", Some(&facts.from_shown.to_lowercase()));
    let domains: Vec<Option<String>> = facts
        .links
        .iter()
        .map(|l| l.host.as_deref().and_then(registered_domain))
        .collect();
    message.text(
        "link_domains",
        Some(&spaced(domains.iter().flatten().map(String::as_str))),
    );
    message.text(
        "link_hosts",
        Some(&spaced(facts.links.iter().filter_map(|l| l.host.as_deref()))),
    );
    let names: Vec<&str> = facts.attachments.iter().filter_map(|a| a.name.as_deref()).collect();
    message.text("attachment_folded", Some(&fold(&names.join(" \n "))));
    message.int("attachment_count", facts.attachments.len() as i64);
    message.int("text_chars", facts.visible.chars().count() as i64);
    message.int("hidden_chars", facts.hidden.chars().count() as i64);
    message.text("origin", Some(facts.origin));
    message.text("defects", Some(&spaced(facts.defects.iter().copied())));
    message.text("identical", Some(&hex(&identical.finalize()[..16])));
    message.text("exact", Some(&exact_hex));
    message
        .column("text_empty", Column::boolean)
        .push_int(i64::from(text_empty));
    message.long("declared_date", facts.declared_date);

    text.place(segment, record);
    text.text("text_folded", Some(&fold(&facts.visible)));
    text.text("text_lower", Some(&facts.visible.to_lowercase()));
    text.text("text_masked", Some(&masked_text));
    text.text("hidden_folded", Some(&fold(&facts.hidden)));

    for (i, (l, domain)) in facts.links.iter().zip(&domains).enumerate() {
        link.place(segment, record);
        link.int("position", i as i64);
        link.text("url", Some(&l.url));
        link.text("scheme", Some(&l.scheme));
        link.text("host", l.host.as_deref());
        link.text("domain", domain.as_deref());
    }
    for (i, a) in facts.attachments.iter().enumerate() {
        attachment.place(segment, record);
        attachment.int("position", i as i64);
        attachment.text("name", a.name.as_deref());
        attachment.text("declared_type", Some(&a.declared_type));
        attachment.text("sniffed_type", Some(a.sniffed_type));
        attachment.long("size_bytes", Some(a.size as i64));
        attachment.text("sha256", Some(&hex(&a.sha256)));
    }
    let shingles = sketch(&fold(&masked_text), &subject_folded);
    if !shingles.is_empty() {
        sketches.place(segment, record);
        sketches.text("exact", Some(&exact_hex));
        let bytes: Vec<u8> = shingles.iter().flat_map(|s| s.to_le_bytes()).collect();
        sketches.column("shingles", Column::binary).push_bytes(&bytes);
    }
}
