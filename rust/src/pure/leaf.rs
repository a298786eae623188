//! A leaf of a message as a reader of its structure sees it: what it is taken for, how it is packed, its bytes.

use super::charset::{base64, base64_to_padding, decode, header_text, meta_charset, quoted_printable};
use super::html::read_html;
use super::limits;
use encoding_rs::Encoding;
use std::borrow::Cow;

/// What a leaf is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text.
    Text,
    /// HTML.
    Html,
    /// An attachment.
    File,
    /// A message that is packed.
    Inner,
}

/// How its bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Plain,
    /// base64.
    Base64,
    /// quoted-printable.
    Quoted,
}

/// A declared file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name<'x> {
    /// None is declared.
    Absent,
    /// As declared, encoded words and all.
    Given(Cow<'x, str>),
    /// Declared in a form that the second reading does not know (RFC 2231): there is nothing to compare.
    Unread,
}

/// One leaf.
#[derive(Debug, Clone)]
pub struct Leaf<'x> {
    /// What it is taken for.
    pub role: Role,
    /// How it is packed.
    pub packing: Packing,
    /// Declared charset.
    pub charset: Option<Cow<'x, str>>,
    /// Declared file name.
    pub name: Name<'x>,
    /// Its bytes, packed.
    pub body: Cow<'x, [u8]>,
}

/// One of two ways to take what is ambiguous within a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The digest's: base64 goes on after padding, the declared charset before that of `<meta>`.
    First,
    /// The other: base64 ends with its padding, `<meta>` before the declared charset.
    Second,
}

impl Name<'_> {
    /// Its ending, lower case: that of what opens the file, which is what a false name hides.
    fn ending(&self) -> Option<String> {
        match self {
            Name::Given(name) => {
                let shown = header_text(name.as_bytes()).text;
                let ending = shown.trim_end().rsplit_once('.').map_or("", |(_, e)| e);
                Some(ending.to_lowercase())
            }
            _ => None,
        }
    }

    /// True when the two say the same of what the file is: names may differ in how they are written.
    pub fn agrees(&self, other: &Name<'_>) -> bool {
        matches!(self, Name::Unread)
            || matches!(other, Name::Unread)
            || self == other
            || self.ending() == other.ending()
    }
}

impl Leaf<'_> {
    /// Nothing a reader could show.
    pub fn blank(&self) -> bool {
        matches!(self.role, Role::Text | Role::Html) && self.body.trim_ascii().is_empty()
    }

    /// Its bytes unpacked.
    pub fn unpacked(&self, reading: Reading) -> Cow<'_, [u8]> {
        match (self.packing, reading) {
            (Packing::Plain, _) => Cow::Borrowed(&self.body),
            (Packing::Base64, Reading::First) => Cow::Owned(base64(&self.body).0),
            (Packing::Base64, Reading::Second) => Cow::Owned(base64_to_padding(&self.body)),
            (Packing::Quoted, _) => Cow::Owned(quoted_printable(&self.body, false).0),
        }
    }

    /// Visible text of a leaf that is text or HTML.
    pub fn visible(&self, reading: Reading) -> String {
        let bytes = self.unpacked(reading);
        let html = self.role == Role::Html;
        let meta = self.meta().filter(|_| html && reading == Reading::Second);
        let text = decode(&bytes, meta.map(|e| e.name()).or(self.charset.as_deref()), html).text;
        if html {
            read_html(&text).visible
        } else {
            text
        }
    }

    /// The charset that `<meta>` names, if this is HTML.
    pub fn meta(&self) -> Option<&'static Encoding> {
        let head = &self.body[..self.body.len().min(2 * limits::META_BYTES)];
        let head = match self.packing {
            Packing::Plain => Cow::Borrowed(head),
            Packing::Base64 => Cow::Owned(base64(head).0),
            Packing::Quoted => Cow::Owned(quoted_printable(head, false).0),
        };
        meta_charset(&head[..head.len().min(limits::META_BYTES)])
    }

    /// True when the two readings may unpack these same bytes differently.
    pub fn ambiguous(&self) -> bool {
        let padding = || memchr::memchr(b'=', &self.body).map_or(&[][..], |i| &self.body[i..]);
        let goes_on = |b: &u8| *b != b'=' && !b.is_ascii_whitespace();
        self.packing == Packing::Base64 && padding().iter().any(goes_on)
    }
}
