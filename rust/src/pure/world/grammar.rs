//! Template grammars. `{a|b|{c|d}}` is a choice made once for a variant; `%who%` and its like are filled anew in each message.
//!
//! What is filled is of the kinds that masking replaces, so that two messages of one variant are exact copies; the rest of a
//! template is what makes an exact group.

use super::philox::Draw;

/// What is filled into a message.
#[derive(Clone, Debug, Default)]
pub struct Fills {
    /// Local part of the first recipient.
    pub who: String,
    /// A link.
    pub url: String,
    /// A number of two digits.
    pub number: String,
    /// A token that carries no word.
    pub token: String,
    /// An address of someone else.
    pub address: String,
    /// An IPv4 address.
    pub ip: String,
}

/// The template with every choice made.
pub fn expand(template: &str, draw: &mut Draw) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let (choices, after) = choices(&rest[open + 1..]);
        let chosen = choices[draw.below(choices.len())];
        out.push_str(&expand(chosen, draw));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The alternatives up to the brace that closes them, and what follows it.
fn choices(text: &str) -> (Vec<&str>, &str) {
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                found.push(&text[from..i]);
                return (found, &text[i + 1..]);
            }
            b'}' => depth -= 1,
            b'|' if depth == 0 => {
                found.push(&text[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    found.push(&text[from..]);
    (found, "")
}

/// The text of one message: every `%name%` replaced; a name that is none stays.
pub fn fill(template: &str, fills: &Fills) -> String {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(open) = rest.find('%') {
        out.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let value = after.find('%').and_then(|close| {
            let value = match &after[..close] {
                "who" => &fills.who,
                "url" => &fills.url,
                "n" => &fills.number,
                "token" => &fills.token,
                "address" => &fills.address,
                "ip" => &fills.ip,
                _ => return None,
            };
            Some((value, close))
        });
        match value {
            Some((value, close)) => {
                out.push_str(value);
                rest = &after[close + 1..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::philox::key;
    use super::*;

    #[test]
    fn choices_nest_and_each_is_made() {
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..200 {
            let mut draw = Draw::new(key(&["t"]), [i, 0, 0]);
            seen.insert(expand("a {b|{c|d} e|} f", &mut draw));
        }
        let expected = ["a  f", "a b f", "a c e f", "a d e f"];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_open_brace_ends_with_the_text_and_an_unknown_name_stays() {
        let mut draw = Draw::new(key(&["t"]), [0, 0, 0]);
        assert_eq!(expand("x {y", &mut draw), "x y");
        let fills = Fills {
            who: "me".into(),
            ..Fills::default()
        };
        assert_eq!(fill("100% for %who% and %nobody%", &fills), "100% for me and %nobody%");
    }
}
