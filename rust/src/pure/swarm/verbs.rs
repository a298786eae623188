//! How a dialect writes its commands.

use super::dialects::{Case, Dialect};
use super::outcome::Letter;

impl Dialect {
    /// A verb in the dialect's case.
    pub(super) fn word(&self, upper: &str) -> String {
        match self.case {
            Case::Upper => upper.to_owned(),
            Case::Lower => upper.to_lowercase(),
            Case::Title => upper
                .split(' ')
                .map(|w| w[..1].to_owned() + &w[1..].to_lowercase())
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    fn path(&self, address: &str) -> String {
        let space = if self.space { " " } else { "" };
        if self.brackets || address.is_empty() {
            format!(":{space}<{address}>")
        } else {
            format!(":{space}{address}")
        }
    }

    /// MAIL with the parameters that the receiver offered: SIZE where `sizes`, BODY where `eight_bit`.
    pub(super) fn mail_command(&self, letter: &Letter, sizes: bool, eight_bit: bool) -> String {
        let mut command = self.word("MAIL FROM") + &self.path(&letter.from);
        if self.parameters && sizes {
            command += &format!(" SIZE={}", letter.raw.len());
        }
        if self.parameters && eight_bit {
            command += " BODY=8BITMIME";
        }
        command
    }

    /// RCPT for one recipient.
    pub(super) fn rcpt_command(&self, to: &str) -> String {
        self.word("RCPT TO") + &self.path(to)
    }
}
