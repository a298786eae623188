//! What a character looks like: the letters that a person sees in it.
//!
//! Decompositions and look-alikes are searched for in tables of thousands; what is found for the characters below U+3000, which
//! is nearly all that disguises are made of, is kept in a table of its own, made at the first use.

use super::class::{class, Class};
use super::confusable::confusable;
use std::sync::LazyLock;
use unicode_normalization::char::{canonical_combining_class, decompose_compatible};

/// `c` as it looks: the characters of its decomposition without marks, in lower case, look-alikes replaced.
pub fn look_alike(c: char, mut put: impl FnMut(char)) {
    if c.is_ascii() {
        return put(c.to_ascii_lowercase());
    }
    if matches!(c, '™' | '℠') {
        // Small print behind a name, no part of it.
        return put(' ');
    }
    if let Some(letter) = confusable(c) {
        return put(letter);
    }
    decompose_compatible(c, |d| {
        if canonical_combining_class(d) != 0 || ignorable(d) {
            return;
        }
        match confusable(d) {
            Some(letter) => put(letter),
            None => d.to_lowercase().for_each(|l| put(confusable(l).unwrap_or(l))),
        }
    });
}

/// Characters that show nothing, and marks that enclose.
pub fn ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{488}' | '\u{489}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{20dd}'..='\u{20e0}' | '\u{20e2}'..='\u{20e4}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What is known beforehand of a character.
#[derive(Clone, Copy)]
struct Look {
    /// What is seen in it.
    seen: Seen,
    alphanumeric: bool,
    numeric: bool,
}

#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    One(char, Class),
    /// Several characters, or white space: to be found out.
    More,
}

/// Characters below this one are in the table.
const DRAWN: u32 = 0x3000;

static LOOKS: LazyLock<Vec<Look>> = LazyLock::new(|| {
    let of = |c: char| {
        let mut seen = Seen::Nothing;
        if c.is_whitespace() {
            seen = Seen::More;
        } else if !ignorable(c) {
            look_alike(c, |d| {
                seen = match seen {
                    Seen::Nothing => Seen::One(d, class(d)),
                    _ => Seen::More,
                }
            });
        }
        Look {
            seen,
            alphanumeric: c.is_alphanumeric(),
            numeric: c.is_numeric(),
        }
    };
    // No surrogate is below.
    (0..DRAWN).map(|c| of(char::from_u32(c).unwrap_or(' '))).collect()
});

/// What is seen in `c`, each with its class; nothing in what is ignorable.
#[inline]
pub fn each_seen(c: char, mut put: impl FnMut(char, Class)) {
    match LOOKS.get(c as usize).map_or(Seen::More, |l| l.seen) {
        Seen::Nothing => {}
        Seen::One(d, class) => put(d, class),
        Seen::More if ignorable(c) => {}
        Seen::More => look_alike(c, |d| put(d, class(d))),
    }
}

/// A letter or number.
#[inline]
pub fn alphanumeric(c: char) -> bool {
    LOOKS
        .get(c as usize)
        .map_or_else(|| c.is_alphanumeric(), |l| l.alphanumeric)
}

/// A number.
#[inline]
pub fn numeric(c: char) -> bool {
    LOOKS.get(c as usize).map_or_else(|| c.is_numeric(), |l| l.numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_beforehand_is_what_is_found_out() {
        for c in (0..0x3100).filter_map(char::from_u32) {
            let (mut known, mut found) = (Vec::new(), Vec::new());
            each_seen(c, |d, class| known.push((d, class)));
            if !ignorable(c) {
                look_alike(c, |d| found.push((d, class(d))));
            }
            assert_eq!(known, found, "{c:?}");
            assert_eq!(
                (alphanumeric(c), numeric(c)),
                (c.is_alphanumeric(), c.is_numeric()),
                "{c:?}"
            );
        }
    }
}
