//! What a message is about: terms of a rule file, found in the folded subject, text, link hosts and attachments, each worth
//! points for a topic. The file is `src/spamtide/message/topics.toml`; docs/reference/topics.md says how it is read.

use super::fold;
use super::terms::Terms;
use serde::Deserialize;
use std::sync::OnceLock;

/// The rules that are compiled in.
const FILE: &str = include_str!("../../../src/spamtide/message/topics.toml");

/// Version of the rules; a test holds this and the next equal to the file, which is made ready only for those who digest.
pub const TOPICS_VERSION: u32 = 1;

/// The topics, in the order that decides a tie.
pub const TOPICS: [&str; 11] = [
    "pharma",
    "replica",
    "casino",
    "dating",
    "phishing",
    "malware",
    "advance-fee",
    "crypto",
    "job",
    "other",
    "unknown",
];

const PLACES: usize = 4;
const TEXT: usize = 1;

/// The four folded texts that are looked at, each token between spaces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// Subject.
    pub subject: &'a str,
    /// Visible text.
    pub text: &'a str,
    /// Hosts of the links.
    pub links: &'a str,
    /// Names of the attachments, and their types by the first bytes.
    pub attachments: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    topics: Vec<String>,
    least: i32,
    lead: i32,
    least_words: usize,
    text_bytes: usize,
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    topic: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(default)]
    subject: i32,
    #[serde(default)]
    text: i32,
    #[serde(default)]
    link: i32,
    #[serde(default)]
    attachment: i32,
    terms: Vec<String>,
}

/// Rules made ready.
pub struct Rules {
    /// Version of the file.
    pub version: u32,
    /// Topics in the order that decides a tie; the last two are `other` and `unknown`.
    pub topics: Vec<String>,
    least: i32,
    lead: i32,
    least_words: usize,
    text_bytes: usize,
    /// What is looked for in each place.
    terms: [Terms; PLACES],
    /// For each needle, the topics that it speaks for, with its points by place.
    points: Vec<Vec<(usize, [i32; PLACES])>>,
}

/// The rules that are compiled in, made ready once.
pub fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::read(FILE).expect("the rules that are compiled in are sound"))
}

/// What must stand in a folded text: tokens between spaces; `*` leaves an end open.
fn needle(term: &str) -> Option<String> {
    let inner = fold::words(term.trim_matches('*'));
    let inner = inner.trim_matches(' ');
    let front = if term.starts_with('*') { "" } else { " " };
    let back = if term.ends_with('*') { "" } else { " " };
    (!inner.is_empty()).then(|| format!("{front}{inner}{back}"))
}

impl Rules {
    /// Rules of a file; what is wrong with it otherwise.
    pub fn read(text: &str) -> Result<Rules, String> {
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        let [.., other, unknown] = file.topics.as_slice() else {
            return Err("fewer than two topics".to_owned());
        };
        if other != "other" || unknown != "unknown" {
            return Err("the last two topics are not other and unknown".to_owned());
        }
        let mut needles: Vec<String> = Vec::new();
        let mut points: Vec<Vec<(usize, [i32; PLACES])>> = Vec::new();
        let mut known = std::collections::BTreeMap::new();
        for rule in &file.rule {
            let topic = file.topics.iter().position(|t| *t == rule.topic);
            let topic = topic.ok_or_else(|| format!("{:?} is no topic", rule.topic))?;
            let weights = [rule.subject, rule.text, rule.link, rule.attachment];
            for term in &rule.terms {
                let needle = needle(term).ok_or_else(|| format!("{term:?} folds to nothing"))?;
                let i = *known.entry(needle.clone()).or_insert_with(|| {
                    needles.push(needle);
                    points.push(Vec::new());
                    needles.len() - 1
                });
                points[i].push((topic, weights));
            }
        }
        let counts = |place: usize, i: usize| points[i].iter().any(|(_, w)| w[place] != 0);
        let at = |place: usize| {
            let wanted = needles.iter().enumerate().filter(|(i, _)| counts(place, *i));
            Terms::new(wanted.map(|(i, n)| (i, n.as_str())))
        };
        let terms = [at(0)?, at(TEXT)?, at(2)?, at(3)?];
        Ok(Rules {
            version: file.version,
            topics: file.topics,
            least: file.least,
            lead: file.lead,
            least_words: file.least_words,
            text_bytes: file.text_bytes,
            terms,
            points,
        })
    }

    /// Topic of a message, and the points of each topic.
    pub fn topic(&self, said: Said) -> (&str, Vec<i32>) {
        let head = &said.text[..floor_boundary(said.text, self.text_bytes)];
        let (other, unknown) = (self.topics.len() - 2, self.topics.len() - 1);
        let mut by_place = vec![[0; PLACES]; self.topics.len()];
        let mut seen = vec![0u64; self.points.len().div_ceil(64)];
        for (place, text) in [said.subject, head, said.links, said.attachments]
            .into_iter()
            .enumerate()
        {
            if text.is_empty() {
                continue;
            }
            seen.fill(0);
            self.terms[place].each(text, |i| {
                if seen[i / 64] & (1 << (i % 64)) == 0 {
                    seen[i / 64] |= 1 << (i % 64);
                    for (topic, weights) in &self.points[i] {
                        by_place[*topic][place] += weights[place];
                    }
                }
            });
        }
        let mut scores: Vec<i32> = by_place.iter().map(|p| p.iter().sum()).collect();
        if scores[unknown] > 0 {
            // Over an image, what is said outside the text decides, if anything is.
            let mut outside: Vec<i32> = by_place.iter().zip(&scores).map(|(p, all)| all - p[TEXT]).collect();
            outside[unknown] = 0;
            if outside.iter().any(|n| *n >= self.least) {
                scores = outside;
            }
        }
        let best = first_highest(&scores, None);
        let next = first_highest(&scores, Some(best));
        let topic = if scores[best] < self.least {
            let told = words(fold::words_of(said.subject))
                .chain(words(fold::words_of(head)))
                .take(self.least_words)
                .count();
            if told >= self.least_words {
                other
            } else {
                unknown
            }
        } else if scores[best] - scores[next] < self.lead {
            other
        } else {
            best
        };
        (&self.topics[topic], scores)
    }
}

/// Tokens of three letters or more that are no number.
fn words(folded: &str) -> impl Iterator<Item = &str> {
    let number = |w: &&str| w.bytes().all(|b| b.is_ascii_digit());
    folded
        .split(' ')
        .filter(move |w| w.chars().nth(2).is_some() && !number(w))
}

fn first_highest(scores: &[i32], but: Option<usize>) -> usize {
    let candidates = (0..scores.len()).filter(|i| Some(*i) != but);
    candidates
        .max_by_key(|i| (scores[*i], std::cmp::Reverse(*i)))
        .unwrap_or(0)
}

fn floor_boundary(text: &str, bound: usize) -> usize {
    let mut end = bound.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        version = 1
        topics = ["a", "b", "other", "unknown"]
        least = 10
        lead = 2
        least_words = 2
        text_bytes = 40
        [[rule]]
        topic = "a"
        why = "x"
        subject = 10
        text = 6
        terms = ["viagra*", "soft tabs"]
        [[rule]]
        topic = "b"
        why = "x"
        subject = 9
        link = 10
        terms = ["viagra", "*pill*"]
        [[rule]]
        topic = "unknown"
        why = "x"
        attachment = 12
        terms = ["gif"]
    "#;

    fn told(subject: &str, text: &str, links: &str, attachments: &str) -> String {
        let [subject, text, links, attachments] = [subject, text, links, attachments].map(fold::fold);
        let said = Said {
            subject: &subject,
            text: &text,
            links: &links,
            attachments: &attachments,
        };
        Rules::read(SMALL).unwrap().topic(said).0.to_owned()
    }

    #[test]
    fn points_are_added_by_place_once_a_term() {
        assert_eq!(told("", "v1agra soft tabs", "", ""), "a");
        assert_eq!(told("", "viagra viagra", "", ""), "other");
        assert_eq!(told("", "two words", "best-pills.example", ""), "b");
        assert_eq!(told("viagras", "", "", ""), "a");
        assert_eq!(told("soft tab", "", "", ""), "other");
    }

    #[test]
    fn a_lead_that_is_too_small_is_other() {
        assert_eq!(told("viagra", "", "", ""), "other");
    }

    #[test]
    fn an_image_over_words_is_unknown_but_for_what_the_subject_says() {
        assert_eq!(told("", "viagra in a poem of words", "", "x.gif"), "unknown");
        assert_eq!(told("soft tabs", "a poem", "", "x.gif"), "a");
    }

    #[test]
    fn too_few_words_are_unknown_and_only_the_head_of_the_text_is_looked_at() {
        assert_eq!(told("hi 12345", "ok", "", ""), "unknown");
        assert_eq!(told("hello there", "", "", ""), "other");
        assert_eq!(
            told("", &format!("{} viagra soft tabs", "word ".repeat(9)), "", ""),
            "other"
        );
    }

    #[test]
    fn the_rules_compiled_in_are_sound_and_wrong_ones_are_told() {
        assert_eq!(rules().topics, TOPICS);
        assert_eq!(rules().version, TOPICS_VERSION);
        assert!(Rules::read(&SMALL.replace("\"b\"\n", "\"c\"\n")).is_err());
        assert!(Rules::read(&SMALL.replace("soft tabs", "**")).is_err());
        assert!(Rules::read(&SMALL.replace("lead = 2", "lead = 2\nmore = 1")).is_err());
    }
}
