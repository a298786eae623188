//! The dialect of one session, from its transcript: one canonical path, the same for every session in which an engine spoke
//! in the same way, whatever the trap answered and whatever the message was.
//!
//! A path is the opening (up to the first MAIL), then the transaction that brought the message, each command as a template: its
//! words in their case, the kind of its argument, spaces and brackets as they stood, `!4` or `!5` where it was refused. What follows
//! `|` holds of the session as a whole: odd manners, then how DATA was ended. After the last `|` stands what a peer can show
//! only where it was offered (parameters, pipelining), `?` where nothing was. Left out is what depends on our answers (a
//! recipient that was put off, a transaction that failed) or on the message (eight bits, long lines, dots, the null path).
//!
//! Method: Stringhini et al., "B@bel: Leveraging Email Delivery for Spam Mitigation", USENIX Security 2012.

use super::capture::Meta;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// Commands of one path; further ones are `...`.
const STEPS: usize = 64;
/// Parameters that are named.
const PARAMETERS: usize = 8;
/// Characters of a name that a peer chose.
const NAME_CHARS: usize = 20;

/// Marks that are a manner of the engine. Others follow from the message, or stand in the path already.
const MANNERS: &[&str] = &[
    "bare_cr",
    "bare_lf",
    "chunking",
    "data_bare_cr",
    "data_bare_lf",
    "data_early",
    "early_talk",
    "http",
    "injected",
    "leading_space",
    "no_helo",
    "nul",
    "pipelined_unoffered",
    "relay_form",
    "source_route",
    "space_in_path",
    "tls_hello",
    "trailing_space",
    "unknown_command",
];

/// How a session was spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The canonical path.
    pub steps: String,
    /// Its digest, 16 hex digits.
    pub path: String,
    /// Marks and buckets of this one session, sorted.
    pub features: Vec<String>,
}

struct Step<'a> {
    at: i64,
    line: &'a str,
    code: u64,
}

/// Whether a mail server of the operator's forwarded the message: how that was said is its own manner, not the client's.
fn forwarded(transcript: &serde_json::Map<String, Value>) -> bool {
    let via = transcript.get("via").and_then(Value::as_array);
    via.is_some_and(|via| {
        via.iter()
            .any(|v| v.get("kind").and_then(Value::as_str) == Some("xforward"))
    })
}

/// The dialect of a message's session; None without a transcript, and where the client did not speak itself.
pub fn dialect(meta: &Meta) -> Option<Spoken> {
    let transcript = meta.transcript.as_ref()?.as_object()?;
    if forwarded(transcript) {
        return None;
    }
    let mut steps: Vec<Step> = (transcript.get("steps")?.as_array()?.iter())
        .filter_map(|s| {
            Some(Step {
                at: s.get(0)?.as_i64()?,
                line: s.get(1)?.as_str()?,
                code: s.get(2)?.as_u64()?,
            })
        })
        .collect();
    // With XCLIENT a relay hands the session over; what stands before it is its own.
    let handed = |s: &Step| s.code == 220 && verb(s.line) == "XCLIENT";
    if let Some(at) = steps.iter().rposition(handed) {
        steps.drain(..=at);
    }
    let text = |key: &str| transcript.get(key).and_then(Value::as_str);
    let marks: BTreeSet<&str> = (transcript
        .get("dialect")
        .and_then(Value::as_array)
        .into_iter()
        .flatten())
    .filter_map(Value::as_str)
    .collect();
    let mut path = said(&steps, meta, &marks).join(" > ");
    let manners: Vec<&str> = MANNERS.iter().copied().filter(|m| marks.contains(m)).collect();
    path += &format!(" | {} | {}", manners.join(" "), ending(&marks, meta));
    path += &format!(" | {}", offered(transcript, &steps, &marks));
    let mut features: BTreeSet<String> = marks.iter().map(|m| name_of(m, true)).collect();
    features.insert(pace(&steps).into());
    features.insert(
        match meta.to.len() {
            0 | 1 => "rcpts_1",
            2..=9 => "rcpts_few",
            _ => "rcpts_many",
        }
        .into(),
    );
    if let Some(arm) = text("treatment") {
        features.insert(format!("arm_{}", name_of(arm, true)));
    }
    if continued(&steps, &marks) {
        features.insert("continued".into());
    }
    let mut hasher = Sha256::new();
    hasher.update(b"spamtide dialect 1\0");
    hasher.update(path.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    Some(Spoken {
        path: digest[..8].iter().map(|b| format!("{b:02x}")).collect(),
        steps: path,
        features: features.into_iter().collect(),
    })
}

/// A word that the peer chose, as it may stand in a table: few characters, none odd.
fn name_of(word: &str, lower: bool) -> String {
    let kept = word
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_');
    let kept: String = kept.take(NAME_CHARS).collect();
    if lower {
        kept.to_ascii_lowercase()
    } else {
        kept.to_ascii_uppercase()
    }
}

/// Whether an earlier message came in this session: its transcript begins with the end of that one.
fn continued(steps: &[Step], marks: &BTreeSet<&str>) -> bool {
    let greets = steps
        .iter()
        .any(|s| matches!(verb(s.line).to_ascii_uppercase().as_str(), "HELO" | "EHLO" | "LHLO"));
    !greets && !marks.contains("no_helo")
}

fn verb(line: &str) -> &str {
    line.trim_start_matches([' ', '\t'])
        .split([' ', '\t', ':'])
        .next()
        .unwrap_or("")
}

/// The commands as templates, in order.
fn said(steps: &[Step], meta: &Meta, marks: &BTreeSet<&str>) -> Vec<String> {
    let upper: Vec<String> = steps.iter().map(|s| verb(s.line).to_ascii_uppercase()).collect();
    let first = upper.iter().position(|v| v == "MAIL").unwrap_or(steps.len());
    let last = upper.iter().rposition(|v| v == "MAIL").unwrap_or(first);
    let bracket = (steps.iter().zip(&upper).skip(last))
        .find(|(_, v)| *v == "RCPT")
        .map(|(s, _)| Path::of(s.line));
    let mut tokens: Vec<String> = Vec::new();
    let goes_on = continued(steps, marks);
    if goes_on {
        tokens.push("+".into());
    }
    let taken = (steps.iter().zip(&upper).skip(last)).any(|(s, v)| v == "RCPT" && s.code < 300);
    for (i, (step, word)) in steps.iter().zip(&upper).enumerate() {
        // Between the opening and the last MAIL stand transactions that failed: the trap's doing.
        if (first..last).contains(&i) || step.line == "." {
            continue;
        }
        if word == "RCPT" && step.code >= 300 && taken {
            continue;
        }
        let token = template(step, word, meta, bracket.as_ref());
        if tokens.last() != Some(&token) {
            tokens.push(token);
        }
        if tokens.len() > STEPS {
            tokens.push("...".into());
            break;
        }
    }
    tokens
}

/// How a path was written: spaces about the colon, and brackets.
struct Path {
    before: usize,
    after: usize,
    form: &'static str,
}

impl Path {
    fn of(line: &str) -> Path {
        let (head, rest) = line.split_once(':').unwrap_or((line, ""));
        let path = rest.trim_start_matches(' ');
        Path {
            before: head.len() - head.trim_end_matches(' ').len(),
            after: rest.len() - path.len(),
            form: match (path.starts_with('<'), path.contains('>')) {
                (true, true) => "<>",
                (true, false) => "<",
                (false, true) => ">",
                (false, false) => "-",
            },
        }
    }
}

fn cased(word: &str) -> String {
    let title =
        |w: &str| w.chars().skip(1).all(|c| !c.is_ascii_uppercase()) && w.starts_with(|c: char| c.is_ascii_uppercase());
    let plain = word.chars().all(|c| c.is_ascii_uppercase() || c == ' ')
        || word.chars().all(|c| c.is_ascii_lowercase() || c == ' ')
        || word.split(' ').all(title);
    let kept: String = word
        .chars()
        .filter(|c| c.is_ascii_alphabetic() || *c == ' ')
        .take(NAME_CHARS)
        .collect();
    if plain {
        kept
    } else {
        format!("{}~", kept.to_ascii_uppercase())
    }
}

fn template(step: &Step, word: &str, meta: &Meta, rcpt: Option<&Path>) -> String {
    let line = step.line.trim_matches([' ', '\t']);
    let said = verb(line);
    let rest = line[said.len()..].trim_start_matches([' ', '\t']);
    let mut token = match word {
        "HELO" | "EHLO" | "LHLO" => format!("{} {}", cased(said), helo_kind(rest, meta)),
        "MAIL" | "RCPT" => {
            let own = Path::of(line);
            let words = cased(line.split(':').next().unwrap_or("").trim_end());
            let null = word == "MAIL" && meta.from.as_deref() == Some("");
            let form = if null {
                rcpt.map_or(own.form, |r| r.form)
            } else {
                own.form
            };
            let spaces = |n: usize| " ".repeat(n.min(2));
            format!("{words}{}:{}{form}", spaces(own.before), spaces(own.after))
        }
        "AUTH" => format!(
            "{} {}",
            cased(said),
            name_of(rest.split(' ').next().unwrap_or(""), false)
        ),
        "DATA" | "RSET" | "NOOP" | "QUIT" | "STARTTLS" | "BDAT" | "VRFY" | "EXPN" | "HELP" => cased(said),
        _ => "?".into(),
    };
    if step.code >= 400 {
        token += if step.code < 500 { " !4" } else { " !5" };
    }
    token
}

/// What kind of name a peer gave.
fn helo_kind(name: &str, meta: &Meta) -> &'static str {
    let name = name.trim_matches([' ', '\t']);
    let domain = |address: &str| address.rsplit_once('@').map(|(_, d)| d.to_ascii_lowercase());
    let lower = name.to_ascii_lowercase();
    let peer: Option<IpAddr> = meta.peer.as_deref().and_then(|p| p.parse().ok());
    let whose = |address: Option<IpAddr>, own: &'static str, other: &'static str| {
        if address.is_some() && address == peer {
            own
        } else {
            other
        }
    };
    if name.is_empty() {
        return "empty";
    }
    if let Ok(address) = name.parse::<Ipv4Addr>() {
        return whose(Some(address.into()), "address", "other-address");
    }
    if let Some(inner) = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        let address = inner.strip_prefix("IPv6:").unwrap_or(inner).parse().ok();
        return whose(address, "literal", "other-literal");
    }
    if lower == "localhost" || lower.starts_with("localhost.") {
        return "localhost";
    }
    if meta.to.iter().any(|t| domain(t).as_deref() == Some(&lower)) {
        return "recipient";
    }
    if meta.from.as_deref().and_then(domain).as_deref() == Some(&lower) {
        return "sender";
    }
    if lower.contains('_') {
        return "underscore";
    }
    if !lower
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    {
        return "odd";
    }
    if lower.trim_end_matches('.').contains('.') {
        "fqdn"
    } else {
        "label"
    }
}

/// How DATA was ended: `.`, or what its end looked like.
fn ending(marks: &BTreeSet<&str>, meta: &Meta) -> String {
    let odd: Vec<String> = marks
        .iter()
        .filter(|m| m.starts_with("end_"))
        .map(|m| name_of(m, true))
        .collect();
    match (odd.is_empty(), meta.marks.iter().any(|m| m == "unfinished")) {
        (false, _) => odd.join(" "),
        (true, true) if !meta.marks.iter().any(|m| m == "simulated") => "cut".into(),
        _ => ".".into(),
    }
}

/// What the peer made of what it was offered.
fn offered(transcript: &serde_json::Map<String, Value>, steps: &[Step], marks: &BTreeSet<&str>) -> String {
    let extended = steps
        .iter()
        .any(|s| verb(s.line).eq_ignore_ascii_case("EHLO") && s.code < 300);
    let bare = transcript.get("treatment").and_then(Value::as_str) == Some("bare-ehlo");
    let mut shown: Vec<String> = Vec::new();
    let parameters = transcript.get("parameters").and_then(Value::as_array);
    for row in parameters.into_iter().flatten() {
        let Some(key) = row.get(1).and_then(Value::as_str) else {
            continue;
        };
        let of_mail = row.get(0).is_none_or(Value::is_null);
        let key = format!("{}{}", if of_mail { "" } else { "rcpt." }, name_of(key, false));
        if !shown.contains(&key) && shown.len() < PARAMETERS {
            shown.push(key);
        }
    }
    if marks.contains("pipelined") {
        shown.push("pipelined".into());
    }
    let ja4 = transcript
        .get("handshake")
        .and_then(|h| h.get("hello")?.get("ja4")?.as_str());
    if let Some(ja4) = ja4 {
        let kept: String = ja4
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(40)
            .collect();
        shown.push(format!("tls:{kept}"));
    }
    if shown.is_empty() && extended && bare {
        return "?".into();
    }
    shown.join(" ")
}

/// The middle of the times from one command to the next, coarsely: the way to the trap is part of it.
fn pace(steps: &[Step]) -> &'static str {
    let mut gaps: Vec<i64> = steps.windows(2).map(|w| w[1].at - w[0].at).collect();
    gaps.sort_unstable();
    match gaps.get(gaps.len() / 2) {
        Some(..1_000_000) => "pace_quick",
        Some(..10_000_000) => "pace_slow",
        Some(_) => "pace_late",
        None => "pace_unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meta(transcript: Value) -> Meta {
        Meta {
            from: Some("a@sender.example".into()),
            to: vec!["u@trap.example".into()],
            peer: Some("192.0.2.1".into()),
            transcript: Some(transcript),
            ..Meta::default()
        }
    }

    fn steps(lines: &[(&str, u16)]) -> Value {
        let steps: Vec<Value> = lines
            .iter()
            .enumerate()
            .map(|(i, (l, c))| json!([i * 1000, l, c]))
            .collect();
        json!({"steps": steps, "dialect": []})
    }

    const USUAL: &[(&str, u16)] = &[
        ("EHLO amber-1f", 250),
        ("MAIL FROM:<a@sender.example> SIZE=9", 250),
        ("RCPT TO:<u@trap.example>", 250),
        ("DATA", 354),
    ];

    #[test]
    fn a_path_reads_as_what_was_said() {
        let found = dialect(&meta(steps(USUAL))).unwrap();
        assert_eq!(found.steps, "EHLO label > MAIL FROM:<> > RCPT TO:<> > DATA |  | . | ");
        assert_eq!(found.path.len(), 16);
        let other = dialect(&meta(steps(&[
            ("helo 192.0.2.1", 250),
            ("Mail From: a@sender.example", 250),
            ("rCPT to : <u@trap.example>", 250),
            ("data", 354),
        ])));
        assert_eq!(
            other.unwrap().steps,
            "helo address > Mail From: - > RCPT TO~ : <> > data |  | . | "
        );
        assert!(dialect(&Meta::default()).is_none());
    }

    #[test]
    fn what_the_trap_put_off_is_not_in_the_path() {
        let plain = dialect(&meta(steps(USUAL))).unwrap();
        let mut lines = USUAL.to_vec();
        lines.insert(2, ("RCPT TO:<first@trap.example>", 451));
        assert_eq!(dialect(&meta(steps(&lines))).unwrap(), plain);
        let mut failed = vec![USUAL[0], USUAL[1], ("RCPT TO:<first@trap.example>", 451), ("RSET", 250)];
        failed.extend(&USUAL[1..]);
        assert_eq!(dialect(&meta(steps(&failed))).unwrap().steps, plain.steps);
        let mut refused = vec![("EHLO amber-1f", 502), ("HELO amber-1f", 250)];
        refused.extend(&USUAL[1..]);
        assert!(dialect(&meta(steps(&refused)))
            .unwrap()
            .steps
            .starts_with("EHLO label !5 > HELO label"));
    }

    #[test]
    fn nothing_offered_is_not_the_same_as_nothing_taken() {
        let mut transcript = steps(USUAL);
        transcript["treatment"] = json!("bare-ehlo");
        assert!(dialect(&meta(transcript.clone())).unwrap().steps.ends_with("| ?"));
        transcript["treatment"] = json!("long-ehlo");
        transcript["parameters"] = json!([[null, "SIZE", "9"], [0, "NOTIFY", "NEVER"]]);
        assert!(dialect(&meta(transcript))
            .unwrap()
            .steps
            .ends_with("| SIZE rcpt.NOTIFY"));
    }

    #[test]
    fn a_later_message_of_a_session_says_so() {
        let later = [(".", 250), ("RSET", 250), USUAL[1], USUAL[2], USUAL[3]];
        let found = dialect(&meta(steps(&later))).unwrap();
        assert!(found.steps.starts_with("+ > RSET > MAIL FROM:<>"));
        assert!(found.features.contains(&"continued".to_owned()));
    }

    #[test]
    fn any_transcript_is_read_without_a_panic() {
        for odd in [
            json!(null),
            json!([]),
            json!({"steps": 3}),
            json!({"steps": [[1], ["x", "y", "z"], [1, "MAIL", 250], [2, ":", 1], [3, "\u{e9}\u{e9} :", 999]], "dialect": [1]}),
            json!({"steps": [], "parameters": [1, [2]], "handshake": 4}),
        ] {
            let _ = dialect(&meta(odd));
        }
    }

    #[test]
    fn the_null_path_is_written_as_the_recipient_is() {
        let mut bounce = meta(steps(&[
            ("HELO x", 250),
            ("MAIL FROM:<>", 250),
            ("RCPT TO:u@trap.example", 250),
            ("DATA", 354),
        ]));
        bounce.from = Some(String::new());
        assert!(dialect(&bounce).unwrap().steps.contains("MAIL FROM:- > RCPT TO:-"));
    }
}
