//! Sessions behind a relay of the operator's: a load balancer with a PROXY header, a mail server with XCLIENT or XFORWARD. The
//! peer is then the client that the relay names, and who said so is written down beside it (`via`).
//!
//! Whose word is taken is asked of the address that stands as the peer, each time anew: whoever comes through a load balancer is
//! no relay because that is one. XCLIENT hands the session over: with the first command that is no XCLIENT the right to say it
//! ends, since from then on the client itself may be speaking.

use super::claims::{self, Claims};
use super::command::Command;
use super::states::{State, Word};
use super::transaction::Transaction;
use super::{reply, Dialogue, Protocol, Reply};
use crate::pure::proxy::{Header, SIGNATURE};
use serde_json::{json, Map, Value};
use std::net::IpAddr;

/// Who said what of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Via {
    kind: &'static str,
    relay: String,
    claimed: Map<String, Value>,
}

impl Via {
    fn json(&self) -> Value {
        json!({"kind": self.kind, "relay": self.relay, "claimed": self.claimed})
    }
}

/// What a session knows of those between it and its client.
#[derive(Debug, Default)]
pub(super) struct Relayed {
    /// Whether the peer's word is taken.
    listed: bool,
    via: Vec<Via>,
    /// A peer that the limits of addresses do not know of yet.
    moved: Option<IpAddr>,
    /// Claims for the next message.
    forwarded: Option<Box<Claims>>,
    /// Why the header that had to come did not.
    unproxied: Option<&'static str>,
    /// The first bytes, as many as tell a header.
    first: [u8; SIGNATURE.len()],
    came: u8,
}

impl Dialogue {
    pub(super) fn list(&mut self) {
        let peer = self.peer.parse::<IpAddr>();
        self.relayed.listed = peer.is_ok_and(|peer| self.settings.trusted.hold(peer));
    }

    /// Whether the peer is a relay whose word is taken.
    pub fn listed(&self) -> bool {
        self.relayed.listed
    }

    /// A header came before the first byte of the client.
    pub fn proxied(&mut self, header: &Header, now: i64) {
        self.now = now;
        self.via("proxy", header.claimed());
        match header.client() {
            Some(client) => self.become_client(client),
            // Of a client without an address nothing is known; it is not the relay.
            None => self.relayed.listed = header.local,
        }
    }

    /// The header that had to come did not: the session ends with 421.
    pub fn unproxied(&mut self, why: &'static str, now: i64) {
        self.now = now;
        self.relayed.unproxied = Some(why);
        self.refusals.no_room += 1;
        self.output.clear();
        self.state = State::Closed;
        self.say_and_record(b"", reply(421, "4.3.5 No PROXY header that can be believed, closing"));
    }

    /// The peer, once, where it is another than before.
    pub fn moved(&mut self) -> Option<IpAddr> {
        self.relayed.moved.take()
    }

    /// Whether this was no session of a client: a relay that looked whether we are here.
    pub fn looked(&self) -> bool {
        let [Via {
            kind: "proxy",
            relay,
            claimed,
        }] = &self.relayed.via[..]
        else {
            return false;
        };
        let nothing = self.open.is_none() && self.messages + self.refused == 0;
        // Version 1 has no LOCAL: HAProxy then names itself, others nobody.
        let own = claimed["family"] == "unknown" || claimed.get("source") == Some(&json!(relay));
        nothing && (claimed["command"] == "local" || (own && self.relayed.came == 0))
    }

    /// Note the first bytes: a header from somebody whose word is not taken is data of the dialogue, and a mark.
    pub(super) fn opened(&mut self, bytes: &[u8]) {
        let r = &mut self.relayed;
        let came = usize::from(r.came);
        let more = bytes.len().min(r.first.len() - came);
        if more == 0 {
            return;
        }
        r.first[came..came + more].copy_from_slice(&bytes[..more]);
        r.came += more as u8;
        let first = &r.first[..came + more];
        if first.starts_with(b"PROXY ") || first == SIGNATURE {
            self.marks.insert("proxy_unoffered");
        }
    }

    /// With any command but a further one the right to say XCLIENT ends.
    pub(super) fn heard(&mut self, word: Word) {
        if word != Word::Xclient && self.relayed.via.last().is_some_and(|v| v.kind == "xclient") {
            self.relayed.listed = false;
        }
    }

    /// XCLIENT or XFORWARD, in a state that allows it or in another (None).
    pub(super) fn claim(&mut self, word: Word, argument: &[u8], next: Option<State>) -> Reply {
        let (known, mark) = match word {
            Word::Xclient => (claims::XCLIENT, "xclient_unoffered"),
            _ => (claims::XFORWARD, "xforward_unoffered"),
        };
        if !self.relayed.listed {
            self.marks.insert(mark);
            return reply(500, "5.5.2 No such command");
        }
        let Some(next) = next else {
            return reply(503, "5.5.1 Not now");
        };
        let Some(claims) = Claims::read(argument, known, &self.settings.user_key, self.settings.bait) else {
            return reply(501, "5.5.4 NAME=value, with the names that were offered");
        };
        self.state = next;
        if word == Word::Xforward {
            self.relayed.forwarded.get_or_insert_default().extend(claims);
            return reply(250, "2.0.0 OK");
        }
        // One command may be too short for all of it: several are one claim.
        let more = self.relayed.via.last().is_some_and(|v| v.kind == "xclient");
        match self.relayed.via.last_mut() {
            Some(last) if more => last.claimed.extend(claims.said),
            _ => self.via("xclient", claims.said),
        }
        if let Some(client) = claims.address {
            self.become_client(client);
            self.relayed.listed = true;
        }
        self.reset();
        (self.helo, self.extended) = (None, false);
        (220, self.greeting())
    }

    /// The words of the greeting behind its code.
    pub(super) fn greeting(&self) -> String {
        let kind = match self.settings.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        self.arm.greeting(&self.settings.host, kind)
    }

    /// What EHLO offers to a relay, each with its LF.
    pub(super) fn offered_to_relay(&self) -> String {
        match self.relayed.listed {
            true => format!(
                "XCLIENT {}\nXFORWARD {}\n",
                claims::XCLIENT.join(" "),
                claims::XFORWARD.join(" ")
            ),
            false => String::new(),
        }
    }

    /// What the transcript keeps of such a line.
    pub(super) fn kept_of_claim(&self, command: &Command) -> Vec<u8> {
        let verb = match command.word {
            Word::Xclient => "XCLIENT",
            _ => "XFORWARD",
        };
        claims::line(verb, command.argument.unwrap_or(b""), self.settings.bait)
    }

    /// Claims for the message that begins.
    pub(super) fn forwarded(&mut self) -> Option<Box<Claims>> {
        self.relayed.forwarded.take()
    }

    /// The true client of a message: whom the relay named for it, else the peer.
    pub(super) fn client(&self, open: &Transaction) -> String {
        let forwarded = open.forwarded.as_ref().and_then(|claims| claims.address);
        forwarded.map_or_else(|| self.peer.clone(), |client| client.to_string())
    }

    /// Write down who said what of the client.
    pub(super) fn tell_via(&self, record: &mut Map<String, Value>, open: Option<&Transaction>) {
        let mut via: Vec<Value> = self.relayed.via.iter().map(Via::json).collect();
        if let Some(claims) = open.and_then(|open| open.forwarded.as_ref()) {
            let forwarded = Via {
                kind: "xforward",
                relay: self.peer.clone(),
                claimed: claims.said.clone(),
            };
            via.push(forwarded.json());
        }
        if !via.is_empty() {
            record.insert("via".into(), json!(via));
        }
        if let Some(why) = self.relayed.unproxied {
            record.insert("unproxied".into(), json!(why));
        }
    }

    fn via(&mut self, kind: &'static str, claimed: Map<String, Value>) {
        self.relayed.via.push(Via {
            kind,
            relay: self.peer.clone(),
            claimed,
        });
    }

    fn become_client(&mut self, client: IpAddr) {
        self.peer = client.to_canonical().to_string();
        self.relayed.moved = Some(client);
        self.list();
    }
}
