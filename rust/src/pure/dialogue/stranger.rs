//! Relay bait takes mail for strangers. Their local parts are none of our business: from the moment they are read a keyed
//! hash stands in their place, in envelope, transcript and parameters. The raw message is kept as it came.

use super::bounds::Bound;
use super::command::Command;
use super::keyed::{keyed, short};
use super::lives::Life;
use super::path::{self, text, Path};
use super::states::Word;
use super::Dialogue;
use std::collections::BTreeSet;

/// The address with a hash for its local part; the same address has the same hash.
pub fn masked(secret: &[u8; 32], address: &str) -> String {
    if address.is_empty() {
        return String::new();
    }
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let domain = domain.to_lowercase();
    let hash = keyed(
        secret,
        "stranger",
        &[local.to_lowercase().as_bytes(), domain.as_bytes()],
    );
    // Whatever is no plain domain might be a local part in disguise.
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':');
    if domain.is_empty() || !domain.chars().all(plain) {
        return format!("h-{}", short(&hash));
    }
    format!("h-{}@{domain}", short(&hash))
}

/// Parameters without what could name somebody: values of all but a few keys are their length.
pub fn parameters(given: &[(String, Option<String>)]) -> Vec<(String, Option<String>)> {
    let known = ["SIZE", "BODY", "RET", "NOTIFY", "SMTPUTF8", "ORCPT", "ENVID", "AUTH"];
    let kept = |(key, value): &(String, Option<String>)| {
        let harmless = match (key.as_str(), value.as_deref()) {
            ("SIZE", Some(v)) => v.bytes().all(|b| b.is_ascii_digit()),
            ("BODY" | "RET" | "NOTIFY", Some(v)) => v.bytes().all(|b| b.is_ascii_alphanumeric() || b == b','),
            (_, value) => value.is_none(),
        };
        let key = if known.contains(&key.as_str()) {
            key.clone()
        } else {
            format!("*{}", key.len())
        };
        let value = value
            .as_ref()
            .map(|v| if harmless { v.clone() } else { format!("*{}", v.len()) });
        (key, value)
    };
    given.iter().map(kept).collect()
}

/// The name of a HELO, or its length where it may be an address of somebody.
pub fn name(helo: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'[' | b']' | b':' | b'_');
    if helo.iter().all(plain) {
        text(helo)
    } else {
        format!("*{}", helo.len())
    }
}

/// A command line for the transcript: its verb, and of its argument only what names nobody. `path`: the path of a MAIL or RCPT, its
/// address masked already.
pub fn line(raw: &[u8], command: &Command, path: Option<&Path>) -> Vec<u8> {
    let argument = command.argument.unwrap_or(b"");
    let verb = match command.word {
        Word::Helo => "HELO",
        Word::Ehlo => "EHLO",
        Word::Lhlo => "LHLO",
        Word::Mail => "MAIL FROM:",
        Word::Rcpt => "RCPT TO:",
        Word::Data => "DATA",
        Word::Bdat => "BDAT",
        Word::Rset => "RSET",
        Word::Noop => "NOOP",
        Word::Vrfy => "VRFY",
        Word::Expn => "EXPN",
        Word::Help => "HELP",
        Word::StartTls => "STARTTLS",
        Word::Quit => "QUIT",
        _ => return format!("*{}", raw.len()).into_bytes(),
    };
    let rest = match (command.word, path) {
        (Word::Helo | Word::Ehlo | Word::Lhlo, _) => format!(" {}", name(argument)),
        (Word::Mail | Word::Rcpt, Some(path)) => {
            let more: String = parameters(&path.parameters)
                .iter()
                .map(|(k, v)| v.as_ref().map_or(format!(" {k}"), |v| format!(" {k}={v}")))
                .collect();
            format!("<{}>{more}", path.address)
        }
        (Word::Bdat, _) if argument.iter().all(|b| b.is_ascii_digit() || b" LASTlast".contains(b)) => {
            format!(" {}", text(argument))
        }
        (_, _) if argument.is_empty() => String::new(),
        _ => format!(" *{}", argument.len()),
    };
    format!("{verb}{rest}").into_bytes()
}

impl Dialogue {
    /// What the transcript of a relay bait keeps of a line.
    pub(super) fn kept_of_stranger(&self, raw: &[u8], command: &Command) -> Vec<u8> {
        let path = match command.word {
            Word::Mail | Word::Rcpt => command.argument.and_then(|a| path::parse(a, &mut BTreeSet::new())),
            _ => None,
        };
        let path = path.map(|path| Path {
            address: self.shown(command.word, path.address),
            ..path
        });
        line(raw, command, path.as_ref())
    }

    /// An address as it is written down: at a relay bait a stranger's has a hash for its local part.
    pub(super) fn shown(&self, word: Word, address: String) -> String {
        let lives = self.settings.addresses.as_ref();
        let ours = word == Word::Rcpt && lives.and_then(|l| l.of(&address)).is_some_and(Life::accepts);
        match self.settings.bait && !ours {
            true => masked(&self.settings.user_key, &address),
            false => address,
        }
    }

    pub(super) fn note_parameters(&mut self, recipient: Option<usize>, given: &[(String, Option<String>)]) {
        let bound = self.settings.bounds.of(Bound::TranscriptBytes);
        match self.settings.bait {
            true => self.transcript.parameters(recipient, &parameters(given), bound),
            false => self.transcript.parameters(recipient, given, bound),
        }
    }
}
