//! A ClientHello summed up.
//!
//! JA3 is defined in `salesforce/ja3` (README): version, ciphers, extensions, groups, formats in decimal, values of GREASE left
//! out, and the MD5 of that. JA4 in `FoxIO-LLC/ja4`, `technical_details/JA4.md`: counts, then hashes of what was sorted, so that a
//! client that shuffles its extensions has one fingerprint. GREASE: RFC 8701.

use super::Hello;
use md5::{Digest, Md5};
use serde_json::{json, Value};
use sha2::Sha256;

/// Characters of a JA3 that are kept; of a longer one only the digest is.
const JA3_KEPT: usize = 2_048;
/// Values of a list that are kept.
const LISTED: usize = 64;

fn grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn without_grease(values: &[u16]) -> impl Iterator<Item = u16> + '_ {
    values.iter().copied().filter(|v| !grease(*v))
}

fn joined<T: ToString>(values: impl Iterator<Item = T>, by: &str) -> String {
    values.map(|v| v.to_string()).collect::<Vec<_>>().join(by)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn hex4(values: impl Iterator<Item = u16>) -> String {
    joined(values.map(|v| format!("{v:04x}")), ",")
}

/// The first twelve hex digits of the SHA-256; zeros for an empty list.
fn short(list_empty: bool, text: &str) -> String {
    match list_empty {
        true => "0".repeat(12),
        false => hex(&Sha256::digest(text)[..6]),
    }
}

/// First and last character of the first application protocol.
fn alpn_ends(alpn: &[Vec<u8>]) -> String {
    let Some((first, last)) = alpn.first().and_then(|name| Some((name.first()?, name.last()?))) else {
        return "00".into();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].iter().collect();
    }
    let (first, last) = (format!("{first:02x}"), format!("{last:02x}"));
    format!("{}{}", &first[..1], &last[1..])
}

/// A version as one says it; its number where it has no name.
fn version_name(version: u16) -> String {
    match version {
        0x0304 => "1.3".into(),
        0x0303 => "1.2".into(),
        0x0302 => "1.1".into(),
        0x0301 => "1.0".into(),
        0x0300 => "ssl3".into(),
        other => format!("{other:04x}"),
    }
}

impl Hello {
    /// Version, ciphers, extensions, groups, formats.
    pub fn ja3(&self) -> String {
        format!(
            "{},{},{},{},{}",
            self.version,
            joined(without_grease(&self.ciphers), "-"),
            joined(without_grease(&self.extensions), "-"),
            joined(without_grease(&self.groups), "-"),
            joined(self.formats.iter(), "-"),
        )
    }

    /// The JA4 of a client over TCP.
    pub fn ja4(&self) -> String {
        let version = without_grease(&self.versions).max().unwrap_or(self.version);
        let version = match version {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            _ => "00",
        };
        let mut ciphers: Vec<u16> = without_grease(&self.ciphers).collect();
        let mut extensions: Vec<u16> = without_grease(&self.extensions).collect();
        let start = format!(
            "t{version}{}{:02}{:02}{}",
            if self.sni { 'd' } else { 'i' },
            ciphers.len().min(99),
            extensions.len().min(99),
            alpn_ends(&self.alpn),
        );
        ciphers.sort_unstable();
        extensions.retain(|e| *e != 0 && *e != 16);
        extensions.sort_unstable();
        let mut second = hex4(extensions.iter().copied());
        let signatures = hex4(without_grease(&self.signatures));
        if !signatures.is_empty() {
            second = format!("{second}_{signatures}");
        }
        format!(
            "{start}_{}_{}",
            short(ciphers.is_empty(), &hex4(ciphers.iter().copied())),
            short(extensions.is_empty(), &second),
        )
    }

    /// As it stands in records.
    pub fn json(&self) -> Value {
        let ja3 = self.ja3();
        let said = if self.versions.is_empty() {
            vec![self.version]
        } else {
            without_grease(&self.versions).take(LISTED).collect()
        };
        let protocols = self.alpn.iter().take(LISTED);
        json!({
            "versions": said.into_iter().map(version_name).collect::<Vec<_>>(),
            "signatures": without_grease(&self.signatures).take(LISTED).map(|s| format!("{s:04x}")).collect::<Vec<_>>(),
            "alpn": protocols.map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>(),
            "sni": self.sni,
            "grease": self.ciphers.iter().chain(&self.extensions).any(|v| grease(*v)),
            "ja3_digest": hex(&Md5::digest(&ja3)),
            "ja4": self.ja4(),
            "ja3": (ja3.len() <= JA3_KEPT).then_some(ja3),
        })
    }
}
