//! The fold once more, slowly, saying for each word and reading where it stands in the text and what was undone there.
//!
//! A property test holds it equal to `fold`, word by word; `spamtide search --explain` prints it.

use super::capture::Meta;
use super::class::{class, leet_sign, Class};
use super::confusable::confusable;
use super::facts::read_message;
use super::fold::*;
use super::lookalike::{ignorable, look_alike};
use super::shown::{forced, shown};

/// One step from what is shown to what it folds to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `direction`, `zero-width`, `mark`, `look-alike`, `letter-form`, `leet`, `separator` or `doubled`.
    pub trick: &'static str,
    /// What stands in the text.
    pub from: String,
    /// What it became; empty where it was taken out.
    pub to: String,
}

/// One word or reading of a folded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Folded.
    pub folded: String,
    /// True for a reading.
    pub reading: bool,
    /// Where it starts and ends in the text, in characters.
    pub span: (usize, usize),
    /// What was undone, in the order in which it is shown; the same step once.
    pub steps: Vec<Step>,
}

/// A word or a run, before its steps are known: the characters it goes from and to, in the order in which they are shown.
struct Piece {
    folded: String,
    first: usize,
    last: usize,
    /// Whether its digits and signs were read as letters, and whether a letter of it was read once for twice.
    leet: bool,
    once: bool,
}

struct Tracing {
    /// Characters in the order in which they are shown, each with its place in the text.
    order: Vec<(usize, char)>,
    /// The same as a text, and where each of its characters starts.
    line: String,
    starts: Vec<usize>,
}

/// Every word and reading of `text`, in the order of `fold`.
pub fn trace(text: &str) -> Vec<Traced> {
    let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    let ordered = if forced(text) {
        shown(text)
    } else {
        text.char_indices().collect()
    };
    let order: Vec<(usize, char)> = ordered
        .into_iter()
        .map(|(i, c)| (places.binary_search(&i).unwrap_or(0), c))
        .collect();
    let line: String = order.iter().map(|o| o.1).collect();
    let starts = line.char_indices().map(|(i, _)| i).collect();
    let tracing = Tracing { order, line, starts };
    let (words, readings) = tracing.pieces();
    let words = join_singles(words);
    let traced = |reading: bool| {
        let tracing = &tracing;
        move |piece: Piece| Traced {
            span: tracing.span(&piece),
            steps: tracing.steps(&piece, reading),
            folded: piece.folded,
            reading,
        }
    };
    let words: Vec<Traced> = words.into_iter().map(traced(false)).collect();
    words
        .into_iter()
        .chain(readings.into_iter().map(traced(true)))
        .collect()
}

/// What was traced as `fold` yields it.
pub fn joined(traced: &[Traced]) -> String {
    let spaced = |reading: bool| -> String {
        let of: Vec<&str> = traced
            .iter()
            .filter(|t| t.reading == reading)
            .map(|t| &t.folded[..])
            .collect();
        if of.is_empty() {
            String::new()
        } else {
            format!(" {} ", of.join(" "))
        }
    };
    spaced(false) + &spaced(true)
}

/// Subject, visible text, From and names of attachments of a message: the texts whose folded forms are columns.
pub fn texts(raw: &[u8], meta: &[u8]) -> [String; 4] {
    let meta: Meta = serde_json::from_slice(meta).unwrap_or_default();
    let facts = std::panic::catch_unwind(|| read_message(raw, &meta)).unwrap_or_default();
    let names: Vec<&str> = facts.attachments.iter().filter_map(|a| a.name.as_deref()).collect();
    let names = names.join(" \n ");
    [
        facts.subject.unwrap_or_default(),
        facts.visible,
        facts.from_shown,
        names,
    ]
}

/// Words before single letters are joined, and readings.
type Pieces = (Vec<(Piece, bool)>, Vec<Piece>);

impl Tracing {
    fn pieces(&self) -> Pieces {
        let (mut words, mut readings): Pieces = (Vec::new(), Vec::new());
        let mut raw: Vec<(char, usize)> = Vec::new();
        let mut run: Vec<usize> = Vec::new();
        let mut in_address = None;
        let mut size = 0;
        let mut k = 0;
        while k <= self.order.len() {
            // The end of the text breaks as white space does.
            let c = self.order.get(k).map_or(' ', |o| o.1);
            let rest = &self.line[self.starts.get(k).copied().unwrap_or(self.line.len())..];
            let mut breaks = false;
            let mut wide = 1;
            if pictured(rest) {
                self.end(&mut raw, &mut words, &mut readings, &mut size);
                wide = 2;
            } else if !ignorable(c) {
                look_alike(c, |d| {
                    let address = d == '@' && {
                        let sure = || self.starts_address(k);
                        if c == '@' {
                            *in_address.get_or_insert_with(sure)
                        } else {
                            in_address == Some(true)
                        }
                    };
                    match class(d) {
                        Class::Word | Class::Sign => raw.push((d, k)),
                        Class::At if !address => raw.push((d, k)),
                        other => {
                            self.end(&mut raw, &mut words, &mut readings, &mut size);
                            breaks |= !matches!(other, Class::Joint | Class::Leet);
                        }
                    }
                });
                if c.is_whitespace() {
                    breaks = true;
                    in_address = None;
                }
            }
            if breaks {
                self.end(&mut raw, &mut words, &mut readings, &mut size);
                self.read(&run, &mut readings, &mut size);
                run.clear();
            } else {
                run.extend(k..k + wide);
            }
            k += wide;
        }
        (words, readings)
    }

    /// Whether the `@` at `k` parts an address: a dot follows before white space does.
    fn starts_address(&self, k: usize) -> bool {
        self.order[k + 1..]
            .iter()
            .take_while(|o| !o.1.is_whitespace())
            .any(|o| o.1 == '.')
    }

    fn end(
        &self,
        raw: &mut Vec<(char, usize)>,
        words: &mut Vec<(Piece, bool)>,
        readings: &mut Vec<Piece>,
        size: &mut usize,
    ) {
        let text: String = raw.iter().map(|r| r.0).collect();
        let trimmed = trim_signs(&text);
        let before = text.chars().count() - text.trim_start_matches(['!', '|', '@']).chars().count();
        let kept = &raw[before.min(raw.len())..];
        let kept = &kept[..trimmed.chars().count().min(kept.len())];
        let letters = trimmed.chars().filter(|c| c.is_alphabetic()).count();
        let read = leet(trimmed, letters);
        let folded: String = trimmed
            .chars()
            .filter(|c| read || c.is_alphanumeric())
            .map(|c| match c {
                'l' => 'i',
                c if read => plain_letter(c),
                c => c,
            })
            .collect();
        if let (false, Some(first), Some(last)) = (folded.is_empty(), kept.first(), kept.last()) {
            let piece = |folded: String, once: bool| Piece {
                folded,
                first: first.1,
                last: last.1,
                leet: read,
                once,
            };
            let single = letters <= 1 && folded.chars().count() == 1;
            words.push((piece(folded, false), single));
            if letters >= 2 && trimmed.len() > READ_FROM && trimmed.len() <= DOUBLED_TO {
                for once in undoubled(trimmed) {
                    self.put(piece(once.chars().map(plain_letter).collect(), true), readings, size);
                }
            }
        }
        raw.clear();
    }

    fn read(&self, run: &[usize], readings: &mut Vec<Piece>, size: &mut usize) {
        let text: String = run.iter().map(|k| self.order[*k].1).collect();
        // A run has a word of its own, or it is none.
        let mut worded = false;
        text.chars()
            .filter(|c| !ignorable(*c))
            .for_each(|c| look_alike(c, |d| worded |= class(d) == Class::Word));
        let Some(raw) = reading(&text).filter(|_| worded) else {
            return;
        };
        // Separators and exclamation marks at its ends are not part of it.
        let idle = |k: &&usize| {
            let c = self.order[**k].1;
            ignorable(c) || c == '!' || (class(c) == Class::Joint && c != '+')
        };
        let first = run.iter().find(|k| !idle(k)).copied().unwrap_or(run[0]);
        let last = run.iter().rfind(|k| !idle(k)).copied().unwrap_or(first);
        let piece = |raw: &str, once: bool| Piece {
            folded: raw.chars().map(plain_letter).collect(),
            first,
            last,
            leet: true,
            once,
        };
        self.put(piece(&raw, false), readings, size);
        if raw.len() <= DOUBLED_TO {
            for once in undoubled(&raw) {
                self.put(piece(&once, true), readings, size);
            }
        }
    }

    fn put(&self, piece: Piece, readings: &mut Vec<Piece>, size: &mut usize) {
        if *size < self.line.len() + READ_MORE {
            *size += piece.folded.len() + if *size == 0 { 2 } else { 1 };
            readings.push(piece);
        }
    }

    fn span(&self, piece: &Piece) -> (usize, usize) {
        let places = self.order[piece.first..=piece.last].iter().map(|o| o.0);
        let (first, last) = places.fold((usize::MAX, 0), |(a, b), p| (a.min(p), b.max(p)));
        (first, last + 1)
    }

    fn steps(&self, piece: &Piece, reading: bool) -> Vec<Step> {
        let mut out: Vec<Step> = Vec::new();
        let mut step = |trick, from: &str, to: &str| {
            let step = Step {
                trick,
                from: from.to_owned(),
                to: to.to_owned(),
            };
            if !out.contains(&step) {
                out.push(step);
            }
        };
        let part = &self.order[piece.first..=piece.last];
        if part.windows(2).any(|two| two[0].0 > two[1].0) {
            let sent: String = part.iter().rev().map(|o| o.1).collect();
            let seen: String = part.iter().map(|o| o.1).collect();
            step("direction", &sent, &seen);
        }
        let mut k = piece.first;
        while k <= piece.last {
            let c = self.order[k].1;
            let rest = &self.line[self.starts[k]..];
            let from = c.to_string();
            if let Some((letter, length)) = picture(rest).filter(|_| reading) {
                step("leet", &rest[..length], &letter.to_string());
                k += length;
                continue;
            }
            k += 1;
            if ignorable(c) {
                step("zero-width", &from, "");
                continue;
            }
            let mut seen = String::new();
            look_alike(c, |d| seen.push(d));
            let folded = |c: char| if piece.leet { plain_letter(c) } else { c };
            match class(c) {
                Class::Joint if c == '+' && reading => step("leet", "+", "t"),
                Class::Leet => {
                    if let Some(letter) = leet_sign(c) {
                        step("leet", &from, &letter.to_string());
                    }
                }
                Class::Word | Class::Sign | Class::At if c.is_ascii() => {
                    let letter = folded(c);
                    if letter != c && !c.is_ascii_alphabetic() {
                        step("leet", &from, &letter.to_string());
                    }
                }
                _ if seen.is_empty() => step("mark", &from, ""),
                _ if seen.chars().all(|d| class(d) == Class::Word) => {
                    let plain: String = seen.chars().map(folded).collect();
                    if confusable(c).is_some() {
                        step("look-alike", &from, &plain);
                    } else if from.to_lowercase() != seen {
                        step("letter-form", &from, &plain);
                    }
                }
                _ => step("separator", &from, ""),
            }
        }
        if piece.once {
            step("doubled", "", &piece.folded);
        }
        out
    }
}

/// Three or more single letters in a row are one word.
fn join_singles(words: Vec<(Piece, bool)>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut row: Vec<Piece> = Vec::new();
    let settle = |row: &mut Vec<Piece>, out: &mut Vec<Piece>| {
        let letters = || row.iter().flat_map(|p| p.folded.chars());
        if row.len() >= 3 && letters().any(char::is_alphabetic) {
            out.push(Piece {
                folded: letters().map(plain_letter).collect(),
                first: row[0].first,
                last: row[row.len() - 1].last,
                leet: true,
                once: false,
            });
            row.clear();
        }
        out.append(row);
    };
    for (piece, single) in words {
        if single {
            row.push(piece);
        } else {
            settle(&mut row, &mut out);
            out.push(piece);
        }
    }
    settle(&mut row, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(text: &str, folded: &str) -> Vec<(&'static str, String, String)> {
        let traced = trace(text);
        let one = traced.iter().find(|t| t.folded == folded).expect("a word");
        one.steps
            .iter()
            .map(|s| (s.trick, s.from.clone(), s.to.clone()))
            .collect()
    }

    #[test]
    fn exclamation_marks_behind_a_joint_part_nothing() {
        for text in ["viagra'!", "!-viagra", "$viagra-!", "vi-!agra"] {
            assert_eq!(joined(&trace(text)), fold(text), "{text}");
        }
        assert_eq!(fold("viagra'!"), " viagra ");
    }

    #[test]
    fn each_trick_is_named() {
        let s = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let named = |text, folded| -> Vec<(&str, (String, String))> {
            steps(text, folded).into_iter().map(|(t, a, b)| (t, (a, b))).collect()
        };
        assert_eq!(
            named("Buy V1@gra", "viagra"),
            [("leet", s("1", "i")), ("leet", s("@", "a"))]
        );
        assert_eq!(
            named("Vi\u{200b}agrа", "viagra"),
            [("zero-width", s("\u{200b}", "")), ("look-alike", s("а", "a"))]
        );
        assert_eq!(named("v-i-a-g-r-a", "viagra"), [("separator", s("-", ""))]);
        assert_eq!(named("vi*agra", "viagra"), [("separator", s("*", ""))]);
        assert_eq!(named("Vi/\\gra", "viagra"), [("leet", s("/\\", "a"))]);
        assert_eq!(named("viaagra", "viagra"), [("doubled", s("", "viagra"))]);
        assert_eq!(
            named("\u{202e}argaiv\u{202c}", "viagra"),
            [("direction", s("argaiv", "viagra"))]
        );
        assert_eq!(named("via\u{301}gra", "viagra"), [("mark", s("\u{301}", ""))]);
        assert_eq!(named("ｖiagra", "viagra"), [("letter-form", s("ｖ", "v"))]);
        assert!(named("VIAGRA!", "viagra").is_empty());
        assert_eq!(trace("Buy V1@gra")[1].span, (4, 10));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn the_traced_fold_is_the_fold(text in "([a-cilA-CILO0-9]|[ .*@!|$/\\\\()_+'-]|[ \n\u{200b}\u{202c}-\u{202e}\u{2067}\u{2069}\u{301}]|[€аВοβ™①Ａßİ£½·]|\\PC){0,60}") {
            let traced = trace(&text);
            prop_assert_eq!(joined(&traced), fold(&text));
            let folded = fold(&text);
            prop_assert_eq!(words_of(&folded), words(&text));
            let n = text.chars().count();
            prop_assert!(traced.iter().all(|t| t.span.0 < t.span.1 && t.span.1 <= n));
        }

        #[test]
        fn words_fold_to_themselves(text in "([a-cilA-CILO0-9]|[ .*@!|$/\\\\()_+'-]|[€аВοβ™①Ａßİ]|\\PC){0,60}") {
            let once = words(&text);
            prop_assert_eq!(words(&once), once);
        }
    }
}
