//! The SMTP and LMTP dialogue of the trap, without I/O: bytes and time go in, replies and events come out.
//!
//! Theory of operation. Whoever owns the socket calls `receive` with what it read, sends what `bytes_to_send` gives, and asks
//! `event` whether something must be done: a whole message to store (then `verdict`), or a TLS handshake (then
//! `secured`). While a message is with the store nothing further is read: what came already is held, and that is the back-pressure.
//!
//! Two rules. The same bytes give the same events in any chunking. What depends on time or on luck is an argument: the
//! clock, the host's name, the bounds, the session's key, whether the store is full.
//!
//! One mark needs more than bytes: whether a command was pipelined. It was, if its first byte was taken up while a reply
//! had not been asked for by `bytes_to_send`. So a socket loop should read first what is there, and then send.
//!
//! The way of a byte: `receive` here, `lines` until a command is whole, `commands` for what it does, `transaction` for the
//! envelope, `body` for the message, `account` for what is written down. Each file adds its methods to `Dialogue`. What the rules of
//! the instrument ask for is beside them: `lives` of addresses, `treatment`, `stranger` for a relay bait, `retry` with its `memory`, `probe`.
//! `relayed` and `claims` are for what the operator's own relays say of a client.

mod account;
pub mod auth;
mod body;
pub mod bounds;
pub mod claims;
pub mod command;
mod commands;
pub mod dialect;
pub mod ending;
pub mod keyed;
mod lines;
pub mod lives;
mod login;
pub mod memory;
pub mod path;
pub mod probe;
mod relayed;
mod retry;
pub mod states;
pub mod stranger;
mod transaction;
pub mod transcript;
pub mod treatment;

use super::capture::Capture;
use super::hello::Handshake;
use super::networks::Networks;
use bounds::Bounds;
use lives::Lives;
use memory::Memory;
use states::{State, Word};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use transaction::Transaction;
use transcript::Transcript;
use treatment::{Arm, Plan};

/// Which of the two protocols a listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321.
    #[default]
    Smtp,
    /// RFC 2033: LHLO, and a reply for each recipient.
    Lmtp,
}

impl Protocol {
    /// Its name in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Smtp => "smtp",
            Protocol::Lmtp => "lmtp",
        }
    }
}

/// What is the same for all sessions of one listener.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name in greeting and replies.
    pub host: String,
    /// SMTP or LMTP.
    pub protocol: Protocol,
    /// Persona, written into every record.
    pub persona: String,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Addresses and their lives; None accepts any recipient.
    pub addresses: Option<Lives>,
    /// What a treated panel draws from; None on a panel that measures.
    pub treatment: Option<Plan>,
    /// Whether this is a relay bait: mail for strangers is taken, AUTH is believed, strangers' local parts are hashed.
    pub bait: bool,
    /// Key of all hashes.
    pub user_key: [u8; 32],
    /// Relays whose word on the client is taken.
    pub trusted: Networks,
    /// The bounds.
    pub bounds: Bounds,
    /// What was put off or lost, for all sessions of a trap.
    pub memory: Arc<Mutex<Memory>>,
}

impl Settings {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the owner of the socket has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Store this, then call `verdict`.
    Message(Box<Capture>),
    /// Send what there is to send, shake hands, then call `secured`.
    Secure,
}

/// What the store says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Stored,
    /// There is no room: 452.
    Full,
    /// It may not be durable: 451.
    Failed,
}

/// Replies of ours that put something off, since they were last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Replies 4xx.
    pub all: u64,
    /// Those that anybody would have got: there was no room, or a write failed.
    pub no_room: u64,
}

/// One session.
#[derive(Debug)]
pub struct Dialogue {
    settings: Arc<Settings>,
    peer: String,
    session: String,
    began: i64,
    now: i64,
    state: State,
    output: Vec<u8>,
    greeted: bool,
    line: Vec<u8>,
    line_len: usize,
    line_early: bool,
    held: Vec<u8>,
    event: Option<Event>,
    helo: Option<String>,
    extended: bool,
    secured: bool,
    handshake: Option<Box<Handshake>>,
    full: bool,
    secretive: bool,
    last: Word,
    marks: BTreeSet<&'static str>,
    transcript: Transcript,
    open: Option<Box<Transaction>>,
    left: usize,
    last_chunk: bool,
    awaiting: Option<auth::Tried>,
    waiting: usize,
    messages: usize,
    refused: usize,
    unfinished: usize,
    errors: usize,
    idle: usize,
    tries: usize,
    refused_recipients: usize,
    bounced: usize,
    arm: Arm,
    rcpt_seen: bool,
    refusals: Refused,
    pending: retry::Pending,
    relayed: relayed::Relayed,
}

type Reply = (u16, String);

fn reply(code: u16, text: &str) -> Reply {
    (code, text.to_owned())
}

impl Dialogue {
    /// A session that begins: its greeting waits to be sent.
    pub fn new(settings: Arc<Settings>, peer: String, session: String, now: i64) -> Self {
        let plan = settings.treatment.as_ref();
        let arm = plan.map_or(Arm::Plain, |plan| plan.draw(&settings.user_key, &session));
        let mut dialogue = Dialogue {
            settings,
            peer,
            session,
            began: now,
            now,
            state: State::Start,
            output: Vec::new(),
            greeted: false,
            line: Vec::new(),
            line_len: 0,
            line_early: false,
            held: Vec::new(),
            event: None,
            helo: None,
            extended: false,
            secured: false,
            handshake: None,
            full: false,
            secretive: false,
            last: Word::Unknown,
            marks: BTreeSet::new(),
            transcript: Transcript::default(),
            open: None,
            left: 0,
            last_chunk: false,
            awaiting: None,
            waiting: 0,
            messages: 0,
            refused: 0,
            unfinished: 0,
            errors: 0,
            idle: 0,
            tries: 0,
            refused_recipients: 0,
            bounced: 0,
            arm,
            rcpt_seen: false,
            refusals: Refused::default(),
            pending: retry::Pending::default(),
            relayed: relayed::Relayed::default(),
        };
        dialogue.list();
        dialogue.say(&(220, dialogue.greeting()));
        dialogue
    }

    /// What was put off since this was last asked.
    pub fn refused(&mut self) -> Refused {
        std::mem::take(&mut self.refusals)
    }

    /// Recipients that bounced.
    pub fn bounced(&self) -> usize {
        self.bounced
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Messages that the store has taken.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Bytes of a message that are held in memory.
    pub fn size_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |t| t.reader.raw.len()) + self.held.len()
    }

    /// Bytes of the message that is being read, those of one too large among them.
    pub fn received_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |t| t.reader.len)
    }

    /// Say whether the store has room: without it MAIL is answered 452.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// What waits to be sent.
    pub fn bytes_to_send(&mut self) -> Vec<u8> {
        self.greeted = true;
        self.answers_sent();
        std::mem::take(&mut self.output)
    }

    /// What has to be done before the session goes on, once.
    pub fn event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Take bytes as they came.
    pub fn receive(&mut self, bytes: &[u8], now: i64) {
        self.now = now;
        self.peer_spoke();
        self.opened(bytes);
        self.run(bytes);
    }

    fn run(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Closed => return,
                State::Wait => {
                    self.held.extend_from_slice(bytes);
                    return;
                }
                State::Tls => {
                    // Whoever stands between could have put them there (CVE-2011-0411 and its kin).
                    self.marks.insert("injected");
                    return;
                }
                State::Data => {
                    let early = !self.output.is_empty();
                    let open = self.open.as_mut().expect("data belongs to a transaction");
                    if early {
                        open.marks.insert("data_early");
                    }
                    let (used, ended) = open.reader.read(bytes);
                    bytes = &bytes[used..];
                    if ended {
                        self.message_ended(Word::DataEnd);
                    }
                }
                State::Chunk | State::Skip => {
                    let used = bytes.len().min(self.left);
                    if self.state == State::Chunk {
                        let open = self.open.as_mut().expect("a chunk belongs to a transaction");
                        open.reader.put(&bytes[..used]);
                    }
                    bytes = &bytes[used..];
                    self.left -= used;
                    if self.left == 0 {
                        self.chunk_ended();
                    }
                }
                _ => bytes = self.read_line(bytes),
            }
        }
    }

    /// What came of a handshake, whether it succeeded or not; before `secured`.
    pub fn shaken(&mut self, handshake: Handshake) {
        if handshake.failed.is_some() {
            self.opened(&handshake.head);
        }
        self.handshake = Some(Box::new(handshake));
    }

    /// The session is encrypted from its first byte: the handshake came before the greeting (RFC 8314).
    pub fn wrapped(&mut self) {
        self.secured = true;
    }

    /// The handshake is done: the session starts anew (RFC 3207, 4.2).
    pub fn secured(&mut self, now: i64) {
        if self.state != State::Tls {
            return;
        }
        self.now = now;
        self.state = states::next(State::Tls, Word::Secured).expect("in the table");
        self.reset();
        (self.helo, self.extended, self.secured) = (None, false, true);
        (self.line, self.line_len) = (Vec::new(), 0);
        self.last = Word::Unknown;
    }

    /// End the session from our side with 421 and a word.
    pub fn give_up(&mut self, why: &str, now: i64) {
        self.now = now;
        if self.state != State::Closed {
            self.say_and_record(b"", reply(421, &format!("4.4.2 {why}, closing")));
        }
    }

    /// The session is over; what came of an unfinished message, to be kept and marked.
    pub fn end(&mut self, now: i64) -> Option<Capture> {
        self.now = now;
        let state = std::mem::replace(&mut self.state, State::Closed);
        if !matches!(state, State::Data | State::Chunk | State::Gather) {
            return None;
        }
        let mut open = self.open.take()?;
        open.reader.cut_short();
        if open.reader.raw.is_empty() || open.reader.too_large() {
            return None;
        }
        self.unfinished += 1;
        let mut marks = vec!["unfinished".into()];
        marks.extend(self.tried_before(&open, None));
        self.note_unfinished();
        let sha256 = open.reader.sha256();
        Some(self.captured(*open, marks, sha256))
    }
}
