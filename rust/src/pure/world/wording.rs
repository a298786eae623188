//! The wordings of a campaign: each variant a subject and lines, read out of the campaign's template, and drifting as days go by.

use super::grammar::expand;
use super::philox::{key, place, Draw, Key};
use super::phrases::{self, tongue, Tongue};
use super::spec::GroupSpec;
use super::template;
use super::wordlist::{sentence, words};

/// One wording, its macros not yet filled.
pub struct Wording {
    /// Language.
    pub tongue: &'static Tongue,
    /// Number of its template among the campaign's: that of the language.
    pub template: u64,
    /// Charset it is sent in.
    pub charset: &'static str,
    /// Subject; `%w%` where a word of the trade goes.
    pub subject: String,
    /// Lines of the body, the link apart.
    pub lines: Vec<String>,
}

/// What the wordings of a group's campaigns depend on.
pub struct Words {
    campaigns: Key,
    family: Option<Key>,
}

/// Purpose of the numbers that a campaign's template is drawn from.
const TEMPLATE: u64 = 3_000;

impl Words {
    /// Of one group of a world.
    pub fn new(seed: u64, group: &GroupSpec) -> Self {
        let seed = seed.to_string();
        Words {
            campaigns: key(&["campaign", &seed, &group.name]),
            family: group.family.as_ref().map(|f| key(&["family", &seed, f])),
        }
    }

    /// Numbers of a campaign for a purpose of its own.
    pub fn numbers(&self, campaign: u64, purpose: u64) -> Draw {
        Draw::new(self.campaigns, [u64::MAX - purpose, campaign, 0])
    }

    /// The wording of a variant, `drifted` lines changed since the campaign began.
    pub fn wording(&self, group: &GroupSpec, campaign: u64, variant: usize, drifted: u64) -> Wording {
        let mut draw = Draw::new(self.campaigns, [variant as u64, campaign, 0]);
        let sums: Vec<f64> = group.languages.iter().map(|l| l.1).collect();
        let tongue = tongue(
            group
                .languages
                .get(place(&sums, draw.unit()))
                .map_or("en", |l| l.0.as_str()),
        );
        let charset = draw.of(tongue.charsets);
        // One template a language, if a campaign speaks several.
        let template = phrases::TONGUES.iter().position(|t| t.code == tongue.code).unwrap_or(0) as u64;
        let mut own = self.numbers(campaign, TEMPLATE + template);
        let template::Reading {
            mut subject,
            lines: read,
        } = template::read(&group.topic, tongue, &mut own, &mut draw);
        let disguise = draw.unit();
        if disguise < group.homoglyph {
            subject = look_alike(&subject, &mut draw);
        } else if disguise < group.homoglyph + group.misspelt {
            subject = misspell(&subject, &mut draw);
        }
        let mut lines = vec![tongue.hello.to_owned()];
        lines.extend(read);
        // Words that make the variant its own.
        lines.push(sentence(&mut draw, 3) + ".");
        for step in 1..=drifted {
            let mut later = Draw::new(self.campaigns, [variant as u64, campaign, step]);
            let line = template::line(tongue, &mut later);
            lines[1 + (step as usize - 1) % 4] = format!("{line} {}.", sentence(&mut later, 2));
        }
        if let Some(family) = self.family {
            for place in 0..3 {
                let mut own = Draw::new(family, [place, 0, 0]);
                let text = phrases::BOILERPLATE[own.below(phrases::BOILERPLATE.len())];
                lines.push(expand(text, &mut own));
            }
        }
        Wording {
            tongue,
            template,
            charset,
            subject,
            lines,
        }
    }
}

/// Some letters replaced by letters of other alphabets that look like them.
fn look_alike(text: &str, draw: &mut Draw) -> String {
    const LIKE: [(char, char); 10] = [
        ('a', 'а'),
        ('e', 'е'),
        ('o', 'о'),
        ('p', 'р'),
        ('c', 'с'),
        ('x', 'х'),
        ('y', 'у'),
        ('i', 'і'),
        ('s', 'ѕ'),
        ('j', 'ј'),
    ];
    let mut inside = false;
    text.chars()
        .map(|c| {
            // What stands between percent signs is a name, not text.
            inside ^= c == '%';
            match LIKE.iter().find(|l| l.0 == c) {
                Some(like) if !inside && draw.unit() < 0.4 => like.1,
                _ => c,
            }
        })
        .collect()
}

/// One word with two letters changed about, a letter doubled or one left out.
fn misspell(text: &str, draw: &mut Draw) -> String {
    let mut parts: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let long: Vec<usize> = (0..parts.len())
        .filter(|i| parts[*i].len() > 4 && parts[*i].bytes().all(|b| b.is_ascii_alphabetic()))
        .collect();
    if let Some(i) = (!long.is_empty()).then(|| long[draw.below(long.len())]) {
        let mut letters: Vec<char> = parts[i].chars().collect();
        let at = 1 + draw.below(letters.len() - 3);
        match draw.below(3) {
            0 => letters.swap(at, at + 1),
            1 => letters.insert(at, letters[at]),
            _ => {
                letters.remove(at);
            }
        }
        parts[i] = letters.into_iter().collect();
    }
    parts.join(" ")
}

/// A hash-buster: words that make a text like no other.
pub fn hash_buster(draw: &mut Draw) -> String {
    words(draw, 12)
}
