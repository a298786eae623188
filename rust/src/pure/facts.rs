//! One raw message to what it says: subject, visible and hidden text, links, attachments, route, origin, defects.

use super::bounded::bounded;
use super::capture::Meta;
use super::charset::{base64, decode, header_text, quoted_printable};
use super::dispute::{dispute, Disputed};
use super::header_end::separated;
use super::html::read_html;
use super::leaf::{Leaf, Name, Packing, Role};
use super::links::{add_link, text_links, Link};
use super::origin::{origin, Signs};
use super::{limits, long_head, pictures, pieces, sniff};
use mail_parser::{
    DateTime, Encoding, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeSet;

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

impl Attachment {
    /// It can run, or hides what is in it.
    fn risky(&self) -> bool {
        const ENDINGS: [&str; 12] = [
            ".exe", ".scr", ".pif", ".com", ".bat", ".cmd", ".zip", ".rar", ".js", ".vbs", ".cpl", ".lnk",
        ];
        let name = self.name.as_deref().unwrap_or("").to_lowercase();
        let name = name.trim_end();
        ENDINGS.iter().any(|e| name.ends_with(e))
    }
}

/// What one message says.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    pub(super) subject: Option<String>,
    pub(super) from_shown: String,
    pub(super) from_address: Option<String>,
    pub(super) visible: String,
    pub(super) hidden: String,
    pub(super) links: Vec<Link>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) leaves: Vec<[u8; 32]>,
    /// Types of the parts in order, the first `limits::TYPES`.
    pub(super) types: Vec<String>,
    /// Pieces of the attachments, ascending: the smallest.
    pub(super) pieces: Vec<u64>,
    /// What the first pictures look like, ascending.
    pub(super) pictures: Vec<u64>,
    /// Pixels of pictures decoded so far.
    pub(super) pixels: usize,
    pub(super) html: String,
    pub(super) declared_date: Option<i64>,
    pub(super) hops: usize,
    pub(super) origin: &'static str,
    pub(super) signs: Signs,
    pub(super) disputed: Disputed,
    pub(super) defects: BTreeSet<&'static str>,
}

/// MIME by the crate, which needs four fields for it; every other field is kept raw and read here. It would unpack
/// inner messages without a bound: the transfer encoding is read as a type, which tells it nothing, and undone here.
fn parse<'x>(raw: &'x [u8]) -> Option<Message<'x>> {
    MessageParser::new()
        .with_mime_headers()
        .with_date_headers()
        .header_content_type(HeaderName::ContentTransferEncoding)
        .default_header_raw()
        .parse(raw)
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
    let parsed = match parsed.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            facts.defects.insert("byte_order_mark");
            rest
        }
        None => parsed,
    };
    let whole = parsed;
    let (parsed, separated) = separated(parsed);
    let parsed = &parsed[..];
    if separated {
        facts.defects.insert("no_header_end");
    }
    let (parsed, in_part) = long_head::shortened(parsed);
    if in_part {
        facts.defects.insert("header_in_part");
    }
    let parsed = &bounded(&parsed, &mut facts.defects)[..];
    match parse(parsed) {
        Some(message) => {
            if message.headers().is_empty() {
                facts.defects.insert("no_header");
            }
            headers(&message, parsed, meta, &mut facts);
            let mut parts = 0;
            let mut leaves = Vec::new();
            walk(&message, 0, &mut parts, &mut facts, &mut leaves);
            facts.disputed = dispute(whole, facts.subject.as_deref(), &leaves, &mut facts.defects);
        }
        None => {
            facts.defects.insert("no_header");
            facts.visible = decode(parsed, None, false).text;
            let all = Leaf {
                role: Role::Text,
                packing: Packing::Plain,
                charset: None,
                name: Name::Absent,
                body: Cow::Borrowed(parsed),
            };
            facts.disputed = dispute(whole, None, &[all], &mut facts.defects);
        }
    }
    text_links(&facts.visible, &mut facts.links, &mut facts.defects);
    facts.signs.links = facts.links.len();
    facts.signs.attachments = facts.attachments.len();
    facts.signs.risky = facts.attachments.iter().any(Attachment::risky);
    facts.origin = origin(&facts.signs, &facts.visible);
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
    let lower = |value: &[u8]| String::from_utf8_lossy(value).trim().to_lowercase();
    let mut signs = Signs {
        null_path: meta.from.as_deref() == Some(""),
        ..Signs::default()
    };
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
            HeaderName::ContentType => signs.content_type = lower(value),
            HeaderName::ListId => signs.list_id = true,
            HeaderName::ListPost => signs.list_manager = true,
            HeaderName::AutoSubmitted => signs.auto_submitted = Some(lower(value)).filter(|v| v != "no"),
            HeaderName::InReplyTo | HeaderName::References => signs.answers_us |= names_domain(value, &meta.to),
            HeaderName::Other(name) => match name.to_ascii_lowercase().as_str() {
                "precedence" => signs.precedence = Some(lower(value)),
                "x-beenthere" | "x-mailman-version" | "mailing-list" | "x-mailing-list" => signs.list_manager = true,
                "x-autoreply" | "x-autorespond" | "x-autogenerated" => signs.autoreply_field = true,
                "x-failed-recipients" => signs.failed_recipients = true,
                // At our own trap the signature decides, and left its mark.
                "x-spamtide-probe" => signs.probe = meta.time_origin != "smtp",
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
    signs.subject = facts.subject.as_deref().unwrap_or("").trim().to_lowercase();
    signs.from = facts.from_shown.to_lowercase();
    let from = address_in(&facts.from_shown);
    signs.from_address = if from.is_empty() {
        signs.from.trim().to_owned()
    } else {
        from.clone()
    };
    facts.signs = signs;
    facts.from_address = Some(from).filter(|f| !f.is_empty());
}

/// A message id in `value` is of the domain of one of the recipients.
fn names_domain(value: &[u8], recipients: &[String]) -> bool {
    let ids = String::from_utf8_lossy(value).to_lowercase();
    let mut domains = recipients
        .iter()
        .filter_map(|r| r.rsplit_once('@'))
        .map(|r| r.1.to_lowercase());
    domains.any(|d| {
        ids.split(['<', '>'])
            .filter_map(|id| id.rsplit_once('@'))
            .any(|(_, host)| host == d || host.strip_suffix(d.as_str()).is_some_and(|sub| sub.ends_with('.')))
    })
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

/// Take each part into the facts; `leaves` gets what the second reading is compared with.
fn walk<'m>(message: &'m Message<'_>, depth: usize, parts: &mut usize, facts: &mut Facts, leaves: &mut Vec<Leaf<'m>>) {
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
        let encoding = transfer_encoding(part);
        let packed = encoding != Encoding::None;
        if let (PartType::Message(inner), false) = (&part.body, packed) {
            facts.signs.original |= depth == 0;
            walk(inner, depth + 1, parts, facts, leaves);
            continue;
        }
        let bytes = raw
            .get(part.offset_body as usize..part.offset_end as usize)
            .unwrap_or(&[]);
        let (decoded, fault) = match encoding {
            Encoding::None => (Cow::Borrowed(bytes), false),
            Encoding::Base64 => owned(base64(bytes)),
            Encoding::QuotedPrintable => owned(quoted_printable(bytes, false)),
        };
        if fault {
            facts.defects.insert("transfer_encoding");
        }
        let declared = declared_type(part, facts);
        if facts.types.len() < limits::TYPES {
            facts.types.push(declared.clone().unwrap_or_default());
        }
        if depth == 0 {
            match declared.as_deref() {
                Some("message/delivery-status" | "message/global-delivery-status") => {
                    facts.signs.delivery_status = true
                }
                Some("message/disposition-notification") => facts.signs.disposition = true,
                Some("message/feedback-report") => facts.signs.feedback = true,
                Some("text/rfc822-headers" | "message/rfc822" | "message/global") => facts.signs.original = true,
                _ => {}
            }
        }
        let message_type = matches!(declared.as_deref(), Some("message/rfc822" | "message/global"));
        if packed && (message_type || matches!(part.body, PartType::Message(_))) {
            let (inner, _) = separated(&decoded);
            let inner = bounded(&inner, &mut facts.defects);
            if let Some(inner) = parse(&inner).filter(|m| !m.headers().is_empty()) {
                leaves.push(leaf_of(part, bytes, Role::Inner, encoding));
                walk(&inner, depth + 1, parts, facts, &mut Vec::new());
                continue;
            }
        }
        let unix = without_cr(&decoded);
        let leaf: [u8; 32] = Sha256::digest(&unix).into();
        facts.leaves.push(leaf);
        let charset = part.content_type().and_then(|c| c.attribute("charset"));
        let attached = part.content_disposition().is_some_and(|d| d.is_attachment());
        let (is_text, html) = match (&part.body, declared.as_deref()) {
            (PartType::Html(_), _) => (true, true),
            (_, Some("text/html" | "application/xhtml+xml")) => (true, true),
            (PartType::Text(_), None | Some("text/plain" | "text")) => (true, false),
            (PartType::Binary(_) | PartType::InlineBinary(_), None) => (part.attachment_name().is_none(), false),
            // Its boundary never came: the parser gives the body as text, and so do readers.
            (_, Some(other)) if other.starts_with("multipart/") => (true, false),
            (PartType::Text(_), Some(other)) => (other.starts_with("text/") && part.attachment_name().is_none(), false),
            _ => (false, false),
        };
        let is_text = is_text && !(attached && part.attachment_name().is_some());
        let role = match (is_text, html) {
            (true, true) => Role::Html,
            (true, false) => Role::Text,
            _ => Role::File,
        };
        leaves.push(leaf_of(part, bytes, role, encoding));
        if is_text {
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
            let sniffed = sniff::sniff(&decoded);
            match sniffed {
                "tnef" => facts.defects.insert("tnef_inside"),
                "msg" => facts.defects.insert("msg_inside"),
                _ => false,
            };
            facts.pieces.extend(pieces::pieces(&decoded));
            facts.pieces.sort_unstable();
            facts.pieces.dedup();
            facts.pieces.truncate(pieces::KEPT);
            put_picture(&decoded, sniffed, facts);
            facts.attachments.push(Attachment {
                name,
                declared_type: declared,
                sniffed_type: sniffed,
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

/// Take what a picture looks like into the facts.
fn put_picture(bytes: &[u8], kind: &str, facts: &mut Facts) {
    if facts.pictures.len() >= pictures::KEPT {
        return;
    }
    let mut left = limits::PICTURE_PIXELS - facts.pixels;
    match pictures::look(bytes, kind, &mut left) {
        Ok(found) => {
            if let Some(bits) = found {
                if let Err(place) = facts.pictures.binary_search(&bits) {
                    facts.pictures.insert(place, bits);
                }
            }
        }
        Err(pictures::Unread) => {
            facts.defects.insert("picture_unread");
        }
    }
    facts.pixels = limits::PICTURE_PIXELS - left;
}

/// The Content-Type of a part, lower case. What cannot be a type counts as none: RFC 2045 section 5.2.
fn declared_type(part: &MessagePart<'_>, facts: &mut Facts) -> Option<String> {
    let declared = part.content_type().map(|c| match c.subtype() {
        Some(s) => format!("{}/{}", c.ctype(), s).to_lowercase(),
        None => c.ctype().to_lowercase(),
    })?;
    if declared.contains('/') || declared == "text" {
        return Some(declared);
    }
    facts.defects.insert("bad_content_type");
    None
}

/// A part as the second reading is compared with.
fn leaf_of<'m>(part: &'m MessagePart<'_>, body: &'m [u8], role: Role, encoding: Encoding) -> Leaf<'m> {
    let charset = part.content_type().and_then(|c| c.attribute("charset"));
    Leaf {
        role,
        packing: match encoding {
            Encoding::None => Packing::Plain,
            Encoding::Base64 => Packing::Base64,
            Encoding::QuotedPrintable => Packing::Quoted,
        },
        charset: charset
            .filter(|_| matches!(role, Role::Text | Role::Html))
            .map(Cow::Borrowed),
        name: part
            .attachment_name()
            .map_or(Name::Absent, |n| Name::Given(Cow::Borrowed(n))),
        body: Cow::Borrowed(body),
    }
}

/// How a part was packed, as its header says.
fn transfer_encoding(part: &MessagePart<'_>) -> Encoding {
    let mut fields = part.headers.iter().rev();
    let field = fields.find(|h| h.name == HeaderName::ContentTransferEncoding);
    match field.and_then(|h| h.value.as_content_type()).map(|c| c.ctype()) {
        Some("base64") => Encoding::Base64,
        Some("quoted-printable") => Encoding::QuotedPrintable,
        _ => Encoding::None,
    }
}

fn owned((bytes, fault): (Vec<u8>, bool)) -> (Cow<'static, [u8]>, bool) {
    (Cow::Owned(bytes), fault)
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
