//! Folding, for searching: what spammers disguise and people still read becomes one spelling.
//!
//! NFKC; zero-width and combining marks removed; case; confusable letters to the lower-case ASCII letter (multi-letter
//! targets left out: the plain TR39 skeleton turns VIAGRA into vlagra and modern into rnodern); leetspeak inside a token
//! of two letters or more; one class for i l 1 | !; separators between single letters removed. Version 1.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// Version of the fold; raised with the facts version when an output changes.
pub const FOLD_VERSION: u32 = 1;

/// What an ASCII byte is to the fold.
const WORD: u8 = 1;
const SPACE: u8 = 2;
const SYMBOL: u8 = 3;
const AT: u8 = 4;

/// Classes of the ASCII bytes; 0 separates.
const CLASS: [u8; 128] = {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        let b = i as u8;
        table[i] = if b.is_ascii_alphanumeric() {
            WORD
        } else if b == b' ' || (b >= 9 && b <= 13) {
            SPACE
        } else if b == b'$' || b == b'!' || b == b'|' {
            SYMBOL
        } else if b == b'@' {
            AT
        } else {
            0
        };
        i += 1;
    }
    table
};

/// Folded tokens of `text`, each between single spaces (`" buy viagra "`); no token gives the empty string.
pub fn fold(text: &str) -> String {
    let mut tokens = Tokens {
        out: String::with_capacity(text.len() + 2),
        singles: 0,
        raw: String::new(),
        last: 0,
    };
    let mut in_address: Option<bool> = None;
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if b < 0x80 {
            match CLASS[usize::from(b)] {
                WORD => {
                    let more = bytes[i..]
                        .iter()
                        .position(|b| *b >= 0x80 || CLASS[usize::from(*b)] != WORD)
                        .unwrap_or(bytes.len() - i);
                    let start = tokens.raw.len();
                    tokens.raw.push_str(&text[i..i + more]);
                    tokens.raw[start..].make_ascii_lowercase();
                    i += more;
                    continue;
                }
                SYMBOL => tokens.raw.push(b as char),
                AT => {
                    // An address keeps its parts apart; elsewhere @ is an a.
                    let address = *in_address.get_or_insert_with(|| {
                        let rest = &text[i + 1..];
                        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                        rest[..end].contains('.')
                    });
                    if address {
                        tokens.end();
                    } else {
                        tokens.raw.push('@');
                    }
                }
                class => {
                    if class == SPACE {
                        in_address = None;
                    }
                    tokens.end();
                }
            }
            i += 1;
            continue;
        }
        let c = text[i..].chars().next().expect("a boundary");
        i += c.len_utf8();
        if c.is_whitespace() {
            in_address = None;
        }
        if !ignorable(c) {
            decompose_compatible(c, |d| {
                if canonical_combining_class(d) == 0 && !ignorable(d) {
                    tokens.push(confusable(d), in_address);
                }
            });
        }
    }
    tokens.end();
    tokens.finish()
}

/// Leetspeak, and one class for i l 1 | !.
fn plain_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' | 'l' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

struct Tokens {
    out: String,
    /// How many single-letter tokens end `out`.
    singles: usize,
    /// The token under way, lower case, not yet judged.
    raw: String,
    /// Length of the last token in `out`.
    last: usize,
}

impl Tokens {
    fn push(&mut self, c: char, in_address: Option<bool>) {
        let symbol = match c {
            '@' => in_address != Some(true),
            '$' | '!' | '|' => true,
            _ => false,
        };
        if c.is_alphanumeric() || symbol {
            for lower in c.to_lowercase() {
                self.raw.push(confusable(lower));
            }
        } else {
            self.end();
        }
    }

    fn end(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let raw = std::mem::take(&mut self.raw);
        let trimmed = raw
            .trim_end_matches(['!', '|', '@', '$'])
            .trim_start_matches(['!', '|', '@']);
        let before = self.out.len();
        if before == 0 {
            self.out.push(' ');
        }
        let start = self.out.len();
        let (letters, length);
        if trimmed.is_ascii() {
            let mut symbols = false;
            let mut n = 0;
            for b in trimmed.bytes() {
                n += usize::from(b.is_ascii_lowercase());
                symbols |= matches!(b, b'@' | b'$' | b'|' | b'!');
            }
            letters = n;
            if n >= 2 || (n == 1 && symbols) {
                self.out.extend(trimmed.bytes().map(|b| plain_letter(b as char)));
            } else {
                let kept = trimmed.bytes().filter(u8::is_ascii_alphanumeric);
                self.out.extend(kept.map(|b| if b == b'l' { 'i' } else { b as char }));
            }
            length = self.out.len() - start;
        } else {
            letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
            if letters >= 2 || (letters == 1 && trimmed.chars().any(|c| "@$|!".contains(c))) {
                self.out.extend(trimmed.chars().map(plain_letter));
            } else {
                let kept = trimmed.chars().filter(|c| c.is_alphanumeric());
                self.out.extend(kept.map(|c| if c == 'l' { 'i' } else { c }));
            }
            length = self.out[start..].chars().count();
        }
        self.raw = raw;
        self.raw.clear();
        if length == 0 {
            self.out.truncate(before);
            return;
        }
        self.last = self.out.len() - start;
        self.out.push(' ');
        if letters <= 1 && length == 1 {
            self.singles += 1;
        } else {
            self.join_before(true);
        }
    }

    /// Three or more single letters in a row are one disguised word.
    fn join_before(&mut self, after_token: bool) {
        if self.singles >= 3 {
            let keep = if after_token { self.last + 1 } else { 0 };
            let mut start = self.out.len() - keep;
            for _ in 0..self.singles {
                start = self.out[..start - 1].rfind(' ').map_or(0, |i| i + 1);
            }
            let end = self.out.len() - keep;
            let letters: String = self.out[start..end].chars().filter(|c| *c != ' ').collect();
            if letters.chars().any(char::is_alphabetic) {
                let leet: String = letters.chars().map(plain_letter).collect();
                self.out.replace_range(start..end, &(leet + " "));
            }
        }
        self.singles = 0;
    }

    fn finish(mut self) -> String {
        self.join_before(false);
        self.out
    }
}

/// Characters that show nothing.
pub fn ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters of other scripts that look like one ASCII letter, from the single-letter rows of UTS #39.
fn confusable(c: char) -> char {
    match c {
        // Cyrillic
        'а' | 'А' => 'a',
        'в' | 'В' | 'ь' => 'b',
        'с' | 'С' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'ё' | 'є' => 'e',
        'ғ' => 'f',
        'ԍ' => 'g',
        'һ' | 'Н' | 'н' => 'h',
        'і' | 'І' | 'ї' | 'ӏ' | 'Ӏ' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' => 'k',
        'м' | 'М' => 'm',
        'п' => 'n',
        'о' | 'О' | 'ө' => 'o',
        'р' | 'Р' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' => 't',
        'ц' => 'u',
        'ѵ' => 'v',
        'ԝ' | 'ш' => 'w',
        'х' | 'Х' => 'x',
        'у' | 'У' | 'ү' => 'y',
        // Greek
        'α' | 'Α' => 'a',
        'β' | 'Β' => 'b',
        'ϲ' => 'c',
        'ε' | 'Ε' => 'e',
        'η' => 'n',
        'Η' => 'h',
        'ι' | 'Ι' => 'i',
        'κ' | 'Κ' => 'k',
        'Μ' => 'm',
        'Ν' => 'n',
        'ο' | 'Ο' | 'σ' => 'o',
        'ρ' | 'Ρ' => 'p',
        'τ' | 'Τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'ω' => 'w',
        'χ' | 'Χ' => 'x',
        'γ' | 'Υ' => 'y',
        'Ζ' => 'z',
        // Armenian, Cherokee, Hebrew letters in use as disguises
        'օ' => 'o',
        'ս' => 'u',
        'հ' => 'h',
        'ո' => 'n',
        'ց' => 'g',
        'զ' => 'q',
        'Ꭺ' => 'a',
        'Ꭼ' => 'e',
        'Ꮋ' => 'h',
        'Ꮯ' => 'c',
        'Ꮓ' => 'z',
        'Ꮪ' => 's',
        'Ꮩ' => 'v',
        // Latin letters that NFKC leaves alone
        'ı' | 'ł' | 'Ł' | 'ɩ' | 'ɪ' | 'ǀ' => 'i',
        'ø' | 'Ø' | 'ɵ' => 'o',
        'đ' | 'Đ' | 'ð' => 'd',
        'ħ' => 'h',
        'ŧ' => 't',
        'ɑ' => 'a',
        'ɡ' => 'g',
        'ʏ' => 'y',
        'ʀ' => 'r',
        'ƅ' | 'ʙ' => 'b',
        'ʜ' => 'h',
        'ɴ' => 'n',
        'ᴠ' => 'v',
        'ᴀ' => 'a',
        'ᴄ' => 'c',
        'ᴏ' => 'o',
        'ꜱ' => 's',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fold_to_the_word() {
        let word = fold("viagra");
        for spelling in [
            "V1agra",
            "v.i.a.g.r.a",
            "Vιagrа",
            "VIAGRA!",
            "v i a g r a",
            "V-I-A-G-R-A",
            "vi@gra",
            "v|agra",
            "ｖｉａｇｒａ",
            "vi\u{200b}agra",
            "víagra",
        ] {
            assert_eq!(fold(spelling), word, "{spelling}");
        }
    }

    #[test]
    fn words_stay_apart() {
        assert_eq!(fold("specialist"), " speciaiist ");
        assert!(!fold("the specialist said").contains(&fold("cialis")));
        assert_eq!(fold("modern 100 a b"), " modern 100 a b ");
        assert_eq!(fold("joe@example.com"), " joe exampie com ");
        assert_eq!(fold(" \u{200b}. "), "");
    }
}
