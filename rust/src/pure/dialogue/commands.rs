//! What each command does, but for the envelope and the message.

use super::bounds::Bound;
use super::command::{self, Command};
use super::ending::Reader;
use super::states::{self, State, Word};
use super::treatment::Arm;
use super::{path, reply, stranger, Dialogue, Event, Protocol, Reply};

impl Dialogue {
    /// Act on a command; its answer, or None where it comes later.
    pub(super) fn command(&mut self, command: &Command) -> Option<Reply> {
        let word = command.word;
        if !matches!(word, Word::Rcpt | Word::Data | Word::Bdat | Word::Quit) {
            self.idle += 1;
        }
        let argument = command.argument;
        if word == Word::Auth {
            self.marks.insert("auth_tried");
            self.tries += 1;
        }
        let next = states::next(self.state, word);
        if matches!(word, Word::Xclient | Word::Xforward) {
            return Some(self.claim(word, argument.unwrap_or(b""), next));
        }
        let Some(next) = next else {
            return Some(match word {
                Word::Unknown => reply(500, "5.5.2 No such command"),
                Word::Auth => {
                    self.note_auth(argument.unwrap_or(b""));
                    reply(503, "5.5.1 Not now")
                }
                _ => reply(503, "5.5.1 Not now"),
            });
        };
        let lmtp = self.settings.protocol == Protocol::Lmtp;
        match word {
            Word::Helo | Word::Ehlo if lmtp => Some(reply(500, "5.5.1 This is LMTP: LHLO")),
            Word::Lhlo if !lmtp => Some(reply(500, "5.5.1 This is SMTP: EHLO")),
            Word::Helo | Word::Ehlo | Word::Lhlo => Some(self.hello(word, argument.unwrap_or(b""), next)),
            Word::Mail => Some(self.mail(argument, next)),
            Word::Rcpt => Some(self.rcpt(argument, next)),
            Word::Data => {
                self.state = next;
                let bound = self.settings.bounds.of(Bound::MessageBytes);
                let open = self.open.as_mut().expect("a recipient was accepted");
                open.reader = Reader::new(bound);
                open.began = self.now - self.began;
                Some(reply(354, "End data with <CR><LF>.<CR><LF>"))
            }
            Word::Bdat => self.bdat(argument.unwrap_or(b""), next),
            Word::Rset => {
                self.reset();
                self.state = next;
                Some(reply(250, "2.0.0 OK"))
            }
            Word::Noop => Some(reply(250, "2.0.0 OK")),
            Word::Vrfy => Some(reply(252, "2.5.0 Send the message and see")),
            Word::Expn => Some(reply(502, "5.5.1 No lists here")),
            Word::Help => Some(reply(214, "2.0.0 RFC 5321")),
            Word::Auth => Some(self.auth(argument.unwrap_or(b""))),
            Word::StartTls if !self.settings.starttls => Some(reply(502, "5.5.1 Not offered")),
            Word::StartTls if self.secured => Some(reply(503, "5.5.1 Already secured")),
            Word::StartTls if argument.is_some_and(|a| !a.is_empty()) => Some(reply(501, "5.5.4 No argument here")),
            Word::StartTls => {
                self.state = next;
                self.event = Some(Event::Secure);
                Some(reply(220, "2.0.0 Go ahead"))
            }
            Word::Quit => {
                self.state = next;
                Some(reply(221, "2.0.0 Bye"))
            }
            Word::Http => {
                self.state = next;
                Some(reply(500, "5.5.1 This is no web server"))
            }
            _ => Some(reply(500, "5.5.2 No such command")),
        }
    }

    pub(super) fn hello(&mut self, word: Word, name: &[u8], next: State) -> Reply {
        if let Some(mark) = command::helo_mark(name) {
            self.marks.insert(mark);
        }
        if self.helo.is_some() {
            self.marks.insert("second_helo");
        }
        self.helo = Some(match self.settings.bait {
            true => stranger::name(name),
            false => path::text(name),
        });
        self.reset();
        self.state = next;
        self.extended = word != Word::Helo;
        let host = &self.settings.host;
        if !self.extended {
            return reply(250, host);
        }
        let size = self.settings.bounds.of(Bound::MessageBytes);
        let tls = if self.settings.starttls && !self.secured {
            "STARTTLS\n"
        } else {
            ""
        };
        // Without it the true client would not be known: a relay is not treated.
        let relay = self.offered_to_relay();
        if self.arm == Arm::BareEhlo {
            return (250, format!("{host}\n{relay}").trim_end().to_owned());
        }
        let auth = if self.settings.bait { "AUTH PLAIN LOGIN\n" } else { "" };
        let long = self.arm.more_keywords();
        let text = format!(
            "{host}\nPIPELINING\n8BITMIME\nSMTPUTF8\nSIZE {size}\nCHUNKING\nDSN\n{tls}{auth}{relay}{long}ENHANCEDSTATUSCODES\nHELP"
        );
        (250, text)
    }
}
