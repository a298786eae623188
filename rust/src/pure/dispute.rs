//! Where two readings of the same bytes differ in what a person would get: subject, visible text, attachments.
//!
//! The leaves are compared as they are packed; only where they differ both are unpacked and what they say is compared.
//! White space, punctuation, case, empty parts, and names that end alike are no dispute.

use super::charset::header_text_as;
use super::leaf::{Leaf, Name, Reading, Role};
use super::{limits, second};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// What the second reading gives where it differs; `None` where both agree.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Disputed {
    /// Its subject, empty when it finds none.
    pub subject: Option<String>,
    /// Its visible text, lower case.
    pub text: Option<String>,
    /// Its attachments: SHA-256 and name, one a line.
    pub attachments: Option<String>,
}

/// Defects of the first reading after which there is nothing to compare: a bound was met.
const IN_PART: [&str; 5] = [
    "too_many_parts",
    "too_deep",
    "long_header",
    "header_in_part",
    "too_many_attachments",
];

/// Those that cut the header.
const HEADERS_IN_PART: [&str; 2] = ["long_header", "header_in_part"];

/// Read `raw` a second time and compare with `subject` and `leaves` of the first reading.
pub fn dispute(
    raw: &[u8],
    subject: Option<&str>,
    leaves: &[Leaf<'_>],
    defects: &mut BTreeSet<&'static str>,
) -> Disputed {
    let mut found = Disputed::default();
    let second = second::read(raw);
    let long = |s: &&[u8]| s.len() > limits::HEADER_BYTES;
    if second.subject.as_ref().is_none_or(|s| !long(s)) && !HEADERS_IN_PART.iter().any(|d| defects.contains(d)) {
        let other = second.subject.map(|s| header_text_as(s, true).text);
        if !same_words(subject.unwrap_or(""), other.as_deref().unwrap_or("")) {
            defects.insert("subject_disputed");
            found.subject = Some(other.unwrap_or_default());
        }
    }
    if !second.whole || IN_PART.iter().any(|d| defects.contains(d)) || same_leaves(leaves, &second.leaves) {
        return found;
    }
    let text = visible(&second.leaves, Reading::Second);
    if !same_words(&visible(leaves, Reading::First), &text) {
        defects.insert("text_disputed");
        found.text = Some(text.to_lowercase());
    }
    let attachments = files(&second.leaves, Reading::Second);
    if !same_files(&files(leaves, Reading::First), &attachments) {
        defects.insert("attachments_disputed");
        let lines: Vec<String> = attachments.iter().map(File::line).collect();
        found.attachments = Some(lines.join("\n"));
    }
    found
}

/// Equal in letters and digits but for case: white space and marks are trifles.
fn same_words(a: &str, b: &str) -> bool {
    let telling = |t: &'_ str| {
        t.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<Vec<_>>()
    };
    a == b || telling(a) == telling(b)
}

/// True when both say the same without a look at what is packed.
fn same_leaves(first: &[Leaf<'_>], second: &[Leaf<'_>]) -> bool {
    let mut second = second.iter().filter(|l| !l.blank());
    let same = first.iter().filter(|l| !l.blank()).all(|a| {
        second.next().is_some_and(|b| {
            let charset = |l: &Leaf<'_>| l.charset.as_deref().unwrap_or("").to_ascii_lowercase();
            a.role == b.role
                && a.packing == b.packing
                && a.body.trim_ascii() == b.body.trim_ascii()
                && charset(a) == charset(b)
                && (a.role != Role::File || a.name.agrees(&b.name))
                && !a.ambiguous()
                && !two_charsets(a)
        })
    });
    same && second.next().is_none()
}

/// HTML whose `<meta>` names another charset than its field, with bytes on which the two can differ.
fn two_charsets(leaf: &Leaf<'_>) -> bool {
    let (Role::Html, Some(declared)) = (leaf.role, leaf.charset.as_deref()) else {
        return false;
    };
    let meta = leaf.meta();
    let other = meta.is_some_and(|m| encoding_rs::Encoding::for_label(declared.as_bytes()) != Some(m));
    other && !leaf.unpacked(Reading::First).is_ascii()
}

fn visible(leaves: &[Leaf<'_>], reading: Reading) -> String {
    let mut out = String::new();
    for leaf in leaves.iter().filter(|l| matches!(l.role, Role::Text | Role::Html)) {
        if out.len() > limits::TEXT_BYTES {
            break;
        }
        out.push_str(&leaf.visible(reading));
        out.push('\n');
    }
    let mut end = out.len().min(limits::TEXT_BYTES);
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out
}

struct File<'x> {
    bytes: [u8; 32],
    trimmed: [u8; 32],
    name: &'x Name<'x>,
}

impl File<'_> {
    fn line(&self) -> String {
        let hex: String = self.bytes.iter().map(|b| format!("{b:02x}")).collect();
        match self.name {
            Name::Given(name) => format!(
                "{hex} {}",
                header_text_as(name.as_bytes(), false).text.replace(['\r', '\n'], " ")
            ),
            _ => hex,
        }
    }
}

fn files<'x>(leaves: &'x [Leaf<'x>], reading: Reading) -> Vec<File<'x>> {
    let files = leaves.iter().filter(|l| matches!(l.role, Role::File | Role::Inner));
    let mut found: Vec<File<'_>> = files
        .map(|leaf| {
            let bytes = leaf.unpacked(reading);
            File {
                bytes: Sha256::digest(&bytes).into(),
                trimmed: Sha256::digest(bytes.trim_ascii()).into(),
                name: &leaf.name,
            }
        })
        .collect();
    found.sort_by_key(|f| f.trimmed);
    found
}

fn same_files(first: &[File<'_>], second: &[File<'_>]) -> bool {
    let mut pairs = first.iter().zip(second);
    first.len() == second.len() && pairs.all(|(a, b)| a.trimmed == b.trimmed && a.name.agrees(b.name))
}
