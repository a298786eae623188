//! Which of some thousand terms stand in a folded text, in one pass.
//!
//! Nearly all terms begin with a token: they hang at the first three bytes of one, in a table small enough to stay near the
//! processor (an automaton of all terms is megabytes, and each byte of text misses it). Terms open in front are few and
//! have an automaton: one for ASCII, one that only texts with other letters pay for.

use super::eight::eight;
use aho_corasick::{AhoCorasick, AhoCorasickKind};

const BITS: u32 = 12;
/// Bytes by which a term is found in the table.
const KEY: usize = 3;

struct Entry {
    /// The first eight bytes, or all there are, with what else to look at left out.
    head: u64,
    mask: u64,
    number: usize,
    /// What follows the first eight bytes.
    rest: Box<[u8]>,
}

/// Terms made ready, each with a number of the caller's.
pub struct Terms {
    /// Where the entries of each bucket start; one more for the end.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    ascii: Inner,
    wide: Inner,
}

struct Inner {
    automaton: Option<AhoCorasick>,
    numbers: Vec<usize>,
}

impl Inner {
    fn new(terms: &[(usize, &str)]) -> Result<Inner, String> {
        let needles: Vec<&str> = terms.iter().map(|t| t.1).collect();
        let built = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .prefilter(false)
            .build(&needles);
        Ok(Inner {
            automaton: if needles.is_empty() {
                None
            } else {
                Some(built.map_err(|e| e.to_string())?)
            },
            numbers: terms.iter().map(|t| t.0).collect(),
        })
    }

    fn each(&self, text: &str, found: &mut impl FnMut(usize)) {
        if let Some(automaton) = &self.automaton {
            for hit in automaton.find_overlapping_iter(text) {
                found(self.numbers[hit.pattern().as_usize()]);
            }
        }
    }
}

fn bucket(key: u64) -> usize {
    ((key & 0x00ff_ffff) as u32).wrapping_mul(0x9e37_79b1) as usize >> (32 - BITS)
}

impl Terms {
    /// Terms with their numbers: tokens between spaces, a missing space leaves that end open.
    pub fn new<'a>(terms: impl Iterator<Item = (usize, &'a str)>) -> Result<Terms, String> {
        let (anchored, open): (Vec<_>, Vec<_>) = terms.partition(|(_, t)| t.starts_with(' '));
        let mut buckets: Vec<Vec<Entry>> = (0..1 << BITS).map(|_| Vec::new()).collect();
        for (number, term) in anchored {
            let bytes = &term.as_bytes()[1..];
            if bytes.len() < KEY {
                return Err(format!("{term:?} is too short"));
            }
            let mask = if bytes.len() >= 8 {
                u64::MAX
            } else {
                (1 << (8 * bytes.len())) - 1
            };
            let head = eight(bytes, 0);
            buckets[bucket(head)].push(Entry {
                head,
                mask,
                number,
                rest: bytes.get(8..).unwrap_or(&[]).into(),
            });
        }
        let (ascii, wide): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, t)| t.is_ascii());
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for bucket in buckets {
            entries.extend(bucket);
            starts.push(entries.len() as u32);
        }
        Ok(Terms {
            starts,
            entries,
            ascii: Inner::new(&ascii)?,
            wide: Inner::new(&wide)?,
        })
    }

    /// Say the number of each term that stands in `folded`, as often as it does.
    pub fn each(&self, folded: &str, mut found: impl FnMut(usize)) {
        let bytes = folded.as_bytes();
        for space in memchr::memchr_iter(b' ', bytes) {
            let at = space + 1;
            let head = eight(bytes, at);
            let b = bucket(head);
            for entry in &self.entries[self.starts[b] as usize..self.starts[b + 1] as usize] {
                if head & entry.mask == entry.head
                    && (entry.rest.is_empty() || bytes.get(at + 8..).is_some_and(|r| r.starts_with(&entry.rest)))
                {
                    found(entry.number);
                }
            }
        }
        self.ascii.each(folded, &mut found);
        if !folded.is_ascii() {
            self.wide.each(folded, &mut found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TERMS: [&str; 9] = [
        " viagra ",
        " via",
        " soft tabs ",
        "pill",
        "ab ",
        " abcdefgh ",
        " abcdefghi",
        "人妻",
        " 出会い",
    ];

    fn found(text: &str) -> Vec<usize> {
        let terms = Terms::new(TERMS.iter().copied().enumerate()).unwrap();
        let mut numbers = Vec::new();
        terms.each(text, |n| numbers.push(n));
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_plain_search_finds(
            tokens in prop::collection::vec("viagra|viagras|via|soft|tabs|pills|xpillx|ab|cab|abcdefgh|abcdefghi|abcdefghij|人妻|x出会い|出会い系|[a-c]{1,9}", 0..20)
        ) {
            let text = tokens.iter().fold(String::from(" "), |t, w| t + w + " ");
            let plain: Vec<usize> = (0..TERMS.len()).filter(|i| text.contains(TERMS[*i])).collect();
            prop_assert_eq!(found(&text), plain);
        }
    }

    #[test]
    fn a_cut_text_and_an_empty_one_are_searched_too() {
        assert_eq!(found(" viagra"), [1]);
        assert_eq!(found(""), [0; 0]);
        assert_eq!(found(" "), [0; 0]);
        assert!(Terms::new([(0, " z ")].into_iter()).is_err());
    }
}
