//! Folding, for searching: what spammers disguise and people still read becomes one spelling.
//!
//! *Words*, each between single spaces: text in the order in which it is shown; NFKC; zero-width and combining marks removed;
//! case; confusable letters to the lower-case ASCII letter (multi-letter targets left out: the plain TR39 skeleton turns
//! VIAGRA into vlagra and modern into rnodern); leetspeak inside a token of two letters or more; one class for i l 1 | !;
//! separators between single letters removed.
//!
//! *Readings*, behind two spaces: what else a person may read there, so that nothing is lost that the words say. A run of
//! characters with signs in it is read with the signs taken out or for the letters they look like (`V*iagra`, `¢iali$`,
//! `/\mbien`); a letter that stands twice is read once (`viaagra`). `docs/explanation/folding.md` has reasons and figures.
//!
//! `trace.rs` folds slowly and says what it did; a test holds the two equal. Version 2.

use super::class::Class::{At, Break, Joint, Leet, Other, Picture, Sign, Space, Word};
use super::class::{class, leet_sign, CLASS};
use super::eight::{eight, first, letters_end, lower, replaced, within};
use super::lookalike::{each_seen, ignorable, look_alike};
use super::shown::shown;

/// Version of the fold; raised with the facts version when an output changes.
pub const FOLD_VERSION: u32 = 2;

/// Letters of the shortest reading.
pub const READ_FROM: usize = 4;
/// Letters of the longest reading of a run with signs in it.
pub const READ_TO: usize = 24;
/// Bytes of the longest word whose doubled letters are read once.
pub const DOUBLED_TO: usize = 48;
/// Bytes of readings beyond those of the text itself, after which no more are made.
pub const READ_MORE: usize = 64;

/// ASCII letters in lower case, digits; 0 for the rest.
const LOWER: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 128 {
        if (i as u8).is_ascii_alphanumeric() {
            table[i] = (i as u8).to_ascii_lowercase();
        }
        i += 1;
    }
    table
};

/// The same, l as i.
const FOLDED: [u8; 256] = {
    let mut table = LOWER;
    table[b'l' as usize] = b'i';
    table[b'L' as usize] = b'i';
    table
};

/// Pictures of a letter, the longer before the shorter.
const PICTURES: [(&str, char); 7] = [
    ("|\\/|", 'm'),
    ("/\\/\\", 'm'),
    ("\\/\\/", 'w'),
    ("|_|", 'u'),
    ("/\\", 'a'),
    ("\\/", 'v'),
    ("()", 'o'),
];

/// The letter that the beginning of `text` is a picture of, and its length.
pub fn picture(text: &str) -> Option<(char, usize)> {
    if !text.starts_with(['|', '/', '\\', '(']) {
        return None;
    }
    let found = PICTURES.iter().find(|p| text.starts_with(p.0))?;
    Some((found.1, found.0.len()))
}

/// True when a sign that ends a run unless it is part of a picture is part of one.
pub fn pictured(text: &str) -> bool {
    ["/\\", "\\/", "()"].iter().any(|p| text.starts_with(p))
}

/// Words and readings of `text`: words each between single spaces (`" buy viagra "`), behind one more space the readings
/// likewise. No word gives the empty string.
pub fn fold(text: &str) -> String {
    folded::<true>(text)
}

/// The words alone.
pub fn words(text: &str) -> String {
    folded::<false>(text)
}

/// Of what `fold` gave, the words.
pub fn words_of(folded: &str) -> &str {
    memchr::memmem::find(folded.as_bytes(), b"  ").map_or(folded, |at| &folded[..=at])
}

fn folded<const READ: bool>(text: &str) -> String {
    let mut f = Folding::<READ> {
        out: Vec::with_capacity(text.len() + text.len() / 8 + 2),
        more: String::new(),
        most: text.len() + READ_MORE,
        singles: 0,
        raw: String::new(),
        last: 0,
    };
    let bytes = text.as_bytes();
    let mut in_address: Option<bool> = None;
    // The run under way: where it starts, whether it has a word, a joint behind one, a sign that may be read otherwise.
    let (mut run, mut worded, mut parted, mut tricky) = (0, false, false, false);
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        let mut class_here = CLASS[usize::from(b)];
        let mut next = i + 1;
        match class_here {
            Word => {
                tricky |= parted;
                (worded, parted) = (true, false);
                let start = i;
                i = letters_end(bytes, i);
                let ends = bytes
                    .get(i)
                    .is_none_or(|b| !matches!(CLASS[usize::from(*b)], Word | Sign | At | Other));
                if ends && f.raw.is_empty() {
                    f.plain(bytes, start, i);
                } else {
                    let more = bytes[i..].iter().position(|b| CLASS[usize::from(*b)] != Word);
                    i = more.map_or(bytes.len(), |n| i + n);
                    let at = f.raw.len();
                    f.raw.push_str(&text[start..i]);
                    f.raw[at..].make_ascii_lowercase();
                }
                continue;
            }
            Sign => {
                tricky |= b != b'!';
                f.raw.push(b as char);
            }
            At => {
                // An address keeps its parts apart; elsewhere @ is an a.
                let address = *in_address.get_or_insert_with(|| {
                    let rest = &text[i + 1..];
                    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                    rest[..end].contains('.')
                });
                if address {
                    class_here = Break;
                } else {
                    tricky = true;
                    f.raw.push('@');
                }
            }
            Joint => {
                f.end();
                parted = worded;
                tricky |= b == b'+';
            }
            Picture => {
                if pictured(&text[i..]) {
                    f.end();
                    tricky = true;
                    next = i + 2;
                } else {
                    class_here = Break;
                }
            }
            Other => {
                let c = text[i..].chars().next().expect("a boundary");
                next = i + c.len_utf8();
                if matches!(c, '\u{202d}' | '\u{202e}') {
                    let shown: String = shown(text).into_iter().map(|s| s.1).collect();
                    return folded::<READ>(&shown);
                }
                each_seen(c, |d, class| match class {
                    Word => {
                        tricky |= parted;
                        (worded, parted) = (true, false);
                        f.raw.push(d);
                    }
                    Sign => {
                        tricky |= d != '!';
                        f.raw.push(d);
                    }
                    At if in_address != Some(true) => {
                        tricky = true;
                        f.raw.push(d);
                    }
                    Joint => {
                        f.end();
                        parted = worded;
                        tricky |= d == '+';
                    }
                    Leet => {
                        f.end();
                        tricky = true;
                    }
                    _ => {
                        f.end();
                        class_here = Break;
                    }
                });
                if class_here == Break && c.is_whitespace() {
                    class_here = Space;
                }
            }
            Break | Space | Leet => {}
        }
        if matches!(class_here, Break | Space) {
            f.end();
            if READ && tricky && worded {
                f.read(&text[run..i]);
            }
            (run, worded, parted, tricky) = (next, false, false, false);
            if class_here == Space {
                in_address = None;
            }
        }
        i = next;
    }
    f.end();
    if READ && tricky && worded {
        f.read(&text[run..]);
    }
    f.finish()
}

/// Leetspeak, and one class for i l 1 | !.
pub const fn plain_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        c => c,
    }
}

/// `plain_letter` of each byte of ASCII.
const PLAIN: [u8; 128] = {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = plain_letter(i as u8 as char) as u8;
        i += 1;
    }
    table
};

struct Folding<const READ: bool> {
    /// Words in UTF-8.
    out: Vec<u8>,
    /// Readings, and how many bytes of them are enough.
    more: String,
    most: usize,
    /// How many single-letter words end `out`.
    singles: usize,
    /// The word under way, lower case, not yet judged.
    raw: String,
    /// Length of the last word in `out`.
    last: usize,
}

impl<const READ: bool> Folding<READ> {
    /// A whole word of ASCII letters, `bytes[start..end]`: most of all words.
    fn plain(&mut self, bytes: &[u8], start: usize, end: usize) {
        if self.out.is_empty() {
            self.out.push(b' ');
        }
        let length = end - start;
        let to = self.out.len() + length;
        let (mut at, mut before, mut doubled) = (start, 0, 0);
        while at < end {
            let word = lower(eight(bytes, at));
            self.out.extend_from_slice(&replaced(word, b'l', b'i').to_le_bytes());
            if READ {
                // A byte that is the one before it is nought in this.
                let change = word ^ (word << 8 | before);
                doubled |= first(within(change, 0, 0), end - at);
                before = word >> 56;
            }
            at += 8;
        }
        self.out.truncate(to);
        self.out.push(b' ');
        self.last = length;
        if length == 1 {
            self.singles += 1;
        } else if self.singles > 0 {
            self.join_before(true);
        }
        if READ && doubled != 0 && length > READ_FROM {
            self.plain_doubled(&bytes[start..end]);
        }
    }

    /// What `read_doubled` does, at once where one letter stands twice: nearly every time.
    fn plain_doubled(&mut self, word: &[u8]) {
        let lower = |i: usize| LOWER[usize::from(word[i])];
        let mut twice = (1..word.len()).filter(|i| lower(*i) == lower(*i - 1));
        if let (Some(at), None) = (twice.next(), twice.next()) {
            if word.len() <= DOUBLED_TO {
                let kept = word[..at].iter().chain(&word[at + 1..]);
                self.put_reading(kept.map(|b| FOLDED[usize::from(*b)] as char));
            }
        } else {
            let raw: String = word.iter().map(|b| LOWER[usize::from(*b)] as char).collect();
            self.read_doubled(&raw);
        }
    }

    fn end(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let mut raw = std::mem::take(&mut self.raw);
        let trimmed = trim_signs(&raw);
        let before = self.out.len();
        if before == 0 {
            self.out.push(b' ');
        }
        let start = self.out.len();
        let (letters, length) = if trimmed.is_ascii() {
            self.put_ascii(trimmed)
        } else {
            self.put_any(trimmed)
        };
        if length == 0 {
            self.out.truncate(before);
        } else {
            self.last = self.out.len() - start;
            self.out.push(b' ');
            if letters <= 1 && length == 1 {
                self.singles += 1;
            } else {
                self.join_before(true);
            }
            if READ && letters >= 2 && trimmed.len() > READ_FROM {
                self.read_doubled(trimmed);
            }
        }
        raw.clear();
        self.raw = raw;
    }

    /// Put a word, read for its letters if it is `leet`; how many letters it has, and how many characters were put.
    fn put_any(&mut self, trimmed: &str) -> (usize, usize) {
        let letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
        let read = leet(trimmed, letters);
        let mut length = 0;
        for c in trimmed.chars() {
            if read {
                put(&mut self.out, plain_letter(c));
            } else if c.is_alphanumeric() {
                put(&mut self.out, if c == 'l' { 'i' } else { c });
            } else {
                continue;
            }
            length += 1;
        }
        (letters, length)
    }

    /// The same where all is ASCII, letters in lower case.
    fn put_ascii(&mut self, trimmed: &str) -> (usize, usize) {
        let bytes = trimmed.as_bytes();
        let letters = bytes.iter().filter(|b| b.is_ascii_lowercase()).count();
        let start = self.out.len();
        if leet(trimmed, letters) {
            self.out.extend(bytes.iter().map(|b| PLAIN[usize::from(*b)]));
        } else {
            let said = bytes.iter().map(|b| FOLDED[usize::from(*b)]);
            self.out.extend(said.filter(|b| *b != 0));
        }
        (letters, self.out.len() - start)
    }

    /// Three or more single letters in a row are one disguised word.
    fn join_before(&mut self, after_word: bool) {
        if self.singles >= 3 {
            let end = self.out.len() - if after_word { self.last + 1 } else { 0 };
            let mut start = end;
            for _ in 0..self.singles {
                let space = self.out[..start - 1].iter().rposition(|b| *b == b' ');
                start = space.map_or(0, |i| i + 1);
            }
            let letters = String::from_utf8_lossy(&self.out[start..end]);
            if letters.chars().any(char::is_alphabetic) {
                let letters = letters.chars().filter(|c| *c != ' ').map(plain_letter);
                let joined: String = letters.chain([' ']).collect();
                self.out.splice(start..end, joined.into_bytes());
            }
        }
        self.singles = 0;
    }

    /// A run with signs in it, as it may be read: without them, or for the letters they look like.
    fn read(&mut self, run: &str) {
        if let Some(raw) = reading(run) {
            self.put_reading(raw.chars().map(plain_letter));
            self.read_doubled(&raw);
        }
    }

    fn read_doubled(&mut self, raw: &str) {
        if raw.len() <= DOUBLED_TO {
            for once in undoubled(raw) {
                self.put_reading(once.chars().map(plain_letter));
            }
        }
    }

    fn put_reading(&mut self, letters: impl Iterator<Item = char>) {
        if self.more.len() < self.most {
            if self.more.is_empty() {
                self.more.push(' ');
            }
            self.more.extend(letters);
            self.more.push(' ');
        }
    }

    fn finish(mut self) -> String {
        self.join_before(false);
        self.out.extend_from_slice(self.more.as_bytes());
        String::from_utf8(self.out).expect("characters were put")
    }
}

fn put(out: &mut Vec<u8>, c: char) {
    if c.is_ascii() {
        out.push(c as u8);
    } else {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// A word without the signs at its ends: `viagra!`, `|price|`.
pub fn trim_signs(raw: &str) -> &str {
    let bytes = raw.as_bytes();
    let end = bytes.iter().rposition(|b| !matches!(b, b'!' | b'|' | b'@' | b'$'));
    let end = end.map_or(0, |last| last + 1);
    let start = bytes[..end].iter().position(|b| !matches!(b, b'!' | b'|' | b'@'));
    &raw[start.unwrap_or(end)..end]
}

/// Whether digits and signs of a word are letters: it has two letters, or one and a sign.
pub fn leet(trimmed: &str, letters: usize) -> bool {
    letters >= 2 || (letters == 1 && trimmed.bytes().any(|b| matches!(b, b'@' | b'$' | b'|' | b'!')))
}

/// A run as it may be read, not yet folded to plain letters; None where it has nothing that could be read otherwise than
/// its words are, or is too short, too long, or no word.
pub fn reading(run: &str) -> Option<String> {
    let mut raw = String::new();
    let (mut trick, mut gap) = (false, false);
    let mut rest = run;
    while let Some(c) = rest.chars().next() {
        if let Some((letter, length)) = picture(rest) {
            raw.push(letter);
            trick = true;
            rest = &rest[length..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if ignorable(c) {
            continue;
        }
        look_alike(c, |d| match class(d) {
            Word | Sign | At => {
                // Exclamation marks at either end are no letters: what parts them parts nothing.
                if d != '!' {
                    trick |= gap && raw.chars().any(|c| c != '!');
                    gap = false;
                }
                raw.push(d);
            }
            Joint if d == '+' => raw.push(d),
            Joint => gap = true,
            Leet => {
                trick = true;
                raw.extend(leet_sign(d));
            }
            _ => {}
        });
    }
    let raw = raw.trim_end_matches(['!', '+']).trim_start_matches('!');
    trick |= raw.contains('+') || raw.starts_with(['@', '|']) || raw.ends_with(['@', '|', '$']);
    let letters = raw.chars().filter(|c| c.is_alphabetic()).count();
    let length = raw.chars().count();
    (trick && letters >= 2 && (READ_FROM..=READ_TO).contains(&length)).then(|| raw.to_owned())
}

/// `raw` with letters that stand twice or more read once: every choice where up to three letters do; where more do, all
/// of them, half of each, or only what stands three times or more. None shorter than `READ_FROM`.
pub fn undoubled(raw: &str) -> Vec<String> {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for c in raw.chars() {
        match runs.last_mut() {
            Some((same, n)) if *same == c => *n += 1,
            _ => runs.push((c, 1)),
        }
    }
    let doubled: Vec<usize> = (0..runs.len()).filter(|i| runs[*i].1 > 1).collect();
    if doubled.is_empty() {
        return Vec::new();
    }
    let written = |length: &dyn Fn(usize, usize) -> usize| -> String {
        let each = runs.iter().enumerate();
        each.flat_map(|(i, (c, n))| std::iter::repeat_n(*c, if *n > 1 { length(i, *n) } else { 1 }))
            .collect()
    };
    let mut out: Vec<String> = Vec::new();
    if doubled.len() <= 3 {
        for chosen in 0..1usize << doubled.len() {
            out.push(written(&|i, n| {
                let at = doubled.iter().position(|d| *d == i).unwrap_or(0);
                if chosen >> at & 1 == 1 {
                    1
                } else {
                    n.min(2)
                }
            }));
        }
    } else {
        out.push(written(&|_, _| 1));
        out.push(written(&|_, n| n / 2));
        out.push(written(&|_, n| if n > 2 { 1 } else { 2 }));
        out.dedup();
    }
    out.retain(|r| r != raw && r.chars().count() >= READ_FROM);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fold_to_the_word() {
        let word = words("viagra");
        for spelling in [
            "V1agra",
            "v.i.a.g.r.a",
            "Vιagrа",
            "VIAGRA!",
            "v i a g r a",
            "V-I-A-G-R-A",
            "vi@gra",
            "v|agra",
            "V14gr4",
            "Vi@6ra",
            "ｖｉａｇｒａ",
            "vi\u{200b}agra",
            "víagra",
            "\u{202e}argaiv\u{202c}",
            "🅥🅘🅐🅖🅡🅐",
            "Viagra™",
        ] {
            assert_eq!(words(spelling), word, "{spelling}");
        }
    }

    #[test]
    fn what_else_may_be_read_stands_behind_the_words() {
        for spelling in [
            "viaagra",
            "VVIIAAGGRRAA",
            "V*iagra",
            "vi-a-gra",
            "vi'agra",
            "\\/iagra",
            "VI/\\GRA",
            "VIAGR@!",
            "v-iaagra",
            "Vi@gr@",
        ] {
            let folded = fold(spelling);
            assert!(folded.contains(" viagra "), "{spelling}: {folded}");
            assert_eq!(words_of(&folded), words(spelling));
        }
        assert_eq!(
            fold("well-known coffee"),
            " weii known coffee  weiiknown weiknown cofee coffe cofe "
        );
        assert_eq!(fold("need all"), " need aii ");
    }

    #[test]
    fn words_stay_apart() {
        assert_eq!(fold("specialist"), " speciaiist ");
        assert!(!fold("the specialist said").contains(&words("cialis")));
        assert_eq!(fold("modern 100 a b"), " modern 100 a b ");
        assert_eq!(fold("joe@example.com"), " joe exampie com  exampiecom ");
        assert_eq!(fold(" \u{200b}. "), "");
        assert_eq!(fold("pils"), words("pils"));
        assert!(!fold("pils").contains(&words("pills")));
    }
}
