//! Retries: a delivery that was put off or did not come to its end, and comes again. What is compared is the peer unit, the
//! reverse-path, and the recipient (where a recipient was put off), the digest of the bytes or the Message-ID (where a message was).

use super::memory::{key, Key};
use super::{Dialogue, Transaction};
use crate::pure::peer::peer_units;

/// So many bytes of a message are searched for its Message-ID.
const HEAD_BYTES: usize = 65_536;

/// Keys of messages between their end and the peer's next word.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Of the message that the store has.
    stored: Vec<Key>,
    /// Of messages whose 250 waits to be sent,
    answered: Vec<Key>,
    /// or was sent and may not have been heard.
    sent: Vec<Key>,
}

impl Dialogue {
    fn key(&self, label: &str, open: &Transaction, what: &[u8]) -> Key {
        let client = self.client(open);
        let unit = peer_units(&client).map_or(client, |(unit, _)| unit);
        key(
            &self.settings.user_key,
            label,
            &[unit.as_bytes(), open.from.as_bytes(), what],
        )
    }

    fn recipient_key(&self, open: &Transaction, to: &str) -> Key {
        self.key("recipient", open, to.to_lowercase().as_bytes())
    }

    /// Keys by which a message is known when it comes again; one that was cut short by its Message-ID alone.
    fn message_keys(&self, open: &Transaction, whole: Option<&[u8; 32]>) -> Vec<Key> {
        let raw = &open.reader.raw;
        let mut keys: Vec<Key> = message_id(raw).map(|id| self.key("id", open, id)).into_iter().collect();
        keys.extend(whole.map(|sha256| self.key("bytes", open, sha256)));
        keys
    }

    /// Whether a greylisted recipient may go on now.
    pub(super) fn let_through(&self, to: &str) -> bool {
        let (Some(plan), Some(open)) = (&self.settings.treatment, &self.open) else {
            return true;
        };
        let key = self.key("greylist", open, to.to_lowercase().as_bytes());
        self.settings.memory().let_through(key, plan.retry, self.now)
    }

    /// Remember a recipient that was put off.
    pub(super) fn recipient_put_off(&self, to: &str) {
        if let Some(open) = &self.open {
            let key = self.recipient_key(open, to);
            self.settings.memory().lost(key, self.now, false);
        }
    }

    /// Marks of a message that was tried before; its keys are kept for the verdict. `whole`: its digest, where it came to its end.
    pub(super) fn tried_before(&mut self, open: &Transaction, whole: Option<&[u8; 32]>) -> Vec<String> {
        let keys = self.message_keys(open, whole);
        let mut marks = Vec::new();
        let mut memory = self.settings.memory();
        if !memory.nothing_lost() {
            let again: Vec<bool> = keys.iter().filter_map(|k| memory.tried(k, self.now)).collect();
            let recipients: Vec<Key> = open.to.iter().map(|to| self.recipient_key(open, to)).collect();
            let put_off = recipients.iter().any(|k| memory.tried(k, self.now).is_some());
            if put_off || !again.is_empty() {
                marks.push("retry".into());
            }
            if again.contains(&true) {
                marks.push("counted_before".into());
            }
            if whole.is_some() {
                recipients.iter().for_each(|k| memory.acknowledged(k));
            }
        }
        drop(memory);
        self.pending.stored = keys;
        marks
    }

    /// What the store said of the message: from then on it is acknowledged, or may come again.
    pub(super) fn note_verdict(&mut self, stored: bool) {
        let keys = std::mem::take(&mut self.pending.stored);
        let mut memory = self.settings.memory();
        for key in &keys {
            if stored {
                memory.acknowledged(key);
            } else {
                memory.lost(*key, self.now, false);
            }
        }
        drop(memory);
        if stored {
            self.pending.answered = keys;
        }
    }

    /// A message that did not come to its end stands in a record: what comes again was counted before.
    pub(super) fn note_unfinished(&mut self) {
        for key in std::mem::take(&mut self.pending.stored) {
            self.settings.memory().lost(key, self.now, true);
        }
    }

    pub(super) fn answers_sent(&mut self) {
        if !self.pending.answered.is_empty() {
            self.pending.sent = std::mem::take(&mut self.pending.answered);
        }
    }

    pub(super) fn peer_spoke(&mut self) {
        self.pending.sent = Vec::new();
    }

    /// The connection broke before the peer said another word: our 250 may not have been heard, and the message, which is
    /// stored, may come again.
    pub fn unheard(&mut self, now: i64) {
        self.now = now;
        for key in std::mem::take(&mut self.pending.sent) {
            self.settings.memory().lost(key, now, true);
        }
    }
}

/// The value of the first Message-ID of a header.
fn message_id(raw: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"message-id:";
    let head = &raw[..raw.len().min(HEAD_BYTES)];
    for line in head.split_inclusive(|b| *b == b'\n') {
        // A line without its end may be half of one.
        let line = line.strip_suffix(b"\n")?.trim_ascii();
        if line.is_empty() {
            return None;
        }
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            return Some(line[NAME.len()..].trim_ascii()).filter(|id| !id.is_empty());
        }
    }
    None
}
