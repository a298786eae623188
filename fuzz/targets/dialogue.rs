//! The dialogue machine, fed any bytes.
//!
//! The first eight bytes of an input choose settings, verdicts of the store and places where the bytes are cut; the rest is
//! what a peer sends. Checked: the same bytes give the same replies, messages and facts in one piece, in pieces, in single
//! bytes and with a store that is slow; replies asked for at other times change marks alone; what is held and what is
//! written down stays within the bounds.
#![no_main]

use _kernel::pure::capture::Capture;
use _kernel::pure::dialogue::bounds::{Bound, Bounds};
use _kernel::pure::dialogue::lives::Life;
use _kernel::pure::dialogue::states::State;
use _kernel::pure::dialogue::{Dialogue, Event, Protocol, Settings, Verdict};
use _kernel::pure::networks::Networks;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

/// Values of each bound, small enough to be passed by a short input. None leaves the bound as it is.
const SMALL: &[(&str, [usize; 3])] = &[
    ("command_bytes", [40, 80, 700]),
    ("path_bytes", [8, 30, 64]),
    ("recipients", [0, 1, 3]),
    ("refused_recipients", [0, 1, 3]),
    ("message_bytes", [0, 20, 400]),
    ("messages", [0, 1, 3]),
    ("errors", [0, 2, 6]),
    ("idle_commands", [0, 2, 6]),
    ("auth_tries", [0, 1, 2]),
    ("transcript_bytes", [0, 50, 300]),
];

/// When the owner of the socket asks for replies and answers for the store.
#[derive(Clone, Copy)]
struct Pace {
    /// Replies are asked for after each chunk, not only at the end.
    asks: bool,
    /// The store answers only after further chunks have come.
    slow: bool,
}

/// How one input is to be played.
struct Played<'a> {
    settings: Settings,
    verdicts: u8,
    full: bool,
    gives_up: bool,
    /// What comes before a handshake, if there is one, and after it.
    parts: [&'a [u8]; 2],
    cuts: [usize; 2],
}

/// Replies, messages, facts of the session.
#[derive(Debug, PartialEq, Eq)]
struct Came(Vec<u8>, Vec<Capture>, String);

fn bounds(choice: [u8; 2]) -> Bounds {
    let mut bounds = Bounds::default();
    // Three bits name a place in `SMALL`, two the value; the second byte does the same for a second bound.
    for byte in choice {
        let (name, values) = &SMALL[usize::from(byte >> 2) % SMALL.len()];
        if let Some(n) = values.get(usize::from(byte & 3)) {
            assert!(bounds.set(name, *n));
        }
    }
    bounds
}

fn read(input: &[u8]) -> Option<Played<'_>> {
    let (head, data) = input.split_at_checked(8)?;
    let flag = |bit: u8| head[0] >> bit & 1 == 1;
    let listed = [("x@trap.example", Life::Live), ("@all.example", Life::Disclosed), ("y@all.example", Life::Retired)];
    let settings = Settings {
        host: "mx.example".into(),
        protocol: if flag(0) { Protocol::Lmtp } else { Protocol::Smtp },
        persona: "plain".into(),
        starttls: flag(1),
        addresses: flag(2).then(|| listed.map(|(address, life)| (address.to_owned(), life)).into_iter().collect()),
        bait: flag(5),
        trusted: Networks::parse(&[if flag(6) { "192.0.2.0/24" } else { "::1" }.to_owned()]).expect("networks"),
        user_key: [7; 32],
        bounds: bounds([head[1], head[2]]),
        ..Settings::default()
    };
    let middle = data.len() * usize::from(head[6]) / 255;
    Some(Played {
        settings,
        verdicts: head[3],
        full: flag(3),
        gives_up: flag(4),
        parts: [&data[..middle], &data[middle..]],
        cuts: [1 + usize::from(head[4]), 1 + usize::from(head[5])],
    })
}

impl Played<'_> {
    /// Chunks of a part, their lengths those of `cuts` in turn; a length of 0 is the rest.
    fn chunks<'b>(&self, mut part: &'b [u8], cuts: [usize; 2]) -> Vec<&'b [u8]> {
        let mut chunks = Vec::new();
        for cut in cuts.iter().cycle() {
            if part.is_empty() {
                break;
            }
            let n = if *cut == 0 { part.len() } else { part.len().min(*cut) };
            let (chunk, rest) = part.split_at(n);
            chunks.push(chunk);
            part = rest;
        }
        chunks
    }

    fn verdict(&self, message: usize) -> Verdict {
        match self.verdicts >> (2 * (message % 4)) & 3 {
            0 | 1 => Verdict::Stored,
            2 => Verdict::Full,
            _ => Verdict::Failed,
        }
    }

    fn play(&self, cuts: [usize; 2], pace: Pace) -> Came {
        // What a trap remembers of refused messages is shared by its sessions, not by the plays of one.
        let settings = Settings {
            memory: Default::default(),
            ..self.settings.clone()
        };
        let mut dialogue = Dialogue::new(Arc::new(settings), "192.0.2.7".into(), "s".into(), 0);
        dialogue.set_full(self.full);
        let (mut sent, mut messages) = (Vec::new(), Vec::new());
        for part in self.parts {
            for (n, chunk) in self.chunks(part, cuts).into_iter().enumerate() {
                dialogue.receive(chunk, 0);
                if !pace.slow || n % 3 == 2 {
                    self.store(&mut dialogue, &mut messages);
                    self.held(&dialogue);
                }
                if pace.asks {
                    sent.extend(dialogue.bytes_to_send());
                }
            }
            self.store(&mut dialogue, &mut messages);
            self.held(&dialogue);
            if dialogue.state() == State::Tls {
                dialogue.secured(0);
            }
        }
        if self.gives_up {
            dialogue.give_up("idle", 0);
        }
        messages.extend(dialogue.end(0));
        let facts = serde_json::Value::Object(dialogue.facts("closed")).to_string();
        sent.extend(dialogue.bytes_to_send());
        Came(sent, messages, facts)
    }

    /// Answer for the store until nothing waits.
    fn store(&self, dialogue: &mut Dialogue, messages: &mut Vec<Capture>) {
        while let Some(event) = dialogue.event() {
            match event {
                Event::Message(capture) => {
                    let verdict = self.verdict(messages.len());
                    messages.push(*capture);
                    dialogue.verdict(verdict, 0);
                }
                Event::Secure => break,
            }
        }
    }

    /// Nothing waits, so what is held is the message alone.
    fn held(&self, dialogue: &Dialogue) {
        let bound = self.settings.bounds.of(Bound::MessageBytes);
        assert!(dialogue.size_bytes() <= bound, "held beyond message_bytes");
        assert!(dialogue.state() != State::Wait, "a store that answered is waited for");
    }

    /// What is written down has a bound that follows from the table.
    fn written(&self, came: &Came) {
        let of = |bound| self.settings.bounds.of(bound);
        // A byte becomes six characters of JSON at most, a step or a parameter has 40 beside its own.
        let spoken = 2 * (6 + 40) * of(Bound::TranscriptBytes) + 40 * (of(Bound::IdleCommands) + of(Bound::Errors));
        let paths = 6 * of(Bound::PathBytes) * (1 + of(Bound::Recipients)) + 8 * of(Bound::Recipients);
        // Each attribute of XCLIENT and XFORWARD may fill a line.
        let bound = 4096 + 6 * (1 + 15) * of(Bound::CommandBytes) + spoken + paths;
        for message in &came.1 {
            assert!(message.raw.len() <= of(Bound::MessageBytes));
            let len = serde_json::to_vec(&message.meta).expect("strings").len();
            assert!(len <= bound, "a meta of {len} bytes; the bounds give {bound}");
        }
        assert!(came.2.len() <= bound, "facts of {} bytes; the bounds give {bound}", came.2.len());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(played) = read(input) else { return };
    let still = Pace { asks: false, slow: false };
    let whole = played.play([0, 0], still);
    played.written(&whole);
    assert_eq!(played.play(played.cuts, still), whole, "in pieces");
    assert_eq!(played.play([1, 1], still), whole, "in single bytes");
    assert_eq!(played.play(played.cuts, Pace { slow: true, ..still }), whole, "with a slow store");
    let asked = played.play(played.cuts, Pace { asks: true, ..still });
    assert_eq!(asked.0, whole.0, "replies, asked for at other times");
    let raw = |came: &Came| came.1.iter().map(|m| (m.raw.clone(), m.meta.to.clone())).collect::<Vec<_>>();
    assert_eq!(raw(&asked), raw(&whole), "messages, replies asked for at other times");
});
