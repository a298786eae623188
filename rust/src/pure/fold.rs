//! Folding, for searching: what spammers disguise and people still read becomes one spelling.
//!
//! NFKC; zero-width and combining marks removed; case; confusable letters to the lower-case ASCII letter (multi-letter
//! targets left out: the plain TR39 skeleton turns VIAGRA into vlagra and modern into rnodern); leetspeak inside a token
//! of two letters or more; one class for i l 1 | !; separators between single letters removed. Version 1.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// Version of the fold; raised with the facts version when an output changes.
pub const FOLD_VERSION: u32 = 1;

/// Folded tokens of `text`, each between single spaces (`" buy viagra "`); no token gives the empty string.
pub fn fold(text: &str) -> String {
    let mut tokens = Tokens {
        out: String::with_capacity(text.len() + 2),
        singles: 0,
        token: String::new(),
    };
    let mut raw = String::new();
    let mut at_chunk: Option<bool> = None;
    for (i, c) in text.char_indices() {
        if c.is_whitespace() {
            at_chunk = None;
        } else if c == '@' && at_chunk.is_none() {
            // An address keeps its parts apart; elsewhere @ is an a.
            let rest = &text[i + 1..];
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            at_chunk = Some(rest[..end].contains('.'));
        }
        if c.is_ascii() {
            push(c, at_chunk, &mut raw, &mut tokens);
        } else if !ignorable(c) {
            decompose_compatible(c, |d| {
                if canonical_combining_class(d) == 0 && !ignorable(d) {
                    push(confusable(d), at_chunk, &mut raw, &mut tokens);
                }
            });
        }
    }
    tokens.end(&mut raw);
    tokens.finish()
}

fn push(c: char, address: Option<bool>, raw: &mut String, tokens: &mut Tokens) {
    let symbol = match c {
        '@' => address != Some(true),
        '$' | '!' | '|' => true,
        _ => false,
    };
    if c.is_alphanumeric() || symbol {
        for lower in c.to_lowercase() {
            raw.push(confusable(lower));
        }
    } else {
        tokens.end(raw);
    }
}

struct Tokens {
    out: String,
    /// How many single-letter tokens end `out`.
    singles: usize,
    token: String,
}

impl Tokens {
    fn end(&mut self, raw: &mut String) {
        if raw.is_empty() {
            return;
        }
        let trimmed = raw
            .trim_end_matches(['!', '|', '@', '$'])
            .trim_start_matches(['!', '|', '@']);
        self.token.clear();
        let letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
        if letters >= 2 || (letters == 1 && trimmed.chars().any(|c| "@$|!".contains(c))) {
            self.token.extend(trimmed.chars().map(|c| match c {
                '0' => 'o',
                '1' | '!' | '|' | 'l' => 'i',
                '3' => 'e',
                '4' | '@' => 'a',
                '5' | '$' => 's',
                '7' => 't',
                c => c,
            }));
        } else {
            self.token.extend(
                trimmed
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .map(|c| if c == 'l' { 'i' } else { c }),
            );
        }
        raw.clear();
        if self.token.is_empty() {
            return;
        }
        let single = letters <= 1 && self.token.chars().count() == 1;
        if self.out.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(&self.token);
        self.out.push(' ');
        if single {
            self.singles += 1;
        } else {
            self.join_before(true);
        }
    }

    /// Three or more single letters in a row are one disguised word.
    fn join_before(&mut self, after_token: bool) {
        if self.singles >= 3 {
            let keep = if after_token { self.token.len() + 1 } else { 0 };
            let mut start = self.out.len() - keep;
            for _ in 0..self.singles {
                start = self.out[..start - 1].rfind(' ').map_or(0, |i| i + 1);
            }
            let end = self.out.len() - keep;
            let letters: String = self.out[start..end].chars().filter(|c| *c != ' ').collect();
            if letters.chars().any(char::is_alphabetic) {
                let leet: String = letters
                    .chars()
                    .map(|c| match c {
                        '0' => 'o',
                        '1' => 'i',
                        '3' => 'e',
                        '4' => 'a',
                        '5' => 's',
                        '7' => 't',
                        c => c,
                    })
                    .collect();
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
