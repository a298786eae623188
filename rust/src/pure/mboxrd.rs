//! Captures written as an mbox of the kind mboxrd: line ends of one byte, a `>` before every line that begins with `From `.

use super::capture::Capture;
use super::world::ctime;

/// Append one message.
pub fn write(out: &mut Vec<u8>, capture: &Capture) {
    out.extend_from_slice(format!("From simulated@example.org {}\n", ctime(capture.received_at)).as_bytes());
    let mut raw = Vec::with_capacity(capture.raw.len());
    for (i, b) in capture.raw.iter().enumerate() {
        if *b != b'\r' || capture.raw.get(i + 1) != Some(&b'\n') {
            raw.push(*b);
        }
    }
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let text = &line[line.iter().take_while(|b| **b == b'>').count()..];
        if text.starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend_from_slice(line);
    }
    if raw.last() != Some(&b'\n') {
        out.push(b'\n');
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::capture::Meta;
    use super::*;

    #[test]
    fn lines_that_look_like_a_beginning_are_quoted_and_nothing_else_is_changed() {
        let raw = b"Subject: a\r\n\r\nFrom here\r\n>From there\r\nfrom\rme".to_vec();
        let mut out = Vec::new();
        write(&mut out, &Capture::new(1_300_286_700_000_000, Meta::default(), raw));
        let expected =
            "From simulated@example.org Wed Mar 16 14:45:00 2011\nSubject: a\n\n>From here\n>>From there\nfrom\rme\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
