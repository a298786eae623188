//! Attributes of XCLIENT and XFORWARD: what a relay claims of the client that it stands for (Postfix, `XCLIENT_README` and
//! `XFORWARD_README`).
//!
//! Values are xtext; `[UNAVAILABLE]` and `[TEMPUNAVAIL]` are claims that nothing is known. The user's name (LOGIN) is a keyed
//! hash from the moment it is read.

use super::auth::user_hash;
use super::path::text;
use super::stranger;
use serde_json::{json, Map, Value};
use std::net::IpAddr;

/// Attributes of XCLIENT.
pub const XCLIENT: &[&str] = &["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT"];
/// Attributes of XFORWARD.
pub const XFORWARD: &[&str] = &["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"];

/// What one or several such commands claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The client's address; None where it was not said or is not known.
    pub address: Option<IpAddr>,
    /// Attributes in capitals with what is kept of their values; null: nothing is known.
    pub said: Map<String, Value>,
}

impl Claims {
    /// The attributes of a command whose names are `known`; None where one is wrong, and then none holds.
    pub fn read(argument: &[u8], known: &[&str], secret: &[u8; 32], bait: bool) -> Option<Claims> {
        let mut claims = Claims::default();
        for word in argument.split(|b| *b == b' ' || *b == b'\t').filter(|w| !w.is_empty()) {
            let at = word.iter().position(|b| *b == b'=')?;
            let (key, value) = (&word[..at], &word[at + 1..]);
            let key = known.iter().find(|k| key.eq_ignore_ascii_case(k.as_bytes()))?;
            let odd = value.contains(&b'=');
            let value = match value {
                b"" => return None,
                _ if value.eq_ignore_ascii_case(b"[UNAVAILABLE]") => None,
                _ if value.eq_ignore_ascii_case(b"[TEMPUNAVAIL]") => None,
                _ => Some(unxtext(value)?),
            };
            let kept = match (*key, &value) {
                (_, None) => Value::Null,
                ("ADDR" | "DESTADDR", Some(value)) => json!(address(value)?.to_string()),
                ("PORT" | "DESTPORT", Some(value)) => json!(port(value)?),
                ("LOGIN", Some(value)) => json!(user_hash(secret, value)),
                // No xtext: another attribute may hide in it, the user's name too.
                (_, Some(value)) if odd => json!(format!("*{}", value.len())),
                (_, Some(value)) if bait => json!(stranger::name(value)),
                (_, Some(value)) => json!(text(value)),
            };
            if *key == "ADDR" {
                claims.address = value.as_deref().and_then(address);
            }
            claims.said.insert((*key).to_owned(), kept);
        }
        (!claims.said.is_empty()).then_some(claims)
    }

    /// Claims of a later command: they come to these, and go before them.
    pub fn extend(&mut self, later: Claims) {
        if later.said.contains_key("ADDR") {
            self.address = later.address;
        }
        self.said.extend(later.said);
    }

    /// The name that the client gave at HELO: None where nothing is claimed of it, `Some(None)` where it is not known.
    pub fn helo(&self) -> Option<Option<String>> {
        let said = self.said.get("HELO")?;
        Some(said.as_str().map(str::to_owned))
    }
}

/// A command line for the transcript: no value that may hold a secret, or more than one word is made of.
pub fn line(verb: &str, argument: &[u8], bait: bool) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"._-[]:".contains(b) || (*b == b'+' && !bait);
    let mut out = verb.as_bytes().to_vec();
    for word in argument.split(|b| *b == b' ' || *b == b'\t').filter(|w| !w.is_empty()) {
        let at = word.iter().position(|b| *b == b'=').unwrap_or(0);
        let key = text(&word[..at]).to_ascii_uppercase();
        let known = XCLIENT.contains(&key.as_str()) || XFORWARD.contains(&key.as_str());
        let value = &word[(at + 1).min(word.len())..];
        let kept = match known {
            true if key != "LOGIN" && value.iter().all(plain) => format!(" {key}={}", text(value)),
            true => format!(" {key}=*{}", value.len()),
            false => format!(" *{}", word.len()),
        };
        out.extend_from_slice(kept.as_bytes());
    }
    out
}

/// Bytes of xtext (RFC 3461, 4): `+41` is A.
fn unxtext(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, after @ ..] = rest {
        if *first != b'+' {
            out.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).filter(|d| d.iter().all(u8::is_ascii_hexdigit))?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = &after[2..];
    }
    Some(out)
}

/// An address as these commands write it: `192.0.2.1`, `IPV6:2001:db8::1`.
fn address(value: &[u8]) -> Option<IpAddr> {
    let value = std::str::from_utf8(value).ok()?;
    let six = value.get(..5).is_some_and(|p| p.eq_ignore_ascii_case("IPV6:"));
    let address: IpAddr = value[if six { 5 } else { 0 }..].parse().ok()?;
    (!six || address.is_ipv6()).then(|| address.to_canonical())
}

fn port(value: &[u8]) -> Option<u16> {
    let digits = value.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten()
}
