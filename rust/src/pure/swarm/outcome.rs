//! A letter, what became of it, and where in the dialogue that was decided.

use std::sync::Arc;

use super::databody::Held;

/// One message for the recipients of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The caller's number.
    pub number: u64,
    /// Reverse-path, empty for the null path.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// The message as the world has it.
    pub raw: Arc<[u8]>,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// A 2xx after the end of DATA: the receiver holds it.
    Acknowledged,
    /// A 4xx: the receiver does not hold it.
    Deferred,
    /// A 5xx: the receiver does not hold it.
    Refused,
    /// The end of DATA was sent and no reply came: the receiver may hold it.
    Lost,
    /// The same, by the engine's manners: it closed before the reply.
    Unheard,
    /// The end of DATA was LF.LF and no reply came: the receiver may hold it as an unfinished message.
    Unfinished,
    /// The connection ended before the end of DATA: the receiver does not hold it.
    Unsent,
}

impl Fate {
    /// All of them, in the order of documents.
    pub const ALL: [Fate; 7] = [
        Fate::Acknowledged,
        Fate::Deferred,
        Fate::Refused,
        Fate::Lost,
        Fate::Unheard,
        Fate::Unfinished,
        Fate::Unsent,
    ];

    /// Its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Fate::Acknowledged => "acknowledged",
            Fate::Deferred => "deferred",
            Fate::Refused => "refused",
            Fate::Lost => "lost",
            Fate::Unheard => "unheard",
            Fate::Unfinished => "unfinished",
            Fate::Unsent => "unsent",
        }
    }
}

/// Where in the dialogue a transaction was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No connection.
    Connect,
    /// The banner.
    Banner,
    /// HELO or EHLO.
    Hello,
    /// Between transactions.
    Between,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, up to its end.
    Data,
    /// After the end of DATA.
    End,
}

impl Stage {
    /// Its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Banner => "banner",
            Stage::Hello => "hello",
            Stage::Between => "between",
            Stage::Mail => "mail",
            Stage::Rcpt => "rcpt",
            Stage::Data => "data",
            Stage::End => "end",
        }
    }
}

/// A transaction that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The letter.
    pub letter: Letter,
    /// What became of it.
    pub fate: Fate,
    /// The reply that decided it; 0 where none came.
    pub code: u16,
    /// Where.
    pub stage: Stage,
    /// Code of each RCPT that was answered, in order of recipients.
    pub recipients: Vec<u16>,
    /// What the receiver should hold, where it may hold anything.
    pub held: Option<Held>,
    /// When it was decided, microseconds on the caller's clock.
    pub at: u64,
}

/// The code that speaks for several: a 4xx where there is one, since then trying again may help.
pub(super) fn worst(codes: &[u16]) -> u16 {
    codes
        .iter()
        .copied()
        .find(|c| (400..500).contains(c))
        .or(codes.iter().copied().find(|&c| c >= 300))
        .unwrap_or(0)
}
