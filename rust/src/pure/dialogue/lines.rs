//! Command lines: gathered from bytes, judged, answered, and written down without what might be a password.

use super::bounds::Bound;
use super::command::{self, Command};
use super::states::{State, Word};
use super::{auth, reply, Dialogue, Reply};

impl Dialogue {
    /// Gather a line and act on it; the bytes after it.
    pub(super) fn read_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
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

    pub(super) fn line_ended(&mut self, line: &[u8], len: usize) {
        if len > 512 {
            self.marks.insert("long_line");
        }
        if len > line.len() {
            self.idle += 1;
            self.heard(Word::Unknown);
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
                Word::Helo
                    | Word::Ehlo
                    | Word::Lhlo
                    | Word::Vrfy
                    | Word::Expn
                    | Word::Noop
                    | Word::Auth
                    | Word::Xclient
            );
            self.marks.insert(match (self.greeted, self.extended && !must_wait) {
                (false, _) => "early_talk",
                (true, true) => "pipelined",
                (true, false) => "pipelined_unoffered",
            });
        }
        self.last = command.word;
        self.heard(command.word);
        let kept = self.kept(line, &command);
        if let Some(answer) = self.command(&command) {
            let answer = self.judged(command.word, answer);
            self.say_and_record(&kept, answer);
        } else {
            self.record(&kept, 0);
        }
    }

    /// What the transcript keeps of a line: never what might be a password.
    pub(super) fn kept(&mut self, line: &[u8], command: &Command) -> Vec<u8> {
        match command.word {
            Word::Auth => {
                self.secretive = true;
                let argument = command.argument.unwrap_or(b"");
                let end = argument.iter().position(|b| *b == b' ').unwrap_or(argument.len());
                let rest = argument.len() - end;
                let more = if rest > 0 { format!(" *{rest}") } else { String::new() };
                format!("AUTH {}{more}", auth::mechanism(&argument[..end])).into_bytes()
            }
            Word::Xclient | Word::Xforward => self.kept_of_claim(command),
            _ if self.settings.bait => self.kept_of_stranger(line, command),
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

    pub(super) fn record(&mut self, line: &[u8], code: u16) {
        let bound = self.settings.bounds.of(Bound::TranscriptBytes);
        self.transcript.step(self.now - self.began, line, code, bound);
    }

    pub(super) fn say_and_record(&mut self, line: &[u8], answer: Reply) {
        self.record(line, answer.0);
        self.say(&answer);
    }

    /// Put a reply of one line, or of several, into the output.
    pub(super) fn say(&mut self, (code, text): &Reply) {
        self.refusals.all += u64::from(code / 100 == 4);
        let text = self.arm.said(*code, text.clone());
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let sign = if lines.peek().is_some() { '-' } else { ' ' };
            self.output
                .extend_from_slice(format!("{code}{sign}{line}\r\n").as_bytes());
        }
    }

    /// The answer, or 421 and the end where it is one too many.
    pub(super) fn judged(&mut self, word: Word, answer: Reply) -> Reply {
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
}
