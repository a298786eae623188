//! The envelope of a message: MAIL and RCPT.

use super::bounds::Bound;
use super::claims::Claims;
use super::ending::Reader;
use super::lives::Life;
use super::states::{State, Word};
use super::{path, reply, Dialogue, Reply};
use std::collections::BTreeSet;

/// A transaction: from MAIL to the end of its message.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) size: Option<usize>,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
    pub(super) reader: Reader,
    pub(super) began: i64,
    pub(super) marks: BTreeSet<&'static str>,
    /// Whether a recipient counts; else the marks of those that do not.
    pub(super) counts: bool,
    pub(super) lives: BTreeSet<&'static str>,
    /// What a relay claims of this message's client.
    pub(super) forwarded: Option<Box<Claims>>,
}

impl Dialogue {
    /// Forget the transaction.
    pub(super) fn reset(&mut self) {
        self.open = None;
        self.forwarded();
        self.transcript.reset();
    }

    pub(super) fn path(&mut self, argument: Option<&[u8]>) -> Result<path::Path, Reply> {
        let mut marks = std::mem::take(&mut self.marks);
        let found = argument.and_then(|a| path::parse(a, &mut marks));
        self.marks = marks;
        match found {
            Some(path) if path.len <= self.settings.bounds.of(Bound::PathBytes) => Ok(path),
            Some(_) => Err(reply(501, "5.1.7 Address too long")),
            None => Err(reply(501, "5.5.4 FROM:<address> or TO:<address>")),
        }
    }

    pub(super) fn mail(&mut self, argument: Option<&[u8]>, next: State) -> Reply {
        if self.messages + self.refused >= self.settings.bounds.of(Bound::Messages) {
            self.state = State::Closed;
            return reply(421, "4.7.0 Enough messages, closing");
        }
        if self.full {
            self.refusals.no_room += 1;
            return reply(452, "4.3.1 No room, try later");
        }
        let path = match self.path(argument) {
            Ok(path) => path,
            Err(answer) => return answer,
        };
        let (mut size, mut eight_bit, mut utf8) = (None, false, false);
        for (key, value) in &path.parameters {
            match (key.as_str(), value.as_deref()) {
                ("SIZE", Some(digits))
                    if (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
                {
                    let n = digits.parse::<u64>().unwrap_or(u64::MAX);
                    if n > self.settings.bounds.of(Bound::MessageBytes) as u64 {
                        return reply(552, "5.3.4 Too large");
                    }
                    size = Some(n as usize);
                }
                ("SIZE", _) => return reply(501, "5.5.4 SIZE= wants a number"),
                ("BODY", Some(value)) => {
                    let value = value.to_ascii_uppercase();
                    eight_bit = value == "8BITMIME" || value == "BINARYMIME";
                    if value != "7BIT" && value != "8BITMIME" {
                        self.marks.insert("unknown_parameter");
                    }
                }
                ("SMTPUTF8", None) => utf8 = true,
                ("RET" | "ENVID" | "AUTH", Some(_)) => {}
                _ => {
                    self.marks.insert("unknown_parameter");
                }
            }
        }
        if self.state == State::Start {
            self.marks.insert("no_helo");
        }
        self.address_marks(&path.address, utf8);
        self.transcript.reset();
        self.note_parameters(None, &path.parameters);
        let forwarded = self.forwarded();
        self.open = Some(Box::new(Transaction {
            from: self.shown(Word::Mail, path.address),
            to: Vec::new(),
            size,
            eight_bit,
            utf8,
            reader: Reader::new(0),
            began: 0,
            marks: BTreeSet::new(),
            counts: false,
            lives: BTreeSet::new(),
            forwarded,
        }));
        self.state = next;
        reply(250, "2.1.0 OK")
    }

    pub(super) fn address_marks(&mut self, address: &str, utf8: bool) {
        if !address.is_empty() && !address.contains('@') {
            self.marks.insert("no_domain");
        }
        if !address.is_ascii() && !utf8 {
            self.marks.insert("utf8_unasked");
        }
    }

    pub(super) fn rcpt(&mut self, argument: Option<&[u8]>, next: State) -> Reply {
        let path = match self.path(argument) {
            Ok(path) => path,
            Err(answer) => return answer,
        };
        if path.address.is_empty() {
            self.marks.insert("null_recipient");
            return reply(501, "5.1.3 A recipient needs an address");
        }
        let utf8 = self.open.as_ref().is_some_and(|t| t.utf8);
        self.address_marks(&path.address, utf8);
        if path::relay_form(&path.address) {
            self.marks.insert("relay_form");
        }
        if path.parameters.iter().any(|(key, _)| key != "NOTIFY" && key != "ORCPT") {
            self.marks.insert("unknown_parameter");
        }
        let recipients = self.open.as_ref().map_or(0, |t| t.to.len());
        if recipients >= self.settings.bounds.of(Bound::Recipients) {
            return reply(452, "4.5.3 Too many recipients");
        }
        let life = match &self.settings.addresses {
            Some(lives) => lives.of(&path.address),
            None => Some(Life::Live),
        };
        match life {
            Some(life) if life.accepts() => {}
            None if self.settings.bait => {}
            life => {
                self.bounced += usize::from(life == Some(Life::Bouncing));
                return reply(550, "5.1.1 No such address");
            }
        }
        let address = self.shown(Word::Rcpt, path.address);
        if let Some(answer) = self.treated(&address) {
            return answer;
        }
        self.note_parameters(Some(recipients), &path.parameters);
        let mark = life.and_then(|life| life.mark(self.now));
        let open = self.open.as_mut().expect("MAIL came before");
        match mark {
            Some(mark) => {
                open.lives.insert(mark);
            }
            None => open.counts = true,
        }
        open.to.push(address);
        self.state = next;
        reply(250, "2.1.5 OK")
    }
}
