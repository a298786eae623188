//! What a sender said to the trap: its engine's own client plays a session with the trap's own dialogue, both without I/O, and
//! the transcript is the one that the trap would have kept.
//!
//! One session a message, whatever its engine gathers; the path to the trap takes a while of its own. The message that stands in
//! the record is the world's: what an engine does to dots and line ends shows in the marks of the transcript alone.

use super::philox::Draw;
use crate::pure::dialogue::memory::Memory;
use crate::pure::dialogue::{Dialogue, Event, Settings};
use crate::pure::swarm::client::{Client, Step};
use crate::pure::swarm::dialects::{Dialect, Name};
use crate::pure::swarm::outcome::Letter;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex};

/// Longest wait of an engine for a reply, microseconds; its own may be shorter.
const WAIT_US: u64 = 300_000_000;
/// Turns after which a session that does not end is given up.
const TURNS: usize = 10_000;

/// What a sender calls itself. `own` is the name that the world gave it; a word of an engine's making is that name too, so that a
/// host that keeps its name keeps it whatever its engine.
pub fn called(dialect: &Dialect, own: String, peer: &str, to: &[String]) -> String {
    match dialect.called {
        Name::Own | Name::Word => own,
        Name::Underscore => format!("pc_{own}"),
        Name::Localhost => "localhost".into(),
        Name::Address => peer.to_owned(),
        Name::Literal if peer.contains(':') => format!("[IPv6:{peer}]"),
        Name::Literal => format!("[{peer}]"),
        Name::Recipient => {
            let first = to.first().and_then(|t| t.rsplit_once('@'));
            first.map_or("localhost", |(_, domain)| domain).into()
        }
    }
}

/// A session that is to be played.
pub struct Spoken<'a> {
    /// The engine.
    pub dialect: &'static Dialect,
    /// Name of the trap's host.
    pub host: String,
    /// Persona of the trap.
    pub persona: String,
    /// Address of the peer.
    pub peer: &'a str,
    /// What it calls itself.
    pub name: &'a str,
    /// Reverse-path.
    pub from: &'a str,
    /// Recipients.
    pub to: &'a [String],
    /// The message.
    pub raw: &'a [u8],
    /// When its last byte comes.
    pub ended_at: i64,
}

impl Spoken<'_> {
    /// The transcript; None where the trap would have kept no message.
    pub fn transcript(&self, draw: &mut Draw) -> Option<Value> {
        let trip = 4_000 + (draw.exponential() * 60_000.0) as i64;
        let settings = Settings {
            host: self.host.clone(),
            persona: self.persona.clone(),
            memory: Arc::new(Mutex::new(Memory::of_size(1))),
            ..Settings::default()
        };
        let letter = Letter {
            number: 0,
            from: self.from.to_owned(),
            to: self.to.to_vec(),
            raw: Arc::from(self.raw),
        };
        let mut client = Client::new(self.dialect, self.name.to_owned(), vec![letter], WAIT_US, 0);
        let mut trap = Dialogue::new(Arc::new(settings), self.peer.to_owned(), String::new(), 0);
        let mut now = 0i64;
        for _ in 0..TURNS {
            let (said, closed) = say(&mut client, &mut now);
            now += trip;
            trap.receive(&said, now);
            if let Some(Event::Message(capture)) = trap.event() {
                return self.dated(capture.meta.transcript, now);
            }
            if closed {
                return self.dated(trap.end(now)?.meta.transcript, now);
            }
            let answer = trap.bytes_to_send();
            now += trip;
            if answer.is_empty() {
                // Nothing will come: the engine's pause is over, or its patience.
                now = now.max(client.deadline() as i64);
                client.tick(now as u64);
            } else {
                client.receive(&answer, now as u64);
            }
        }
        None
    }

    fn dated(&self, transcript: Option<Value>, lasted: i64) -> Option<Value> {
        let mut transcript = transcript?;
        transcript["began"] = json!(self.ended_at - lasted);
        Some(transcript)
    }
}

/// All that the client sends before it waits, and whether it closes then.
fn say(client: &mut Client, now: &mut i64) -> (Vec<u8>, bool) {
    let mut said = Vec::new();
    loop {
        match client.step(*now as u64) {
            Step::Send(bytes) => {
                let n = bytes.len();
                said.extend_from_slice(bytes);
                client.sent(n, *now as u64);
            }
            Step::Permit => client.permit(*now as u64),
            Step::Read => return (said, false),
            Step::Close => return (said, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::philox::key;
    use super::*;
    use crate::pure::swarm::dialects::{find_dialect, DIALECTS};

    fn played(name: &str) -> Value {
        let to = ["decoy1@trap.example".to_owned()];
        let dialect = find_dialect(name).unwrap();
        let called = called(dialect, "amber-1f".into(), "198.18.0.7", &to);
        let spoken = Spoken {
            dialect,
            host: "mx.trap.example".into(),
            persona: "plain-1".into(),
            peer: "198.18.0.7",
            name: &called,
            from: "a@sender.example",
            to: &to,
            raw: b"Subject: x\r\n\r\n.one\r\nend\r\n",
            ended_at: 1_000_000_000,
        };
        let first = spoken.transcript(&mut Draw::new(key(&["test"]), [1, 2, 3])).unwrap();
        let second = spoken.transcript(&mut Draw::new(key(&["test"]), [1, 2, 3])).unwrap();
        assert_eq!(first, second, "the same numbers, the same session");
        first
    }

    #[test]
    fn every_engine_leaves_a_transcript_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for dialect in &DIALECTS {
            let transcript = played(dialect.name);
            let lines: Vec<&str> = transcript["steps"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s[1].as_str().unwrap())
                .collect();
            assert!(lines.len() >= 4, "{}: {lines:?}", dialect.name);
            assert!(transcript["began"].as_i64().unwrap() < 1_000_000_000);
            let shown = format!("{lines:?} {}", transcript["dialect"]);
            assert!(
                seen.insert(shown.clone()) || ["plain", "cutwail", "emotet"].contains(&dialect.name),
                "{shown}"
            );
        }
    }

    #[test]
    fn manners_show_as_marks() {
        let marks = |name: &str| played(name)["dialect"].to_string();
        assert!(marks("lethic").contains("early_talk"));
        assert!(marks("cutwail").contains("pipelined"));
        assert!(marks("waledac").contains("end_lf_dot_lf"));
        assert!(marks("mega-d").contains("data_bare_lf"));
        assert!(marks("grum").contains("dot_unstuffed"));
        assert!(!marks("plain").contains("dot_unstuffed"));
    }
}
