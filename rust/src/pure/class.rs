//! What a character is to the fold: part of a word, the end of one, a sign that may stand for a letter.

/// What a character is to the fold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Ends a word and the run that it stands in.
    Break,
    /// White space: ends an address too.
    Space,
    /// A letter or digit.
    Word,
    /// Part of a word: $ ! |
    Sign,
    /// Parts an address, else a sign.
    At,
    /// Ends a word, not the run; between letters it may be there to part them.
    Joint,
    /// Ends a word, not the run; read as a letter.
    Leet,
    /// With its neighbour a picture of a letter, else a break: / \ (
    Picture,
    /// Beyond ASCII.
    Other,
}
use Class::{At, Break, Joint, Leet, Other, Picture, Sign, Space, Word};

/// Of each byte; those beyond ASCII begin a character that is looked at apart.
pub const CLASS: [Class; 256] = {
    let mut table = [Break; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Word,
            b' ' | 9..=13 => Space,
            b'$' | b'!' | b'|' => Sign,
            b'@' => At,
            b'.' | b'-' | b'_' | b'*' | b'\'' | b'~' | b'^' | b'`' | b'+' => Joint,
            b'/' | b'\\' | b'(' => Picture,
            128..=255 => Other,
            _ => Break,
        };
        i += 1;
    }
    table
};

/// What a character is, once it is folded.
pub fn class(c: char) -> Class {
    if c.is_ascii() {
        return CLASS[c as usize];
    }
    match c {
        _ if c.is_alphanumeric() => Word,
        // Apostrophes, hyphens, dots at half height.
        '\u{b7}' | '\u{2018}' | '\u{2019}' | '\u{2010}' | '\u{2022}' | '\u{2219}' | '\u{22c5}' => Joint,
        _ if leet_sign(c).is_some() => Leet,
        _ if c.is_whitespace() => Space,
        _ => Break,
    }
}

/// Signs beyond ASCII, and +, that are read as a letter.
pub fn leet_sign(c: char) -> Option<char> {
    Some(match c {
        '€' => 'e',
        '¢' | '©' => 'c',
        '§' => 's',
        '¥' => 'y',
        '£' => 'l',
        '®' => 'r',
        '×' => 'x',
        '+' => 't',
        _ => return None,
    })
}
