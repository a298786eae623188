//! The AUTH dialogue: led to its end so that it can be told what was tried, and always refused.

use super::states::{self, State, Word};
use super::{auth, reply, Dialogue, Reply};

impl Dialogue {
    /// AUTH with its first response, if it has one.
    pub(super) fn auth(&mut self, argument: &[u8]) -> Reply {
        let (name, response) = split_auth(argument);
        if name.is_empty() {
            return reply(501, "5.5.4 AUTH wants a mechanism");
        }
        let mechanism = auth::mechanism(name);
        let tried = self.tried(mechanism, response);
        let challenge = match (mechanism, response) {
            ("PLAIN", None) => "",
            ("LOGIN", None) => "VXNlcm5hbWU6",
            ("LOGIN", Some(_)) => "UGFzc3dvcmQ6",
            ("PLAIN", Some(_)) => {
                self.transcript.tried(tried);
                return self.believed();
            }
            _ => {
                self.transcript.tried(tried);
                return reply(504, "5.5.4 No such mechanism");
            }
        };
        self.awaiting = Some(tried);
        self.state = states::next(self.state, Word::Auth).expect("asked before");
        reply(334, challenge)
    }

    /// The answer to a user and a password.
    fn believed(&self) -> Reply {
        match self.settings.bait {
            true => reply(235, "2.7.0 Accepted"),
            false => reply(535, "5.7.8 Refused"),
        }
    }

    pub(super) fn tried(&self, mechanism: &'static str, response: Option<&[u8]>) -> auth::Tried {
        let key = &self.settings.user_key;
        let (user, length) = match (mechanism, response) {
            ("PLAIN", Some(response)) => auth::plain(key, response),
            ("LOGIN", Some(response)) => (Some(auth::login_user(key, response)), None),
            _ => (None, None),
        };
        auth::Tried {
            mechanism,
            user,
            length,
        }
    }

    /// Keep what an AUTH out of order tells.
    pub(super) fn note_auth(&mut self, argument: &[u8]) {
        let (name, response) = split_auth(argument);
        let tried = self.tried(auth::mechanism(name), response);
        self.transcript.tried(tried);
    }

    /// A line of the AUTH dialogue.
    pub(super) fn auth_answer(&mut self, line: &[u8]) -> Reply {
        let mut tried = self.awaiting.take().expect("a challenge was sent");
        let key = &self.settings.user_key;
        if line != b"*" {
            match tried.mechanism {
                "PLAIN" => (tried.user, tried.length) = auth::plain(key, line),
                _ if tried.user.is_none() => {
                    tried.user = Some(auth::login_user(key, line));
                    self.awaiting = Some(tried);
                    return reply(334, "UGFzc3dvcmQ6");
                }
                _ => tried.length = auth::unbase64(line).map(|secret| auth::length_class(secret.len())),
            }
        }
        self.transcript.tried(tried);
        self.state = states::next(State::Auth, Word::AuthEnd).expect("in the table");
        match line {
            b"*" => reply(501, "5.7.0 Cancelled"),
            _ => self.believed(),
        }
    }
}

/// Mechanism and first response of AUTH; `=` is an empty response (RFC 4954).
fn split_auth(argument: &[u8]) -> (&[u8], Option<&[u8]>) {
    match argument.iter().position(|b| *b == b' ') {
        Some(at) => {
            let rest = &argument[at + 1..];
            let rest = &rest[rest.iter().take_while(|b| **b == b' ').count()..];
            (&argument[..at], Some(if rest == b"=" { b"" } else { rest }))
        }
        None => (argument, None),
    }
}
