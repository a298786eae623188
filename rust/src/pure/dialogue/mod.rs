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

pub mod auth;
pub mod bounds;
pub mod command;
pub mod dialect;
pub mod ending;
pub mod path;
pub mod states;
pub mod transcript;

use super::capture::{Capture, Meta};
use bounds::{Bound, Bounds};
use command::Command;
use ending::Reader;
use serde_json::{json, Map, Value};
use states::{State, Word};
use std::collections::BTreeSet;
use std::sync::Arc;
use transcript::Transcript;

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
    /// Addresses accepted, in lower case, `@domain` for all of one; None accepts any.
    pub addresses: Option<BTreeSet<String>>,
    /// Key of the hash of user names.
    pub user_key: [u8; 32],
    /// The bounds.
    pub bounds: Bounds,
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

/// A transaction: from MAIL to the end of its message.
#[derive(Debug)]
struct Transaction {
    from: String,
    to: Vec<String>,
    size: Option<usize>,
    eight_bit: bool,
    utf8: bool,
    reader: Reader,
    began: i64,
    marks: BTreeSet<&'static str>,
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
}

type Reply = (u16, String);

fn reply(code: u16, text: &str) -> Reply {
    (code, text.to_owned())
}

impl Dialogue {
    /// A session that begins: its greeting waits to be sent.
    pub fn new(settings: Arc<Settings>, peer: String, session: String, now: i64) -> Self {
        let kind = match settings.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        let output = format!("220 {} {kind}\r\n", settings.host).into_bytes();
        Dialogue {
            settings,
            peer,
            session,
            began: now,
            now,
            state: State::Start,
            output,
            greeted: false,
            line: Vec::new(),
            line_len: 0,
            line_early: false,
            held: Vec::new(),
            event: None,
            helo: None,
            extended: false,
            secured: false,
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
        }
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
        std::mem::take(&mut self.output)
    }

    /// What has to be done before the session goes on, once.
    pub fn event(&mut self) -> Option<Event> {
        self.event.take()
    }

    /// Take bytes as they came.
    pub fn receive(&mut self, bytes: &[u8], now: i64) {
        self.now = now;
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

    /// Gather a line and act on it; the bytes after it.
    fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.line_len == 0 {
            self.line_early = !self.output.is_empty();
        }
        let end = memchr::memchr(b'\n', bytes);
        let used = end.map_or(bytes.len(), |i| i + 1);
        let bound = self.settings.bounds.of(Bound::CommandBytes);
        let room = bound.saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..used.min(room)]);
        self.line_len += used;
        if self.state == State::Start && !self.secured && self.line.starts_with(&[0x16, 3]) {
            self.marks.insert("tls_hello");
            self.say_and_record(b"", reply(500, "5.5.1 This is no TLS yet"));
            self.line = Vec::new();
            self.state = State::Closed;
            return &[];
        }
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            let len = std::mem::take(&mut self.line_len);
            self.line_ended(&line, len);
        }
        &bytes[used..]
    }

    fn line_ended(&mut self, line: &[u8], len: usize) {
        if len > 512 {
            self.marks.insert("long_line");
        }
        if len > line.len() {
            self.idle += 1;
            let answer = self.judged(Word::Unknown, reply(500, "5.5.6 Line too long"));
            self.say_and_record(format!("*{len}").as_bytes(), answer);
            return;
        }
        let line = &line[..len - 1];
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None => {
                self.marks.insert("bare_lf");
                line
            }
        };
        if self.state == State::Auth {
            let answer = self.auth_answer(line);
            let answer = self.judged(Word::Auth, answer);
            self.say_and_record(format!("*{}", line.len()).as_bytes(), answer);
            return;
        }
        let mut marks = std::mem::take(&mut self.marks);
        let command = command::parse(line, &mut marks);
        self.marks = marks;
        if self.line_early {
            let must_wait = matches!(
                self.last,
                Word::Helo | Word::Ehlo | Word::Lhlo | Word::Vrfy | Word::Expn | Word::Noop | Word::Auth
            );
            self.marks.insert(match (self.greeted, self.extended && !must_wait) {
                (false, _) => "early_talk",
                (true, true) => "pipelined",
                (true, false) => "pipelined_unoffered",
            });
        }
        self.last = command.word;
        let kept = self.kept(line, &command);
        if let Some(answer) = self.command(&command) {
            let answer = self.judged(command.word, answer);
            self.say_and_record(&kept, answer);
        } else {
            self.record(&kept, 0);
        }
    }

    /// What the transcript keeps of a line: never what might be a password.
    fn kept(&mut self, line: &[u8], command: &Command) -> Vec<u8> {
        match command.word {
            Word::Auth => {
                self.secretive = true;
                let argument = command.argument.unwrap_or(b"");
                let end = argument.iter().position(|b| *b == b' ').unwrap_or(argument.len());
                let rest = argument.len() - end;
                let more = if rest > 0 { format!(" *{rest}") } else { String::new() };
                format!("AUTH {}{more}", auth::mechanism(&argument[..end])).into_bytes()
            }
            Word::Unknown | Word::Http => {
                self.secretive |= auth::telling(line);
                if self.secretive {
                    format!("*{}", line.len()).into_bytes()
                } else {
                    line.to_vec()
                }
            }
            _ => line.to_vec(),
        }
    }

    fn record(&mut self, line: &[u8], code: u16) {
        let bound = self.settings.bounds.of(Bound::TranscriptBytes);
        self.transcript.step(self.now - self.began, line, code, bound);
    }

    fn say_and_record(&mut self, line: &[u8], answer: Reply) {
        self.record(line, answer.0);
        self.say(&answer);
    }

    /// Put a reply of one line, or of several, into the output.
    fn say(&mut self, (code, text): &Reply) {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let sign = if lines.peek().is_some() { '-' } else { ' ' };
            self.output
                .extend_from_slice(format!("{code}{sign}{line}\r\n").as_bytes());
        }
    }

    /// The answer, or 421 and the end where it is one too many.
    fn judged(&mut self, word: Word, answer: Reply) -> Reply {
        let bounds = &self.settings.bounds;
        let failed = usize::from(answer.0 >= 500);
        if word == Word::Rcpt {
            self.refused_recipients += failed;
        } else {
            self.errors += failed;
        }
        let over = self.errors > bounds.of(Bound::Errors)
            || self.refused_recipients > bounds.of(Bound::RefusedRecipients)
            || self.idle > bounds.of(Bound::IdleCommands)
            || self.tries > bounds.of(Bound::AuthTries);
        if over && self.state != State::Closed {
            self.state = State::Closed;
            return reply(421, "4.7.0 Too many of these, closing");
        }
        answer
    }

    /// Act on a command; its answer, or None where it comes later.
    fn command(&mut self, command: &Command) -> Option<Reply> {
        let word = command.word;
        if !matches!(word, Word::Rcpt | Word::Data | Word::Bdat | Word::Quit) {
            self.idle += 1;
        }
        let argument = command.argument;
        if word == Word::Auth {
            self.marks.insert("auth_tried");
            self.tries += 1;
        }
        let Some(next) = states::next(self.state, word) else {
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

    fn hello(&mut self, word: Word, name: &[u8], next: State) -> Reply {
        if let Some(mark) = command::helo_mark(name) {
            self.marks.insert(mark);
        }
        if self.helo.is_some() {
            self.marks.insert("second_helo");
        }
        self.helo = Some(path::text(name));
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
        let text = format!(
            "{host}\nPIPELINING\n8BITMIME\nSMTPUTF8\nSIZE {size}\nCHUNKING\nDSN\n{tls}ENHANCEDSTATUSCODES\nHELP"
        );
        (250, text)
    }

    /// Forget the transaction.
    fn reset(&mut self) {
        self.open = None;
        self.transcript.reset();
    }

    fn path(&mut self, argument: Option<&[u8]>) -> Result<path::Path, Reply> {
        let mut marks = std::mem::take(&mut self.marks);
        let found = argument.and_then(|a| path::parse(a, &mut marks));
        self.marks = marks;
        match found {
            Some(path) if path.len <= self.settings.bounds.of(Bound::PathBytes) => Ok(path),
            Some(_) => Err(reply(501, "5.1.7 Address too long")),
            None => Err(reply(501, "5.5.4 FROM:<address> or TO:<address>")),
        }
    }

    fn mail(&mut self, argument: Option<&[u8]>, next: State) -> Reply {
        if self.messages + self.refused >= self.settings.bounds.of(Bound::Messages) {
            self.state = State::Closed;
            return reply(421, "4.7.0 Enough messages, closing");
        }
        if self.full {
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
        self.transcript.parameters(None, &path.parameters);
        self.open = Some(Box::new(Transaction {
            from: path.address,
            to: Vec::new(),
            size,
            eight_bit,
            utf8,
            reader: Reader::new(0),
            began: 0,
            marks: BTreeSet::new(),
        }));
        self.state = next;
        reply(250, "2.1.0 OK")
    }

    fn address_marks(&mut self, address: &str, utf8: bool) {
        if !address.is_empty() && !address.contains('@') {
            self.marks.insert("no_domain");
        }
        if !address.is_ascii() && !utf8 {
            self.marks.insert("utf8_unasked");
        }
    }

    fn rcpt(&mut self, argument: Option<&[u8]>, next: State) -> Reply {
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
        let open = self.open.as_mut().expect("MAIL came before");
        if open.to.len() >= self.settings.bounds.of(Bound::Recipients) {
            return reply(452, "4.5.3 Too many recipients");
        }
        if let Some(listed) = &self.settings.addresses {
            let lower = path.address.to_lowercase();
            let domain = lower.rfind('@').map_or("", |at| &lower[at..]);
            if !listed.contains(&lower) && !listed.contains(domain) {
                return reply(550, "5.1.1 No such address");
            }
        }
        self.transcript.parameters(Some(open.to.len()), &path.parameters);
        open.to.push(path.address);
        self.state = next;
        reply(250, "2.1.5 OK")
    }

    /// BDAT: its octets follow at once, so that they are read whatever the answer will be.
    fn bdat(&mut self, argument: &[u8], next: State) -> Option<Reply> {
        self.marks.insert("chunking");
        let mut words = argument.split(|b| *b == b' ').filter(|w| !w.is_empty());
        let size = words.next().and_then(|w| std::str::from_utf8(w).ok());
        let size = size.filter(|w| w.bytes().all(|b| b.is_ascii_digit()));
        let (size, last) = match (size.and_then(|w| w.parse::<u64>().ok()), words.next(), words.next()) {
            (Some(n), None, None) => (n, false),
            (Some(n), Some(word), None) if word.eq_ignore_ascii_case(b"LAST") => (n, true),
            _ => {
                // How many octets follow is not known: whatever comes now is no command.
                self.state = State::Closed;
                return Some(reply(501, "5.5.4 BDAT wants a number, closing"));
            }
        };
        if size > self.settings.bounds.of(Bound::MessageBytes) as u64 {
            self.state = State::Closed;
            return Some(reply(552, "5.3.4 Too large, closing"));
        }
        let fresh = self.state == State::Rcpt;
        self.state = next;
        (self.left, self.last_chunk) = (size as usize, last);
        if fresh {
            let bound = self.settings.bounds.of(Bound::MessageBytes);
            let open = self.open.as_mut().expect("a recipient was accepted");
            open.reader = Reader::new(bound);
            open.began = self.now - self.began;
        }
        if self.left == 0 {
            self.chunk_ended();
        }
        None
    }

    fn chunk_ended(&mut self) {
        if self.state == State::Skip {
            self.reset();
            self.state = states::next(State::Skip, Word::ChunkEnd).expect("in the table");
            let answer = self.judged(Word::Bdat, reply(503, "5.5.1 Not now"));
            self.say_and_record(b".", answer);
        } else if self.last_chunk {
            self.message_ended(Word::LastEnd);
        } else {
            self.state = states::next(State::Chunk, Word::ChunkEnd).expect("in the table");
            let open = self.open.as_ref().expect("a chunk belongs to a transaction");
            let answer = if open.reader.too_large() {
                reply(552, "5.3.4 Too large")
            } else {
                reply(250, "2.0.0 OK")
            };
            self.say_and_record(b".", answer);
        }
    }

    fn message_ended(&mut self, word: Word) {
        self.state = states::next(self.state, word).expect("in the table");
        let open = self.open.take().expect("a message belongs to a transaction");
        self.waiting = open.to.len();
        if open.reader.too_large() {
            self.transcript.reset();
            self.refused += 1;
            self.answer_message(reply(552, "5.3.4 Too large"));
            return;
        }
        let capture = self.captured(*open, Vec::new());
        self.event = Some(Event::Message(Box::new(capture)));
    }

    /// The record of a message.
    fn captured(&mut self, open: Transaction, marks: Vec<String>) -> Capture {
        let mut dialect = open.reader.marks(open.eight_bit);
        dialect.extend(&open.marks);
        if open.size.is_some_and(|said| open.reader.raw.len() > said) {
            dialect.insert("size_understated");
        }
        dialect.extend(&self.marks);
        let mut transcript = self.transcript.take(self.began, &dialect);
        transcript.insert("protocol".into(), json!(self.settings.protocol.name()));
        transcript.insert("tls".into(), json!(self.secured));
        transcript.insert("data".into(), json!([open.began, self.now - self.began]));
        let meta = Meta {
            v: 1,
            from: Some(open.from),
            to: open.to,
            peer: Some(self.peer.clone()),
            helo: self.helo.clone(),
            time_origin: "smtp".into(),
            session: Some(self.session.clone()),
            persona: Some(self.settings.persona.clone()),
            marks,
            transcript: Some(Value::Object(transcript)),
            ..Meta::default()
        };
        Capture::new(self.now, meta, open.reader.raw)
    }

    /// The store's answer to the message of the last event; what was held is read on.
    pub fn verdict(&mut self, verdict: Verdict, now: i64) {
        if self.state != State::Wait {
            return;
        }
        self.now = now;
        match verdict {
            Verdict::Stored => self.messages += 1,
            Verdict::Full | Verdict::Failed => self.refused += 1,
        }
        self.answer_message(match verdict {
            Verdict::Stored => reply(250, "2.0.0 OK"),
            Verdict::Full => reply(452, "4.3.1 No room, try later"),
            Verdict::Failed => reply(451, "4.3.0 Not stored, try later"),
        });
        let held = std::mem::take(&mut self.held);
        self.run(&held);
    }

    fn answer_message(&mut self, answer: Reply) {
        self.state = states::next(State::Wait, Word::Verdict).expect("in the table");
        self.idle = 0;
        let times = match self.settings.protocol {
            Protocol::Smtp => 1,
            Protocol::Lmtp => self.waiting,
        };
        self.record(b".", answer.0);
        for _ in 0..times {
            self.say(&answer);
        }
    }

    /// AUTH with its first response, if it has one.
    fn auth(&mut self, argument: &[u8]) -> Reply {
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
                return reply(535, "5.7.8 Refused");
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

    fn tried(&self, mechanism: &'static str, response: Option<&[u8]>) -> auth::Tried {
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
    fn note_auth(&mut self, argument: &[u8]) {
        let (name, response) = split_auth(argument);
        let tried = self.tried(auth::mechanism(name), response);
        self.transcript.tried(tried);
    }

    /// A line of the AUTH dialogue.
    fn auth_answer(&mut self, line: &[u8]) -> Reply {
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
            _ => reply(535, "5.7.8 Refused"),
        }
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
        Some(self.captured(*open, vec!["unfinished".into()]))
    }

    /// What the record of the session states; `how` it ended is known to the owner of the socket.
    pub fn facts(&mut self, how: &str) -> Map<String, Value> {
        let marks = std::mem::take(&mut self.marks);
        let mut facts = self.transcript.take(self.began, &marks);
        facts.insert("session".into(), json!(self.session));
        facts.insert("peer".into(), json!(self.peer));
        facts.insert("protocol".into(), json!(self.settings.protocol.name()));
        facts.insert("persona".into(), json!(self.settings.persona));
        facts.insert("tls".into(), json!(self.secured));
        facts.insert("helo".into(), json!(self.helo));
        facts.insert("lasted".into(), json!(self.now - self.began));
        facts.insert("messages".into(), json!(self.messages));
        facts.insert("refused".into(), json!(self.refused));
        facts.insert("unfinished".into(), json!(self.unfinished));
        facts.insert("how".into(), json!(how));
        facts
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
