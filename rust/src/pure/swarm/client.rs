//! An SMTP client of a given dialect, without I/O: bytes and time go in, bytes and outcomes come out.
//!
//! What is sent waits in `out` until the caller says how much the system took, so that it is known to the byte whether the end
//! of DATA left: before that the receiver cannot hold the message, after it only a reply says whether it does. Every
//! reply is matched with the command that it answers, in order, pipelined or not.

use std::collections::VecDeque;

use super::databody::{held, wire_bytes, Held};
use super::dialects::{Dialect, Hello, Leave, Lines, Patience, Pipelining, Refused};
use super::outcome::{worst, Fate, Letter, Outcome, Stage};
use super::replies::{Reply, ReplyReader};

const MILLISECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000;

/// What the caller should do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send this, and read meanwhile.
    Send(&'a [u8]),
    /// Ask whether the next transaction may begin, then call `permit`.
    Permit,
    /// Read, until the deadline.
    Read,
    /// Close the connection.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Banner,
    Hello,
    Mail,
    Rcpt,
    Data,
    End,
    Reset,
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Ready,
    Envelope,
    Body,
    Leaving,
    Closed,
}

struct Transaction {
    letter: Letter,
    mail: u16,
    recipients: Vec<u16>,
    data: u16,
    held: Option<Held>,
    /// Bytes of `out` up to the end of DATA; 0 once they are sent.
    to_end: usize,
}

/// One session of one bot.
pub struct Client {
    dialect: &'static Dialect,
    name: String,
    wait: u64,
    letters: VecDeque<Letter>,
    current: Option<Transaction>,
    reader: ReplyReader,
    expected: VecDeque<Expect>,
    out: Vec<u8>,
    sent: usize,
    phase: Phase,
    tried_ehlo: bool,
    pipelining: bool,
    sizes: bool,
    eight_bit: bool,
    /// The command of after a reply is held back until then.
    held_until: u64,
    asked_at: u64,
    close_when_sent: bool,
    outcomes: Vec<Outcome>,
}

impl Client {
    /// A session that begins at `now`. `name` is what it calls itself, `wait` the longest wait for a reply, microseconds;
    /// the engine may wait less.
    pub fn new(dialect: &'static Dialect, name: String, letters: Vec<Letter>, wait: u64, now: u64) -> Self {
        let mut client = Client {
            dialect,
            name,
            wait: wait.min(u64::from(dialect.wait_seconds) * SECOND),
            letters: letters.into(),
            current: None,
            reader: ReplyReader::default(),
            expected: VecDeque::from([Expect::Banner]),
            out: Vec::new(),
            sent: 0,
            phase: Phase::Opening,
            tried_ehlo: false,
            pipelining: false,
            sizes: false,
            eight_bit: false,
            held_until: 0,
            asked_at: now,
            close_when_sent: false,
            outcomes: Vec::new(),
        };
        if dialect.patience == Patience::Early {
            client.say_hello(now);
        }
        client
    }

    /// What to do now.
    pub fn step(&self, now: u64) -> Step<'_> {
        match self.phase {
            Phase::Closed => Step::Close,
            _ if self.sent < self.out.len() && now >= self.held_until => Step::Send(&self.out[self.sent..]),
            Phase::Ready if self.sent == self.out.len() => Step::Permit,
            _ => Step::Read,
        }
    }

    /// When `tick` is due: the end of a pause, or of patience.
    pub fn deadline(&self) -> u64 {
        if self.sent < self.out.len() && self.held_until > 0 {
            return self.held_until.max(self.asked_at);
        }
        self.asked_at + self.wait
    }

    /// The system took `n` bytes.
    pub fn sent(&mut self, n: usize, now: u64) {
        self.sent += n;
        self.held_until = 0;
        self.asked_at = now;
        if let Some(t) = &mut self.current {
            t.to_end = t.to_end.saturating_sub(n);
        }
        if self.sent >= self.out.len() {
            self.out = Vec::new();
            self.sent = 0;
            if self.close_when_sent {
                self.close(Stage::Between, now);
            }
        }
    }

    /// The next transaction may begin.
    pub fn permit(&mut self, now: u64) {
        if self.phase != Phase::Ready {
            return;
        }
        let Some(letter) = self.letters.pop_front() else {
            return self.leave(now);
        };
        self.phase = Phase::Envelope;
        let mail = self.dialect.mail_command(&letter, self.sizes, self.eight_bit);
        let ahead = match self.dialect.pipelining {
            Pipelining::Never => false,
            Pipelining::Offered => self.pipelining,
            Pipelining::Always => true,
        };
        self.say(&mail, Expect::Mail, now);
        if ahead {
            for to in &letter.to {
                let command = self.dialect.rcpt_command(to);
                self.say(&command, Expect::Rcpt, now);
            }
            self.say_word("DATA", Expect::Data, now);
        }
        self.current = Some(Transaction {
            letter,
            mail: 0,
            recipients: Vec::new(),
            data: 0,
            held: None,
            to_end: 0,
        });
    }

    /// Bytes came.
    pub fn receive(&mut self, bytes: &[u8], now: u64) {
        if self.phase == Phase::Closed {
            return;
        }
        for reply in self.reader.feed(bytes) {
            if self.phase != Phase::Closed {
                self.answer(&reply, now);
            }
        }
        let greeted = self.expected.front() == Some(&Expect::Banner) && self.expected.len() == 1;
        if greeted && self.dialect.patience == Patience::FirstLine && self.reader.begun().is_some_and(|c| c < 300) {
            self.say_hello(now);
        }
    }

    /// Time passed: ends the session when patience is over.
    pub fn tick(&mut self, now: u64) {
        let held = self.sent < self.out.len() && self.held_until > 0;
        if !held && self.phase != Phase::Closed && self.phase != Phase::Ready && now >= self.asked_at + self.wait {
            self.close(self.stage(), now);
        }
    }

    /// The connection ended, by the peer, an error or the caller.
    pub fn ended(&mut self, now: u64) {
        if self.phase != Phase::Closed {
            self.close(self.stage(), now);
        }
    }

    /// There was no connection.
    pub fn unconnected(&mut self, now: u64) {
        self.spoil(0, Stage::Connect, now);
    }

    /// Whether a transaction has begun and is not decided.
    pub fn in_transaction(&self) -> bool {
        self.current.is_some()
    }

    /// The letters that have not begun, taken away; nothing is said of them.
    pub fn withdraw(&mut self) -> Vec<Letter> {
        self.letters.drain(..).collect()
    }

    /// Transactions that are over since the last call.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    fn answer(&mut self, reply: &Reply, now: u64) {
        let code = reply.code;
        let stage = self.stage();
        self.asked_at = now;
        let Some(expect) = self.expected.pop_front() else {
            // Said without being asked: only a goodbye, or what is no SMTP, counts.
            if code == 421 || code == 0 {
                self.decide(code, stage, now);
                self.spoil(code, Stage::Between, now);
            }
            return;
        };
        if code == 421 || code == 0 {
            self.note(expect, code);
            self.decide(code, stage, now);
            return self.spoil(code, stage, now);
        }
        self.note(expect, code);
        match expect {
            Expect::Banner => self.welcomed(code, now),
            Expect::Hello => self.greeted(reply, now),
            Expect::Mail | Expect::Rcpt | Expect::Data if self.expected.is_empty() => self.onward(now),
            Expect::Mail | Expect::Rcpt | Expect::Data => {}
            Expect::End => {
                let early = self.current.as_ref().is_some_and(|t| t.to_end > 0);
                self.decide(code, Stage::End, now);
                if early {
                    // The rest of the body would be read as commands.
                    self.spoil(code, Stage::Between, now);
                } else if code < 300 {
                    self.next_or_leave(self.dialect.rset, now);
                } else {
                    self.turned_down(now);
                }
            }
            Expect::Reset if self.phase == Phase::Leaving => self.say_quit(true, now),
            Expect::Reset => self.phase = Phase::Ready,
            Expect::Quit => self.close(Stage::Between, now),
        }
    }

    fn note(&mut self, expect: Expect, code: u16) {
        if let Some(t) = &mut self.current {
            match expect {
                Expect::Mail => t.mail = code,
                Expect::Rcpt => t.recipients.push(code),
                Expect::Data => t.data = code,
                _ => {}
            }
        }
    }

    fn welcomed(&mut self, code: u16, now: u64) {
        if code >= 300 {
            match self.dialect.unwelcome {
                Refused::Deaf => {}
                Refused::Quit | Refused::Next => {
                    self.spoil_letters(code, Stage::Banner, now);
                    return self.say_quit(true, now);
                }
                Refused::Close => return self.spoil(code, Stage::Banner, now),
            }
        }
        if self.expected.is_empty() {
            self.say_hello(now);
        }
    }

    fn greeted(&mut self, reply: &Reply, now: u64) {
        if reply.code >= 500 && self.tried_ehlo && self.dialect.hello == Hello::EhloThenHelo {
            self.tried_ehlo = false;
            let command = format!("{} {}", self.dialect.word("HELO"), self.name);
            return self.say(&command, Expect::Hello, now);
        }
        if reply.code >= 300 && self.dialect.refused != Refused::Deaf {
            self.spoil_letters(reply.code, Stage::Hello, now);
            return match self.dialect.refused {
                Refused::Close => self.close(Stage::Hello, now),
                _ => self.say_quit(true, now),
            };
        }
        if self.tried_ehlo {
            self.pipelining = reply.offers("PIPELINING");
            self.sizes = reply.offers("SIZE");
            self.eight_bit = reply.offers("8BITMIME");
        }
        self.phase = Phase::Ready;
    }

    /// All that was asked of the envelope is answered: the next command, the body, or what refusal asks for.
    fn onward(&mut self, now: u64) {
        let deaf = self.dialect.refused == Refused::Deaf;
        let Some(t) = &self.current else { return };
        let told = t.recipients.len();
        if t.data > 0 {
            return self.after_data(now);
        }
        if t.mail >= 300 && !deaf {
            let code = t.mail;
            self.decide(code, Stage::Mail, now);
            return self.turned_down(now);
        }
        if told < t.letter.to.len() {
            let command = self.dialect.rcpt_command(&t.letter.to[told]);
            return self.say(&command, Expect::Rcpt, now);
        }
        if !t.recipients.iter().any(|&c| c < 300) && !deaf {
            let code = worst(&t.recipients);
            self.decide(code, Stage::Rcpt, now);
            return self.turned_down(now);
        }
        self.say_word("DATA", Expect::Data, now);
    }

    fn after_data(&mut self, now: u64) {
        let Some(t) = &mut self.current else { return };
        let code = t.data;
        if code != 354 {
            let (code, stage) = if t.mail >= 300 {
                (t.mail, Stage::Mail)
            } else if !t.recipients.iter().any(|&c| c < 300) {
                (worst(&t.recipients), Stage::Rcpt)
            } else {
                (code, Stage::Data)
            };
            self.decide(code, stage, now);
            return self.turned_down(now);
        }
        if !t.recipients.iter().any(|&c| c < 300) {
            // A 354 for nobody: DATA is ended at once, and the reply tells nothing that is not known.
            let code = if t.mail >= 300 { t.mail } else { worst(&t.recipients) };
            let stage = if t.mail >= 300 { Stage::Mail } else { Stage::Rcpt };
            self.decide(code, stage, now);
            self.phase = Phase::Body;
            return self.say(".", Expect::End, now);
        }
        let wire = wire_bytes(self.dialect, &t.letter.raw);
        t.held = Some(held(&wire));
        t.to_end = wire.len();
        self.phase = Phase::Body;
        self.pause(now);
        // Every command before it was answered, so nothing else waits in `out`.
        self.out = wire;
        self.expected.push_back(Expect::End);
        if self.dialect.leave == Leave::Unheard {
            let quit = self.dialect.word("QUIT");
            self.out.extend(format!("{quit}\r\n").as_bytes());
            self.close_when_sent = true;
        }
    }

    /// Ends the current transaction with a reply.
    fn decide(&mut self, code: u16, stage: Stage, now: u64) {
        let Some(t) = self.current.take() else { return };
        let at_end = stage == Stage::End && t.held.is_some();
        let ended = at_end && t.to_end == 0;
        let fate = match code {
            0 if ended => self.unanswered(),
            200..=299 if ended => Fate::Acknowledged,
            // Taken before its end: who says such a thing may hold anything.
            200..=299 if at_end => Fate::Lost,
            400..=499 => Fate::Deferred,
            500..=599 => Fate::Refused,
            // No reply, or one that does not belong here.
            _ => Fate::Unsent,
        };
        let may_hold = !matches!(fate, Fate::Deferred | Fate::Refused | Fate::Unsent);
        self.outcomes.push(Outcome {
            letter: t.letter,
            fate,
            code,
            stage,
            recipients: t.recipients,
            held: t.held.filter(|_| may_hold),
            at: now,
        });
    }

    fn unanswered(&self) -> Fate {
        if self.dialect.lines == Lines::LfOpen {
            Fate::Unfinished
        } else if self.dialect.leave == Leave::Unheard {
            Fate::Unheard
        } else {
            Fate::Lost
        }
    }

    fn turned_down(&mut self, now: u64) {
        match self.dialect.refused {
            Refused::Next => self.next_or_leave(true, now),
            Refused::Deaf => self.next_or_leave(self.dialect.rset, now),
            Refused::Quit => {
                self.spoil_letters(0, Stage::Between, now);
                self.say_quit(true, now);
            }
            Refused::Close => self.spoil(0, Stage::Between, now),
        }
    }

    fn next_or_leave(&mut self, reset: bool, now: u64) {
        if self.letters.is_empty() {
            self.leave(now);
        } else if reset {
            self.phase = Phase::Opening;
            self.say_word("RSET", Expect::Reset, now);
        } else {
            self.phase = Phase::Ready;
        }
    }

    fn leave(&mut self, now: u64) {
        match self.dialect.leave {
            Leave::Quit => self.say_quit(true, now),
            Leave::QuitGone => self.say_quit(false, now),
            Leave::RsetQuit => {
                self.phase = Phase::Leaving;
                self.say_word("RSET", Expect::Reset, now);
            }
            Leave::Close | Leave::Unheard => self.close(Stage::Between, now),
        }
    }

    fn say_quit(&mut self, wait: bool, now: u64) {
        self.phase = Phase::Leaving;
        self.say_word("QUIT", Expect::Quit, now);
        self.close_when_sent = !wait;
    }

    fn say_hello(&mut self, now: u64) {
        self.tried_ehlo = self.dialect.hello != Hello::Helo;
        let verb = self.dialect.word(if self.tried_ehlo { "EHLO" } else { "HELO" });
        let command = format!("{verb} {}", self.name);
        self.say(&command, Expect::Hello, now);
    }

    fn say_word(&mut self, word: &str, expect: Expect, now: u64) {
        let word = self.dialect.word(word);
        self.say(&word, expect, now);
    }

    fn say(&mut self, command: &str, expect: Expect, now: u64) {
        self.pause(now);
        self.out.extend(command.as_bytes());
        self.out.extend(b"\r\n");
        self.expected.push_back(expect);
    }

    fn pause(&mut self, now: u64) {
        if self.dialect.pause_ms > 0 && self.sent == self.out.len() {
            self.held_until = now + u64::from(self.dialect.pause_ms) * MILLISECOND;
        }
    }

    fn stage(&self) -> Stage {
        if let Some(t) = &self.current {
            return if t.held.is_some() && t.to_end == 0 {
                Stage::End
            } else if t.mail == 0 {
                Stage::Mail
            } else if t.recipients.len() < t.letter.to.len() {
                Stage::Rcpt
            } else {
                Stage::Data
            };
        }
        match self.expected.front() {
            Some(Expect::Banner) => Stage::Banner,
            Some(Expect::Hello) => Stage::Hello,
            _ => Stage::Between,
        }
    }

    /// Ends the session and what is left of it with the reply that ended it.
    fn spoil(&mut self, code: u16, stage: Stage, now: u64) {
        self.spoil_letters(code, stage, now);
        self.close(stage, now);
    }

    fn spoil_letters(&mut self, code: u16, stage: Stage, now: u64) {
        let fate = match code {
            400..=499 => Fate::Deferred,
            500..=599 => Fate::Refused,
            _ => Fate::Unsent,
        };
        for letter in self.letters.drain(..) {
            self.outcomes.push(Outcome {
                letter,
                fate,
                code,
                stage,
                recipients: Vec::new(),
                held: None,
                at: now,
            });
        }
    }

    fn close(&mut self, stage: Stage, now: u64) {
        let stage = if self.current.is_some() { self.stage() } else { stage };
        self.decide(0, stage, now);
        self.spoil_letters(0, stage, now);
        self.phase = Phase::Closed;
    }
}

#[cfg(test)]
mod tests;
