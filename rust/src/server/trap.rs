//! The trap: a thread with the listening sockets and all sessions, beside the thread that commits and the one that seals.
//!
//! It only listens: nothing here opens a connection. A session reads nothing while its message is with the store, and holds no
//! input buffer while it waits: one buffer serves all, since one thread does.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{json, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, Notify};
use tokio::time::{timeout, timeout_at, Instant};

use super::commit::{self, Item, Store, StoreConfig};
use super::events::{utc_now, Shared};
use super::listen::{listen, Crowd, Slot, Turned};
use super::manner::{Current, Manner};
use crate::pure::dialogue::states::State;
use crate::pure::dialogue::{Dialogue, Event, Protocol, Refused, Settings, Verdict};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 64 << 10;
/// How long a greeting waits for somebody who talks first.
const GREETING_WAIT: Duration = Duration::from_millis(1);
/// How long a peer may take to read what we send.
const SEND_SECONDS: u64 = 60;

/// Bounds of time and number. `docs/reference/limits.md` lists them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Sessions at once.
    pub connections: usize,
    /// Sessions at once from one IPv4 address or IPv6 /64.
    pub connections_per_address: usize,
    /// From one reply to the end of the next command.
    pub command_seconds: f64,
    /// From one piece of data to the next.
    pub data_seconds: f64,
    /// From the start of data to its end.
    pub message_seconds: f64,
    /// Data slower than this, after the first `slow_seconds`, is too slow.
    pub bytes_per_second: f64,
    /// See there.
    pub slow_seconds: f64,
    /// How long sessions within a message may go on after a stop.
    pub drain_seconds: f64,
    /// Bytes of messages in memory: from half of it on MAIL is put off, beyond it sessions within data are ended.
    pub memory_bytes: usize,
}

/// One trap.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrapConfig {
    /// Where SMTP is spoken.
    pub smtp: Option<SocketAddr>,
    /// Where LMTP is spoken.
    pub lmtp: Option<SocketAddr>,
    /// Name in greeting and replies.
    pub host: String,
    /// Whom it takes mail for, and how it answers.
    pub manner: Manner,
    /// Whether each stored message is an event too.
    pub log_messages: bool,
    /// Bounds of time and number.
    pub limits: Limits,
    /// Where messages go.
    pub store: StoreConfig,
}

/// What the sessions of one listener share.
struct Context {
    settings: Current,
    limits: Limits,
    crowd: Rc<Crowd>,
    items: mpsc::Sender<Item>,
    shared: Arc<Shared>,
    scratch: Rc<RefCell<Vec<u8>>>,
    draining: Rc<Cell<bool>>,
    open: Rc<Cell<usize>>,
    serial: Rc<Cell<u64>>,
    started: i64,
}

/// A running trap.
pub struct Trap {
    /// Where SMTP is spoken.
    pub smtp: Option<SocketAddr>,
    /// Where LMTP is spoken.
    pub lmtp: Option<SocketAddr>,
    /// What was found when the open segment was taken up: bytes cut, ranges of rot.
    pub recovered: (u64, Vec<(u64, u64)>),
    shared: Arc<Shared>,
    settings: [Current; 2],
    stop: Arc<Notify>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Trap {
    /// Start listening. When this returns the sockets take connections; what fails is said here.
    pub fn start(config: TrapConfig, user_key: [u8; 32]) -> Result<Trap, String> {
        let shared = Arc::new(Shared::new(config.log_messages));
        let (store, torn, rot) = Store::take_up(config.store.clone()).map_err(|e| e.to_string())?;
        shared.set_full(!commit::has_room(&config.store.folder, config.store.low_water_bytes));
        let (items, taken) = mpsc::channel();
        let (whole, sealing) = mpsc::channel();
        let (told, ready) = mpsc::channel();
        let settings = first_settings(&config, user_key)?;
        let stop = Arc::new(Notify::new());
        let stopped = Arc::new(AtomicBool::new(false));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(work)
                .map_err(|e| e.to_string())
        };
        let (for_seal, for_commit, for_listen) = (shared.clone(), shared.clone(), shared.clone());
        let mut threads = vec![
            spawn("trap-seal", Box::new(move || commit::seal_all(&sealing, &for_seal)))?,
            spawn(
                "trap-commit",
                Box::new(move || commit::run(store, &taken, &whole, &for_commit)),
            )?,
        ];
        let (signal, done, current) = (stop.clone(), stopped.clone(), settings.clone());
        threads.push(spawn(
            "trap-listen",
            Box::new(move || {
                listening(&config, current, &for_listen, items, &signal, &told);
                done.store(true, Relaxed);
                for_listen.log("trap.drained", for_listen.counts.json());
            }),
        )?);
        let (smtp, lmtp) = ready
            .recv()
            .unwrap_or_else(|_| Err("the listening thread ended".into()))?;
        Ok(Trap {
            smtp,
            lmtp,
            recovered: (torn, rot),
            shared,
            settings,
            stop,
            stopped,
            threads,
        })
    }

    /// Events that came within `time`.
    pub fn wait(&self, time: Duration) -> Vec<String> {
        self.shared.wait(time)
    }

    /// The counts.
    pub fn counts(&self) -> Value {
        self.shared.counts.json()
    }

    /// What was refused and taken by minute since this was last asked.
    pub fn minutes(&self) -> Value {
        self.shared.minutes.take()
    }

    /// Take another manner: sessions that are open go on as they began, new ones take it. An error changes nothing.
    pub fn reload(&self, manner: &Manner) -> Result<(), String> {
        manner.apply(&mut Settings::default())?;
        self.settings.iter().try_for_each(|current| current.change(manner))
    }

    /// Take no more connections, end idle sessions, let messages under way come to their end.
    pub fn stop(&self) {
        self.stop.notify_one();
    }

    /// Whether no session is left.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Wait for the threads: everything that came is on disk.
    pub fn join(&mut self) {
        for thread in self.threads.drain(..).rev() {
            let _ = thread.join();
        }
    }
}

/// The settings with which each of the two listeners begins. They share one memory.
fn first_settings(config: &TrapConfig, user_key: [u8; 32]) -> Result<[Current; 2], String> {
    let mut settings = Settings {
        host: config.host.clone(),
        user_key,
        ..Settings::default()
    };
    config.manner.apply(&mut settings)?;
    Ok([Protocol::Smtp, Protocol::Lmtp].map(|protocol| {
        Current::new(Settings {
            protocol,
            ..settings.clone()
        })
    }))
}

type Ready = Result<(Option<SocketAddr>, Option<SocketAddr>), String>;

/// The listening thread.
fn listening(
    config: &TrapConfig,
    settings: [Current; 2],
    shared: &Arc<Shared>,
    items: mpsc::Sender<Item>,
    stop: &Notify,
    told: &mpsc::Sender<Ready>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = told.send(Err(error.to_string()));
            return;
        }
    };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listeners =
            [config.smtp, config.lmtp].map(|address| address.map(|a| listen(a).map_err(|e| format!("{a}: {e}"))));
        let (crowd, draining) = (Rc::new(Crowd::default()), Rc::new(Cell::new(false)));
        let (open, serial) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let scratch = Rc::new(RefCell::new(vec![0; READ_BYTES]));
        let mut addresses = [None, None];
        let mut tasks = Vec::new();
        for (i, (bound, settings)) in listeners.into_iter().zip(settings).enumerate() {
            let listener = match bound {
                None => continue,
                Some(Ok(listener)) => listener,
                Some(Err(error)) => {
                    let _ = told.send(Err(error));
                    return;
                }
            };
            addresses[i] = listener.local_addr().ok();
            let context = Rc::new(Context {
                settings,
                limits: config.limits.clone(),
                crowd: crowd.clone(),
                items: items.clone(),
                shared: shared.clone(),
                scratch: scratch.clone(),
                draining: draining.clone(),
                open: open.clone(),
                serial: serial.clone(),
                started: utc_now(),
            });
            tasks.push(tokio::task::spawn_local(accept_all(listener, context)));
        }
        drop(items);
        let _ = told.send(Ok((addresses[0], addresses[1])));
        stop.notified().await;
        draining.set(true);
        for task in tasks {
            task.abort();
        }
        crowd.wake_all(false);
        // Those within a message have their time; then all must go.
        let gone = |seconds: f64| {
            let open = open.clone();
            timeout(seconds_of(seconds), async move {
                while open.get() > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        };
        if gone(config.limits.drain_seconds).await.is_err() {
            crowd.wake_all(true);
            let _ = gone(5.0).await;
        }
    });
}

fn seconds_of(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

async fn accept_all(listener: TcpListener, context: Rc<Context>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => admit(stream, peer, &context),
            Err(error) => {
                // Out of descriptors, mostly: those that are open must end first.
                context
                    .shared
                    .log("connection.failed", json!({"error": error.to_string()}));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn admit(stream: TcpStream, peer: SocketAddr, context: &Rc<Context>) {
    let limits = &context.limits;
    let counts = &context.shared.counts;
    match context
        .crowd
        .enter(peer.ip(), limits.connections, limits.connections_per_address)
    {
        Ok((key, slot, _)) => {
            counts.accepted.fetch_add(1, Relaxed);
            counts.connected.fetch_add(1, Relaxed);
            context.open.set(context.open.get() + 1);
            let context = context.clone();
            tokio::task::spawn_local(async move {
                session(stream, peer, &context, &slot).await;
                context.crowd.hold(&slot, 0);
                context.crowd.leave(key);
                context.open.set(context.open.get() - 1);
                context.shared.counts.connected.fetch_sub(1, Relaxed);
            });
        }
        Err(turned) => {
            let (counter, why) = match turned {
                Turned::PerAddress => (&counts.refused_per_address, "per_address"),
                Turned::Total => (&counts.refused_total, "total"),
            };
            counter.fetch_add(1, Relaxed);
            let refused = Refused {
                all: 1,
                no_room: u64::from(matches!(turned, Turned::Total)),
            };
            context
                .shared
                .minutes
                .refused(utc_now(), peer.ip(), refused, context.shared.full());
            let _ = stream.try_write(b"421 4.7.0 Too many connections, try later\r\n");
            let peer = peer.ip().to_canonical().to_string();
            context
                .shared
                .log("connection.refused", json!({"peer": peer, "why": why}));
        }
    }
}

/// One session from greeting to end.
async fn session(stream: TcpStream, peer: SocketAddr, context: &Context, slot: &Slot) {
    let _ = stream.set_nodelay(true);
    let n = context.serial.get();
    context.serial.set(n + 1);
    let key = format!("{:x}.{n:x}", context.started);
    let address = peer.ip();
    let peer = address.to_canonical().to_string();
    let mut dialogue = Box::new(Dialogue::new(context.settings.get(), peer, key, utc_now()));
    let how = converse(&stream, address, &mut dialogue, context, slot).await;
    let refused = dialogue.refused();
    if how == "shed" {
        context.shared.counts.shed.fetch_add(1, Relaxed);
    } else if how == "slow" {
        context.shared.counts.timed_out.fetch_add(1, Relaxed);
    }
    context
        .shared
        .minutes
        .refused(utc_now(), address, refused, context.shared.full());
    if how == "lost" {
        dialogue.unheard(utc_now());
    }
    context
        .shared
        .counts
        .bounced
        .fetch_add(dialogue.bounced() as u64, Relaxed);
    if let Some(capture) = dialogue.end(utc_now()) {
        let _ = context.items.send(Item { capture, answer: None });
    }
    context.shared.log("session.ended", Value::Object(dialogue.facts(how)));
    if !matches!(how, "closed" | "lost" | "quit") {
        linger(&stream, context).await;
    }
}

/// Let a peer read our last word: a socket closed over unread bytes takes it away.
async fn linger(stream: &TcpStream, context: &Context) {
    let end = Instant::now() + Duration::from_secs(1);
    while let Ok(Ok(())) = timeout_at(end, stream.readable()).await {
        let mut scratch = context.scratch.borrow_mut();
        match stream.try_read(&mut scratch) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Read, think, answer; how the session ended.
async fn converse(
    stream: &TcpStream,
    peer: IpAddr,
    dialogue: &mut Dialogue,
    context: &Context,
    slot: &Slot,
) -> &'static str {
    let limits = &context.limits;
    let _ = timeout(GREETING_WAIT, stream.readable()).await;
    if dialogue.greeting_delay() > 0 {
        let delay = Duration::from_micros(dialogue.greeting_delay() as u64);
        let _ = timeout(delay, slot.wake.notified()).await;
    }
    let (mut stepped, mut read_at) = (Instant::now(), Instant::now());
    loop {
        let read = stream.try_read(&mut context.scratch.borrow_mut());
        match read {
            Ok(0) => return "closed",
            Ok(n) => {
                read_at = Instant::now();
                let crowded = context.crowd.held.get() > limits.memory_bytes / 2;
                dialogue.set_full(crowded || context.shared.full());
                dialogue.receive(&context.scratch.borrow()[..n], utc_now());
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return "lost",
        }
        while let Some(event) = dialogue.event() {
            if let Event::Message(capture) = event {
                context.crowd.hold(slot, capture.raw.len() + dialogue.size_bytes());
                let verdict = stored(*capture, context, slot).await;
                if verdict == Verdict::Stored {
                    context.shared.minutes.taken(utc_now(), peer);
                }
                dialogue.verdict(verdict, utc_now());
            }
        }
        context.crowd.hold(slot, dialogue.size_bytes());
        context
            .shared
            .minutes
            .refused(utc_now(), peer, dialogue.refused(), context.shared.full());
        let answer = dialogue.bytes_to_send();
        if !answer.is_empty() {
            if send(stream, &answer).await.is_err() {
                return "lost";
            }
            stepped = Instant::now();
            slot.progress.set(stepped);
        }
        let state = dialogue.state();
        let within = matches!(state, State::Data | State::Chunk | State::Skip);
        if state == State::Closed {
            return match answer.starts_with(b"221") || answer.windows(5).any(|w| w == b"\n221 ") {
                true => "quit",
                false => "refused",
            };
        }
        if within && context.crowd.held.get() > limits.memory_bytes {
            let refused = Refused { all: 0, no_room: 1 };
            context
                .shared
                .minutes
                .refused(utc_now(), peer, refused, context.shared.full());
            return ended(stream, dialogue, "No memory", "shed").await;
        }
        if context.draining.get() && !within {
            return ended(stream, dialogue, "Shutting down", "drained").await;
        }
        if slot.shed.get() {
            return ended(stream, dialogue, "Too busy", "shed").await;
        }
        let deadline = if within {
            let earned = dialogue.received_bytes() as f64 / limits.bytes_per_second;
            let rate = stepped + seconds_of(limits.slow_seconds + earned);
            let whole = stepped + seconds_of(limits.message_seconds);
            rate.min(whole).min(read_at + seconds_of(limits.data_seconds))
        } else {
            stepped + seconds_of(limits.command_seconds)
        };
        tokio::select! {
            ready = timeout_at(deadline, stream.readable()) => match ready {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return "lost",
                Err(_) => return ended(stream, dialogue, "Too slow", "slow").await,
            },
            () = slot.wake.notified() => {}
        }
    }
}

/// Say 421 and why.
async fn ended(stream: &TcpStream, dialogue: &mut Dialogue, why: &str, how: &'static str) -> &'static str {
    dialogue.give_up(why, utc_now());
    let _ = timeout(Duration::from_secs(1), send(stream, &dialogue.bytes_to_send())).await;
    how
}

/// Hand a message to the thread that commits, and wait.
async fn stored(capture: crate::pure::capture::Capture, context: &Context, slot: &Slot) -> Verdict {
    let (answer, verdict) = oneshot::channel();
    slot.busy.set(true);
    let item = Item {
        capture,
        answer: Some(answer),
    };
    let sent = context.items.send(item).is_ok();
    // A commit thread that is gone has answered nothing: the message is not stored for all we know.
    let verdict = if sent {
        verdict.await.unwrap_or(Verdict::Failed)
    } else {
        Verdict::Failed
    };
    slot.busy.set(false);
    verdict
}

async fn send(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(SEND_SECONDS);
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                timeout_at(deadline, stream.writable()).await??;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
