//! Dialogues by hand: what each manner says, and what becomes of each letter.

use super::super::dialects::{find_dialect, DIALECTS};
use std::sync::Arc;

use super::*;
use proptest::prelude::*;

fn letter(number: u64, to: &[&str]) -> Letter {
    Letter {
        number,
        from: "a@b.example".into(),
        to: to.iter().map(|&t| t.into()).collect(),
        raw: Arc::from(&b"Subject: x\r\n\r\n.hi\r\n"[..]),
    }
}

fn client(name: &str, letters: Vec<Letter>) -> Client {
    Client::new(find_dialect(name).unwrap(), "bot".into(), letters, 30 * SECOND, 0)
}

/// What the client says until it wants to read or close.
fn said(c: &mut Client) -> String {
    let (mut text, mut now) = (String::new(), 10 * SECOND);
    loop {
        let bytes = match c.step(now) {
            Step::Send(bytes) => bytes.to_vec(),
            Step::Permit => {
                c.permit(now);
                continue;
            }
            Step::Read if c.sent < c.out.len() => {
                now = c.deadline();
                continue;
            }
            Step::Read => return text,
            Step::Close => return text + "!",
        };
        text += &String::from_utf8_lossy(&bytes);
        c.sent(bytes.len(), now);
    }
}

/// Plays a dialogue: what the server says, what the client then says.
fn play(c: &mut Client, lines: &[(&str, &str)]) {
    for (server, wanted) in lines {
        c.receive(server.as_bytes(), 5 * SECOND);
        assert_eq!(said(c), *wanted, "after {server:?}");
    }
}

const MX: [&str; 2] = ["x@trap.example", "y@trap.example"];

#[test]
fn a_plain_engine_says_what_the_standard_says() {
    let mut c = client("plain", vec![letter(7, &MX)]);
    assert_eq!(said(&mut c), "");
    play(
        &mut c,
        &[
            ("220-mx\r\n", ""),
            ("220 mx\r\n", "EHLO bot\r\n"),
            ("250-mx\r\n250 PIPELINING\r\n", "MAIL FROM:<a@b.example>\r\n"),
            ("250 ok\r\n", "RCPT TO:<x@trap.example>\r\n"),
            ("250 ok\r\n", "RCPT TO:<y@trap.example>\r\n"),
            ("550 no\r\n", "DATA\r\n"),
            ("354 go\r\n", "Subject: x\r\n\r\n..hi\r\n.\r\n"),
            ("250 ok\r\n", "QUIT\r\n"),
            ("221 bye\r\n", "!"),
        ],
    );
    let outcome = c.take_outcomes().pop().unwrap();
    assert_eq!(
        (outcome.fate, outcome.code, outcome.stage),
        (Fate::Acknowledged, 250, Stage::End)
    );
    assert_eq!(outcome.recipients, vec![250, 550]);
    assert!(outcome.held.is_some());
}

#[test]
fn an_early_engine_speaks_first_and_leaves_without_waiting() {
    let mut c = client("lethic", vec![letter(7, &MX[..1])]);
    assert_eq!(said(&mut c), "Helo bot\r\n");
    play(
        &mut c,
        &[
            ("554 go away\r\n", ""),
            ("250 ok\r\n", "Mail From:<a@b.example>\r\n"),
            ("250 ok\r\n", "Rcpt To:<x@trap.example>\r\n"),
            ("250 ok\r\n", "Data\r\n"),
            ("354 go\r\n", "Subject: x\r\n\r\n...hi\r\n.\r\n"),
            ("250 ok\r\n", "Quit\r\n!"),
        ],
    );
}

#[test]
fn an_engine_that_pipelines_unoffered_still_hears_each_reply() {
    let mut c = client("cutwail", vec![letter(1, &MX), letter(2, &MX[..1])]);
    let envelope = "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nRCPT TO:<y@trap.example>\r\nDATA\r\n";
    let second = "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n";
    play(
        &mut c,
        &[
            ("220 mx\r\n", "EHLO bot\r\n"),
            ("502 what\r\n", "HELO bot\r\n"),
            ("250 mx\r\n", envelope),
            ("250 ok\r\n451 later\r\n", ""),
            ("451 later\r\n503 no\r\n", "RSET\r\n"),
            ("250 ok\r\n", second),
            ("250 ok\r\n550 no\r\n354 go\r\n", ".\r\n"),
            ("554 no recipients\r\n", "QUIT\r\n"),
        ],
    );
    let outcomes: Vec<_> = c
        .take_outcomes()
        .iter()
        .map(|o| (o.letter.number, o.fate, o.code, o.stage))
        .collect();
    assert_eq!(
        outcomes,
        vec![
            (1, Fate::Deferred, 451, Stage::Rcpt),
            (2, Fate::Refused, 550, Stage::Rcpt)
        ]
    );
}

#[test]
fn a_message_is_lost_only_once_its_end_has_left() {
    for short in [true, false] {
        let mut c = client("plain", vec![letter(1, &MX[..1])]);
        for server in ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n"] {
            c.receive(server.as_bytes(), 0);
            said(&mut c);
        }
        c.receive(b"354 x\r\n", 0);
        let Step::Send(bytes) = c.step(0) else { panic!() };
        let n = bytes.len() - usize::from(short);
        c.sent(n, 0);
        c.ended(1);
        let outcome = c.take_outcomes().pop().unwrap();
        let wanted = if short {
            (Fate::Unsent, Stage::Data)
        } else {
            (Fate::Lost, Stage::End)
        };
        assert_eq!((outcome.fate, outcome.stage), wanted);
        assert_eq!(outcome.held.is_some(), !short);
    }
}

#[test]
fn manners_that_leave_no_reply_are_called_so() {
    for (name, fate) in [("storm", Fate::Unheard), ("waledac", Fate::Unfinished)] {
        let mut c = client(name, vec![letter(1, &MX[..1])]);
        for server in ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n"] {
            c.receive(server.as_bytes(), 0);
            said(&mut c);
        }
        c.tick(60 * SECOND);
        assert_eq!(c.step(60 * SECOND), Step::Close);
        assert_eq!(c.take_outcomes()[0].fate, fate);
    }
}

#[test]
fn a_goodbye_ends_the_session_at_any_stage() {
    let stages = [
        Stage::Banner,
        Stage::Hello,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::End,
    ];
    for (n, stage) in stages.into_iter().enumerate() {
        let mut c = client("plain", vec![letter(1, &MX[..1]), letter(2, &MX[..1])]);
        let good = ["220 x\r\n", "250 x\r\n", "250 x\r\n", "250 x\r\n", "354 x\r\n", ""];
        for server in &good[..n] {
            c.receive(server.as_bytes(), 0);
            said(&mut c);
        }
        c.receive(b"421 bye\r\n", 0);
        said(&mut c);
        c.ended(0);
        let outcomes = c.take_outcomes();
        assert_eq!(outcomes.len(), 2, "{stage:?}");
        assert!(outcomes.iter().all(|o| o.fate == Fate::Deferred && o.code == 421));
        assert_eq!(outcomes[0].stage, stage);
    }
}

#[test]
fn a_pause_holds_the_command_back() {
    let mut c = client("storm", vec![letter(1, &MX[..1])]);
    c.receive(b"220 x\r\n", SECOND);
    assert_eq!(c.step(SECOND), Step::Read);
    assert_eq!(c.deadline(), SECOND + 40 * MILLISECOND);
    assert_eq!(c.step(SECOND + 40 * MILLISECOND), Step::Send(b"EHLO bot\r\n"));
}

proptest! {
    /// Whatever the server says, however it is cut: each letter has one outcome, nothing panics, and the session ends.
    #[test]
    fn every_letter_has_one_outcome_whatever_the_server_says(
        which in 0..DIALECTS.len(),
        codes in proptest::collection::vec(prop_oneof![Just(220u16), Just(250), Just(354), Just(421), Just(451), Just(550), Just(0)], 0..30),
        take in 1..40usize
    ) {
        let dialect = &DIALECTS[which];
        let letters: Vec<_> = (0..3).map(|n| letter(n, &MX)).collect();
        let mut c = Client::new(dialect, "bot".into(), letters, 30 * SECOND, 0);
        let mut now = 0;
        let mut codes = codes.into_iter();
        for _ in 0..2_000 {
            now += 50 * MILLISECOND;
            match c.step(now) {
                Step::Close => break,
                Step::Permit => c.permit(now),
                Step::Send(bytes) => {
                    let n = bytes.len().min(take);
                    c.sent(n, now);
                }
                Step::Read => match codes.next() {
                    Some(0) => c.receive(b"hm\r\n", now),
                    Some(code) => c.receive(format!("{code} x\r\n").as_bytes(), now),
                    None => { now = now.max(c.deadline()); c.tick(now) }
                },
            }
        }
        prop_assert_eq!(c.step(now), Step::Close);
        let mut numbers: Vec<_> = c.take_outcomes().iter().map(|o| o.letter.number).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, vec![0, 1, 2]);
    }
}
