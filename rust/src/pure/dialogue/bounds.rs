//! Bounds of one SMTP or LMTP session, in one table. `docs/reference/limits.md` is compared with it.

macro_rules! bounds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $n:literal, $answer:literal, $meaning:literal;)*) => {
        /// One bound of the dialogue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bound {
            $(#[doc = $meaning] $name,)*
        }

        /// Every bound: name, n, what answers n + 1, what is bounded. In the order of `Bound`.
        pub const TABLE: &[(&str, usize, &str, &str)] = &[$(($word, $n, $answer, $meaning),)*];
    };
}

bounds! {
    CommandBytes = "command_bytes", 4_096, "500", "bytes of one command line, its line end included; the rest of a longer one is not kept";
    PathBytes = "path_bytes", 1_024, "501", "bytes of a reverse-path or a recipient";
    Recipients = "recipients", 1_000, "452", "recipients of one message";
    RefusedRecipients = "refused_recipients", 1_000, "421", "recipients refused in one session";
    MessageBytes = "message_bytes", 67_108_864, "552", "bytes of one message, dots unstuffed; what `SIZE=` may announce";
    Messages = "messages", 1_000, "421", "messages handed over in one session";
    Errors = "errors", 20, "421", "commands of one session that are answered 5xx, recipients aside";
    IdleCommands = "idle_commands", 200, "421", "commands since the last message, recipients and data aside";
    AuthTries = "auth_tries", 3, "421", "AUTH commands of one session";
    TranscriptBytes = "transcript_bytes", 65_536, "counted", "bytes of command lines kept for one message; further ones are counted";
}

/// The bounds that a session is held to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds([usize; TABLE.len()]);

impl Default for Bounds {
    fn default() -> Self {
        let mut all = [0; TABLE.len()];
        for (n, row) in all.iter_mut().zip(TABLE) {
            *n = row.1;
        }
        Bounds(all)
    }
}

impl Bounds {
    /// The value of one bound.
    pub fn of(&self, bound: Bound) -> usize {
        self.0[bound as usize]
    }

    /// Set the bound of that name; whether there is one.
    pub fn set(&mut self, name: &str, n: usize) -> bool {
        let place = TABLE.iter().position(|row| row.0 == name);
        if let Some(i) = place {
            self.0[i] = n;
        }
        place.is_some()
    }
}
