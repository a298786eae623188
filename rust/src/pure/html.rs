//! HTML to what a person would see, what is hidden from them, and the links. Linear in the input; memory is bounded.
//!
//! Hidden: script, style, head and the like; the `hidden` attribute; display:none, visibility:hidden, a font of zero or
//! one pixel, no opacity; text in the colour of the ground it stands on.

use super::limits;
use lol_html::{doc_text, element, HtmlRewriter, MemorySettings, Settings};
use std::cell::RefCell;
use std::rc::Rc;

/// What an HTML part says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Visible text.
    pub visible: String,
    /// Text that a reader does not see, without scripts and styles.
    pub hidden: String,
    /// Links in order: href, src, action.
    pub links: Vec<String>,
    /// True when a bound was met.
    pub in_part: bool,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// Open elements that hide their content, and of those the ones whose text is code.
    hiding: usize,
    code: usize,
    ground: String,
}

fn blocky(tag: &str) -> bool {
    matches!(
        tag,
        "p" | "div"
            | "br"
            | "tr"
            | "td"
            | "th"
            | "li"
            | "ul"
            | "ol"
            | "table"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "center"
            | "blockquote"
            | "pre"
            | "form"
            | "option"
            | "title"
            | "dt"
            | "dd"
            | "section"
            | "article"
    )
}

/// Colours in one form: `white`, `#FFF`, `#ffffff`, `rgb(255,255,255)` are equal.
fn colour(value: &str) -> String {
    let v: String = value
        .trim()
        .to_ascii_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    match v.as_str() {
        "white" | "#fff" | "rgb(255,255,255)" | "ffffff" => "#ffffff".into(),
        "black" | "#000" | "rgb(0,0,0)" | "000000" => "#000000".into(),
        _ => v,
    }
}

struct Style {
    hides: bool,
    ink: Option<String>,
    ground: Option<String>,
}

fn style_of(style: &str) -> Style {
    let mut out = Style {
        hides: false,
        ink: None,
        ground: None,
    };
    for declaration in style.split(';') {
        let Some((name, value)) = declaration.split_once(':') else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
        match name.as_str() {
            "display" => out.hides |= value.starts_with("none"),
            "visibility" => out.hides |= value.starts_with("hidden"),
            "opacity" => out.hides |= value.parse::<f32>().is_ok_and(|o| o < 0.05),
            "font-size" => {
                let number: String = value.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
                let unit = value[number.len()..].trim();
                out.hides |= number
                    .parse::<f32>()
                    .is_ok_and(|n| n == 0.0 || (n <= 1.0 && matches!(unit, "px" | "pt")));
            }
            "color" => out.ink = Some(colour(&value)),
            "background-color" | "background" => out.ground = Some(colour(&value)),
            _ => {}
        }
    }
    out
}

impl State {
    fn put(&mut self, text: &str) {
        let target = if self.hiding == 0 {
            &mut self.seen.visible
        } else {
            &mut self.seen.hidden
        };
        if target.len() + text.len() > limits::TEXT_BYTES {
            self.seen.in_part = true;
            return;
        }
        if text.contains('&') {
            target.push_str(&html_escape::decode_html_entities(text));
        } else {
            target.push_str(text);
        }
    }
}

/// Read one HTML part, already decoded to text.
pub fn read_html(html: &str) -> Seen {
    let mut in_part = false;
    let mut html = html;
    if html.len() > limits::HTML_BYTES {
        let mut end = limits::HTML_BYTES;
        while !html.is_char_boundary(end) {
            end -= 1;
        }
        html = &html[..end];
        in_part = true;
    }
    let state = Rc::new(RefCell::new(State {
        ground: "#ffffff".into(),
        ..State::default()
    }));
    let for_elements = Rc::clone(&state);
    let on_element = move |el: &mut lol_html::html_content::Element<'_, '_>| {
        let tag = el.tag_name();
        let mut guard = for_elements.borrow_mut();
        let s = &mut *guard;
        let bare = el.attributes().is_empty();
        for name in ["href", "src", "action", "background"] {
            if bare {
                break;
            }
            if let Some(value) = el.get_attribute(name) {
                if name == "background" && !value.contains("://") {
                    continue;
                }
                if s.seen.links.len() >= limits::LINKS {
                    s.seen.in_part = true;
                } else if tag != "base" {
                    s.seen
                        .links
                        .push(html_escape::decode_html_entities(value.trim()).into_owned());
                }
            }
        }
        if blocky(&tag) {
            s.put("\n");
        }
        let code = matches!(tag.as_str(), "script" | "style" | "template" | "noframes");
        let mut hides = code || tag == "head" || (!bare && el.has_attribute("hidden"));
        if bare && !hides {
            return Ok(());
        }
        let style = el.get_attribute("style").map(|v| style_of(&v));
        let bg = el
            .get_attribute("bgcolor")
            .map(|v| colour(&v))
            .or(style.as_ref().and_then(|v| v.ground.clone()));
        let ink = if tag == "font" {
            el.get_attribute("color").map(|v| colour(&v))
        } else {
            None
        };
        let ink = style.as_ref().and_then(|v| v.ink.clone()).or(ink);
        hides |= style.as_ref().is_some_and(|v| v.hides);
        if let Some(bg) = bg {
            s.ground = bg;
        }
        hides |= ink.is_some_and(|ink| ink == s.ground);
        hides |= tag == "font" && el.get_attribute("size").is_some_and(|v| v.trim() == "0");
        if hides && el.can_have_content() {
            s.hiding += 1;
            s.put(" ");
            s.code += usize::from(code);
            drop(guard);
            let at_end = Rc::clone(&for_elements);
            el.on_end_tag(Box::new(move |_| {
                let mut s = at_end.borrow_mut();
                s.hiding = s.hiding.saturating_sub(1);
                s.code -= usize::from(code && s.code > 0);
                Ok(())
            }))?;
        }
        Ok(())
    };
    let for_text = Rc::clone(&state);
    let settings = Settings::new()
        .append_element_content_handler(element!("*", on_element))
        .append_document_content_handler(doc_text!(move |chunk| {
            let mut s = for_text.borrow_mut();
            if s.code == 0 {
                s.put(chunk.as_str());
            }
            Ok(())
        }))
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(8 << 20))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let whole = rewriter.write(html.as_bytes()).is_ok() && rewriter.end().is_ok();
    let mut seen = std::mem::take(&mut state.borrow_mut().seen);
    seen.in_part |= in_part || !whole;
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_told_from_what_is_seen() {
        let seen = read_html(
            "<html><head><title>t</title></head><body>Buy <b>now</b>&amp;here<div style='display:none'>bus<i>ter</i></div>\
             <font color=white>poem</font><a href='http://x.example/?a=1&amp;b=2'>go</a><script>x()</script> end",
        );
        assert_eq!(
            seen.visible.split_whitespace().collect::<Vec<_>>().join(" "),
            "Buy now&here go end"
        );
        assert_eq!(
            seen.hidden.split_whitespace().collect::<Vec<_>>().join(" "),
            "t buster poem"
        );
        assert_eq!(seen.links, ["http://x.example/?a=1&b=2"]);
    }

    #[test]
    fn deep_nesting_is_linear() {
        let html = "<div>".repeat(60_000) + "x";
        assert_eq!(read_html(&html).visible.trim(), "x");
    }
}
