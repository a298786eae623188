//! States of a session and what leads from one to the next: one table. Whatever it lacks is answered 503 and changes nothing.
//!
//! `docs/reference/dialogue.md` draws its diagram from `TABLE`; `tests/capture/test_dialogue_table.py` compares them, and
//! leads a session along every row.

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected; nobody said HELO.
    Start,
    /// Greeted, or between two messages.
    Ready,
    /// A reverse-path was given.
    Mail,
    /// At least one recipient was accepted.
    Rcpt,
    /// Within DATA, until CRLF.CRLF.
    Data,
    /// Within the octets of a BDAT chunk.
    Chunk,
    /// Between two chunks.
    Gather,
    /// Within the octets of a chunk that nobody may send now; they are dropped.
    Skip,
    /// An AUTH answer is awaited.
    Auth,
    /// A whole message is with the store; nothing is read.
    Wait,
    /// 220 was said to STARTTLS; the handshake comes.
    Tls,
    /// Nothing more is read.
    Closed,
}

/// What moves a session: a command, or something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Word {
    Helo,
    Ehlo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Auth,
    StartTls,
    Xclient,
    Xforward,
    Quit,
    Http,
    /// A line that is no command.
    Unknown,
    /// CRLF.CRLF came.
    DataEnd,
    /// The last octet of a chunk came.
    ChunkEnd,
    /// The last octet of the last chunk came.
    LastEnd,
    /// The AUTH dialogue is over.
    AuthEnd,
    /// The store has answered.
    Verdict,
    /// The handshake is done.
    Secured,
}

use State::*;

/// Every word with its name.
pub const WORDS: &[(Word, &str)] = &[
    (Word::Helo, "HELO"),
    (Word::Ehlo, "EHLO"),
    (Word::Lhlo, "LHLO"),
    (Word::Mail, "MAIL"),
    (Word::Rcpt, "RCPT"),
    (Word::Data, "DATA"),
    (Word::Bdat, "BDAT"),
    (Word::Rset, "RSET"),
    (Word::Noop, "NOOP"),
    (Word::Vrfy, "VRFY"),
    (Word::Expn, "EXPN"),
    (Word::Help, "HELP"),
    (Word::Auth, "AUTH"),
    (Word::StartTls, "STARTTLS"),
    (Word::Xclient, "XCLIENT"),
    (Word::Xforward, "XFORWARD"),
    (Word::Quit, "QUIT"),
    (Word::Http, "HTTP"),
    (Word::Unknown, "unknown"),
    (Word::DataEnd, "end of data"),
    (Word::ChunkEnd, "end of chunk"),
    (Word::LastEnd, "end of last chunk"),
    (Word::AuthEnd, "AUTH answered"),
    (Word::Verdict, "stored or not"),
    (Word::Secured, "handshake done"),
];

/// State, word, next state: what is allowed. A command whose arguments are refused leaves the state as it was.
pub const TABLE: &[(State, Word, State)] = &[
    (Start, Word::Helo, Ready),
    (Start, Word::Ehlo, Ready),
    (Start, Word::Lhlo, Ready),
    // Without a greeting: accepted, and a mark.
    (Start, Word::Mail, Mail),
    (Start, Word::Rset, Start),
    (Start, Word::Bdat, Skip),
    (Start, Word::StartTls, Tls),
    // From a listed relay alone: the session is another client's from here on, and begins anew.
    (Start, Word::Xclient, Start),
    (Start, Word::Xforward, Start),
    (Ready, Word::Helo, Ready),
    (Ready, Word::Ehlo, Ready),
    (Ready, Word::Lhlo, Ready),
    (Ready, Word::Mail, Mail),
    (Ready, Word::Rset, Ready),
    (Ready, Word::Auth, Auth),
    (Ready, Word::StartTls, Tls),
    (Ready, Word::Xclient, Start),
    (Ready, Word::Xforward, Ready),
    (Ready, Word::Bdat, Skip),
    (Mail, Word::Helo, Ready),
    (Mail, Word::Ehlo, Ready),
    (Mail, Word::Lhlo, Ready),
    (Mail, Word::Rcpt, Rcpt),
    (Mail, Word::Rset, Ready),
    (Mail, Word::Bdat, Skip),
    (Rcpt, Word::Helo, Ready),
    (Rcpt, Word::Ehlo, Ready),
    (Rcpt, Word::Lhlo, Ready),
    (Rcpt, Word::Rcpt, Rcpt),
    (Rcpt, Word::Data, Data),
    (Rcpt, Word::Bdat, Chunk),
    (Rcpt, Word::Rset, Ready),
    (Data, Word::DataEnd, Wait),
    (Chunk, Word::ChunkEnd, Gather),
    (Chunk, Word::LastEnd, Wait),
    (Gather, Word::Bdat, Chunk),
    (Gather, Word::Helo, Ready),
    (Gather, Word::Ehlo, Ready),
    (Gather, Word::Lhlo, Ready),
    (Gather, Word::Rset, Ready),
    // The chunk of a BDAT out of order is read to its end, then 503: its octets are never commands.
    (Skip, Word::ChunkEnd, Ready),
    (Auth, Word::AuthEnd, Ready),
    (Wait, Word::Verdict, Ready),
    // RFC 3207: the session starts anew, and what came before the handshake is forgotten.
    (Tls, Word::Secured, Start),
];

/// In every state in which commands are read: the state stays.
pub const ANYWHERE: &[Word] = &[Word::Noop, Word::Vrfy, Word::Expn, Word::Help];

/// In every state in which commands are read: the session ends.
pub const ENDING: &[Word] = &[Word::Quit, Word::Http];

/// States in which lines are read as commands.
pub const COMMANDED: &[State] = &[Start, Ready, Mail, Rcpt, Gather];

/// The state that `word` leads to; None where it is out of order.
pub fn next(state: State, word: Word) -> Option<State> {
    if let Some(row) = TABLE.iter().find(|row| row.0 == state && row.1 == word) {
        return Some(row.2);
    }
    match COMMANDED.contains(&state) {
        true if ANYWHERE.contains(&word) => Some(state),
        true if ENDING.contains(&word) => Some(Closed),
        _ => None,
    }
}

/// The name of a word.
pub fn name(word: Word) -> &'static str {
    WORDS.iter().find(|row| row.0 == word).map_or("", |row| row.1)
}
