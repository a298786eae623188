//! Plays a world: one thread, as many connections as allowed, turns by a bucket, tries again as engines do, keeps the ledger.
//!
//! The caller feeds messages (`push`) when a feed is asked for (`wait`), and takes the ledger as it grows. Messages held are
//! bounded: nothing is asked for while there is enough to play.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{watch, Notify, Semaphore};
use tokio::time::{sleep_until, timeout};

use super::clock::Clock;
use super::session::{play, Played, Stop, Terms};
use crate::pure::swarm::bucket::Bucket;
use crate::pure::swarm::dialects::Retry;
use crate::pure::swarm::ledger::{write_line, Place};
use crate::pure::swarm::loopback::Target;
use crate::pure::swarm::outcome::{Fate, Outcome};
use crate::pure::swarm::plan::{Planner, Sending, Session};

/// Bytes of messages that may wait to be played.
const WAITING_BYTES: usize = 16 << 20;
/// Bytes of the ledger that may wait to be taken.
const LEDGER_BYTES: usize = 8 << 20;
/// So many connections in a row that fail end the play.
const UNREACHABLE: u32 = 50;
/// How long transactions may go on after a stop.
const GRACE: Duration = Duration::from_secs(2);
/// How fast minutes until another try pass when the world's clock is not kept.
const HURRIED: f64 = 600.0;

/// What a play is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to.
    pub target: Target,
    /// Names of the feeds, a lane each.
    pub feeds: Vec<String>,
    /// The seed of the plan.
    pub seed: u64,
    /// Seconds of the world in a second; `None`: as fast as the rate allows.
    pub speed: Option<f64>,
    /// Most transactions begun a second.
    pub rate: f64,
    /// Most connections at once.
    pub connections: usize,
    /// Longest wait for a connection or a reply, microseconds.
    pub wait: u64,
}

/// Counts by what became of things, in the order of `Fate::ALL`.
pub type Fates = [u64; 7];

/// What has happened so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Messages taken in.
    pub messages: u64,
    /// Envelopes made of them: a message and so many recipients as the engine takes at once.
    pub envelopes: u64,
    /// Connections tried.
    pub sessions: u64,
    /// Connections that failed.
    pub unconnected: u64,
    /// Most connections at once.
    pub peak_connections: u64,
    /// Different loopback addresses that connected.
    pub addresses: u64,
    /// Transactions by outcome.
    pub transactions: BTreeMap<&'static str, u64>,
    /// Envelopes by their last outcome; those that wait to be tried again are not among them before the end.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The same by dialect.
    pub dialects: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Envelopes not played, or not yet.
    pub not_played: u64,
    /// Envelopes that would have been tried again when the play stopped.
    pub retries_dropped: u64,
    /// Seconds since the start.
    pub seconds: f64,
    /// Nothing more will happen.
    pub done: bool,
    /// The play ended because nobody answers there.
    pub unreachable: bool,
    /// Messages left out: the world has more networks than loopback has room for.
    pub unaddressed: u64,
}

struct State {
    planner: Planner,
    /// By when they are due on the play's clock.
    retries: BTreeMap<(u64, u64), Session>,
    retry_bytes: usize,
    ledger: Vec<u8>,
    open: u64,
    failures: u32,
    addresses: BTreeSet<u32>,
    attempts: Fates,
    outcomes: BTreeMap<&'static str, Fates>,
    totals: Totals,
}

struct Shared {
    settings: Settings,
    clock: Clock,
    state: Mutex<State>,
    changed: Condvar,
    wake: Notify,
    stop: watch::Sender<Stop>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A play under way.
pub struct Player {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// Starts the thread; it waits for messages.
    pub fn start(settings: Settings) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                planner: Planner::new(settings.feeds.len(), settings.seed),
                retries: BTreeMap::new(),
                retry_bytes: 0,
                ledger: Vec::new(),
                open: 0,
                failures: 0,
                addresses: BTreeSet::new(),
                attempts: [0; 7],
                outcomes: BTreeMap::new(),
                totals: Totals::default(),
            }),
            settings,
            clock: Clock::start(),
            changed: Condvar::new(),
            wake: Notify::new(),
            stop: watch::channel(Stop::No).0,
        });
        let given = shared.clone();
        let thread = std::thread::Builder::new()
            .name("spamtide-swarm".into())
            .spawn(move || {
                let _end = End(given.clone());
                tokio::task::LocalSet::new().block_on(&runtime, conduct(given));
            })?;
        Ok(Player {
            shared,
            thread: Some(thread),
        })
    }

    /// Add messages of a feed, in order of time.
    pub fn push(&self, lane: usize, sendings: Vec<Sending>) {
        let mut state = self.shared.lock();
        for sending in sendings {
            state.planner.push(lane, sending);
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    /// A feed has no more messages.
    pub fn close(&self, lane: usize) {
        self.shared.lock().planner.close(lane);
        self.shared.wake.notify_one();
    }

    /// The feed that must say more. Comes back at the latest after `patience`, or when the play is over or the ledger has grown.
    pub fn wait(&self, patience: Duration) -> Option<usize> {
        let wanting = |state: &State| {
            let held = state.planner.size_bytes() + state.retry_bytes;
            let enough = held >= WAITING_BYTES && state.planner.due().is_some();
            if enough
                || state.retry_bytes >= WAITING_BYTES
                || state.totals.done
                || *self.shared.stop.borrow() > Stop::No
            {
                // Engines that wait to try again come first, else a receiver that defers everything would fill the memory.
                None
            } else {
                state.planner.wanting()
            }
        };
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |s| {
                wanting(s).is_none() && !s.totals.done && s.ledger.len() < LEDGER_BYTES / 8
            })
            .unwrap_or_else(PoisonError::into_inner);
        wanting(&state)
    }

    /// Lines of the ledger since the last call.
    pub fn take_ledger(&self) -> Vec<u8> {
        let taken = std::mem::take(&mut self.shared.lock().ledger);
        self.shared.wake.notify_one();
        taken
    }

    /// Begin nothing new; what has begun may end within two seconds.
    pub fn stop(&self) {
        self.shared.stop.send_if_modified(|s| {
            let first = *s == Stop::No;
            *s = (*s).max(Stop::Soft);
            first
        });
    }

    /// What has happened so far.
    pub fn totals(&self) -> Totals {
        let state = self.shared.lock();
        let (messages, envelopes) = state.planner.counts();
        let named = |fates: &Fates| Fate::ALL.iter().map(|f| (f.word(), fates[*f as usize])).collect();
        let mut all: Fates = [0; 7];
        for fates in state.outcomes.values() {
            for (sum, n) in all.iter_mut().zip(fates) {
                *sum += n;
            }
        }
        Totals {
            messages,
            envelopes,
            addresses: state.addresses.len() as u64,
            transactions: named(&state.attempts),
            outcomes: named(&all),
            dialects: state.outcomes.iter().map(|(d, fates)| (*d, named(fates))).collect(),
            not_played: envelopes - all.iter().sum::<u64>(),
            seconds: if state.totals.done {
                state.totals.seconds
            } else {
                self.shared.clock.now() as f64 / 1e6
            },
            unaddressed: state.planner.unaddressed(),
            ..state.totals.clone()
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.stop.send_replace(Stop::Cut);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Says that the play is over, also when its thread ends by a mistake of ours.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.totals.done = true;
        state.totals.seconds = self.0.clock.now() as f64 / 1e6;
        drop(state);
        self.0.changed.notify_all();
    }
}

enum Job {
    Now(Session),
    At(u64),
    Wait,
    Over,
}

async fn conduct(shared: Arc<Shared>) {
    let settings = &shared.settings;
    let terms = Rc::new(Terms {
        target: settings.target,
        wait: settings.wait,
        bucket: RefCell::new(Bucket::new(settings.rate, (settings.rate / 20.0).max(1.0))),
        clock: shared.clock,
    });
    let slots = Arc::new(Semaphore::new(settings.connections));
    let mut stop = shared.stop.subscribe();
    let mut begun: Option<(i64, u64)> = None;
    'playing: while *stop.borrow_and_update() == Stop::No {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            _ = stop.changed() => break,
        };
        let Ok(slot) = slot else { break };
        let session = loop {
            let now = shared.clock.now();
            let until = match next_job(&shared, &mut begun, now) {
                Job::Now(session) => break session,
                Job::At(at) => at,
                Job::Wait => u64::MAX,
                Job::Over => break 'playing,
            };
            tokio::select! {
                () = shared.wake.notified() => {}
                () = sleep_until(shared.clock.instant(until)) => {}
                _ = stop.changed() => break 'playing,
            }
        };
        let turn = terms.bucket.borrow_mut().take(shared.clock.now());
        if turn > shared.clock.now() {
            tokio::select! {
                () = sleep_until(shared.clock.instant(turn)) => {}
                _ = stop.changed() => {
                    give_up(&mut shared.lock(), &session);
                    break;
                }
            }
        }
        let number = {
            let mut state = shared.lock();
            state.open += 1;
            state.totals.peak_connections = state.totals.peak_connections.max(state.open);
            state.totals.sessions += 1;
            state.totals.sessions
        };
        let (shared, terms, stop) = (shared.clone(), terms.clone(), stop.clone());
        tokio::task::spawn_local(async move {
            let _slot = slot;
            let _open = Open(shared.clone());
            let played = play(terms, &session, stop).await;
            finish(&shared, session, number, played);
        });
    }
    let quiet = async {
        while shared.lock().open > 0 {
            shared.wake.notified().await;
        }
    };
    if timeout(GRACE, quiet).await.is_err() {
        shared.stop.send_replace(Stop::Cut);
        while shared.lock().open > 0 {
            let _ = timeout(Duration::from_millis(50), shared.wake.notified()).await;
        }
    }
    give_up_retries(&mut shared.lock());
}

/// An open session; says when it is over.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
        self.0.wake.notify_one();
        self.0.changed.notify_all();
    }
}

fn next_job(shared: &Shared, begun: &mut Option<(i64, u64)>, now: u64) -> Job {
    let mut state = shared.lock();
    if state.ledger.len() > LEDGER_BYTES {
        return Job::Wait;
    }
    let again = state.retries.first_key_value().map(|(key, _)| key.0);
    if again.is_some_and(|at| at <= now) {
        if let Some((_, session)) = state.retries.pop_first() {
            state.retry_bytes -= session.size_bytes();
            return Job::Now(session);
        }
    }
    let Some(due) = state.planner.due() else {
        shared.changed.notify_all();
        return match again {
            Some(at) => Job::At(at),
            None if state.planner.is_finished() && state.open == 0 => Job::Over,
            None => Job::Wait,
        };
    };
    let (world, real) = *begun.get_or_insert((due, now));
    let at = match shared.settings.speed {
        Some(speed) => real + ((due - world).max(0) as f64 / speed) as u64,
        None => now,
    };
    if at > now {
        return Job::At(again.map_or(at, |a| a.min(at)));
    }
    match state.planner.take() {
        Some(session) => {
            shared.changed.notify_all();
            Job::Now(session)
        }
        None => Job::Wait,
    }
}

/// Writes the outcomes of a session, and puts off what its engine tries again.
fn finish(shared: &Shared, session: Session, number: u64, played: Played) {
    let Played {
        mut client,
        connected,
        withdrawn,
    } = played;
    let stopping = *shared.stop.borrow() > Stop::No;
    let dialect = session.dialect;
    let may_retry = dialect.retry != Retry::Never && session.attempt < dialect.tries && !stopping;
    let mut again = (Vec::new(), Vec::new());
    let mut state = shared.lock();
    match connected {
        Some(true) => {
            state.failures = 0;
            state.addresses.insert(session.address.to_bits());
        }
        Some(false) => {
            state.failures += 1;
            state.totals.unconnected += 1;
        }
        None => {}
    }
    for outcome in client.take_outcomes() {
        let fate = outcome.fate;
        let tries_again = may_retry && matches!(fate, Fate::Deferred | Fate::Lost | Fate::Unsent);
        state.attempts[fate as usize] += 1;
        record(&mut state.ledger, shared, &session, number, &outcome, tries_again);
        if tries_again {
            let origin = session.letters.iter().find(|(l, _)| l.number == outcome.letter.number);
            again.0.extend(origin.cloned());
            again.1.push(fate);
        } else {
            state.outcomes.entry(dialect.name).or_default()[fate as usize] += 1;
        }
    }
    if !withdrawn.is_empty() && session.attempt > 1 {
        // Letters are taken in order, so those withdrawn are the last ones.
        for fate in &session.before[session.before.len() - withdrawn.len()..] {
            state.outcomes.entry(dialect.name).or_default()[*fate as usize] += 1;
            state.totals.retries_dropped += 1;
        }
    }
    if !again.0.is_empty() {
        let minutes = f64::from(dialect.retry_minutes) * 60e6;
        let at = shared.clock.now() + (minutes / shared.settings.speed.unwrap_or(HURRIED)) as u64;
        let address = match dialect.retry {
            Retry::Other => state.planner.other_address(session.address).unwrap_or(session.address),
            _ => session.address,
        };
        let session = Session {
            letters: again.0,
            before: again.1,
            attempt: session.attempt + 1,
            address,
            ..session
        };
        state.retry_bytes += session.size_bytes();
        state.retries.insert((at, number), session);
    }
    if state.failures >= UNREACHABLE {
        state.totals.unreachable = true;
        drop(state);
        shared.stop.send_if_modified(|s| {
            let first = *s == Stop::No;
            *s = (*s).max(Stop::Soft);
            first
        });
    }
}

fn record(ledger: &mut Vec<u8>, shared: &Shared, session: &Session, number: u64, outcome: &Outcome, tries_again: bool) {
    let found = session.letters.iter().find(|(l, _)| l.number == outcome.letter.number);
    let Some((_, origin)) = found else { return };
    let place = Place {
        feed: &shared.settings.feeds[origin.lane],
        origin,
        session,
        number,
        tries_again,
        at: shared.clock.utc(outcome.at),
    };
    write_line(ledger, outcome, &place);
}

/// Envelopes that wait for another try have, at the end, the outcome of their last one.
fn give_up_retries(state: &mut State) {
    for session in std::mem::take(&mut state.retries).into_values() {
        give_up(state, &session);
    }
    state.retry_bytes = 0;
}

fn give_up(state: &mut State, session: &Session) {
    for fate in &session.before {
        state.outcomes.entry(session.dialect.name).or_default()[*fate as usize] += 1;
        state.totals.retries_dropped += 1;
    }
}
