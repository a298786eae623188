//! Eight bytes of text at once: which of them are letters, what they are in lower case, where the first other one stands.
//!
//! Most words are shorter than eight bytes. Read as one number they need no loop whose end nobody can foresee, which is
//! what reading byte after byte costs most. A *mark* is 0x80 in each byte that a question is true of.

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH << 7;

/// Eight bytes from `at` on, the first in the lowest place; past the end zero.
#[inline]
pub fn eight(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8) {
        Some(eight) => u64::from_le_bytes(eight.try_into().expect("eight bytes")),
        None => rest(bytes, at),
    }
}

/// The same where fewer than eight are left.
#[cold]
fn rest(bytes: &[u8], at: usize) -> u64 {
    let left = bytes.get(at..).unwrap_or(&[]);
    left.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// Marks of the ASCII bytes from `low` to `high`.
#[inline]
pub fn within(eight: u64, low: u8, high: u8) -> u64 {
    let ascii = eight & !HIGH;
    let from = ascii + EACH * u64::from(0x80 - low);
    let beyond = ascii + EACH * u64::from(0x7f - high);
    from & !beyond & !eight & HIGH
}

/// Marks of the ASCII letters of either case.
#[inline]
pub fn letters(eight: u64) -> u64 {
    within(eight | (EACH * 0x20), b'a', b'z')
}

/// Marks of digits and of bytes beyond ASCII.
#[inline]
pub fn odd(eight: u64) -> u64 {
    within(eight, b'0', b'9') | eight & HIGH
}

/// How many bytes from the first on are marked.
#[inline]
pub fn leading(marks: u64) -> usize {
    (!marks & HIGH).trailing_zeros() as usize / 8
}

/// The first `n` of the bytes, the others zero.
#[inline]
pub fn first(eight: u64, n: usize) -> u64 {
    if n < 8 {
        eight & ((1 << (8 * n)) - 1)
    } else {
        eight
    }
}

/// ASCII letters in lower case; other bytes keep their value only where `0x20` is set in it already.
#[inline]
pub fn lower(letters: u64) -> u64 {
    letters | (EACH * 0x20)
}

/// Each `old` replaced by `new`.
#[inline]
pub fn replaced(eight: u64, old: u8, new: u8) -> u64 {
    eight ^ ((within(eight, old, old) >> 7) * u64::from(old ^ new))
}

/// Where the run of ASCII letters that starts at `at` ends.
#[inline]
pub fn letters_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let n = leading(letters(eight(bytes, at)));
        at += n;
        if n < 8 {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_said_of_eight_is_what_is_true_of_each(bytes: [u8; 8], low in 0u8..128, more in 0u8..128) {
            let all = u64::from_le_bytes(bytes);
            let high = low.saturating_add(more).min(127);
            let marked = |marks: u64| marks.to_le_bytes().map(|b| { assert!(b == 0 || b == 0x80); b != 0 });
            prop_assert_eq!(marked(within(all, low, high)), bytes.map(|b| (low..=high).contains(&b)));
            prop_assert_eq!(marked(letters(all)), bytes.map(|b| b.is_ascii_alphabetic()));
            prop_assert_eq!(marked(odd(all)), bytes.map(|b| b.is_ascii_digit() || !b.is_ascii()));
            prop_assert_eq!(leading(letters(all)), bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count());
            prop_assert_eq!(replaced(all, low, high).to_le_bytes(), bytes.map(|b| if b == low { high } else { b }));
        }

        #[test]
        fn a_run_of_letters_ends_where_it_ends(text in "[a-zA-Z]{0,20}[ -~é]{0,9}", at in 0usize..32) {
            let bytes = text.as_bytes();
            let at = at.min(bytes.len());
            let run = bytes[at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
            prop_assert_eq!(letters_end(bytes, at), at + run);
            let said: Vec<u8> = bytes[at..].iter().copied().chain([0; 8]).take(8).collect();
            prop_assert_eq!(eight(bytes, at).to_le_bytes().to_vec(), said);
            let n = run.min(8);
            let mut kept = [0; 8];
            kept[..n].copy_from_slice(&bytes[at..at + n].to_ascii_lowercase());
            prop_assert_eq!(first(lower(eight(bytes, at)), n).to_le_bytes(), kept);
        }
    }
}
