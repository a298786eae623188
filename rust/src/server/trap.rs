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

use listenfd::ListenFd;
use rustls::ServerConfig;
use serde::Deserialize;
use serde_json::{json, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::commit::{self, Item, Store, StoreConfig};
use super::events::{utc_now, Shared};
use super::listen::{inherit, listen, Crowd, Turned};
use super::manner::{Current, Manner};
use super::serve::session;
use super::tls::TlsFiles;
use crate::pure::dialogue::{Protocol, Refused, Settings};

/// Bytes read from a socket at once.
const READ_BYTES: usize = 64 << 10;

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
    /// For a TLS handshake.
    pub handshake_seconds: f64,
    /// For a PROXY header.
    pub proxy_seconds: f64,
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
    /// Where SMTP is spoken within TLS from the first byte.
    pub smtps: Option<SocketAddr>,
    /// Names of listeners at which a listed relay must begin with a PROXY header.
    pub proxy: Vec<String>,
    /// What is spoken at each listening socket that whoever started us has handed over: `smtp`, `lmtp` or `smtps`.
    pub inherited: Vec<String>,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Certificate and key, for STARTTLS and SMTPS.
    pub tls: Option<TlsFiles>,
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
pub(super) struct Context {
    pub(super) settings: Current,
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Whether the handshake comes before the greeting.
    pub(super) wrapped: bool,
    /// Whether a listed relay must begin with a PROXY header.
    pub(super) proxied: bool,
    pub(super) crowd: Rc<Crowd>,
    pub(super) items: mpsc::Sender<Item>,
    pub(super) shared: Arc<Shared>,
    pub(super) scratch: Rc<RefCell<Vec<u8>>>,
    pub(super) draining: Rc<Cell<bool>>,
    pub(super) open: Rc<Cell<usize>>,
    pub(super) serial: Rc<Cell<u64>>,
    pub(super) started: i64,
}

/// A running trap.
pub struct Trap {
    /// Where SMTP is spoken.
    pub smtp: Option<SocketAddr>,
    /// Where LMTP is spoken.
    pub lmtp: Option<SocketAddr>,
    /// Where SMTP is spoken within TLS.
    pub smtps: Option<SocketAddr>,
    /// What was found when the open segment was taken up: bytes cut, ranges of rot.
    pub recovered: (u64, Vec<(u64, u64)>),
    shared: Arc<Shared>,
    settings: [Current; 3],
    stop: Arc<Notify>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Trap {
    /// Start listening. When this returns the sockets take connections; what fails is said here.
    pub fn start(config: TrapConfig, user_key: [u8; 32]) -> Result<Trap, String> {
        let tls = config.tls.as_ref().map(TlsFiles::read).transpose()?;
        if config.smtps.is_some() && tls.is_none() {
            return Err("SMTPS wants a certificate".into());
        }
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
                listening(&config, current, tls, &for_listen, items, &signal, &told);
                done.store(true, Relaxed);
                for_listen.log("trap.drained", for_listen.counts.json());
            }),
        )?);
        let [smtp, lmtp, smtps] = ready
            .recv()
            .unwrap_or_else(|_| Err("the listening thread ended".into()))?;
        Ok(Trap {
            smtp,
            lmtp,
            smtps,
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

    /// How long each fdatasync took.
    pub fn syncs(&self) -> Value {
        self.shared.syncs.json()
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

    /// Take no more connections, end idle sessions, let transactions under way come to their end. Asked again, end these too.
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

/// The settings with which each listener begins. They share one memory.
fn first_settings(config: &TrapConfig, user_key: [u8; 32]) -> Result<[Current; 3], String> {
    let mut settings = Settings {
        host: config.host.clone(),
        user_key,
        starttls: config.starttls && config.tls.is_some(),
        ..Settings::default()
    };
    config.manner.apply(&mut settings)?;
    Ok([Protocol::Smtp, Protocol::Lmtp, Protocol::Smtp].map(|protocol| {
        Current::new(Settings {
            protocol,
            ..settings.clone()
        })
    }))
}

type Ready = Result<[Option<SocketAddr>; 3], String>;

/// The listening thread.
fn listening(
    config: &TrapConfig,
    settings: [Current; 3],
    tls: Option<Arc<ServerConfig>>,
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
        let listeners = [(config.smtp, "smtp"), (config.lmtp, "lmtp"), (config.smtps, "smtps")];
        let (crowd, draining) = (Rc::new(Crowd::default()), Rc::new(Cell::new(false)));
        let (open, serial) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let scratch = Rc::new(RefCell::new(vec![0; READ_BYTES]));
        let mut addresses = [None; 3];
        // Asked once: the library takes the word out of the environment.
        let mut sockets = ListenFd::from_env();
        let mut tasks = Vec::new();
        for (i, ((address, name), settings)) in listeners.into_iter().zip(settings).enumerate() {
            let handed = config.inherited.iter().position(|handed| handed == name);
            let opened = match (handed, address) {
                (Some(n), _) => inherit(&mut sockets, n).map_err(|error| format!("socket {n} handed over: {error}")),
                (None, Some(address)) => listen(address).map_err(|error| format!("{address}: {error}")),
                (None, None) => continue,
            };
            let listener = match opened {
                Ok(listener) => listener,
                Err(error) => {
                    let _ = told.send(Err(error));
                    return;
                }
            };
            addresses[i] = listener.local_addr().ok();
            let context = Rc::new(Context {
                settings,
                limits: config.limits.clone(),
                tls: tls.clone(),
                wrapped: name == "smtps",
                proxied: config.proxy.iter().any(|listener| listener == name),
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
        let _ = told.send(Ok(addresses));
        stop.notified().await;
        draining.set(true);
        for task in tasks {
            task.abort();
        }
        crowd.wake_all(false);
        // Those within a transaction have their time; then all must go.
        let gone = |seconds: f64| {
            let open = open.clone();
            timeout(seconds_of(seconds), async move {
                while open.get() > 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        };
        let drained = tokio::select! {
            drained = gone(config.limits.drain_seconds) => drained.is_ok(),
            () = stop.notified() => false,
        };
        if !drained {
            crowd.wake_all(true);
            let _ = gone(5.0).await;
        }
    });
}

pub(super) fn seconds_of(seconds: f64) -> Duration {
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
    // A relay stands for many: the bound of one address is its clients'.
    let listed = context.settings.get().trusted.hold(peer.ip());
    let counted = (!listed).then_some(peer.ip());
    let (most, each) = (limits.connections, limits.connections_per_address);
    match context.crowd.enter(counted, most, each) {
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
            let refused = Refused {
                all: 1,
                no_room: u64::from(matches!(turned, Turned::Total)),
            };
            context
                .shared
                .minutes
                .refused(utc_now(), peer.ip(), refused, context.shared.full());
            let _ = stream.try_write(b"421 4.7.0 Too many connections, try later\r\n");
            counts.replies_4xx.fetch_add(1, Relaxed);
            counts
                .no_room
                .fetch_add(u64::from(matches!(turned, Turned::Total)), Relaxed);
            turn_away(turned, peer.ip(), context);
        }
    }
}

/// Count and tell that somebody was not let in.
pub(super) fn turn_away(turned: Turned, peer: IpAddr, context: &Context) {
    let counts = &context.shared.counts;
    let (counter, why) = match turned {
        Turned::PerAddress => (&counts.refused_per_address, "per_address"),
        Turned::Total => (&counts.refused_total, "total"),
    };
    counter.fetch_add(1, Relaxed);
    let peer = peer.to_canonical().to_string();
    context
        .shared
        .log("connection.refused", json!({"peer": peer, "why": why}));
}
