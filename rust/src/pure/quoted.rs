//! What a reply quotes is not its own: two people who answer the same letter wrote two letters.
//!
//! Lines that begin with `>` are a quotation where a line that ends in a colon introduces them ("On Monday somebody wrote:").
//! A `>` alone is any mailer's ornament, and mail that is nothing but a quotation is left as it is.

/// Words of its own from which on a reply is more than its quotation.
const OWN_WORDS: usize = 8;
/// Letters of what stands before the colon of a reply's subject: `Re`, `AW`, `Antw`.
const PREFIX: usize = 5;

/// The visible text without its quotations and the lines that introduce them; None where it quotes nothing or says too little itself.
pub fn unquoted(text: &str) -> Option<String> {
    if !text.contains('>') {
        return None;
    }
    let quotes = |line: &str| line.trim_start().starts_with('>');
    let lines: Vec<&str> = text.lines().collect();
    let mut own = vec![true; lines.len()];
    let mut i = 0;
    while i < lines.len() {
        if !quotes(lines[i]) {
            i += 1;
            continue;
        }
        let end = i + lines[i..]
            .iter()
            .take_while(|l| quotes(l) || l.trim().is_empty())
            .count();
        let before = (0..i).rev().find(|k| !lines[*k].trim().is_empty());
        if let Some(said) = before.filter(|k| own[*k] && lines[*k].trim_end().ends_with([':', '：'])) {
            own[said] = false;
            own[i..end].fill(false);
        }
        i = end;
    }
    if own.iter().all(|o| *o) {
        return None;
    }
    let kept: Vec<&str> = lines.iter().zip(&own).filter(|(_, o)| **o).map(|(l, _)| *l).collect();
    let kept = kept.join("\n");
    (kept.split_whitespace().count() >= OWN_WORDS).then_some(kept)
}

/// A reply's own subject: none where it is that of what it answers.
pub fn own_subject(subject: &str) -> &str {
    let answers = subject.trim_start().split_once(':').is_some_and(|(prefix, _)| {
        (1..=PREFIX).contains(&prefix.chars().count()) && prefix.chars().all(char::is_alphabetic)
    });
    if answers {
        ""
    } else {
        subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "I never asked for this and would like you to stop it";

    #[test]
    fn a_quotation_and_its_introduction_are_left_out() {
        let text = format!("{OWN}\n\nOn Monday somebody wrote:\n> buy pills\n\n> at once\nGoodbye");
        assert_eq!(unquoted(&text).unwrap(), format!("{OWN}\n\nGoodbye"));
    }

    #[test]
    fn what_nobody_introduces_is_no_quotation() {
        assert_eq!(unquoted(&format!("{OWN}\n> buy pills")), None);
        assert_eq!(unquoted(&format!("{OWN}: 5 > 4")), None);
        assert_eq!(unquoted(OWN), None);
    }

    #[test]
    fn a_letter_that_only_quotes_stays_whole() {
        assert_eq!(unquoted("Look:\n> buy pills at once from us, they are cheap"), None);
    }

    #[test]
    fn a_reply_has_the_subject_of_what_it_answers() {
        for subject in ["Re: pills", " AW: pills", "Antw: pills"] {
            assert_eq!(own_subject(subject), "");
        }
        for subject in ["Pills", "Pills for you: half price", ": x", "12: x"] {
            assert_eq!(own_subject(subject), subject);
        }
    }
}
