//! Texts alone to the same fingerprints that messages have: no header, no attachment, no recipient.

use super::columns::{Column, Table};
use super::digest::{exact_digest, hex};
use super::fingerprint::{fingerprint, Own, Shown};
use super::forms::Form;
use super::links::{registered_domain, text_links};
use super::mask::Masked;
use std::collections::BTreeSet;

/// The columns of the table `sketch` without its place, one row a text; `exact` as the message that carried it would have.
pub fn fingerprints<S: AsRef<str>>(subjects: &[S], bodies: &[S]) -> Table {
    let mut exact = Column::utf8();
    let mut lists = [
        Column::binary(),
        Column::binary(),
        Column::binary(),
        Column::binary(),
        Column::binary(),
        Column::binary(),
    ];
    for (subject, body) in subjects.iter().zip(bodies) {
        let (subject, body) = (subject.as_ref(), body.as_ref());
        let mut links = Vec::new();
        text_links(body, &mut links, &mut BTreeSet::new());
        let mut hosts: Vec<&str> = links.iter().filter_map(|l| l.host.as_deref()).collect();
        let domains: Vec<String> = hosts.iter().filter_map(|h| registered_domain(h)).collect();
        hosts.extend(domains.iter().map(String::as_str));
        let urls: Vec<&str> = links.iter().map(|l| l.url.as_str()).collect();
        let form = Form {
            raw: b"",
            html: "",
            urls: &urls,
            types: &[],
        };
        let (title, text) = (Masked::of(subject, &[]), Masked::of(body, &[]));
        let print = fingerprint(&Shown {
            own: &Own::of((subject, &title), (body, &text), &[]),
            hosts: &hosts,
            pieces: &[],
            pictures: &[],
            form,
        });
        let said = text.without_digits();
        exact.push_str(&hex(&exact_digest(&title.without_digits(), Ok(&said), &[])));
        for (column, values) in lists.iter_mut().zip([
            &print.shingles,
            &print.subject,
            &print.links,
            &print.pieces,
            &print.pictures,
            &print.forms,
        ]) {
            column.push_words(values);
        }
    }
    let [shingles, subject, link, piece, picture, form] = lists;
    Table::from([
        ("exact", exact),
        ("shingles", shingles),
        ("subject_marks", subject),
        ("link_marks", link),
        ("piece_marks", piece),
        ("picture_marks", picture),
        ("form_marks", form),
    ])
}
