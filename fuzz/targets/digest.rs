//! The digest of one message, of any bytes.
//!
//! The first byte chooses what is known beside the bytes: nothing, a peer with recipients, an import, or a meta that is itself
//! any bytes up to a NUL. Checked: no panic, though the digest would catch one; the same facts again; the same facts in a batch
//! with other messages; as much output as the bounds allow. How long one input may take is an option of the fuzzer.
#![no_main]

use _kernel::pure::capture::{Meta, Record, Source};
use _kernel::pure::columns::{Column, Tables};
use _kernel::pure::digest::digest;
use _kernel::pure::{limits, trace};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const NEIGHBOUR: &[u8] = b"From: \"A\" <a@b.example>\r\nSubject: =?utf-8?q?neighbour?=\r\nContent-Type: text/html\r\n\r\n<a href=http://c.example/>x</a>";

fn record(ordinal: u32, meta: Vec<u8>, raw: &[u8]) -> Record {
    Record {
        ordinal,
        received_at: 1_300_000_000_000_000,
        meta,
        raw: raw.to_vec(),
        sha256: Sha256::digest(raw).into(),
        erased: false,
        thinned: false,
    }
}

fn known(choice: u8) -> Meta {
    let mut meta = Meta { v: 1, time_origin: "smtp".into(), ..Meta::default() };
    if choice & 1 == 1 {
        meta.from = Some("bounce@sender.example".into());
        meta.to = vec!["anna@trap.example".into(), "Bert.Berg@trap.example".into()];
        meta.peer = Some("192.0.2.77".into());
        meta.helo = Some("[192.0.2.77]".into());
    }
    if choice & 2 == 2 {
        meta.time_origin = "received".into();
        meta.source = Some(Source { path: "box".into(), ordinal: 3 });
        meta.marks = vec!["line_ends_not_evidence".into(), "from_line_in_body".into()];
    }
    meta
}

/// Meta and raw bytes of an input.
fn read(input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (choice, rest) = input.split_first()?;
    if choice & 4 == 0 {
        return Some((serde_json::to_vec(&known(*choice)).expect("strings"), rest));
    }
    let end = rest.iter().position(|b| *b == 0)?;
    Some((rest[..end].to_vec(), &rest[end + 1..]))
}

/// Values of a text column.
fn texts(tables: &Tables, table: &str, column: &str) -> Vec<Vec<u8>> {
    match tables[table].get(column) {
        Some(Column::Utf8 { offsets, data, .. }) => offsets
            .windows(2)
            .map(|w| data[w[0] as usize..w[1] as usize].to_vec())
            .collect(),
        _ => Vec::new(),
    }
}

fn rows(tables: &Tables, table: &str) -> usize {
    tables[table].get("ordinal").map_or(0, Column::len)
}

/// Every column has the rows of its table, every text is UTF-8, and nothing is beyond its bound.
fn sound(tables: &Tables, input: usize) {
    let mut total = 0;
    for (name, table) in tables {
        let n = rows(tables, name);
        for (column, values) in table {
            assert_eq!(values.len(), n, "{name}.{column}");
            if let Column::Utf8 { offsets, data, .. } = values {
                let text = std::str::from_utf8(data).expect("a text column is UTF-8");
                assert!(offsets.iter().all(|at| text.is_char_boundary(*at as usize)));
                total += data.len();
            }
        }
    }
    assert_eq!(rows(tables, "message"), 1);
    assert!(rows(tables, "link") <= limits::LINKS);
    assert!(rows(tables, "attachment") <= limits::ATTACHMENTS);
    // Six columns hold the text in one form or another, and a character may unfold into eleven times its bytes.
    assert!(total <= 100 * input + 8192, "{total} bytes of text from {input}");
}

/// Rows of one message, by table and column, as a batch that holds only it would give them.
fn alone(of: &[Record], which: usize) -> Tables {
    digest(1, &of[which..=which])
}

fuzz_target!(|input: &[u8]| {
    let Some((meta, raw)) = read(input) else { return };
    let neighbour = serde_json::to_vec(&known(1)).expect("strings");
    let batch = [
        record(4, neighbour.clone(), NEIGHBOUR),
        record(5, meta.clone(), raw),
        record(6, neighbour, NEIGHBOUR),
    ];
    let single = alone(&batch, 1);
    sound(&single, input.len());
    assert_eq!(alone(&batch, 1), single, "again");
    let together = digest(1, &batch);
    let mut wanted: BTreeMap<(&str, &str), Vec<Vec<u8>>> = BTreeMap::new();
    for which in 0..batch.len() {
        let one = alone(&batch, which);
        for (table, columns) in &one {
            for column in columns.keys() {
                wanted.entry((table, column)).or_default().extend(texts(&one, table, column));
            }
        }
    }
    for ((table, column), values) in wanted {
        assert_eq!(texts(&together, table, column), values, "{table}.{column} in a batch");
    }
    let _ = trace::texts(raw, &meta);
    if let Some(subject) = texts(&single, "message", "subject").first() {
        let subject = std::str::from_utf8(subject).expect("checked");
        let folded = texts(&single, "message", "subject_folded");
        assert_eq!(trace::joined(&trace::trace(subject)).as_bytes(), folded[0], "the trace of a subject");
    }
});
