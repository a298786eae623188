//! A catalogue of SMTP engines' manners, each invented for simulated worlds.
//!
//! The names are those by which scenarios call their botnets' engines; the manners behind them are ours and are nobody's
//! signature. What differs between engines at all (verbs, case, spacing, names, pipelining, leaving, retries) is what the
//! literature on SMTP dialects says to look at. The table is printed in `docs/reference/dialects.md`. None speaks TLS.

/// How an engine opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// `HELO`.
    Helo,
    /// `EHLO`, nothing else.
    Ehlo,
    /// `EHLO`, and `HELO` after a 5xx.
    EhloThenHelo,
}

/// Case of the command words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `MAIL FROM`.
    Upper,
    /// `mail from`.
    Lower,
    /// `Mail From`.
    Title,
}

/// What it calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// The host's own name, as the world has it.
    Own,
    /// Its address, bare.
    Address,
    /// Its address in brackets.
    Literal,
    /// One made-up word, the same for a bot's life.
    Word,
    /// The domain it writes to.
    Recipient,
    /// `localhost`.
    Localhost,
    /// A name with an underscore, which no host may have.
    Underscore,
}

/// When it opens its mouth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// After the whole banner.
    Banner,
    /// After the first line of a banner of several.
    FirstLine,
    /// Before the banner.
    Early,
}

/// Whether MAIL, RCPT and DATA leave in one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipelining {
    /// One command at a time.
    Never,
    /// Where the EHLO reply offers PIPELINING.
    Offered,
    /// Always.
    Always,
}

/// Line ends of the message and of the dot that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// CRLF, and CRLF.CRLF.
    Crlf,
    /// Bare LF, and CRLF.CRLF.
    Lf,
    /// Bare LF, and LF.LF: for a strict receiver DATA never ends.
    LfOpen,
}

/// What becomes of a dot at the start of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// Doubled, as it should be.
    Once,
    /// Left alone; only a line of one dot gets a space.
    Never,
    /// Two more are put before it.
    Twice,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// QUIT, and waits for the reply.
    Quit,
    /// QUIT, and does not wait.
    QuitGone,
    /// RSET, then QUIT.
    RsetQuit,
    /// Closes.
    Close,
    /// Sends QUIT with the end of DATA and closes before the reply.
    Unheard,
}

/// What it does when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// RSET, then its next message.
    Next,
    /// QUIT.
    Quit,
    /// Closes.
    Close,
    /// Goes on as if nothing had been said; only DATA needs its 354.
    Deaf,
}

/// When it tries again after a 4xx, a lost reply or a lost connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not at all.
    Never,
    /// From the same address.
    Same,
    /// From another address.
    Other,
}

/// The manners of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What scenarios call it.
    pub name: &'static str,
    /// How it opens.
    pub hello: Hello,
    /// Case of the command words.
    pub case: Case,
    /// What it calls itself.
    pub called: Name,
    /// A space after `FROM:` and `TO:`.
    pub space: bool,
    /// Angle brackets round addresses.
    pub brackets: bool,
    /// SIZE and BODY where they are offered.
    pub parameters: bool,
    /// When it opens its mouth.
    pub patience: Patience,
    /// Commands in one write.
    pub pipelining: Pipelining,
    /// Line ends.
    pub lines: Lines,
    /// Dots.
    pub dots: Dots,
    /// Most recipients of one transaction.
    pub recipients: usize,
    /// Most transactions of one session.
    pub messages: usize,
    /// RSET between two transactions.
    pub rset: bool,
    /// How it goes.
    pub leave: Leave,
    /// After a banner that is no 2xx.
    pub unwelcome: Refused,
    /// After a refusal later on.
    pub refused: Refused,
    /// When it tries again.
    pub retry: Retry,
    /// Minutes of the world until it does.
    pub retry_minutes: u32,
    /// Most tries, the first included.
    pub tries: u32,
    /// Seconds it waits for a reply.
    pub wait_seconds: u32,
    /// Milliseconds between a reply and its next command.
    pub pause_ms: u32,
}

const PLAIN: Dialect = Dialect {
    name: "plain",
    hello: Hello::EhloThenHelo,
    case: Case::Upper,
    called: Name::Own,
    space: false,
    brackets: true,
    parameters: false,
    patience: Patience::Banner,
    pipelining: Pipelining::Never,
    lines: Lines::Crlf,
    dots: Dots::Once,
    recipients: 100,
    messages: 5,
    rset: false,
    leave: Leave::Quit,
    unwelcome: Refused::Quit,
    refused: Refused::Next,
    retry: Retry::Same,
    retry_minutes: 15,
    tries: 3,
    wait_seconds: 300,
    pause_ms: 0,
};

/// Every engine, in the order of the document.
pub const DIALECTS: [Dialect; 9] = [
    PLAIN,
    Dialect {
        name: "rustock",
        hello: Hello::Helo,
        called: Name::Recipient,
        space: true,
        recipients: 1,
        messages: 1,
        leave: Leave::RsetQuit,
        unwelcome: Refused::Close,
        refused: Refused::Quit,
        retry: Retry::Never,
        tries: 1,
        wait_seconds: 20,
        ..PLAIN
    },
    Dialect {
        name: "grum",
        hello: Hello::Helo,
        case: Case::Lower,
        called: Name::Address,
        dots: Dots::Never,
        recipients: 10,
        messages: 1,
        leave: Leave::Close,
        unwelcome: Refused::Close,
        refused: Refused::Close,
        retry: Retry::Never,
        tries: 1,
        wait_seconds: 10,
        ..PLAIN
    },
    Dialect {
        name: "cutwail",
        called: Name::Word,
        pipelining: Pipelining::Always,
        recipients: 25,
        messages: 10,
        rset: true,
        retry_minutes: 5,
        tries: 2,
        wait_seconds: 60,
        ..PLAIN
    },
    Dialect {
        name: "lethic",
        hello: Hello::Helo,
        case: Case::Title,
        called: Name::Localhost,
        patience: Patience::Early,
        dots: Dots::Twice,
        recipients: 1,
        messages: 1,
        leave: Leave::QuitGone,
        unwelcome: Refused::Deaf,
        refused: Refused::Close,
        retry: Retry::Other,
        retry_minutes: 10,
        tries: 2,
        wait_seconds: 10,
        ..PLAIN
    },
    Dialect {
        name: "mega-d",
        hello: Hello::Helo,
        called: Name::Underscore,
        space: true,
        brackets: false,
        patience: Patience::FirstLine,
        lines: Lines::Lf,
        dots: Dots::Never,
        recipients: 5,
        messages: 3,
        unwelcome: Refused::Close,
        refused: Refused::Deaf,
        retry: Retry::Never,
        tries: 1,
        wait_seconds: 20,
        pause_ms: 20,
        ..PLAIN
    },
    Dialect {
        name: "storm",
        hello: Hello::Ehlo,
        called: Name::Literal,
        space: true,
        recipients: 1,
        messages: 1,
        leave: Leave::Unheard,
        unwelcome: Refused::Close,
        refused: Refused::Close,
        retry: Retry::Never,
        tries: 1,
        wait_seconds: 30,
        pause_ms: 40,
        ..PLAIN
    },
    Dialect {
        name: "waledac",
        hello: Hello::Helo,
        case: Case::Lower,
        called: Name::Word,
        brackets: false,
        lines: Lines::LfOpen,
        recipients: 5,
        messages: 1,
        leave: Leave::Close,
        unwelcome: Refused::Close,
        refused: Refused::Close,
        retry: Retry::Never,
        tries: 1,
        wait_seconds: 5,
        ..PLAIN
    },
    Dialect {
        name: "emotet",
        parameters: true,
        pipelining: Pipelining::Offered,
        recipients: 50,
        messages: 20,
        retry: Retry::Other,
        retry_minutes: 30,
        tries: 4,
        wait_seconds: 120,
        ..PLAIN
    },
];

/// The engine of that name.
pub fn find_dialect(name: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|d| d.name == name)
}

/// A column of the catalogue in words.
pub type Column = (&'static str, fn(&Dialect) -> String);

/// The catalogue's columns, each with its words for an engine; the document is made of these.
pub const COLUMNS: [Column; 20] = [
    ("hello", |d| {
        match d.hello {
            Hello::Helo => "HELO",
            Hello::Ehlo => "EHLO",
            Hello::EhloThenHelo => "EHLO, HELO after 5xx",
        }
        .into()
    }),
    ("case", |d| {
        match d.case {
            Case::Upper => "upper",
            Case::Lower => "lower",
            Case::Title => "title",
        }
        .into()
    }),
    ("called", |d| {
        match d.called {
            Name::Own => "own name",
            Name::Address => "bare address",
            Name::Literal => "address in brackets",
            Name::Word => "one word",
            Name::Recipient => "recipient's domain",
            Name::Localhost => "localhost",
            Name::Underscore => "with underscore",
        }
        .into()
    }),
    ("space after colon", |d| yes(d.space)),
    ("angle brackets", |d| yes(d.brackets)),
    ("parameters", |d| {
        if d.parameters {
            "SIZE, BODY where offered"
        } else {
            "none"
        }
        .into()
    }),
    ("speaks", |d| {
        match d.patience {
            Patience::Banner => "after the banner",
            Patience::FirstLine => "after the banner's first line",
            Patience::Early => "before the banner",
        }
        .into()
    }),
    ("pipelining", |d| {
        match d.pipelining {
            Pipelining::Never => "never",
            Pipelining::Offered => "where offered",
            Pipelining::Always => "always",
        }
        .into()
    }),
    ("line ends", |d| {
        if d.lines == Lines::Crlf { "CRLF" } else { "LF" }.into()
    }),
    ("end of DATA", |d| {
        if d.lines == Lines::LfOpen { "LF.LF" } else { "CRLF.CRLF" }.into()
    }),
    ("dots", |d| {
        match d.dots {
            Dots::Once => "doubled",
            Dots::Never => "left alone",
            Dots::Twice => "tripled",
        }
        .into()
    }),
    ("recipients", |d| d.recipients.to_string()),
    ("messages", |d| d.messages.to_string()),
    ("RSET between", |d| yes(d.rset)),
    ("leaves", |d| {
        match d.leave {
            Leave::Quit => "QUIT, waits",
            Leave::QuitGone => "QUIT, does not wait",
            Leave::RsetQuit => "RSET, QUIT",
            Leave::Close => "closes",
            Leave::Unheard => "QUIT with the end of DATA, closes unheard",
        }
        .into()
    }),
    ("unwelcome", |d| refusal(d.unwelcome)),
    ("refused", |d| refusal(d.refused)),
    ("tries again", |d| match d.retry {
        Retry::Never => "never".into(),
        Retry::Same => format!("after {} min, {} tries", d.retry_minutes, d.tries),
        Retry::Other => format!("after {} min, {} tries, from another address", d.retry_minutes, d.tries),
    }),
    ("waits for a reply", |d| format!("{} s", d.wait_seconds)),
    ("pause", |d| format!("{} ms", d.pause_ms)),
];

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.into()
}

fn refusal(habit: Refused) -> String {
    match habit {
        Refused::Next => "next message",
        Refused::Quit => "QUIT",
        Refused::Close => "closes",
        Refused::Deaf => "goes on",
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_engines_share_a_name_or_their_manners() {
        for (i, a) in DIALECTS.iter().enumerate() {
            for b in &DIALECTS[i + 1..] {
                assert_ne!(a.name, b.name);
                assert_ne!(Dialect { name: "", ..*a }, Dialect { name: "", ..*b });
            }
        }
    }

    #[test]
    fn who_retries_tries_more_than_once() {
        for d in &DIALECTS {
            assert_eq!(d.retry == Retry::Never, d.tries == 1, "{}", d.name);
        }
    }
}
