//! One connection: moves bytes between a socket and the client machine, and asks for a turn before each transaction.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

use super::clock::Clock;
use super::connect::connect;
use crate::pure::swarm::bucket::Bucket;
use crate::pure::swarm::client::{Client, Step};
use crate::pure::swarm::loopback::Target;
use crate::pure::swarm::outcome::Letter;
use crate::pure::swarm::plan::Session;

/// How far a play has been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    No,
    /// Begin nothing new.
    Soft,
    /// Close everything.
    Cut,
}

/// What all sessions of a play share.
pub struct Terms {
    /// Where they connect to.
    pub target: Target,
    /// Longest wait for a connection or a reply, microseconds.
    pub wait: u64,
    /// Turns.
    pub bucket: RefCell<Bucket>,
    /// Time.
    pub clock: Clock,
}

/// How a session went, beside its outcomes.
pub struct Played {
    /// The machine, with its outcomes.
    pub client: Client,
    /// Letters that were not begun because the play stopped.
    pub withdrawn: Vec<Letter>,
    /// Whether it was connected; `None` when it was not tried to the end.
    pub connected: Option<bool>,
}

/// Plays a session whose first turn has been taken.
pub async fn play(terms: Rc<Terms>, session: &Session, mut stop: watch::Receiver<Stop>) -> Played {
    let letters = session.letters.iter().map(|(l, _)| l.clone()).collect();
    let start = terms.clock.now();
    let client = Client::new(session.dialect, session.name.clone(), letters, terms.wait, start);
    let mut played = Played {
        client,
        withdrawn: Vec::new(),
        connected: None,
    };
    let patience = Duration::from_micros(terms.wait);
    let stream = tokio::select! {
        stream = timeout(patience, connect(session.address, terms.target)) => stream,
        _ = stop.wait_for(|s| *s > Stop::No) => {
            played.withdrawn = played.client.withdraw();
            return played;
        }
    };
    match stream {
        Ok(Ok(stream)) => {
            played.connected = Some(true);
            talk(&terms, &mut played, &stream, &mut stop).await;
        }
        _ => {
            played.connected = Some(false);
            played.client.unconnected(terms.clock.now());
        }
    }
    played
}

enum Woken {
    Writable,
    Readable,
    Time,
    Stop,
}

async fn talk(terms: &Terms, played: &mut Played, stream: &TcpStream, stop: &mut watch::Receiver<Stop>) {
    let clock = terms.clock;
    let client = &mut played.client;
    let mut first = true;
    loop {
        let now = clock.now();
        let told = *stop.borrow_and_update();
        if told == Stop::Cut || (told == Stop::Soft && !client.in_transaction()) {
            played.withdrawn = client.withdraw();
            client.ended(now);
            return;
        }
        let writing = match client.step(now) {
            Step::Close => return,
            Step::Permit => {
                let turn = if first {
                    now
                } else {
                    terms.bucket.borrow_mut().take(now)
                };
                first = false;
                if turn > now {
                    tokio::select! {
                        () = sleep_until(clock.instant(turn)) => {}
                        _ = stop.changed() => continue,
                    }
                }
                client.permit(clock.now());
                continue;
            }
            Step::Send(bytes) => match stream.try_write(bytes) {
                Ok(n) => {
                    client.sent(n, now);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => true,
                Err(_) => {
                    // What the peer said before it went is still to be heard.
                    while read(client, stream, now) {}
                    client.ended(now);
                    return;
                }
            },
            Step::Read => false,
        };
        let woken = tokio::select! {
            biased;
            _ = stop.changed() => Woken::Stop,
            _ = stream.readable() => Woken::Readable,
            _ = stream.writable(), if writing => Woken::Writable,
            () = sleep_until(clock.instant(client.deadline())) => Woken::Time,
        };
        match woken {
            Woken::Readable => {
                read(client, stream, clock.now());
            }
            Woken::Time => client.tick(clock.now()),
            Woken::Writable | Woken::Stop => {}
        }
    }
}

/// Reads what is there; whether there may be more.
fn read(client: &mut Client, stream: &TcpStream, now: u64) -> bool {
    let mut buffer = [0; 4_096];
    match stream.try_read(&mut buffer) {
        Ok(0) => client.ended(now),
        Ok(n) => {
            client.receive(&buffer[..n], now);
            return true;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(_) => client.ended(now),
    }
    false
}
