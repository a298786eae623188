//! In which language a message speaks, from its subject and visible text: trigrams and scripts (the crate `whatlang`,
//! after Cavnar and Trenkle 1994), asked for the languages of mail only, and believed only where it is sure.

use super::limits;
use whatlang::{Detector, Lang};

/// What is said where no language can be told (BCP 47).
pub const UNDETERMINED: &str = "und";

/// Languages that can be told, with their codes (ISO 639-1). Closest kin that mail cannot tell apart are left out.
pub const LANGUAGES: &[(Lang, &str)] = &[
    (Lang::Ara, "ar"),
    (Lang::Bul, "bg"),
    (Lang::Ces, "cs"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Ell, "el"),
    (Lang::Eng, "en"),
    (Lang::Spa, "es"),
    (Lang::Pes, "fa"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Heb, "he"),
    (Lang::Hin, "hi"),
    (Lang::Hrv, "hr"),
    (Lang::Hun, "hu"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Jpn, "ja"),
    (Lang::Kor, "ko"),
    (Lang::Nob, "nb"),
    (Lang::Nld, "nl"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Swe, "sv"),
    (Lang::Tha, "th"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Urd, "ur"),
    (Lang::Vie, "vi"),
    (Lang::Cmn, "zh"),
];

/// Letters of an alphabet below which nothing is said, and characters of Chinese, Japanese, Korean and Thai.
const LEAST_LETTERS: usize = 16;
const LEAST_SYLLABLES: usize = 4;

/// Words that hardly any text in English does without and that no other language on the list has as words of its own.
const ENGLISH: [&str; 20] = [
    "the", "and", "you", "your", "this", "that", "with", "are", "our", "have", "from", "will", "not", "can", "all",
    "for", "it", "be", "if", "or",
];

/// ISO 639-1 code of the language, or `und`.
pub fn language(subject: &str, visible: &str) -> &'static str {
    let sample = sample(subject, visible);
    if plainly_english(&sample) {
        return "en";
    }
    if !enough(&sample) {
        return UNDETERMINED;
    }
    let detector = Detector::with_allowlist(LANGUAGES.iter().map(|l| l.0).collect());
    let Some(found) = detector.detect(&sample).filter(|f| f.is_reliable()) else {
        return UNDETERMINED;
    };
    LANGUAGES
        .iter()
        .find(|l| l.0 == found.lang())
        .map_or(UNDETERMINED, |l| l.1)
}

/// Words of text and subject as far as the bound goes: no addresses, links, numbers or opaque tokens.
fn sample(subject: &str, visible: &str) -> String {
    let mut out = String::with_capacity(limits::LANGUAGE_CHARS + 64);
    let mut chars = 0;
    for word in visible.split_whitespace().chain(subject.split_whitespace()) {
        let n = word.chars().count();
        let words_are_apart = word.is_ascii();
        if words_are_apart && (n > 24 || word.bytes().any(|b| b.is_ascii_digit() || b"@/_=<>\\|{}".contains(&b))) {
            continue;
        }
        if chars + n > limits::LANGUAGE_CHARS {
            // A text without spaces is one long word.
            out.extend(word.chars().take(limits::LANGUAGE_CHARS - chars));
            break;
        }
        out.push_str(word);
        out.push(' ');
        chars += n + 1;
        if chars >= limits::LANGUAGE_CHARS {
            break;
        }
    }
    out
}

fn enough(sample: &str) -> bool {
    let (mut letters, mut syllables) = (0, 0);
    for c in sample.chars().filter(|c| c.is_alphabetic()) {
        match u32::from(c) {
            0x0e00..=0x0e7f | 0x1100..=0x11ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af => syllables += 1,
            _ => letters += 1,
        }
    }
    letters >= LEAST_LETTERS || syllables >= LEAST_SYLLABLES
}

/// At least eight of its words, and an eighth of all, are English function words. A shortcut for most of the mail there
/// is, and right where names and product codes drown the trigrams.
fn plainly_english(sample: &str) -> bool {
    let (mut words, mut english) = (0, 0);
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()) {
        words += 1;
        english += usize::from(word.len() <= 4 && ENGLISH.iter().any(|e| e.eq_ignore_ascii_case(word)));
    }
    english >= 8 && english * 8 >= words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_speaks_its_language_and_noise_none() {
        let english =
            "Dear friend, this is the offer that you have been waiting for, and it can be yours if you want it";
        assert_eq!(language("", english), "en");
        assert_eq!(
            language(
                "",
                "Guten Tag, wir haben Ihnen die Rechnung für den Monat März geschickt"
            ),
            "de"
        );
        assert_eq!(language("", "您的邮箱存储空间已满，请立即登录"), "zh");
        for noise in ["", "x", "12345 67890", "http://a.example/b?c=d", "qzx jvkw"] {
            assert_eq!(language("", noise), UNDETERMINED, "{noise}");
        }
    }

    #[test]
    fn a_text_without_spaces_is_bounded() {
        assert!(sample("", &"邮".repeat(100_000)).chars().count() <= limits::LANGUAGE_CHARS);
    }
}
