//! What is written down of a message and of a session.

use super::transaction::Transaction;
use super::{probe, Dialogue};
use crate::pure::capture::{Capture, Meta};
use serde_json::{json, Map, Value};

impl Dialogue {
    /// The record of a message whose bytes have the digest `sha256`.
    pub(super) fn captured(&mut self, open: Transaction, mut marks: Vec<String>, sha256: [u8; 32]) -> Capture {
        if !open.counts {
            marks.extend(open.lives.iter().map(|m| (*m).to_owned()));
        }
        if self.settings.bait {
            marks.push("relay_bait".into());
        }
        if probe::is_ours(&self.settings.user_key, &open.reader.raw, self.now) {
            marks.push("own_test".into());
        }
        let mut dialect = open.reader.marks(open.eight_bit);
        dialect.extend(&open.marks);
        if open.size.is_some_and(|said| open.reader.raw.len() > said) {
            dialect.insert("size_understated");
        }
        dialect.extend(&self.marks);
        let mut transcript = self.transcript.take(self.began, &dialect);
        transcript.insert("protocol".into(), json!(self.settings.protocol.name()));
        transcript.insert("tls".into(), json!(self.secured));
        self.note_treatment(&mut transcript);
        self.tell_handshake(&mut transcript);
        self.tell_via(&mut transcript, Some(&open));
        transcript.insert("data".into(), json!([open.began, self.now - self.began]));
        let claimed = open.forwarded.as_ref().and_then(|claims| claims.helo());
        let meta = Meta {
            v: 1,
            peer: Some(self.client(&open)),
            helo: claimed.unwrap_or_else(|| self.helo.clone()),
            from: Some(open.from),
            to: open.to,
            time_origin: "smtp".into(),
            session: Some(self.session.clone()),
            persona: Some(self.settings.persona.clone()),
            marks,
            transcript: Some(Value::Object(transcript)),
            ..Meta::default()
        };
        Capture {
            received_at: self.now,
            meta,
            raw: open.reader.raw,
            sha256,
        }
    }

    fn note_treatment(&self, facts: &mut Map<String, Value>) {
        if self.settings.treatment.is_some() {
            facts.insert("treatment".into(), json!(self.arm.name()));
        }
    }

    fn tell_handshake(&self, record: &mut Map<String, Value>) {
        if let Some(handshake) = &self.handshake {
            record.insert("handshake".into(), handshake.json());
        }
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
        self.tell_handshake(&mut facts);
        self.tell_via(&mut facts, None);
        facts.insert("helo".into(), json!(self.helo));
        facts.insert("lasted".into(), json!(self.now - self.began));
        facts.insert("messages".into(), json!(self.messages));
        facts.insert("refused".into(), json!(self.refused));
        facts.insert("unfinished".into(), json!(self.unfinished));
        if self.bounced > 0 {
            facts.insert("bounced".into(), json!(self.bounced));
        }
        self.note_treatment(&mut facts);
        facts.insert("how".into(), json!(how));
        facts
    }
}
