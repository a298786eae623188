//! The bytes of DATA as an engine writes them, and what a receiver should hold of them.
//!
//! Held bytes are read off the wire bytes, by a strict receiver's rule (only CRLF ends a line) and by a lenient one's (LF
//! does too), so that whatever the engine did to dots and line ends, the digests are of what arrives.

use sha2::{Digest, Sha256};

use super::dialects::{Dialect, Dots, Lines};

/// What goes over the wire after the 354, the end included.
pub fn wire_bytes(dialect: &Dialect, raw: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(raw.len() + raw.len() / 64 + 8);
    for line in raw.split_inclusive(|&b| b == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = text.strip_suffix(b"\r").unwrap_or(text);
        if bare.first() == Some(&b'.') {
            match dialect.dots {
                Dots::Once => wire.push(b'.'),
                Dots::Twice => wire.extend(b".."),
                Dots::Never => {}
            }
        }
        wire.extend(bare);
        if dialect.dots == Dots::Never && bare.first() == Some(&b'.') && bare[1..].iter().all(|&b| b == b'\r') {
            // A lone dot would end DATA here, and the rest would be read as commands.
            wire.push(b' ');
        }
        match dialect.lines {
            Lines::Crlf => wire.extend(&line[bare.len()..]),
            Lines::Lf | Lines::LfOpen => wire.extend(&line[text.len()..]),
        }
    }
    match dialect.lines {
        Lines::LfOpen => {
            if wire.last().is_some_and(|&b| b != b'\n') {
                wire.push(b'\n');
            }
            wire.extend(b".\n");
        }
        Lines::Crlf | Lines::Lf => {
            if !wire.is_empty() && !wire.ends_with(b"\r\n") {
                wire.extend(b"\r\n");
            }
            wire.extend(b".\r\n");
        }
    }
    wire
}

/// Digests of what a receiver should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// SHA-256 of what a strict receiver holds; where DATA never ended for it, of all the bytes it got.
    pub strict: [u8; 32],
    /// Bytes of that.
    pub strict_bytes: u64,
    /// SHA-256 of what a receiver holds that takes LF for a line end, where it differs.
    pub lenient: Option<[u8; 32]>,
}

/// What a receiver should hold of these wire bytes.
pub fn held(wire: &[u8]) -> Held {
    let strict = unstuffed(wire, true);
    let lenient = unstuffed(wire, false);
    let digest: [u8; 32] = Sha256::digest(&strict).into();
    Held {
        strict: digest,
        strict_bytes: strict.len() as u64,
        lenient: (lenient != strict).then(|| Sha256::digest(&lenient).into()),
    }
}

/// The message up to the line of one dot, the dots that begin lines removed; all of it where there is no such line.
pub fn unstuffed(wire: &[u8], strict: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(wire.len());
    let mut at = 0;
    while at < wire.len() {
        let end = line_end(wire, at, strict);
        let line = &wire[at..end];
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = text.strip_suffix(b"\r").unwrap_or(text);
        if bare == b"." && line.len() > text.len() && (!strict || text.len() > bare.len()) {
            return out;
        }
        out.extend(line.strip_prefix(b".").unwrap_or(line));
        at = end;
    }
    out
}

fn line_end(wire: &[u8], from: usize, strict: bool) -> usize {
    let mut at = from;
    while let Some(i) = memchr::memchr(b'\n', &wire[at..]) {
        let lf = at + i;
        if !strict || (lf > from && wire[lf - 1] == b'\r') {
            return lf + 1;
        }
        at = lf + 1;
    }
    wire.len()
}

#[cfg(test)]
mod tests {
    use super::super::dialects::{find_dialect, DIALECTS};
    use super::*;
    use proptest::prelude::*;

    fn of(name: &str) -> &'static Dialect {
        find_dialect(name).unwrap()
    }

    #[test]
    fn an_engine_that_doubles_dots_is_held_as_it_was() {
        let raw = b"A: b\r\n\r\n.\r\n..two\r\nend\r\n";
        let wire = wire_bytes(of("plain"), raw);
        assert_eq!(wire, b"A: b\r\n\r\n..\r\n...two\r\nend\r\n.\r\n");
        assert_eq!(unstuffed(&wire, true), raw);
        assert_eq!(held(&wire).lenient, None);
    }

    #[test]
    fn an_engine_that_leaves_dots_alone_does_not_end_early() {
        let wire = wire_bytes(of("grum"), b".one\r\n.\r\nend\r\n");
        assert_eq!(wire, b".one\r\n. \r\nend\r\n.\r\n");
        assert_eq!(unstuffed(&wire, true), b"one\r\n \r\nend\r\n");
    }

    #[test]
    fn bare_line_feeds_are_held_in_two_ways() {
        let wire = wire_bytes(of("waledac"), b"a\r\n.b\r\n");
        assert_eq!(wire, b"a\n..b\n.\n");
        assert_eq!(unstuffed(&wire, true), b"a\n..b\n.\n");
        assert_eq!(unstuffed(&wire, false), b"a\n.b\n");
        assert!(held(&wire).lenient.is_some());
        assert_eq!(wire_bytes(of("mega-d"), b"a\r\n"), b"a\n\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn the_end_of_data_is_at_the_end_and_nowhere_else(
            raw in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'x')], 0..40),
            which in 0..DIALECTS.len()
        ) {
            let dialect = &DIALECTS[which];
            let wire = wire_bytes(dialect, &raw);
            let strict = memchr::memmem::find_iter(&[b"\r\n".as_slice(), &wire].concat(), b"\r\n.\r\n").collect::<Vec<_>>();
            if dialect.lines == Lines::LfOpen {
                prop_assert!(strict.is_empty());
            } else {
                prop_assert_eq!(strict, vec![wire.len() - 3]);
            }
            // A lenient receiver sees no earlier end either: nothing of the message is ever read as a command.
            let lenient = unstuffed(&wire, false);
            prop_assert!(lenient.len() + 3 + 2 * wire.iter().filter(|&&b| b == b'.').count() >= wire.len());
        }
    }
}
