//! Bindings of the trap: started, watched and stopped from Python.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::pure::dialogue::treatment::ARMS;
use crate::server::events::COUNTS;
use crate::server::{tls, trap};

/// A running trap.
#[pyclass]
pub struct Trap {
    inner: trap::Trap,
}

#[pymethods]
impl Trap {
    /// Start listening, by a configuration in JSON. The sockets take connections when this returns.
    #[staticmethod]
    fn start(py: Python<'_>, config: &str, user_key: &[u8]) -> PyResult<Self> {
        let config: trap::TrapConfig =
            serde_json::from_str(config).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let key = user_key
            .try_into()
            .map_err(|_| PyValueError::new_err("user_key has 32 bytes"))?;
        let inner = py
            .detach(|| trap::Trap::start(config, key))
            .map_err(PyOSError::new_err)?;
        Ok(Trap { inner })
    }

    /// Where SMTP is spoken, as HOST:PORT.
    #[getter]
    fn smtp(&self) -> Option<String> {
        self.inner.smtp.map(|a| a.to_string())
    }

    /// Where LMTP is spoken, as HOST:PORT.
    #[getter]
    fn lmtp(&self) -> Option<String> {
        self.inner.lmtp.map(|a| a.to_string())
    }

    /// Where SMTP is spoken within TLS, as HOST:PORT.
    #[getter]
    fn smtps(&self) -> Option<String> {
        self.inner.smtps.map(|a| a.to_string())
    }

    /// Bytes that a crash left half-written and that were cut, and ranges of rot.
    #[getter]
    fn recovered(&self) -> (u64, Vec<(u64, u64)>) {
        self.inner.recovered.clone()
    }

    /// Events as JSON that came within so many milliseconds; the interpreter lock is released meanwhile.
    fn wait(&self, py: Python<'_>, milliseconds: u64) -> Vec<String> {
        py.detach(|| self.inner.wait(Duration::from_millis(milliseconds)))
    }

    /// The counts as JSON.
    fn counts(&self) -> String {
        self.inner.counts().to_string()
    }

    /// How long each fdatasync took, as JSON: `bounds` of the buckets in seconds, `counts` (one more), `seconds` in all.
    fn syncs(&self) -> String {
        self.inner.syncs().to_string()
    }

    /// What was refused by us by minute since this was last asked: JSON rows `[start, family, refused, no_room, taken]`.
    fn minutes(&self) -> String {
        self.inner.minutes().to_string()
    }

    /// Take another manner, in JSON, for sessions that begin from now on.
    fn reload(&self, manner: &str) -> PyResult<()> {
        let manner = serde_json::from_str(manner).map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.inner.reload(&manner).map_err(PyValueError::new_err)
    }

    /// Take no more connections and let transactions under way come to their end; asked again, end these too.
    fn stop(&self) {
        self.inner.stop();
    }

    /// Whether no session is left.
    #[getter]
    fn stopped(&self) -> bool {
        self.inner.stopped()
    }

    /// Wait for the threads: everything that came is on disk.
    fn join(&mut self, py: Python<'_>) {
        py.detach(|| self.inner.join());
    }
}

/// A certificate that a host makes for itself, and its key, both PEM, good for ten years from that month.
#[pyfunction]
fn make_certificate(host: &str, year: i32, month: u8) -> PyResult<(String, String)> {
    tls::make_certificate(host, (year, month)).map_err(PyValueError::new_err)
}

/// Whether a trap can shake hands with this certificate and key; what is wrong with which file is a ValueError.
#[pyfunction]
fn check_certificate(certificate: PathBuf, private_key: PathBuf) -> PyResult<()> {
    let files = tls::TlsFiles {
        certificate,
        private_key,
    };
    files.read().map(drop).map_err(PyValueError::new_err)
}

/// Put the trap into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Trap>()?;
    m.add_function(wrap_pyfunction!(make_certificate, m)?)?;
    m.add_function(wrap_pyfunction!(check_certificate, m)?)?;
    m.add("TRAP_COUNTS", COUNTS.to_vec())?;
    let arms: Vec<(&str, &str)> = ARMS.iter().map(|(name, _, meaning)| (*name, *meaning)).collect();
    m.add("TREATMENTS", arms)?;
    Ok(())
}
