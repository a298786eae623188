//! A header without an end in sight: what is read of it. The body behind it is read all the same.

use super::limits::{HEAD_BYTES, HEAD_LINES};
use std::borrow::Cow;

/// `raw`, in which an empty line ends the header if anything follows it, without the header's lines beyond the bounds;
/// the flag says whether there were any.
pub fn shortened(raw: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let (mut at, mut lines, mut cut) = (0, 0, None);
    while at < raw.len() {
        let end = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len(), |i| at + i + 1);
        if raw[at..end].iter().all(|b| matches!(b, b'\r' | b'\n')) {
            break;
        }
        lines += 1;
        if cut.is_none() && (lines > HEAD_LINES || end > HEAD_BYTES) {
            // One line may be all there is: of that, as much as the bound allows.
            cut = Some(if lines == 1 { HEAD_BYTES } else { at });
        }
        at = end;
    }
    let Some(cut) = cut else {
        return (Cow::Borrowed(raw), false);
    };
    let mut out = Vec::with_capacity(cut + 1 + raw.len() - at);
    out.extend_from_slice(&raw[..cut]);
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    out.extend_from_slice(&raw[at..]);
    (Cow::Owned(out), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_behind_a_long_header_stays() {
        let long = format!("Subject: x\n{}\nbody\n", "X: y\n".repeat(HEAD_LINES));
        let (out, in_part) = shortened(long.as_bytes());
        assert!(in_part);
        assert_eq!(out.iter().filter(|b| **b == b'\n').count(), HEAD_LINES + 2);
        assert!(out.starts_with(b"Subject: x\n") && out.ends_with(b"X: y\n\nbody\n"));
    }

    #[test]
    fn one_line_without_an_end_is_cut_and_a_short_header_is_left_alone() {
        let line = format!("Subject: {}\n\nbody\n", "x".repeat(2 * HEAD_BYTES));
        let (out, in_part) = shortened(line.as_bytes());
        assert_eq!((out.len(), in_part), (HEAD_BYTES + "\n\nbody\n".len(), true));
        let body = format!("Subject: x\n\n{}", "y\n".repeat(3 * HEAD_LINES));
        assert!(!shortened(body.as_bytes()).1);
    }
}
