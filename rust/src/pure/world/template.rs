//! The template of a campaign: a name, subjects and lines of its own. A variant reads each line in one of two ways, leaves one
//! out perhaps, and so keeps most of what the others have.

use super::grammar::expand;
use super::philox::Draw;
use super::phrases::{self, Tongue};
use super::wordlist::name;

/// Lines of a template's own.
const LINES: usize = 6;
const TOPICS: [&str; 4] = ["pharma", "replica", "casino", "loan"];

/// What a variant takes from its campaign's template.
pub struct Reading {
    /// Subject; `%w%` where a word of the trade goes.
    pub subject: String,
    /// Lines of the body, macros not yet filled.
    pub lines: Vec<String>,
}

/// The template drawn from `own`, numbers of the campaign, as `variant` reads it. `own` is used up alike by each variant.
pub fn read(topic: &str, tongue: &'static Tongue, own: &mut Draw, variant: &mut Draw) -> Reading {
    let names: [String; 3] = std::array::from_fn(|_| called(tongue, own));
    let subject = subject(topic, tongue, &names[0], own, variant);
    let mut frames: Vec<&str> = tongue.frames.to_vec();
    let mut lines: Vec<String> = (0..LINES.min(frames.len()))
        .map(|_| {
            let frame = frames.swap_remove(own.below(frames.len()));
            let name = &names[own.below(names.len())];
            let mut nouns: [&str; 3] = std::array::from_fn(|_| own.of(tongue.nouns));
            let (place, other) = (own.below(3), own.of(tongue.nouns));
            if variant.below(2) == 1 {
                nouns[place] = other;
            }
            said(frame, name, nouns)
        })
        .collect();
    // What other campaigns say as well.
    let common = expand(own.of(tongue.lines), own);
    lines.insert(own.below(lines.len()), common);
    let left_out = variant.below(2 * lines.len());
    if left_out < lines.len() {
        lines.remove(left_out);
    }
    Reading { subject, lines }
}

/// A line in the manner of a template's own that stands in no template.
pub fn line(tongue: &'static Tongue, draw: &mut Draw) -> String {
    let frame = draw.of(tongue.frames);
    let name = called(tongue, draw);
    said(frame, &name, std::array::from_fn(|_| draw.of(tongue.nouns)))
}

/// A name of a campaign's own: a made-up word, in scripts without spaces a house called by two nouns.
fn called(tongue: &Tongue, draw: &mut Draw) -> String {
    if matches!(tongue.code, "zh" | "zh-tw" | "ja") {
        return format!("{}{}堂", draw.of(tongue.nouns), draw.of(tongue.nouns));
    }
    let mut out = name(draw);
    out[..1].make_ascii_uppercase();
    out
}

/// Two subjects serve a campaign; both have its name, at a place of the campaign's.
fn subject(topic: &str, tongue: &'static Tongue, name: &str, own: &mut Draw, variant: &mut Draw) -> String {
    let topic = TOPICS.iter().position(|t| *t == topic).unwrap_or(3);
    let subjects: &[&str] = match (tongue.code, topic) {
        ("en", 0) => &phrases::PHARMA,
        ("en", 1) => &phrases::REPLICA,
        ("en", 2) => &phrases::CASINO,
        ("en", _) => &phrases::LOAN,
        _ => tongue.subjects,
    };
    let two: [String; 2] = std::array::from_fn(|_| expand(own.of(subjects), own));
    let offered = if topic == 0 { "%w%" } else { tongue.goods[topic] };
    let said = two[variant.below(2)].replace("%p%", offered);
    match own.below(3) {
        0 => format!("{name}: {said}"),
        1 => format!("{said} ({name})"),
        _ => format!("{said} - {name}"),
    }
}

/// A frame with its name and nouns.
fn said(frame: &str, name: &str, nouns: [&str; 3]) -> String {
    let mut out = String::with_capacity(frame.len() + 32);
    let mut parts = frame.split('%');
    out.push_str(parts.next().unwrap_or(""));
    while let (Some(which), Some(text)) = (parts.next(), parts.next()) {
        out.push_str(match which {
            "1" => nouns[0],
            "2" => nouns[1],
            "3" => nouns[2],
            _ => name,
        });
        out.push_str(text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::philox::key;
    use super::super::phrases::TONGUES;
    use super::*;
    use std::collections::BTreeSet;

    fn reading(campaign: u64, variant: u64, tongue: &'static Tongue) -> Reading {
        let mut own = Draw::new(key(&["own"]), [campaign, 0, 0]);
        let mut of = Draw::new(key(&["variant"]), [campaign, variant, 0]);
        read("pharma", tongue, &mut own, &mut of)
    }

    #[test]
    fn variants_share_most_lines_and_campaigns_hardly_any() {
        for tongue in &TONGUES {
            let lines = |campaign, variant| -> BTreeSet<String> {
                reading(campaign, variant, tongue).lines.into_iter().collect()
            };
            let (mut within, mut between) = (0, 0);
            for i in 0..100u64 {
                within += lines(i, 0).intersection(&lines(i, 1)).count();
                between += lines(i, 0).intersection(&lines(i + 1, 0)).count();
            }
            assert!(within > 250, "{}: {within}", tongue.code);
            assert!(between < 25, "{}: {between}", tongue.code);
        }
    }

    #[test]
    fn a_campaign_has_its_name_in_every_subject() {
        let subjects: BTreeSet<String> = (0..50).map(|v| reading(7, v, &TONGUES[0]).subject).collect();
        assert!(subjects.len() == 2 || subjects.len() == 1, "{subjects:?}");
        let own = called(&TONGUES[0], &mut Draw::new(key(&["own"]), [7, 0, 0]));
        assert!(
            subjects.iter().all(|s| s.contains(&own) && s.contains("%w%")),
            "{subjects:?}"
        );
    }

    #[test]
    fn frames_have_no_three_fixed_words_in_a_row() {
        for tongue in TONGUES.iter().filter(|t| !t.code.starts_with("zh") && t.code != "ja") {
            for frame in tongue.frames {
                let words: Vec<bool> = frame.split_whitespace().map(|w| w.contains('%')).collect();
                assert!(words.windows(3).all(|w| w.contains(&true)), "{frame}");
                assert_eq!(frame.matches('%').count(), 8, "{frame}");
            }
        }
    }
}
