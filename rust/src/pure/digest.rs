//! The digest of a batch: raw records in, columns of facts out. One call, any bytes, never a panic that loses a row.
//!
//! Column names and order are those of `src/spamtide/fingerprint/facts.py`; a test there compares them.

use super::capture::{Meta, Record};
use super::columns::{Column, Table, Tables};
use super::dialect::dialect;
use super::facts::{read_message, Facts};
use super::fingerprint::{fingerprint, Own, Shown};
use super::fold::{fold, words};
use super::forms::Form;
use super::language::language;
use super::limits::CAPTURED;
use super::links::registered_domain;
use super::mask::{mask, Masked};
use super::origin::seen_at_capture;
use super::peer::peer_units;
use super::topic::{rules, Said};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

const DAY_US: i64 = 86_400_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// What exact copies share: masked subject, masked text (`Err`: the masked HTML of a message that shows none), attachments.
pub fn exact_digest(subject: &str, text: Result<&str, &str>, attachments: &[[u8; 32]]) -> [u8; 16] {
    let mut exact = Sha256::new();
    exact.update(b"spamtide exact 1\0");
    exact.update(subject.as_bytes());
    exact.update(b"\0");
    match text {
        Ok(text) => exact.update(text.as_bytes()),
        Err(html) => {
            exact.update(b"html\0");
            exact.update(html.as_bytes());
        }
    }
    for d in attachments {
        exact.update(d);
    }
    let whole: [u8; 32] = exact.finalize().into();
    whole[..16].try_into().expect("sixteen bytes")
}

/// Hex of a digest.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[usize::from(b >> 4)] as char);
        out.push(DIGITS[usize::from(b & 15)] as char);
    }
    out
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
    fn hashes(&mut self, name: &'static str, values: &[u64]) {
        self.column(name, Column::binary).push_words(values);
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
    for record in records.iter().filter(|r| !r.erased && !r.thinned) {
        let meta: Meta = serde_json::from_slice(&record.meta).unwrap_or_default();
        let mut facts = std::panic::catch_unwind(|| read_message(&record.raw, &meta)).unwrap_or_else(|_| {
            let mut facts = Facts {
                origin: "unsolicited",
                ..Facts::default()
            };
            facts.defects.insert("parser_panic");
            facts
        });
        let captured = CAPTURED.iter().filter(|name| meta.marks.iter().any(|m| m == *name));
        facts.defects.extend(captured);
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
    let shown_subject = Masked::of(subject, &recipients);
    let shown_text = Masked::of(&facts.visible, &recipients);
    let masked_subject = shown_subject.without_digits();
    let masked_text = shown_text.without_digits();
    let text_empty = masked_text.is_empty() && facts.attachments.is_empty();
    let mut digests: Vec<[u8; 32]> = facts.attachments.iter().map(|a| a.sha256).collect();
    digests.sort_unstable();
    let masked_html = text_empty.then(|| mask(&facts.html, &recipients));
    let exact = exact_digest(
        &masked_subject,
        masked_html.as_deref().map_or(Ok(&masked_text), Err),
        &digests,
    );
    // The subject is part of `exact`; `identical` holds it too, so that equal bytes are always exact copies as well.
    let mut identical = Sha256::new();
    identical.update(b"spamtide identical 1\0");
    identical.update(exact);
    for leaf in &facts.leaves {
        identical.update(leaf);
    }
    let exact_hex = hex(&exact);
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
    let spoken = dialect(meta);
    message.text("dialect_path", spoken.as_ref().map(|s| s.path.as_str()));
    message.text("dialect_steps", spoken.as_ref().map(|s| s.steps.as_str()));
    let features = spoken.as_ref().map(|s| spaced(s.features.iter().map(String::as_str)));
    message.text("dialect_features", features.as_deref());
    message.int("route_hops", facts.hops as i64);
    message.text("subject", facts.subject.as_deref());
    message.text("second_subject", facts.disputed.subject.as_deref());
    message.text("second_attachments", facts.disputed.attachments.as_deref());
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
    let hosts = spaced(facts.links.iter().filter_map(|l| l.host.as_deref()));
    message.text("link_hosts", Some(&hosts));
    let names: Vec<&str> = facts.attachments.iter().filter_map(|a| a.name.as_deref()).collect();
    let names_folded = fold(&names.join(" \n "));
    message.text("attachment_folded", Some(&names_folded));
    message.int("attachment_count", facts.attachments.len() as i64);
    message.int("text_chars", facts.visible.chars().count() as i64);
    message.int("hidden_chars", facts.hidden.chars().count() as i64);
    message.text("language", Some(language(subject, &facts.visible)));
    let text_folded = fold(&facts.visible);
    let kinds: Vec<&str> = facts.attachments.iter().map(|a| a.sniffed_type).collect();
    let said = Said {
        subject: &subject_folded,
        text: &text_folded,
        links: &words(&hosts),
        attachments: &(names_folded + &words(&kinds.join(" "))),
    };
    message.text("topic", Some(rules().topic(said).0));
    message.text("origin", Some(seen_at_capture(&meta.marks).unwrap_or(facts.origin)));
    message.text("defects", Some(&spaced(facts.defects.iter().copied())));
    message.text("identical", Some(&hex(&identical.finalize()[..16])));
    message.text("exact", Some(&exact_hex));
    message
        .column("text_empty", Column::boolean)
        .push_int(i64::from(text_empty));
    message.long("declared_date", facts.declared_date);

    text.place(segment, record);
    text.text("text_folded", Some(&text_folded));
    text.text("text_lower", Some(&facts.visible.to_lowercase()));
    text.text("second_text", facts.disputed.text.as_deref());
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
    let urls: Vec<&str> = facts.links.iter().map(|l| l.url.as_str()).collect();
    let mut named: Vec<&str> = facts.links.iter().filter_map(|l| l.host.as_deref()).collect();
    named.extend(domains.iter().flatten().map(String::as_str));
    let types: Vec<&str> = facts.types.iter().map(String::as_str).collect();
    let print = fingerprint(&Shown {
        own: &Own::of((subject, &shown_subject), (&facts.visible, &shown_text), &recipients),
        hosts: &named,
        pieces: &facts.pieces,
        pictures: &facts.pictures,
        form: Form {
            raw: &record.raw,
            html: &facts.html,
            urls: &urls,
            types: &types,
        },
    });
    sketches.place(segment, record);
    sketches.text("exact", Some(&exact_hex));
    sketches.hashes("shingles", &print.shingles);
    sketches.hashes("subject_marks", &print.subject);
    sketches.hashes("link_marks", &print.links);
    sketches.hashes("piece_marks", &print.pieces);
    sketches.hashes("picture_marks", &print.pictures);
    sketches.hashes("form_marks", &print.forms);
}
