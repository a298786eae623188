//! Text in the order in which it is shown, where override marks turn it about: U+202E (right to left) and U+202D (left to
//! right) up to U+202C, as the Unicode bidirectional algorithm (UAX #9, X1 to X8 and L2) orders letters that are forced.
//!
//! Embeddings and isolates force nothing: a word within them reads as it is written, whichever way the line runs. So they
//! count as left to right here, and right-to-left scripts stay in the order of their letters, which is what one types.

/// Marks open in one another; what is beyond opens nothing. Each level costs one pass.
pub const DEPTH: usize = 8;

/// True when a mark in `text` forces a direction.
pub fn forced(text: &str) -> bool {
    text.contains(['\u{202d}', '\u{202e}'])
}

/// The characters of `text` with their byte offsets, in the order in which they are shown, the marks left out.
pub fn shown(text: &str) -> Vec<(usize, char)> {
    let mut line: Vec<(usize, char, u8)> = Vec::new();
    let mut out = Vec::with_capacity(text.len());
    // Open marks: the level within, and whether U+2069 closes it.
    let mut open: Vec<(u8, bool)> = Vec::new();
    let mut beyond = 0;
    for (i, c) in text.char_indices() {
        let level = open.last().map_or(0, |o| o.0);
        match c {
            '\u{202e}' => push(&mut open, &mut beyond, (level | 1) + 2 * (level & 1), false),
            '\u{202a}' | '\u{202b}' | '\u{202d}' => push(&mut open, &mut beyond, (level & !1) + 2, false),
            '\u{2066}'..='\u{2068}' => push(&mut open, &mut beyond, (level & !1) + 2, true),
            '\u{202c}' | '\u{2069}' => {
                if beyond > 0 {
                    beyond -= 1;
                } else if c == '\u{2069}' {
                    if let Some(at) = open.iter().rposition(|o| o.1) {
                        open.truncate(at);
                    }
                } else if open.last().is_some_and(|o| !o.1) {
                    open.pop();
                }
            }
            '\n' | '\r' | '\u{2029}' => {
                end_line(&mut line, &mut out);
                out.push((i, c));
                open.clear();
                beyond = 0;
            }
            _ => line.push((i, c, level)),
        }
    }
    end_line(&mut line, &mut out);
    out
}

fn push(open: &mut Vec<(u8, bool)>, beyond: &mut usize, level: u8, isolate: bool) {
    if open.len() < DEPTH && *beyond == 0 {
        open.push((level, isolate));
    } else {
        *beyond += 1;
    }
}

/// From the highest level to the lowest odd one, each run at that level or above is turned about.
fn end_line(line: &mut Vec<(usize, char, u8)>, out: &mut Vec<(usize, char)>) {
    let highest = line.iter().map(|l| l.2).max().unwrap_or(0);
    for level in (1..=highest).rev() {
        line.chunk_by_mut(|a, b| (a.2 >= level) == (b.2 >= level))
            .filter(|run| run[0].2 >= level)
            .for_each(<[_]>::reverse);
    }
    out.extend(line.drain(..).map(|(i, c, _)| (i, c)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sent: &str) -> String {
        shown(sent).into_iter().map(|s| s.1).collect()
    }

    #[test]
    fn what_is_forced_right_to_left_is_read_backwards() {
        assert_eq!(text("Buy \u{202e}argaiv\u{202c} now"), "Buy viagra now");
        assert_eq!(text("Vi\u{202e}arga\u{202d}\u{202c}\u{202c}!"), "Viagra!");
        assert_eq!(text("\u{202e}arg\u{202d}via\u{202c}\u{202c}"), "viagra");
        assert_eq!(text("\u{202e}ba\nab"), "ab\nab");
        assert_eq!(text("a\u{202a}b\u{2067}c\u{2069}d\u{202c}e"), "abcde");
        assert_eq!(text(&"\u{202e}x".repeat(500)).len(), 500);
    }
}
