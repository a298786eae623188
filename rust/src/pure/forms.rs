//! What a message is built like, whatever it says: the order of its tags, the shape of its links, the order of its header
//! fields, the tree of its parts. One hash each; the low three bits say which.

use super::fingerprint::keyed;

/// Names of the kinds, by the low three bits.
pub const KINDS: [&str; 5] = ["skeleton", "link shape", "header order", "structure", "few words"];
/// The mark of a message that says fewer than eight words.
pub const BARE: u64 = 4;
/// Tags looked at.
const TAGS: usize = 200;
/// Fewer tags than these say nothing.
const FEW_TAGS: usize = 4;
/// Links whose shape is looked at.
const LINKS: usize = 8;
/// Bytes of header looked at.
const HEADER: usize = 16 << 10;

/// What forms are read from.
pub struct Form<'a> {
    /// The message's bytes.
    pub raw: &'a [u8],
    /// Its HTML.
    pub html: &'a str,
    /// Its links as written.
    pub urls: &'a [&'a str],
    /// Types of its parts in order.
    pub types: &'a [&'a str],
}

fn form(kind: u64, shape: &[u8]) -> u64 {
    keyed(4 + kind, shape) & !7 | kind
}

/// Hashes of the forms, ascending.
pub fn forms(of: &Form) -> Vec<u64> {
    let mut out = Vec::new();
    let skeleton = skeleton(of.html);
    if skeleton.len() >= FEW_TAGS {
        out.push(form(0, skeleton.join(" ").as_bytes()));
    }
    out.extend(
        of.urls
            .iter()
            .take(LINKS)
            .filter_map(|u| link_shape(u))
            .map(|s| form(1, s.as_bytes())),
    );
    let order = header_order(of.raw);
    if !order.is_empty() {
        out.push(form(2, order.as_bytes()));
    }
    if of.types.len() > 1 {
        out.push(form(3, of.types.join(" ").as_bytes()));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Names of the opening tags in order, in lower case.
fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for (i, _) in html.match_indices('<') {
        let rest = &html.as_bytes()[i + 1..];
        let n = rest.iter().take(12).take_while(|b| b.is_ascii_alphanumeric()).count();
        if n > 0 && rest[0].is_ascii_alphabetic() {
            tags.push(String::from_utf8_lossy(&rest[..n]).to_ascii_lowercase());
            if tags.len() == TAGS {
                break;
            }
        }
    }
    tags
}

/// Path and query with every run of letters and digits replaced by one of four signs; None of a link without either.
fn link_shape(url: &str) -> Option<String> {
    let after = url.find("://").map_or(url, |i| &url[i + 3..]);
    let path = &after[after.find('/')?..];
    let mut shape = String::new();
    for run in path
        .as_bytes()
        .chunk_by(|a, b| a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
        .take(40)
    {
        let digits = run.iter().filter(|b| b.is_ascii_digit()).count();
        match (run[0].is_ascii_alphanumeric(), digits) {
            (false, _) => shape.push(run[0] as char),
            (true, 0) => shape.push('a'),
            (true, n) if n == run.len() => shape.push('0'),
            _ => shape.push('x'),
        }
    }
    (shape.len() > 3).then_some(shape)
}

/// Names of the header fields that a sender writes, in their order and with their case.
fn header_order(raw: &[u8]) -> String {
    const ON_THE_WAY: [&str; 9] = [
        "received",
        "return-path",
        "delivered-to",
        "x-original-to",
        "authentication-results",
        "dkim-signature",
        "from_",
        "status",
        "x-status",
    ];
    let mut out = String::new();
    for line in raw[..raw.len().min(HEADER)].split(|b| *b == b'\n') {
        if line.is_empty() || line == b"\r" {
            break;
        }
        let n = line
            .iter()
            .take(60)
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
            .count();
        if n == 0 || line.get(n) != Some(&b':') {
            continue;
        }
        let name = String::from_utf8_lossy(&line[..n]);
        if !ON_THE_WAY.contains(&name.to_ascii_lowercase().as_str()) {
            out.push_str(&name);
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_does_not_change_the_form() {
        let of = |word: &str| {
            let html = format!("<html><body><p>{word}</p><b>x</b></body></html>");
            let url = format!("http://{word}.example/{word}?id={word}");
            let raw = format!("Received: {word}\nFrom: {word}\nSubject: {word}\n\n{word}");
            forms(&Form {
                raw: raw.as_bytes(),
                html: &html,
                urls: &[&url],
                types: &["text/plain", "text/html"],
            })
        };
        assert_eq!(of("one"), of("another"));
        assert_eq!(of("one").len(), 4);
        let mut kinds: Vec<u64> = of("one").iter().map(|f| f & 7).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, [0, 1, 2, 3]);
    }
}
