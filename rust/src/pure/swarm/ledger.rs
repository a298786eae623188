//! The ledger: one line of JSON for each transaction that is over, so that what a receiver holds can be compared with it.

use serde::Serialize;

use super::outcome::{Fate, Outcome};
use super::plan::{Origin, Session};

#[derive(Serialize)]
struct Line<'a> {
    feed: &'a str,
    place: u64,
    attempt: u32,
    tries_again: bool,
    outcome: &'static str,
    code: Option<u16>,
    stage: &'static str,
    sha256: Option<String>,
    sha256_lf: Option<String>,
    bytes: Option<u64>,
    from: &'a str,
    to: Vec<&'a str>,
    refused_to: Vec<Answered<'a>>,
    bot_address: String,
    peer: String,
    dialect: &'static str,
    session: u64,
    at: String,
    world_at: String,
}

#[derive(Serialize)]
struct Answered<'a> {
    to: &'a str,
    code: Option<u16>,
}

/// What a line tells beside its outcome.
pub struct Place<'a> {
    /// Name of the feed.
    pub feed: &'a str,
    /// Where the letter comes from.
    pub origin: &'a Origin,
    /// The session as it was played.
    pub session: &'a Session,
    /// Its number, in order of connecting.
    pub number: u64,
    /// Its engine means to try again.
    pub tries_again: bool,
    /// When the outcome was decided, microseconds since 1970 UTC.
    pub at: i64,
}

/// Appends the line of one outcome.
pub fn write_line(out: &mut Vec<u8>, outcome: &Outcome, place: &Place<'_>) {
    let letter = &outcome.letter;
    let holds = matches!(
        outcome.fate,
        Fate::Acknowledged | Fate::Lost | Fate::Unheard | Fate::Unfinished
    );
    let code_of = |i: usize| outcome.recipients.get(i).copied().filter(|&c| c > 0);
    let taken = |i: usize| holds && code_of(i).is_some_and(|c| c < 300);
    let recipients = || letter.to.iter().map(String::as_str).enumerate();
    let line = Line {
        feed: place.feed,
        place: place.origin.place,
        attempt: place.session.attempt,
        tries_again: place.tries_again,
        outcome: outcome.fate.word(),
        code: Some(outcome.code).filter(|&c| c > 0),
        stage: outcome.stage.word(),
        sha256: outcome.held.map(|h| hex(&h.strict)),
        sha256_lf: outcome.held.and_then(|h| h.lenient).map(|l| hex(&l)),
        bytes: outcome.held.map(|h| h.strict_bytes),
        from: &letter.from,
        to: recipients().filter(|(i, _)| taken(*i)).map(|(_, t)| t).collect(),
        refused_to: recipients()
            .filter(|(i, _)| !taken(*i))
            .map(|(i, to)| Answered { to, code: code_of(i) })
            .collect(),
        bot_address: place.session.address.to_string(),
        peer: place.session.peer.to_string(),
        dialect: place.session.dialect.name,
        session: place.number,
        at: rfc3339(place.at),
        world_at: rfc3339(place.origin.at),
    };
    if let Ok(text) = serde_json::to_vec(&line) {
        out.extend(text);
        out.push(b'\n');
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// An instant with its microseconds, `2011-03-16T14:45:00.000001Z`.
pub fn rfc3339(at: i64) -> String {
    let (days, rest) = (at.div_euclid(86_400_000_000), at.rem_euclid(86_400_000_000));
    // Days to a date by the era of 400 years that begins on 1 March, so that leap days come last.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (second, micro) = (rest / 1_000_000, rest % 1_000_000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{micro:06}Z",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_the_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339(1_300_286_700_000_001), "2011-03-16T14:45:00.000001Z");
        assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
    }
}
