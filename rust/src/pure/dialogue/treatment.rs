//! Treatments: ways of answering, all allowed by the RFCs, that draw out how a peer's engine speaks. They change who gets
//! through, so that a panel that measures has none; each session of a treated panel is drawn one.

use super::keyed::keyed;
use super::{reply, Dialogue, Reply};

/// How one session is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arm {
    /// As a measuring panel would.
    #[default]
    Plain,
    /// 451 for a recipient until the same peer comes again, after a while.
    Greylist,
    /// The first recipient of a session gets 451, whoever it is.
    FirstRcpt,
    /// A greeting of three lines.
    GreetingLines,
    /// A greeting that is late.
    GreetingDelay,
    /// EHLO answered with 40 lines more than usual.
    LongEhlo,
    /// EHLO answered with one line: nothing is offered.
    BareEhlo,
    /// 250 and 354 with odd text.
    OddText,
    /// 250 and 354 of three lines each.
    ManyLines,
}

/// Every arm: its name in settings and records, itself, what it does.
pub const ARMS: &[(&str, Arm, &str)] = &[
    (
        "plain",
        Arm::Plain,
        "nothing: answers as a measuring panel does, for comparison",
    ),
    (
        "greylist",
        Arm::Greylist,
        "451 at RCPT until the same peer unit, reverse-path and recipient come again, `retry_seconds` later or more",
    ),
    (
        "first-rcpt",
        Arm::FirstRcpt,
        "451 for the first recipient of the session, whoever it is",
    ),
    ("greeting-lines", Arm::GreetingLines, "a greeting of three lines"),
    (
        "greeting-delay",
        Arm::GreetingDelay,
        "a greeting that comes after `greeting_seconds`",
    ),
    (
        "long-ehlo",
        Arm::LongEhlo,
        "40 private keywords (X-...) more in the answer to EHLO",
    ),
    ("bare-ehlo", Arm::BareEhlo, "no keyword in the answer to EHLO"),
    (
        "odd-text",
        Arm::OddText,
        "250 and 354 with text that has other codes in it",
    ),
    ("many-lines", Arm::ManyLines, "250 and 354 of three lines each"),
];

impl Arm {
    /// The arm of that name.
    pub fn named(name: &str) -> Option<Arm> {
        ARMS.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        ARMS.iter().find(|row| row.1 == self).map_or("plain", |row| row.0)
    }

    /// A reply's text as this arm says it; lines apart by LF.
    pub fn said(self, code: u16, text: String) -> String {
        if !matches!(code, 250 | 354) || text.contains('\n') {
            return text;
        }
        match self {
            Arm::OddText => format!("{text} - 550 and 421 this is not;\twell, well..."),
            Arm::ManyLines => format!("{text}\n{text}\n{text}"),
            _ => text,
        }
    }

    /// Keywords that EHLO is answered with beside the usual ones, each with its LF.
    pub fn more_keywords(self) -> String {
        match self {
            Arm::LongEhlo => (1..=40).map(|n| format!("X-LINE-{n} {n}\n")).collect(),
            _ => String::new(),
        }
    }

    /// The greeting behind `220 `, lines apart by LF.
    pub fn greeting(self, host: &str, kind: &str) -> String {
        match self {
            Arm::GreetingLines => format!("{host} {kind}\n{host} one line more\n{host} ready"),
            _ => format!("{host} {kind}"),
        }
    }
}

/// What a treated panel draws from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Arms, each as likely as the others; one that stands twice is twice as likely.
    pub arms: Vec<Arm>,
    /// A greylisted delivery must wait so long, microseconds.
    pub retry: i64,
    /// A late greeting comes after so long, microseconds.
    pub delay: i64,
}

impl Plan {
    /// The arm of a session, by its key alone.
    pub fn draw(&self, secret: &[u8; 32], session: &str) -> Arm {
        let hash = keyed(secret, "treatment", &[session.as_bytes()]);
        let number = hash[..8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        match self.arms.len() as u64 {
            0 => Arm::Plain,
            n => self.arms[(number % n) as usize],
        }
    }
}

impl Dialogue {
    /// What the treatment says of a recipient; None where nothing.
    pub(super) fn treated(&mut self, address: &str) -> Option<Reply> {
        let first = !std::mem::replace(&mut self.rcpt_seen, true);
        let wait = match self.arm {
            Arm::Greylist => !self.let_through(address),
            Arm::FirstRcpt => first,
            _ => false,
        };
        wait.then(|| {
            self.recipient_put_off(address);
            reply(451, "4.7.1 Try again later")
        })
    }

    /// How long the greeting waits, microseconds.
    pub fn greeting_delay(&self) -> i64 {
        match (&self.settings.treatment, self.arm) {
            (Some(plan), Arm::GreetingDelay) => plan.delay,
            _ => 0,
        }
    }
}
