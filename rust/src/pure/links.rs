//! Links of a message: from HTML attributes and from visible text, their hosts, their registered domains.

use super::limits;
use super::mask::{url_len, url_start};
use std::collections::BTreeSet;

/// One link of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As written.
    pub url: String,
    /// Lower case.
    pub scheme: String,
    /// Lower case, where there is one.
    pub host: Option<String>,
}

/// Take one link as written; what names no place on a network is left out.
pub fn add_link(url: &str, links: &mut Vec<Link>, defects: &mut BTreeSet<&'static str>) {
    let url: String = url.chars().filter(|c| !c.is_control()).take(2_000).collect();
    let lower = url.to_ascii_lowercase();
    let (scheme, rest) = match lower.split_once(':') {
        Some((s, r)) if !s.is_empty() && s.len() <= 12 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+') => {
            (s, r)
        }
        _ if lower.starts_with("www.") => ("http", lower.as_str()),
        _ => return,
    };
    if matches!(scheme, "cid" | "data" | "javascript" | "about" | "mid") {
        return;
    }
    if links.len() >= limits::LINKS {
        defects.insert("too_many_links");
        return;
    }
    let host = if scheme == "mailto" {
        rest.split(['?', ',', ' '])
            .next()
            .and_then(|a| a.rsplit_once('@'))
            .map(|(_, d)| d.to_owned())
    } else {
        let authority = rest
            .trim_start_matches(['/', '\\'])
            .split(['/', '?', '#', '\\', ' '])
            .next()
            .unwrap_or("");
        let host = authority.rsplit('@').next().unwrap_or("");
        let host = if host.starts_with('[') {
            host
        } else {
            host.split(':').next().unwrap_or("")
        };
        Some(host.trim_end_matches('.').to_owned())
    };
    let host = host.filter(|h| !h.is_empty() && h.len() <= 253 && !h.contains(char::is_whitespace));
    links.push(Link {
        scheme: scheme.to_owned(),
        host,
        url,
    });
}

/// Links written out in the visible text, but for those that an attribute named already.
pub fn text_links(text: &str, links: &mut Vec<Link>, defects: &mut BTreeSet<&'static str>) {
    let bytes = text.as_bytes();
    let known: BTreeSet<String> = links.iter().map(|l| l.url.clone()).collect();
    let mut done = 0;
    for i in memchr::memchr2_iter(b':', b'.', bytes) {
        let before = &bytes[done.min(i)..i];
        let scheme = if bytes[i] == b'.' {
            3
        } else {
            before.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count()
        };
        let Some(start) = i.checked_sub(scheme).filter(|s| *s >= done) else {
            continue;
        };
        let fresh = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        if scheme < 3 || !fresh || !text.is_char_boundary(start) || !url_start(&text[start..]) {
            continue;
        }
        let len = url_len(&text[start..]);
        let url = &text[start..start + len];
        if !known.contains(url) {
            add_link(url, links, defects);
        }
        done = start + len.max(1);
    }
}

/// Registered domain of a host by the public suffix list; IP addresses stand for themselves.
pub fn registered_domain(host: &str) -> Option<String> {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return Some(host.to_owned());
    }
    if !host.contains('.') {
        return None;
    }
    psl::domain_str(host).map(str::to_owned)
}
