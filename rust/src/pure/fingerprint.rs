//! The fingerprint: what of a message is compared with others to find near-duplicates. Keyed hashes only, no text.
//!
//! *Shingles*: of the folded, masked visible text the word 3-grams, characters of scripts without spaces being words; of a text
//! of fewer than eight words the character 5-grams; with them the bigrams of the subject and the pieces of attachments. The 64
//! smallest are the sketch. *Marks*: the same bigrams apart, hosts of links, pieces, forms. Which marks say anything is for
//! grouping to find out. All hashes have 63 bits, so that signed columns sort as unsigned numbers do.

use super::eight::{eight, first, leading, within};
use super::fold::words;
use super::forms::{forms, Form, BARE};
use super::limits;
use super::mask::Masked;
use super::quoted::{own_subject, unquoted};
use std::borrow::Cow;

/// Words from which on words are shingled, not characters.
const WORDS: usize = 8;
/// Marks kept of a message, of each sort the smallest.
const SUBJECT_MARKS: usize = 16;
const LINK_MARKS: usize = 8;

/// Subject and visible text as they are compared: masked, quotations left out.
pub struct Own<'a> {
    subject: Cow<'a, Masked>,
    text: Cow<'a, Masked>,
}

impl<'a> Own<'a> {
    /// Of a message that shows `subject` and `text`, both of which are at hand masked too.
    pub fn of(subject: (&str, &'a Masked), text: (&str, &'a Masked), recipients: &[String]) -> Self {
        match unquoted(text.0) {
            None => Own {
                subject: Cow::Borrowed(subject.1),
                text: Cow::Borrowed(text.1),
            },
            Some(own) => Own {
                subject: Cow::Owned(Masked::of(own_subject(subject.0), recipients)),
                text: Cow::Owned(Masked::of(&own, recipients)),
            },
        }
    }
}

/// What a fingerprint is made from.
pub struct Shown<'a> {
    /// Subject and visible text.
    pub own: &'a Own<'a>,
    /// Hosts and registered domains of the links.
    pub hosts: &'a [&'a str],
    /// Pieces of the attachments (`pieces.rs`).
    pub pieces: &'a [u64],
    /// What its pictures look like (`pictures.rs`).
    pub pictures: &'a [u64],
    /// What the message is built like.
    pub form: Form<'a>,
}

/// Lists of hashes, each ascending and without repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The sketch: up to `limits::SKETCH`.
    pub shingles: Vec<u64>,
    /// Bigrams of the subject, up to 16.
    pub subject: Vec<u64>,
    /// Hosts and registered domains of links, up to 8.
    pub links: Vec<u64>,
    /// Pieces of attachments, up to `pieces::KEPT`.
    pub pieces: Vec<u64>,
    /// What pictures look like, up to `pictures::KEPT`.
    pub pictures: Vec<u64>,
    /// Forms; the low three bits say of what.
    pub forms: Vec<u64>,
}

/// Odd numbers without a pattern: digits of pi.
const MIX: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1];

/// Both halves of a product of 128 bits, one over the other.
fn mixed(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Keyed hash of `bytes`, by products folded (as wyhash does): a message has hundreds of words. The key is public here: whoever
/// wants his mail to look like another's needs no collision, he copies the text. A secret key belongs to the archive that
/// compares with strangers.
pub fn keyed(kind: u64, bytes: &[u8]) -> u64 {
    let mut state = MIX[2] ^ (kind << 56);
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first_chunk::<16>() {
        state = mixed(some_of(&first[..8]) ^ MIX[0], some_of(&first[8..]) ^ state);
        rest = more;
    }
    let (low, high) = rest.split_at(rest.len().min(8));
    state = mixed(some_of(low) ^ MIX[0], some_of(high) ^ state);
    mixed(state ^ MIX[1], bytes.len() as u64 ^ MIX[0]) >> 1
}

/// Up to eight bytes as a number: no two strings of one length give the same.
fn some_of(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
        _ => bytes.iter().fold(0, |all, b| all << 8 | u64::from(*b)),
    }
}

/// `keyed` of a word, `bytes[start..end]`: of up to eight bytes, as nearly all are, without a branch on how many.
#[inline]
fn keyed_word(bytes: &[u8], start: usize, end: usize) -> u64 {
    let n = end - start;
    if !(1..=8).contains(&n) {
        return keyed(0, &bytes[start..end]);
    }
    let word = first(eight(bytes, start), n);
    let few = word.swap_bytes() >> (64 - 8 * n as u32);
    let ends = word & 0xffff_ffff | (word >> ((8 * n as u32).wrapping_sub(32) & 63)) << 32;
    let low = if n < 4 { few } else { ends };
    let state = mixed(low ^ MIX[0], MIX[2]);
    mixed(state ^ MIX[1], n as u64 ^ MIX[0]) >> 1
}

/// A hash of hashes in order.
fn joined(parts: &[u64], kind: u64) -> u64 {
    let state = parts
        .iter()
        .fold(MIX[2] ^ (kind << 56), |state, p| mixed(state ^ p, MIX[0]));
    mixed(state ^ MIX[1], MIX[0]) >> 1
}

/// The `most` smallest hashes, ascending, each once.
fn least(values: &[u64], most: usize) -> Vec<u64> {
    // Of far more than are kept, those are sorted that are likely to be among them: hashes lie evenly below 2^63.
    let enough = most + most / 3;
    let mut least = Vec::new();
    if values.len() > 2 * enough {
        least = below(values, (1u64 << 63) / values.len() as u64 * enough as u64);
        least.dedup();
    }
    if least.len() < most {
        least = below(values, 1 << 63);
        least.dedup();
    }
    least.truncate(most);
    least
}

/// Places in which hashes are laid before they are sorted.
const PLACES: usize = 64;

/// Those of `values` below `bound`, ascending. As they lie evenly, each is laid about where it belongs, and few have to move;
/// so many that somebody may have chosen them are sorted as one sorts anything.
fn below(values: &[u64], bound: u64) -> Vec<u64> {
    let mut low = vec![0; values.len()];
    let mut n = 0;
    for value in values {
        low[n] = *value;
        n += usize::from(*value < bound);
    }
    low.truncate(n);
    if !(PLACES / 4..PLACES * 4).contains(&n) {
        low.sort_unstable();
        return low;
    }
    let scale = u64::MAX / (bound / PLACES as u64 + 1);
    let place = |value: u64| ((u128::from(value) * u128::from(scale)) >> 64) as usize & (PLACES - 1);
    let mut ends = [0usize; PLACES];
    low.iter().for_each(|v| ends[place(*v)] += 1);
    let mut before = 0;
    for end in &mut ends {
        before += std::mem::replace(end, before);
    }
    let mut laid = vec![0; n];
    for value in &low {
        let end = &mut ends[place(*value)];
        laid[*end] = *value;
        *end += 1;
    }
    for i in 1..n {
        let mut k = i;
        while k > 0 && laid[k - 1] > laid[k] {
            laid.swap(k - 1, k);
            k -= 1;
        }
    }
    laid
}

/// Scripts written without spaces, from the CJK radicals on.
fn spaceless(c: char) -> bool {
    c >= '\u{2e80}'
}

/// The words that are shingled: folded and masked, digits that are no letters replaced by #, letters that repeat written once.
pub fn tokens(text: &str, recipients: &[String]) -> Vec<String> {
    tokens_of(&words(Masked::of(text, recipients).text()))
}

fn tokens_of(folded: &str) -> Vec<String> {
    let mut out = Vec::new();
    each_token(folded, |t, start, end| {
        out.push(String::from_utf8_lossy(&t[start..end]).into_owned());
    });
    out
}

/// What is shingled of `folded`, words between single spaces: each as a stretch of some UTF-8, from where to where.
fn each_token(folded: &str, mut put: impl FnMut(&[u8], usize, usize)) {
    let bytes = folded.as_bytes();
    let mut token = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let mut end = varied_end(bytes, start);
        if end < bytes.len() && bytes[end] != b' ' {
            end = memchr::memchr(b' ', &bytes[end..]).map_or(bytes.len(), |n| end + n);
            put_disguised(&folded[start..end], &mut token, &mut put);
        } else if end > start {
            put(bytes, start, end);
        }
        start = end + 1;
    }
}

/// Where lower-case letters from `at` on end, or one of them stands twice in a row: most words are put as they are.
#[inline]
fn varied_end(bytes: &[u8], mut at: usize) -> usize {
    let mut before = 0;
    loop {
        let letters = eight(bytes, at);
        let change = letters ^ (letters << 8 | before);
        let n = leading(within(letters, b'a', b'z') & !within(change, 0, 0));
        at += n;
        if n < 8 {
            return at;
        }
        before = letters >> 56;
    }
}

fn put_disguised(word: &str, token: &mut Vec<u8>, put: &mut impl FnMut(&[u8], usize, usize)) {
    token.clear();
    if word.is_ascii() {
        token.resize(word.len(), 0);
        let (mut n, mut last) = (0, b' ');
        for b in word.bytes() {
            let b = if b.is_ascii_digit() { b'#' } else { b };
            token[n] = b;
            n += usize::from(b != last);
            last = b;
        }
        return put(token, 0, n);
    }
    let mut last = ' ';
    for c in word.chars() {
        if spaceless(c) {
            if !token.is_empty() {
                put(token, 0, token.len());
                token.clear();
                last = ' ';
            }
            let mut alone = [0; 4];
            let n = c.encode_utf8(&mut alone).len();
            put(&alone, 0, n);
            continue;
        }
        let c = if c.is_numeric() { '#' } else { c };
        if c != last {
            token.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            last = c;
        }
    }
    if !token.is_empty() {
        put(token, 0, token.len());
    }
}

/// Fingerprint of one message; a function of what is shown alone.
pub fn fingerprint(shown: &Shown) -> Fingerprint {
    let text = words(shown.own.text.text());
    let mut hashes = Vec::with_capacity(text.len() / 4);
    each_token(&text, |t, start, end| hashes.push(keyed_word(t, start, end)));
    let mut all: Vec<u64> = Vec::with_capacity(hashes.len() + 32);
    if hashes.len() >= WORDS {
        all.extend(hashes.windows(3).map(|w| joined(w, 3)));
    } else {
        let text = tokens_of(&text).join(" ");
        let ends: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        all.extend(ends.windows(6).map(|w| keyed(1, &text.as_bytes()[w[0]..w[5]])));
    }
    let mut title = Vec::new();
    each_token(&words(shown.own.subject.text()), |t, start, end| {
        title.push(keyed_word(t, start, end));
    });
    let bigrams: Vec<u64> = if title.len() == 1 {
        vec![joined(&title, 1)]
    } else {
        title.windows(2).map(|w| joined(w, 2)).collect()
    };
    all.extend(&bigrams);
    all.extend(shown.pieces);
    let mut marks = forms(&shown.form);
    if hashes.len() < WORDS {
        // Of a message that says little, how its page is built is a good part of what there is to compare.
        all.extend(marks.iter().filter(|m| **m & 7 == 0));
        // The lowest of all: it has no hash.
        marks.insert(0, BARE);
    }
    let hosts: Vec<u64> = shown.hosts.iter().map(|h| keyed(2, h.as_bytes())).collect();
    Fingerprint {
        shingles: least(&all, limits::SKETCH),
        subject: least(&bigrams, SUBJECT_MARKS),
        links: least(&hosts, LINK_MARKS),
        pieces: shown.pieces.to_vec(),
        pictures: shown.pictures.to_vec(),
        forms: marks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(subject: &str, text: &str) -> Fingerprint {
        let form = Form {
            raw: b"",
            html: "",
            urls: &[],
            types: &[],
        };
        let masked = (Masked::of(subject, &[]), Masked::of(text, &[]));
        fingerprint(&Shown {
            own: &Own::of((subject, &masked.0), (text, &masked.1), &[]),
            hosts: &[],
            pieces: &[],
            pictures: &[],
            form,
        })
    }

    #[test]
    fn disguises_and_numbers_make_no_difference() {
        let plain = of(
            "Buy viagra now",
            "Dear friend, order viagra for 99 dollars today and save a lot",
        );
        let other = of(
            "Buy V1agra now",
            "Dear friend, 0rder v.i.a.g.r.a for 1250 dollars t0day and saave a lot",
        );
        assert_eq!(plain, other);
        assert_ne!(
            plain.shingles,
            of("Buy viagra now", "Dear friend, order pills at once, save a lot of it").shingles
        );
    }

    #[test]
    fn text_without_spaces_is_shingled_by_characters() {
        let a = of("", "我们提供最优惠的发票代开服务欢迎来电咨询");
        let b = of("", "我们提供最优惠的发票代开服务欢迎您来电咨询");
        let common = a.shingles.iter().filter(|s| b.shingles.contains(s)).count();
        assert!(common * 2 > a.shingles.len(), "{common} of {}", a.shingles.len());
    }

    #[test]
    fn a_reply_is_compared_by_what_it_says_itself() {
        let own = "please stop sending me such letters, nobody here wants any of it";
        let reply = format!("{own}\nOn Monday somebody wrote:\n> order pills at our shop today");
        assert_eq!(of("Re: order pills", &reply), of("", own));
    }

    proptest! {
        #[test]
        fn the_least_are_the_first_of_all_sorted(
            values in prop::collection::vec(prop_oneof![0u64..1 << 63, 0u64..40, 0u64..1 << 50], 0..600),
            most in 1usize..50,
        ) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            sorted.dedup();
            sorted.truncate(most);
            prop_assert_eq!(least(&values, most), sorted);
        }

        #[test]
        fn a_word_has_one_hash_however_it_is_read(text in "[a-zé#]{0,30}", start in 0usize..30, n in 0usize..20) {
            let bytes = text.as_bytes();
            let start = start.min(bytes.len());
            let end = (start + n).min(bytes.len());
            prop_assert_eq!(keyed_word(bytes, start, end), keyed(0, &bytes[start..end]));
        }

        #[test]
        fn words_are_shingled_without_repeats_and_digits(text in "( [a-z0-9é人]{1,12}){0,9} ?") {
            let mut plain = Vec::new();
            for word in text.split(' ').filter(|w| !w.is_empty()) {
                let mut token = String::new();
                for c in word.chars().map(|c| if c.is_numeric() { '#' } else { c }) {
                    if spaceless(c) {
                        plain.extend((!token.is_empty()).then(|| std::mem::take(&mut token)));
                        plain.push(c.to_string());
                    } else if !token.ends_with(c) {
                        token.push(c);
                    }
                }
                plain.extend((!token.is_empty()).then_some(token));
            }
            prop_assert_eq!(tokens_of(&text), plain);
        }
    }

    #[test]
    fn nothing_shown_has_no_shingles() {
        let nothing = Fingerprint {
            forms: vec![BARE],
            ..Fingerprint::default()
        };
        assert_eq!(of("", " \n\u{200b} "), nothing);
    }
}
