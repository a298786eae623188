//! Listening sockets, and who of those that come is let in.
//!
//! Under stress the session that has been silent longest is ended with 421, so that who comes now is served.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Connections that the system holds for us until we take them.
const BACKLOG: u32 = 4096;

/// A listener at an address; port 0 takes a free one.
pub fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The `n`-th of the listening sockets that whoever started this process has handed over (LISTEN_FDS, sd_listen_fds(3)).
pub fn inherit(handed: &mut ListenFd, n: usize) -> Result<TcpListener> {
    let listener = handed.take_tcp_listener(n)?;
    let listener = listener.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is none"))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// What one peer counts as: an IPv4 address, or an IPv6 /64.
pub fn unit(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// A session as the others see it.
#[derive(Debug)]
pub struct Slot {
    /// What it counts as; None for a relay, whose clients are counted instead.
    unit: Cell<Option<IpAddr>>,
    /// When it last got anywhere.
    pub progress: Cell<Instant>,
    /// Whether it reads a message or waits for the store: such are not shed.
    pub busy: Cell<bool>,
    /// Whether it must end.
    pub shed: Cell<bool>,
    /// Bytes that it holds in memory.
    pub held: Cell<usize>,
    /// Wakes it.
    pub wake: Notify,
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Crowd {
    slots: RefCell<BTreeMap<u64, Rc<Slot>>>,
    per_unit: RefCell<HashMap<IpAddr, usize>>,
    next: Cell<u64>,
    /// Bytes that all of them hold in memory.
    pub held: Cell<usize>,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Too many from this address.
    PerAddress,
    /// Too many, and none that could go.
    Total,
}

impl Crowd {
    /// A place for a session from `peer` (None: a relay, which no bound of addresses holds), and whether another was shed for it.
    pub fn enter(
        &self,
        peer: Option<IpAddr>,
        total: usize,
        per_address: usize,
    ) -> std::result::Result<(u64, Rc<Slot>, bool), Turned> {
        let unit = peer.map(unit);
        if self.crowded(unit, per_address) {
            return Err(Turned::PerAddress);
        }
        let mut shed = false;
        if self.slots.borrow().len() >= total {
            if !self.shed_one() {
                return Err(Turned::Total);
            }
            shed = true;
        }
        self.count(unit);
        let key = self.next.get();
        self.next.set(key + 1);
        let slot = Rc::new(Slot {
            unit: Cell::new(unit),
            progress: Cell::new(Instant::now()),
            busy: Cell::new(false),
            shed: Cell::new(false),
            held: Cell::new(0),
            wake: Notify::new(),
        });
        self.slots.borrow_mut().insert(key, slot.clone());
        Ok((key, slot, shed))
    }

    fn crowded(&self, unit: Option<IpAddr>, per_address: usize) -> bool {
        unit.is_some_and(|unit| self.per_unit.borrow().get(&unit).copied().unwrap_or(0) >= per_address)
    }

    fn count(&self, unit: Option<IpAddr>) {
        if let Some(unit) = unit {
            *self.per_unit.borrow_mut().entry(unit).or_insert(0) += 1;
        }
    }

    /// A session turned out to be another peer's: from now on it counts for that one, and for nobody where there are too many.
    pub fn moved(&self, slot: &Slot, peer: IpAddr, per_address: usize) -> std::result::Result<(), Turned> {
        // Whoever was shed is counted no more.
        if slot.shed.get() {
            return Ok(());
        }
        self.forget(slot);
        let unit = Some(unit(peer));
        if self.crowded(unit, per_address) {
            return Err(Turned::PerAddress);
        }
        self.count(unit);
        slot.unit.set(unit);
        Ok(())
    }

    /// The session is over.
    pub fn leave(&self, key: u64) {
        // Whoever was shed is gone from the slots already.
        if let Some(slot) = self.slots.borrow_mut().remove(&key) {
            self.forget(&slot);
        }
    }

    fn forget(&self, slot: &Slot) {
        let mut per_unit = self.per_unit.borrow_mut();
        let Some(unit) = slot.unit.take() else {
            return;
        };
        if let Some(n) = per_unit.get_mut(&unit) {
            *n -= 1;
            if *n == 0 {
                per_unit.remove(&unit);
            }
        }
    }

    /// End the session that was silent longest; false where all are busy.
    fn shed_one(&self) -> bool {
        let slots = self.slots.borrow();
        let idle = slots.iter().filter(|(_, s)| !s.busy.get());
        let Some((key, slot)) = idle.min_by_key(|(_, s)| s.progress.get()) else {
            return false;
        };
        let key = *key;
        slot.shed.set(true);
        slot.wake.notify_one();
        let slot = slot.clone();
        drop(slots);
        self.slots.borrow_mut().remove(&key);
        self.forget(&slot);
        true
    }

    /// Account for what a session holds in memory.
    pub fn hold(&self, slot: &Slot, bytes: usize) {
        self.held.set(self.held.get() - slot.held.get() + bytes);
        slot.held.set(bytes);
    }

    /// Sessions that are open.
    pub fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.slots.borrow().is_empty()
    }

    /// Wake everybody; with `end`, they must go.
    pub fn wake_all(&self, end: bool) {
        for slot in self.slots.borrow().values() {
            if end {
                slot.shed.set(true);
            }
            slot.wake.notify_one();
        }
    }
}
