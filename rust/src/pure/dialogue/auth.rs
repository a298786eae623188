//! What is kept of an AUTH: the mechanism, a keyed hash of the user's name, the length class of the password. Never the
//! password, in no form: these few functions are the only ones that see it.

use sha2::{Digest, Sha256};

/// What one try left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Mechanism by its registered name; `other` for anything else, which might be a secret.
    pub mechanism: &'static str,
    /// Keyed hash of the user's name; None where it was not given.
    pub user: Option<String>,
    /// `0`, `1-7`, `8-15`, `16+`; None where no password was given.
    pub length: Option<&'static str>,
}

const MECHANISMS: &[&str] = &[
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "NTLM",
    "GSSAPI",
    "EXTERNAL",
    "ANONYMOUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
];

/// The registered name of a mechanism, `other` for what has none.
pub fn mechanism(name: &[u8]) -> &'static str {
    MECHANISMS
        .iter()
        .find(|m| name.eq_ignore_ascii_case(m.as_bytes()))
        .copied()
        .unwrap_or("other")
}

/// HMAC-SHA-256 (RFC 2104) of the user's name, 32 hex digits.
pub fn user_hash(key: &[u8; 32], user: &[u8]) -> String {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(b"smtp user\0")
        .chain_update(user)
        .finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    outer[..16].iter().map(|b| format!("{b:02x}")).collect()
}

/// The class of a password's length.
pub fn length_class(len: usize) -> &'static str {
    match len {
        0 => "0",
        1..=7 => "1-7",
        8..=15 => "8-15",
        _ => "16+",
    }
}

/// User and password of a PLAIN response (RFC 4616).
pub fn plain(key: &[u8; 32], response: &[u8]) -> (Option<String>, Option<&'static str>) {
    let Some(bytes) = unbase64(response) else {
        return (None, None);
    };
    let mut fields = bytes.split(|b| *b == 0).skip(1);
    let user = fields.next().map(|user| user_hash(key, user));
    (user, fields.next().map(|secret| length_class(secret.len())))
}

/// The hash of the user that a LOGIN response names; empty where it is no base64.
pub fn login_user(key: &[u8; 32], response: &[u8]) -> String {
    unbase64(response).map_or(String::new(), |user| user_hash(key, &user))
}

/// Bytes of base64 (RFC 4648); padding may lack. None for what is none.
pub fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let text = text.strip_suffix(b"=").unwrap_or(text);
    let (mut out, mut bits, mut held) = (Vec::with_capacity(text.len() * 3 / 4), 0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    (held < 6).then_some(out)
}

/// Words by which an unknown command line might carry a secret: it is kept as its length alone.
const TELLING: &[&[u8]] = &[b"auth", b"pass", b"login", b"user", b"cookie", b"key", b"token"];

/// Whether a line that is no command may hold a secret.
pub fn telling(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    TELLING.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
}
