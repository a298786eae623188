//! Bytes to text. The charset is what is declared if that decodes, else what `<meta>` says, else what the bytes suggest.

use super::limits;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};
use std::borrow::Cow;

/// Text of bytes, and whether the declared charset had to be overruled or characters were lost.
pub struct Decoded {
    /// The text.
    pub text: String,
    /// True when what was declared is unknown or does not decode these bytes.
    pub overruled: bool,
    /// True when some bytes are no character even so.
    pub lost: bool,
}

/// Decode `bytes` declared as `label`. For HTML the `<meta>` of its first 1,024 bytes is asked too.
pub fn decode(bytes: &[u8], label: Option<&str>, html: bool) -> Decoded {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let declared = label.and_then(|l| Encoding::for_label(l.as_bytes()));
        // ASCII bytes mean the same nearly everywhere; the exceptions are escapes (ISO-2022) and UTF-16.
        let escapes = memchr::memchr2(0x1b, b'~', bytes).is_some() || bytes.contains(&0);
        let seven_bit_shifts = label.is_some() && declared.is_none() && bytes.contains(&b'+');
        if !seven_bit_shifts && (!escapes || declared.is_none() || declared == Some(UTF_8)) {
            return Decoded {
                text: text.to_owned(),
                overruled: false,
                lost: false,
            };
        }
    }
    let meta = if html {
        meta_charset(&bytes[..bytes.len().min(limits::META_BYTES)])
    } else {
        None
    };
    if let Some(text) = label.and_then(|l| beyond_the_web(l, bytes)) {
        return Decoded {
            text,
            overruled: false,
            lost: false,
        };
    }
    let mut overruled = false;
    for candidate in [label.and_then(|l| Encoding::for_label(l.as_bytes())), meta] {
        if let Some(encoding) = candidate {
            if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                return Decoded {
                    text: text.into_owned(),
                    overruled,
                    lost: false,
                };
            }
        }
        overruled = overruled || label.is_some();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&telling(bytes), true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    let (text, _, lost) = guess.decode(bytes);
    if lost {
        let (text, _, _) = WINDOWS_1252.decode(bytes);
        return Decoded {
            text: text.into_owned(),
            overruled,
            lost: true,
        };
    }
    Decoded {
        text: text.into_owned(),
        overruled,
        lost: false,
    }
}

/// Charsets that mail knows and the WHATWG standard does not, UTF-7 before all; and ISO-2022-JP with shifts to and fro
/// that say nothing, on which the standard gives up.
fn beyond_the_web(label: &str, bytes: &[u8]) -> Option<String> {
    match Encoding::for_label(label.as_bytes()) {
        None => {
            let decoder = mail_parser::decoders::charsets::map::charset_decoder(label.as_bytes())?;
            Some(decoder(bytes))
        }
        Some(encoding) if encoding == ISO_2022_JP => {
            let plain = last_shifts(bytes);
            let (text, lost) = encoding.decode_without_bom_handling(&plain);
            (!lost).then(|| text.into_owned())
        }
        Some(_) => None,
    }
}

/// Of shifts that follow each other at once, only the last. One pass.
fn last_shifts(bytes: &[u8]) -> Vec<u8> {
    let shift = |i: usize| {
        matches!(
            bytes.get(i..i + 3),
            Some([0x1b, b'(', b'B' | b'J'] | [0x1b, b'$', b'B' | b'@'])
        )
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if shift(i) && shift(i + 3) {
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out
}

/// The bytes that tell charsets apart: those beyond ASCII with their surroundings, up to a bound. With escapes
/// (ISO-2022) all bytes matter.
fn telling(bytes: &[u8]) -> Cow<'_, [u8]> {
    const AROUND: usize = 32;
    if bytes.len() <= limits::CHARSET_BYTES || memchr::memchr(0x1b, bytes).is_some() {
        return Cow::Borrowed(&bytes[..bytes.len().min(limits::CHARSET_BYTES)]);
    }
    let mut out = Vec::with_capacity(limits::CHARSET_BYTES);
    let mut done = 0;
    let mut at = 0;
    while let Some(i) = bytes[at..].iter().position(|b| *b >= 0x80) {
        let (start, end) = ((at + i).saturating_sub(AROUND), (at + i + AROUND).min(bytes.len()));
        // Bytes beyond ASCII between here and the end of the surroundings push that end on.
        let mut end = end + bytes[end..].iter().take_while(|b| **b >= 0x80).count();
        // One more: the second byte of a double-byte character may be ASCII.
        end += usize::from(end < bytes.len() && bytes[end - 1] >= 0x80);
        out.extend_from_slice(&bytes[start.max(done)..end]);
        if out.len() >= limits::CHARSET_BYTES {
            break;
        }
        (done, at) = (end, end);
    }
    Cow::Owned(out)
}

/// The charset that `<meta>` names in the first bytes of HTML.
pub fn meta_charset(head: &[u8]) -> Option<&'static Encoding> {
    let lower = head.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"charset=")? + 8;
    let rest = &lower[at..];
    let rest = rest
        .strip_prefix(b"\"")
        .or_else(|| rest.strip_prefix(b"'"))
        .unwrap_or(rest);
    let end = rest
        .iter()
        .position(|b| !b.is_ascii_alphanumeric() && !b"-_:.".contains(b))
        .unwrap_or(rest.len());
    Encoding::for_label(&rest[..end])
}

/// What a byte means in base64: its six bits, or one of the marks below.
const SIX_BITS: [u8; 256] = {
    let mut table = [SKIPPED; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[letters[i] as usize] = i as u8;
        i += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table[b'=' as usize] = PADDING;
    table
};
const SKIPPED: u8 = 0xff;
const PADDING: u8 = 0xfe;

/// Undo base64 as far as it goes: bytes outside the alphabet are skipped, as mail readers do. True beside the bytes when
/// there was a fault.
pub fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let mut fault = false;
    let (mut bits, mut n) = (0u32, 0);
    let mut i = 0;
    while i < bytes.len() {
        if n == 0 {
            // Whole quanta without a break, the common case.
            let clean = bytes[i..].chunks_exact(4).map_while(|q| {
                let [a, b, c, d] = [q[0], q[1], q[2], q[3]].map(|b| SIX_BITS[usize::from(b)]);
                ((a | b | c | d) < 64).then_some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
            });
            let before = out.len();
            clean.for_each(|three| out.extend_from_slice(&three));
            i += (out.len() - before) / 3 * 4;
            if i >= bytes.len() {
                break;
            }
        }
        let value = SIX_BITS[usize::from(bytes[i])];
        i += 1;
        if value == SKIPPED {
            fault |= !bytes[i - 1].is_ascii_whitespace();
            continue;
        }
        if value == PADDING {
            // Padding ends a quantum; concatenated blocks go on after it.
            if n >= 2 {
                out.push((bits >> (6 * n - 8)) as u8);
            }
            if n == 3 {
                out.push((bits >> 2) as u8);
            }
            (bits, n) = (0, 0);
            continue;
        }
        bits = bits << 6 | u32::from(value);
        n += 1;
        if n == 4 {
            out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
            (bits, n) = (0, 0);
        }
    }
    if n >= 2 {
        out.push((bits >> (6 * n - 8)) as u8);
    }
    if n == 3 {
        out.push((bits >> 2) as u8);
    }
    (out, fault || n == 1)
}

/// Undo base64 up to its first padding, where decoders for one block stop.
pub fn base64_to_padding(bytes: &[u8]) -> Vec<u8> {
    let end = memchr::memchr(b'=', bytes).unwrap_or(bytes.len());
    base64(&bytes[..end]).0
}

/// Undo quoted-printable; a wrong escape stands as it is. `header` makes `_` a space (RFC 2047). True beside the bytes
/// when there was a fault.
pub fn quoted_printable(bytes: &[u8], header: bool) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(bytes.len());
    let mut fault = false;
    let hex = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'=' => {
                if let (Some(a), Some(b)) = (
                    bytes.get(i + 1).and_then(|b| hex(*b)),
                    bytes.get(i + 2).and_then(|b| hex(*b)),
                ) {
                    out.push(a << 4 | b);
                    i += 3;
                    continue;
                }
                // A soft line break: spaces may stand before the line end.
                let mut j = i + 1;
                while j < bytes.len() && (bytes[j] == b' ' || bytes[j] == b'\t') {
                    j += 1;
                }
                if bytes.get(j) == Some(&b'\n') {
                    i = j + 1;
                } else if bytes.get(j) == Some(&b'\r') && bytes.get(j + 1) == Some(&b'\n') {
                    i = j + 2;
                } else if j == bytes.len() {
                    i = j;
                } else {
                    fault = true;
                    out.push(b'=');
                    i += 1;
                }
            }
            b'_' if header => {
                out.push(b' ');
                i += 1;
            }
            b => {
                out.push(b);
                i += 1;
            }
        }
    }
    (out, fault)
}

/// A header field as shown: unfolded, encoded words decoded (neighbours of one charset joined before decoding, for
/// senders split them in mid-character), raw 8-bit read as UTF-8 or by its bytes.
pub fn header_text(raw: &[u8]) -> Decoded {
    header_text_as(raw, false)
}

/// The same; `strict` takes no encoded word with a blank in it for one (RFC 2047 section 2), and base64 ends with its padding.
pub fn header_text_as(raw: &[u8], strict: bool) -> Decoded {
    let mut unfolded = Vec::with_capacity(raw.len());
    for &b in raw {
        match b {
            b'\r' => {}
            b'\n' | b'\t' => unfolded.push(b' '),
            _ => unfolded.push(b),
        }
    }
    let mut out = Decoded {
        text: String::new(),
        overruled: false,
        lost: false,
    };
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = &unfolded[..];
    let mut plain: Vec<u8> = Vec::new();
    while !rest.is_empty() {
        let at = memchr::memmem::find(rest, b"=?");
        let word = at.and_then(|i| encoded_word(&rest[i..], strict));
        match (at, word) {
            (Some(i), Some((charset, bytes, len))) => {
                plain.extend_from_slice(&rest[..i]);
                let blank = plain.iter().all(|b| *b == b' ');
                if !(blank && pending.is_some()) {
                    flush(&mut out, &mut pending);
                    put(&mut out, &plain, None);
                }
                plain.clear();
                match &mut pending {
                    Some((same, joined)) if *same == charset => joined.extend_from_slice(&bytes),
                    _ => {
                        flush(&mut out, &mut pending);
                        pending = Some((charset, bytes));
                    }
                }
                rest = &rest[i + len..];
            }
            (Some(i), None) => {
                plain.extend_from_slice(&rest[..i + 2]);
                rest = &rest[i + 2..];
            }
            (None, _) => {
                plain.extend_from_slice(rest);
                rest = &[];
            }
        }
    }
    flush(&mut out, &mut pending);
    put(&mut out, &plain, None);
    out.text = out.text.trim().to_owned();
    out
}

fn flush(out: &mut Decoded, pending: &mut Option<(String, Vec<u8>)>) {
    if let Some((charset, bytes)) = pending.take() {
        put(out, &bytes, Some(&charset));
    }
}

fn put(out: &mut Decoded, bytes: &[u8], charset: Option<&str>) {
    if bytes.is_empty() {
        return;
    }
    let decoded = decode(bytes, charset, false);
    out.text.push_str(&decoded.text);
    out.overruled |= decoded.overruled;
    out.lost |= decoded.lost;
}

/// `=?charset?B|Q?text?=` at the start of `bytes`: charset in lower case, decoded bytes, length.
fn encoded_word(bytes: &[u8], strict: bool) -> Option<(String, Vec<u8>, usize)> {
    let body = &bytes[2..];
    let q1 = memchr::memchr(b'?', body)?;
    if q1 == 0 || q1 > 64 {
        return None;
    }
    let charset = std::str::from_utf8(&body[..q1]).ok()?;
    let charset = charset.split('*').next().unwrap_or("").to_ascii_lowercase();
    let kind = *body.get(q1 + 1)?;
    if body.get(q1 + 2) != Some(&b'?') {
        return None;
    }
    let text = &body[q1 + 3..];
    let end = memchr::memmem::find(text, b"?=")?;
    if strict && text[..end].contains(&b' ') {
        return None;
    }
    let decoded = match kind {
        b'B' | b'b' if strict => base64_to_padding(&text[..end]),
        b'B' | b'b' => base64(&text[..end]).0,
        b'Q' | b'q' => quoted_printable(&text[..end], true).0,
        _ => return None,
    };
    Some((charset, decoded, 2 + q1 + 3 + end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_words_are_joined_before_decoding() {
        assert_eq!(
            header_text(b"=?utf-8?B?w6Q=?= =?utf-8?Q?=C3?=\r\n =?utf-8?Q?=A4?= x").text,
            "ää x"
        );
    }

    #[test]
    fn undeclared_eight_bit_text_is_read_by_its_bytes() {
        let russian = encoding_rs::WINDOWS_1251.encode("Привет, дорогой друг, это письмо").0;
        assert_eq!(decode(&russian, None, false).text, "Привет, дорогой друг, это письмо");
    }

    #[test]
    fn broken_base64_gives_what_it_has() {
        assert_eq!(base64(b"aGVs\r\nbG8"), (b"hello".to_vec(), false));
        assert_eq!(base64(b"aGVsbG8=aGk="), (b"hellohi".to_vec(), false));
        assert_eq!(base64(b"aGV*sbG8"), (b"hello".to_vec(), true));
        assert_eq!(quoted_printable(b"a=3Db=\n=c", false), (b"a=b=c".to_vec(), true));
    }
}
