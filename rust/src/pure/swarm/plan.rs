//! Who connects when, with what: messages of a world become sessions of its bots. The same world and seed give the same plan.
//!
//! Feeds come in as lanes, each in order of time, and are merged. What one address sends within `GATHER_US` of the world
//! becomes one session, as far as its engine takes several messages.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use siphasher::sip::SipHasher13;
use std::hash::Hasher;

use super::dialects::{Dialect, Name};
use super::loopback::AddressBook;
use super::outcome::{Fate, Letter};

/// How long a queue gathers what one address sends: a minute of the world.
pub const GATHER_US: i64 = 60_000_000;
/// Beyond so many bytes all that gathers leaves at once.
pub const GATHER_BYTES: usize = 32 << 20;

/// One message on its way into the plan.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Instant of the world, microseconds since 1970 UTC.
    pub at: i64,
    /// The bot, by the world's name for it.
    pub bot: String,
    /// Its address in the world.
    pub peer: IpAddr,
    /// Its host name, where the world says one.
    pub helo: String,
    /// Its engine.
    pub dialect: &'static Dialect,
    /// Reverse-path, empty for the null path.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// The message.
    pub raw: Arc<[u8]>,
}

/// Where a letter comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Lane of the feed.
    pub lane: usize,
    /// Place of the message in it, from 0.
    pub place: u64,
    /// Instant of the world.
    pub at: i64,
}

/// One session to be played.
#[derive(Clone, Debug)]
pub struct Session {
    /// When it is due, an instant of the world.
    pub due: i64,
    /// The loopback address it comes from.
    pub address: Ipv4Addr,
    /// Address in the world.
    pub peer: IpAddr,
    /// The bot.
    pub bot: Arc<str>,
    /// Its engine.
    pub dialect: &'static Dialect,
    /// What it calls itself.
    pub name: String,
    /// What it sends, and where each comes from.
    pub letters: Vec<(Letter, Origin)>,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// At a later try: what became of each letter at the one before.
    pub before: Vec<Fate>,
}

impl Session {
    /// Bytes of its messages, for bounds on memory.
    pub fn size_bytes(&self) -> usize {
        self.letters.iter().map(|(l, _)| l.raw.len() + 256).sum()
    }
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<(Sending, u64)>,
    pushed: u64,
    closed: bool,
}

/// Makes the plan as messages come.
pub struct Planner {
    seed: u64,
    lanes: Vec<Lane>,
    book: AddressBook,
    gathering: BTreeMap<(IpAddr, &'static str), Session>,
    /// When a gathering session leaves, in order.
    leaving: VecDeque<(i64, (IpAddr, &'static str), u64)>,
    ready: VecDeque<Session>,
    letters: u64,
    bytes: usize,
    gathering_bytes: usize,
    unaddressed: u64,
}

impl Planner {
    /// A plan of that many feeds.
    pub fn new(lanes: usize, seed: u64) -> Self {
        Planner {
            seed,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            book: AddressBook::new(seed),
            gathering: BTreeMap::new(),
            leaving: VecDeque::new(),
            ready: VecDeque::new(),
            letters: 0,
            bytes: 0,
            gathering_bytes: 0,
            unaddressed: 0,
        }
    }

    /// Add messages of a feed, in order of time.
    pub fn push(&mut self, lane: usize, sending: Sending) {
        self.bytes += sending.raw.len() + 256;
        let lane = &mut self.lanes[lane];
        lane.waiting.push_back((sending, lane.pushed));
        lane.pushed += 1;
        self.merge();
    }

    /// A feed has no more messages.
    pub fn close(&mut self, lane: usize) {
        self.lanes[lane].closed = true;
        self.merge();
    }

    /// A feed that must say more before the plan goes on.
    pub fn wanting(&self) -> Option<usize> {
        self.lanes.iter().position(|l| l.waiting.is_empty() && !l.closed)
    }

    /// Whether nothing will ever come again.
    pub fn is_finished(&self) -> bool {
        self.ready.is_empty()
            && self.gathering.is_empty()
            && self.lanes.iter().all(|l| l.closed && l.waiting.is_empty())
    }

    /// When the next session is due.
    pub fn due(&self) -> Option<i64> {
        self.ready.front().map(|s| s.due)
    }

    /// The next session.
    pub fn take(&mut self) -> Option<Session> {
        let session = self.ready.pop_front()?;
        self.bytes -= session.size_bytes();
        Some(session)
    }

    /// Bytes of messages held.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// Messages taken in, and letters made of them: one for so many recipients as an engine takes at once.
    pub fn counts(&self) -> (u64, u64) {
        (self.lanes.iter().map(|l| l.pushed).sum(), self.letters)
    }

    /// Messages left out because the world has more networks than loopback has room for.
    pub fn unaddressed(&self) -> u64 {
        self.unaddressed
    }

    /// The address from which an engine tries again elsewhere.
    pub fn other_address(&mut self, address: Ipv4Addr) -> Option<Ipv4Addr> {
        self.book.other(address)
    }

    fn merge(&mut self) {
        while self.lanes.iter().all(|l| l.closed || !l.waiting.is_empty()) {
            let first = (0..self.lanes.len())
                .filter_map(|i| self.lanes[i].waiting.front().map(|(s, _)| (s.at, i)))
                .min();
            let Some((at, lane)) = first else {
                self.release(i64::MAX);
                return;
            };
            self.release(at);
            if let Some((sending, place)) = self.lanes[lane].waiting.pop_front() {
                self.add(sending, lane, place);
            }
        }
    }

    /// Sessions that have gathered long enough at this instant.
    fn release(&mut self, now: i64) {
        while self.leaving.front().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, key, first)) = self.leaving.pop_front() else {
                return;
            };
            // It may have left before because it was full, and another may gather now.
            if self.gathering.get(&key).is_some_and(|s| s.letters[0].0.number == first) {
                self.send_off(&key);
            }
        }
    }

    fn add(&mut self, sending: Sending, lane: usize, place: u64) {
        let dialect = sending.dialect;
        let size = sending.raw.len() + 256;
        self.bytes -= size;
        let Some(address) = self.book.loopback(sending.peer) else {
            self.unaddressed += 1;
            return;
        };
        let key = (sending.peer, dialect.name);
        for to in sending.to.chunks(dialect.recipients) {
            let letter = Letter {
                number: self.letters,
                from: sending.from.clone(),
                to: to.to_vec(),
                raw: sending.raw.clone(),
            };
            self.letters += 1;
            self.bytes += size;
            if !self.gathering.contains_key(&key) {
                self.leaving.push_back((sending.at + GATHER_US, key, letter.number));
                let session = Session {
                    due: sending.at,
                    address,
                    peer: sending.peer,
                    bot: Arc::from(sending.bot.as_str()),
                    dialect,
                    name: name_of(dialect, self.seed, &sending, address),
                    letters: Vec::new(),
                    attempt: 1,
                    before: Vec::new(),
                };
                self.gathering.insert(key, session);
            }
            let Some(session) = self.gathering.get_mut(&key) else {
                return;
            };
            session.due = sending.at;
            session.letters.push((
                letter,
                Origin {
                    lane,
                    place,
                    at: sending.at,
                },
            ));
            let full = session.letters.len() >= dialect.messages;
            self.gathering_bytes += sending.raw.len();
            if full {
                self.send_off(&key);
            }
        }
        if self.gathering_bytes > GATHER_BYTES {
            self.release(i64::MAX);
        }
    }

    fn send_off(&mut self, key: &(IpAddr, &'static str)) {
        if let Some(session) = self.gathering.remove(key) {
            self.gathering_bytes -= session.letters.iter().map(|(l, _)| l.raw.len()).sum::<usize>();
            self.ready.push_back(session);
        }
    }
}

/// What a bot calls itself: the same for its life, as far as its engine does not take it from address or recipient.
fn name_of(dialect: &Dialect, seed: u64, sending: &Sending, address: Ipv4Addr) -> String {
    let mut hasher = SipHasher13::new_with_keys(seed, 0x0062_6f74);
    hasher.write(sending.bot.as_bytes());
    let mut bits = hasher.finish();
    let mut letters = |n: usize| -> String {
        (0..n)
            .map(|_| {
                let letter = char::from(b'a' + (bits % 26) as u8);
                bits /= 26;
                letter
            })
            .collect()
    };
    match dialect.called {
        Name::Own if !sending.helo.is_empty() => sending.helo.clone(),
        Name::Own => format!("{}.example", letters(8)),
        Name::Word => letters(7),
        Name::Underscore => format!("pc_{}", letters(6)),
        Name::Localhost => "localhost".into(),
        Name::Address => address.to_string(),
        Name::Literal => format!("[{address}]"),
        Name::Recipient => sending
            .to
            .first()
            .and_then(|t| t.rsplit_once('@'))
            .map_or("localhost", |(_, d)| d)
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialects::find_dialect;
    use super::*;

    fn sending(at: i64, peer: &str, dialect: &str, to: usize) -> Sending {
        Sending {
            at,
            bot: format!("g/{peer}"),
            peer: peer.parse().unwrap(),
            helo: "host.example".into(),
            dialect: find_dialect(dialect).unwrap(),
            from: "a@b.example".into(),
            to: (0..to).map(|n| format!("u{n}@trap.example")).collect(),
            raw: Arc::from(&b"x"[..]),
        }
    }

    fn sessions(planner: &mut Planner) -> Vec<(i64, String, usize)> {
        std::iter::from_fn(|| planner.take())
            .map(|s| (s.due, s.peer.to_string(), s.letters.len()))
            .collect()
    }

    #[test]
    fn feeds_are_merged_by_time_and_a_feed_that_is_behind_is_asked_for() {
        let mut planner = Planner::new(2, 1);
        planner.push(0, sending(5, "192.0.2.1", "rustock", 1));
        assert_eq!((planner.wanting(), planner.take().is_none()), (Some(1), true));
        planner.push(1, sending(3, "192.0.2.2", "rustock", 1));
        assert_eq!(sessions(&mut planner), vec![(3, "192.0.2.2".into(), 1)]);
        planner.close(1);
        planner.close(0);
        assert_eq!(sessions(&mut planner), vec![(5, "192.0.2.1".into(), 1)]);
        assert!(planner.is_finished() && planner.size_bytes() == 0);
    }

    #[test]
    fn an_engine_gathers_for_a_minute_or_until_its_session_is_full() {
        let mut planner = Planner::new(1, 1);
        for n in 0..12 {
            planner.push(0, sending(n, "192.0.2.1", "cutwail", 1));
        }
        planner.push(0, sending(GATHER_US + 10, "192.0.2.9", "cutwail", 1));
        planner.close(0);
        let peer = String::from("192.0.2.1");
        assert_eq!(
            sessions(&mut planner),
            vec![
                (9, peer.clone(), 10),
                (11, peer, 2),
                (GATHER_US + 10, "192.0.2.9".into(), 1)
            ]
        );
    }

    #[test]
    fn recipients_beyond_what_an_engine_takes_are_letters_of_their_own() {
        let mut planner = Planner::new(1, 1);
        planner.push(0, sending(0, "192.0.2.1", "mega-d", 12));
        planner.push(0, sending(0, "192.0.2.2", "lethic", 3));
        planner.close(0);
        assert_eq!(planner.counts(), (2, 6));
        let counts: Vec<_> = sessions(&mut planner).iter().map(|s| s.2).collect();
        assert_eq!(counts, vec![3, 1, 1, 1]);
    }
}
