//! Bindings of the swarm: messages of a world go in, lines of the ledger come out.

use std::net::IpAddr;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::batch::CaptureBatch;
use crate::pure::swarm::dialects::{find_dialect, COLUMNS, DIALECTS};
use crate::pure::swarm::loopback::{reaches_nobody, Target};
use crate::pure::swarm::plan::Sending;
use crate::server::player::{Player, Settings};

/// Plays a world to a receiver on this machine.
#[pyclass]
pub struct SwarmPlayer {
    player: Player,
}

/// Whether this can be said within a command: one line, and no end of a path in it.
fn sayable(path: &str) -> bool {
    !path.bytes().any(|b| b <= b' ' || b == b'<' || b == b'>' || b == 127)
}

#[pymethods]
impl SwarmPlayer {
    /// `speed` in seconds of the world a second, None for as fast as `rate` (transactions a second) allows.
    #[new]
    fn new(
        target: &str,
        feeds: Vec<String>,
        seed: u64,
        speed: Option<f64>,
        rate: f64,
        connections: usize,
        wait_seconds: f64,
    ) -> PyResult<Self> {
        let bad = |what: &str| PyErr::new::<PyValueError, _>(what.to_owned());
        let target = Target::parse(target).map_err(bad)?;
        let positive = |n: f64| n.is_finite() && n > 0.0;
        if !positive(rate) || !positive(wait_seconds) || !speed.is_none_or(positive) || connections == 0 {
            return Err(bad("speed, rate, connections and wait are more than nothing"));
        }
        let settings = Settings {
            target,
            feeds,
            seed,
            speed,
            rate,
            connections: connections.min(100_000),
            wait: (wait_seconds.min(86_400.0) * 1e6) as u64,
        };
        let player = Player::start(settings).map_err(|e| PyOSError::new_err(e.to_string()))?;
        Ok(SwarmPlayer { player })
    }

    /// Add messages of a feed, in order of time, each with its bot and dialect; the batch is empty afterwards.
    fn push(
        &self,
        py: Python<'_>,
        lane: usize,
        batch: &mut CaptureBatch,
        bots: Vec<String>,
        dialects: Vec<String>,
    ) -> PyResult<()> {
        if bots.len() != batch.items.len() || dialects.len() != batch.items.len() {
            return Err(PyValueError::new_err("each message has one bot and one dialect"));
        }
        let captures = std::mem::take(&mut batch.items);
        let mut sendings = Vec::with_capacity(captures.len());
        for ((capture, bot), dialect) in captures.into_iter().zip(bots).zip(dialects) {
            let meta = capture.meta;
            let peer: Option<IpAddr> = meta.peer.as_deref().and_then(|p| p.parse().ok());
            let peer = peer.ok_or_else(|| PyValueError::new_err("a message has no address of a peer"))?;
            let dialect = find_dialect(&dialect)
                .ok_or_else(|| PyValueError::new_err(format!("there is no dialect {dialect:?}")))?;
            let from = meta.from.unwrap_or_default();
            let helo = meta.helo.unwrap_or_default();
            if meta.to.is_empty() || !meta.to.iter().chain([&from, &helo]).all(|p| sayable(p)) {
                return Err(PyValueError::new_err("an envelope cannot be said in SMTP"));
            }
            if let Some(path) = meta.to.iter().chain([&from]).find(|p| !reaches_nobody(p)) {
                return Err(PyValueError::new_err(format!(
                    "{path} is not of a reserved domain such as trap.example"
                )));
            }
            sendings.push(Sending {
                at: capture.received_at,
                bot,
                peer,
                helo,
                dialect,
                from,
                to: meta.to,
                raw: capture.raw.into(),
            });
        }
        py.detach(|| self.player.push(lane, sendings));
        Ok(())
    }

    /// A feed has no more messages.
    fn close(&self, lane: usize) {
        self.player.close(lane);
    }

    /// The feed that must say more, or None after so many seconds at the latest.
    fn wait(&self, py: Python<'_>, seconds: f64) -> Option<usize> {
        py.detach(|| self.player.wait(Duration::from_secs_f64(seconds.clamp(0.0, 60.0))))
    }

    /// Lines of the ledger since the last call.
    fn take_ledger<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.player.take_ledger())
    }

    /// Begin nothing new; what has begun may end within two seconds.
    fn stop(&self) {
        self.player.stop();
    }

    /// What has happened so far, as JSON.
    fn totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let text = serde_json::to_vec(&self.player.totals()).map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(PyBytes::new(py, &text))
    }
}

/// Refuses, with the reason, what is no place on this machine.
#[pyfunction]
fn check_loopback(target: &str) -> PyResult<()> {
    Target::parse(target)
        .map(|_| ())
        .map_err(|why| PyValueError::new_err(why.to_owned()))
}

/// Put the swarm into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let dialects: Vec<(&str, Vec<(&str, String)>)> = DIALECTS
        .iter()
        .map(|d| (d.name, COLUMNS.iter().map(|(column, say)| (*column, say(d))).collect()))
        .collect();
    m.add("DIALECTS", dialects)?;
    m.add_class::<SwarmPlayer>()?;
    m.add_function(wrap_pyfunction!(check_loopback, m)?)?;
    Ok(())
}
