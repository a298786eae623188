//! Masking, for fingerprints and for everything published: recipient, addresses, URLs, digit runs and opaque tokens are
//! replaced by their kind, runs of white space by one space.

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-')
}

/// Length of the leading part of `text` whose characters `ascii` takes, or beyond ASCII are letters or digits.
fn leading(text: &str, ascii: impl Fn(u8) -> bool) -> usize {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] < 0x80 {
            if !ascii(bytes[i]) {
                break;
            }
            i += 1;
        } else {
            match text[i..].chars().next() {
                Some(c) if c.is_alphanumeric() => i += c.len_utf8(),
                _ => break,
            }
        }
    }
    i
}

/// True for a token that carries no word: long, and of mixed digits and letters or of hex digits.
fn opaque(token: &str) -> bool {
    let n = token.len();
    if n < 12
        || !token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b))
    {
        return false;
    }
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let uppers = token.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    let lowers = token.bytes().filter(u8::is_ascii_lowercase).count();
    (digits >= 3 && digits < n) || (n >= 24 && uppers >= 4 && lowers >= 4)
}

/// True when a URL starts at the beginning of `s`.
pub fn url_start(s: &str) -> bool {
    let b = s.as_bytes();
    let has = |p: &[u8]| b.len() > p.len() && b[..p.len()].eq_ignore_ascii_case(p);
    has(b"http://") || has(b"https://") || has(b"www.") || has(b"ftp://")
}

/// Length of the URL at the beginning of `s`.
pub fn url_len(s: &str) -> usize {
    let end = s
        .char_indices()
        .find(|(_, c)| c.is_whitespace() || c.is_control() || "<>\"'`{}|\\^".contains(*c))
        .map_or(s.len(), |(i, _)| i);
    s[..end]
        .trim_end_matches(['.', ',', ')', ']', ';', ':', '!', '?'])
        .len()
        .max(4.min(end))
}

/// Mask `text`; `recipients` are the local parts of the envelope's recipients, lower case.
pub fn mask(text: &str, recipients: &[String]) -> String {
    masked::<true>(text, recipients)
}

/// The same with digits left as they stand: in a word they may be letters (`V1agra`).
pub fn mask_but_digits(text: &str, recipients: &[String]) -> String {
    masked::<false>(text, recipients)
}

fn masked<const DIGITS: bool>(text: &str, recipients: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < text.len() {
        let rest = &text[i..];
        let c = rest.chars().next().expect("a boundary");
        if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            i += c.len_utf8();
            continue;
        }
        if super::fold::ignorable(c) {
            i += c.len_utf8();
            continue;
        }
        if !is_word(c) {
            out.push(c);
            i += c.len_utf8();
            continue;
        }
        if "hHwWfF".contains(c) && url_start(rest) {
            out.push_str("<url>");
            i += url_len(rest);
            continue;
        }
        let end = leading(rest, |b| is_word(b as char));
        let word = &rest[..end];
        if rest[end..].starts_with('@') {
            let domain = &rest[end + 1..];
            let len = leading(domain, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            if len > 0 {
                out.push_str("<addr>");
                i += end + 1 + len;
                continue;
            }
        }
        mask_word::<DIGITS>(word, recipients, &mut out);
        i += end;
    }
    let len = out.trim_end().len();
    out.truncate(len);
    out
}

fn mask_word<const DIGITS: bool>(word: &str, recipients: &[String], out: &mut String) {
    let core = word.trim_matches(['.', '%', '+', '-', '_']);
    if !recipients.is_empty() && core.len() >= 3 && recipients.iter().any(|r| r.eq_ignore_ascii_case(core)) {
        let at = word.find(core).unwrap_or(0);
        out.push_str(&word[..at]);
        out.push_str("<rcpt>");
        out.push_str(&word[at + core.len()..]);
        return;
    }
    if opaque(core) {
        out.push_str("<blob>");
        return;
    }
    if !DIGITS {
        return out.push_str(word);
    }
    // Runs without a digit are copied whole.
    let mut rest = word;
    while !rest.is_empty() {
        let plain = rest.find(char::is_numeric).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if !rest.is_empty() {
            out.push_str("<n>");
            rest = rest.trim_start_matches(char::is_numeric);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_replace_what_varies() {
        assert_eq!(
            mask(
                "Dear  joe, -80% now!\n http://x.example/a?b=1 joe@x.example q83hf92hfa0q 12,5",
                &["joe".into()]
            ),
            "Dear <rcpt>, -<n>% now! <url> <addr> <blob> <n>,<n>"
        );
    }
}
