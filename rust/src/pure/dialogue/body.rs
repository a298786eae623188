//! The message itself: DATA or chunks, until the store has answered.

use super::bounds::Bound;
use super::ending::Reader;
use super::states::{self, State, Word};
use super::{reply, Dialogue, Event, Protocol, Reply, Verdict};

impl Dialogue {
    /// BDAT: its octets follow at once, so that they are read whatever the answer will be.
    pub(super) fn bdat(&mut self, argument: &[u8], next: State) -> Option<Reply> {
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

    pub(super) fn chunk_ended(&mut self) {
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

    pub(super) fn message_ended(&mut self, word: Word) {
        self.state = states::next(self.state, word).expect("in the table");
        let open = self.open.take().expect("a message belongs to a transaction");
        self.waiting = open.to.len();
        if open.reader.too_large() {
            self.transcript.reset();
            self.refused += 1;
            self.answer_message(reply(552, "5.3.4 Too large"));
            return;
        }
        let sha256 = open.reader.sha256();
        let marks = self.tried_before(&open, Some(&sha256));
        let capture = self.captured(*open, marks, sha256);
        self.event = Some(Event::Message(Box::new(capture)));
    }

    /// The store's answer to the message of the last event; what was held is read on.
    pub fn verdict(&mut self, verdict: Verdict, now: i64) {
        if self.state != State::Wait {
            return;
        }
        self.now = now;
        match verdict {
            Verdict::Stored => self.messages += 1,
            Verdict::Full | Verdict::Failed => {
                self.refused += 1;
                self.refusals.no_room += 1;
            }
        }
        self.note_verdict(verdict == Verdict::Stored);
        self.answer_message(match verdict {
            Verdict::Stored => reply(250, "2.0.0 OK"),
            Verdict::Full => reply(452, "4.3.1 No room, try later"),
            Verdict::Failed => reply(451, "4.3.0 Not stored, try later"),
        });
        let held = std::mem::take(&mut self.held);
        self.run(&held);
    }

    pub(super) fn answer_message(&mut self, answer: Reply) {
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
}
