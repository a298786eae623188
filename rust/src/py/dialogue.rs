//! Bindings of the dialogue machine: bytes and time in, replies and events out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::pure::capture::Capture;
use crate::pure::dialogue::lives::Life;
use crate::pure::dialogue::memory::Memory;
use crate::pure::dialogue::{bounds, dialect, probe, states, Dialogue, Event, Protocol, Settings, Verdict};
use crate::pure::hello::{Gather, Handshake, Hello, HELLO_BYTES};
use crate::pure::networks::Networks;
use crate::pure::proxy;
use crate::server::manner::Manner;

/// Settings from the arguments that Python gives.
#[allow(clippy::too_many_arguments)]
pub fn settings(
    host: String,
    protocol: &str,
    persona: String,
    addresses: Option<Vec<String>>,
    starttls: bool,
    user_key: &[u8],
    wished: BTreeMap<String, usize>,
    manner: Option<&str>,
) -> PyResult<Settings> {
    let mut bounds = bounds::Bounds::default();
    for (name, n) in wished {
        if !bounds.set(&name, n) {
            return Err(PyValueError::new_err(format!("there is no bound {name}")));
        }
    }
    let mut all = Settings {
        host,
        protocol: match protocol {
            "smtp" => Protocol::Smtp,
            "lmtp" => Protocol::Lmtp,
            _ => return Err(PyValueError::new_err("protocol is smtp or lmtp")),
        },
        persona,
        starttls,
        addresses: addresses.map(|list| list.into_iter().map(|a| (a, Life::Live)).collect()),
        user_key: user_key
            .try_into()
            .map_err(|_| PyValueError::new_err("user_key has 32 bytes"))?,
        bounds,
        ..Settings::default()
    };
    if let Some(manner) = manner {
        let manner: Manner = serde_json::from_str(manner).map_err(|e| PyValueError::new_err(e.to_string()))?;
        manner.apply(&mut all).map_err(PyValueError::new_err)?;
    }
    Ok(all)
}

/// What the sessions of one trap remember.
#[pyclass]
pub struct DialogueMemory {
    inner: Arc<Mutex<Memory>>,
}

#[pymethods]
impl DialogueMemory {
    #[new]
    #[pyo3(signature = (most=100_000))]
    fn new(most: usize) -> Self {
        DialogueMemory {
            inner: Arc::new(Mutex::new(Memory::of_size(most))),
        }
    }
}

/// Receive time, meta as JSON, raw bytes.
type Captured<'py> = (i64, String, Bound<'py, PyBytes>);

fn captured<'py>(py: Python<'py>, capture: &Capture) -> Captured<'py> {
    let meta = serde_json::to_string(&capture.meta).expect("a struct of strings and numbers");
    (capture.received_at, meta, PyBytes::new(py, &capture.raw))
}

/// One SMTP or LMTP session without a socket.
#[pyclass]
pub struct SmtpDialogue {
    inner: Dialogue,
}

#[pymethods]
impl SmtpDialogue {
    #[new]
    #[pyo3(signature = (host, protocol, persona, peer, session, now, addresses=None, starttls=false, user_key=None, bounds=None, manner=None, memory=None, trusted=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        host: String,
        protocol: &str,
        persona: String,
        peer: String,
        session: String,
        now: i64,
        addresses: Option<Vec<String>>,
        starttls: bool,
        user_key: Option<&[u8]>,
        bounds: Option<BTreeMap<String, usize>>,
        manner: Option<&str>,
        memory: Option<&DialogueMemory>,
        trusted: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let key = user_key.unwrap_or(&[0; 32]);
        let mut all = settings(
            host,
            protocol,
            persona,
            addresses,
            starttls,
            key,
            bounds.unwrap_or_default(),
            manner,
        )?;
        if let Some(memory) = memory {
            all.memory = memory.inner.clone();
        }
        if let Some(trusted) = trusted {
            let said = |text| PyValueError::new_err(format!("{text} is no network"));
            all.trusted = Networks::parse(&trusted).map_err(said)?;
        }
        Ok(SmtpDialogue {
            inner: Dialogue::new(Arc::new(all), peer, session, now),
        })
    }

    /// Take bytes as they came.
    fn receive(&mut self, data: &[u8], now: i64) {
        self.inner.receive(data, now);
    }

    /// What waits to be sent.
    fn bytes_to_send<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.bytes_to_send())
    }

    /// What has to be done: None, `("secure", None)` or `("message", (received_at, meta, raw))`.
    fn event<'py>(&mut self, py: Python<'py>) -> Option<(&'static str, Option<Captured<'py>>)> {
        self.inner.event().map(|event| match event {
            Event::Secure => ("secure", None),
            Event::Message(capture) => ("message", Some(captured(py, &capture))),
        })
    }

    /// The store's answer: stored, full or failed.
    fn verdict(&mut self, verdict: &str, now: i64) -> PyResult<()> {
        let verdict = match verdict {
            "stored" => Verdict::Stored,
            "full" => Verdict::Full,
            "failed" => Verdict::Failed,
            _ => return Err(PyValueError::new_err("verdict is stored, full or failed")),
        };
        self.inner.verdict(verdict, now);
        Ok(())
    }

    /// What came of a handshake: what the peer sent in it, and either version and suite or why it failed.
    #[pyo3(signature = (data, version=None, suite=None, failed=None))]
    fn shaken(&mut self, data: &[u8], version: Option<String>, suite: Option<String>, failed: Option<String>) {
        let hello = gathered(data);
        self.inner.shaken(Handshake {
            version,
            suite,
            failed,
            hello,
            head: data[..data.len().min(16)].to_vec(),
        });
    }

    /// The PROXY header that came before the session: all of its bytes, and no others.
    fn proxied(&mut self, data: &[u8], now: i64) -> PyResult<()> {
        match proxy::Gather::default().put(data) {
            (used, proxy::Said::Header(header)) if used == data.len() => {
                self.inner.proxied(&header, now);
                Ok(())
            }
            _ => Err(PyValueError::new_err("this is no PROXY header")),
        }
    }

    /// The PROXY header that had to come did not.
    fn unproxied(&mut self, now: i64) {
        self.inner.unproxied("absent", now);
    }

    /// Whether the peer is a relay whose word on its client is taken.
    #[getter]
    fn listed(&self) -> bool {
        self.inner.listed()
    }

    /// Whether a relay only looked whether we are here.
    #[getter]
    fn looked(&self) -> bool {
        self.inner.looked()
    }

    /// The peer, once, where it is another than before.
    fn moved(&mut self) -> Option<String> {
        self.inner.moved().map(|peer| peer.to_string())
    }

    /// The session is encrypted from its first byte.
    fn wrapped(&mut self) {
        self.inner.wrapped();
    }

    /// The TLS handshake is done.
    fn secured(&mut self, now: i64) {
        self.inner.secured(now);
    }

    /// Say whether the store has room.
    fn set_full(&mut self, full: bool) {
        self.inner.set_full(full);
    }

    /// The connection broke before our last 250 was heard for certain.
    fn unheard(&mut self, now: i64) {
        self.inner.unheard(now);
    }

    /// Replies 4xx since this was last asked, and how many of them anybody would have got.
    fn refused(&mut self) -> (u64, u64) {
        let refused = self.inner.refused();
        (refused.all, refused.no_room)
    }

    /// How long the greeting waits, microseconds.
    #[getter]
    fn greeting_delay(&self) -> i64 {
        self.inner.greeting_delay()
    }

    /// The session is over; what came of an unfinished message.
    fn end<'py>(&mut self, py: Python<'py>, now: i64) -> Option<Captured<'py>> {
        self.inner.end(now).map(|capture| captured(py, &capture))
    }

    /// What the record of the session states, as JSON.
    fn facts(&mut self, how: &str) -> String {
        serde_json::Value::Object(self.inner.facts(how)).to_string()
    }

    /// Name of the state.
    #[getter]
    fn state(&self) -> String {
        format!("{:?}", self.inner.state())
    }
}

/// The value of the header of a probe of our own: for an instant and a word of letters and digits.
#[pyfunction]
fn probe_value(user_key: &[u8], at: i64, nonce: &str) -> PyResult<String> {
    let key = user_key
        .try_into()
        .map_err(|_| PyValueError::new_err("user_key has 32 bytes"))?;
    Ok(probe::value(&key, at, nonce))
}

fn gathered(data: &[u8]) -> Option<Hello> {
    let mut gather = Gather::default();
    gather.put(data);
    gather.hello()
}

/// The ClientHello at the beginning of these bytes as JSON, with its fingerprints; None where no whole one is there.
#[pyfunction]
fn client_hello(data: &[u8]) -> Option<String> {
    gathered(data).map(|hello| hello.json().to_string())
}

/// Put the machine and its tables into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<SmtpDialogue>()?;
    m.add_class::<DialogueMemory>()?;
    m.add_function(wrap_pyfunction!(probe_value, m)?)?;
    m.add_function(wrap_pyfunction!(client_hello, m)?)?;
    m.add("HELLO_BYTES", HELLO_BYTES)?;
    m.add("DIALOGUE_BOUNDS", bounds::TABLE.to_vec())?;
    m.add("DIALECT_SPOKEN", dialect::SPOKEN.to_vec())?;
    m.add("DIALECT_WRITTEN", dialect::WRITTEN.to_vec())?;
    let row = |from: states::State, word, to: states::State| {
        (format!("{from:?}"), states::name(word).to_owned(), format!("{to:?}"))
    };
    let mut table: Vec<_> = states::TABLE.iter().map(|(a, w, b)| row(*a, *w, *b)).collect();
    for state in states::COMMANDED {
        table.extend(states::ANYWHERE.iter().map(|w| row(*state, *w, *state)));
        table.extend(states::ENDING.iter().map(|w| row(*state, *w, states::State::Closed)));
    }
    m.add("DIALOGUE_STATES", table)?;
    Ok(())
}
