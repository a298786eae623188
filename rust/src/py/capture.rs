//! Bindings of the importer: an mbox in chunks becomes a `CaptureBatch`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::batch::CaptureBatch;
use crate::pure::capture::Source;
use crate::pure::envelope::{imported, TimeSource};
use crate::pure::mbox::Splitter;

fn wish(name: &str) -> PyResult<TimeSource> {
    match name {
        "auto" => Ok(TimeSource::Auto),
        "received" => Ok(TimeSource::Received),
        "envelope" => Ok(TimeSource::Envelope),
        "date" => Ok(TimeSource::Date),
        "file" => Ok(TimeSource::File),
        _ => Err(PyValueError::new_err("time is auto, received, envelope, date or file")),
    }
}

/// Reads one mbox as it streams.
#[pyclass]
pub struct MboxReader {
    splitter: Splitter,
    path: String,
    time: TimeSource,
    file_time: Option<i64>,
    now: i64,
    ordinal: u64,
    untimed: Vec<u64>,
}

impl MboxReader {
    fn take(&mut self, pieces: Vec<crate::pure::mbox::Piece>) -> CaptureBatch {
        let mut batch = CaptureBatch::default();
        for piece in pieces {
            let source = Source {
                path: self.path.clone(),
                ordinal: self.ordinal,
            };
            match imported(
                piece.raw,
                piece.from_line.as_deref(),
                source,
                self.time,
                self.file_time,
                self.now,
            ) {
                Some(mut capture) => {
                    capture.meta.marks = piece.defects.iter().map(|d| (*d).to_owned()).collect();
                    batch.items.push(capture);
                }
                None => self.untimed.push(self.ordinal),
            }
            self.ordinal += 1;
        }
        batch
    }
}

#[pymethods]
impl MboxReader {
    #[new]
    fn new(path: String, time: &str, file_time: Option<i64>, now: i64) -> PyResult<Self> {
        let time = wish(time)?;
        Ok(MboxReader {
            splitter: Splitter::default(),
            path,
            time,
            file_time,
            now,
            ordinal: 0,
            untimed: Vec::new(),
        })
    }

    /// Take a chunk; the captures that are whole by now.
    fn feed(&mut self, py: Python<'_>, chunk: &[u8]) -> CaptureBatch {
        py.detach(|| {
            let pieces = self.splitter.feed(chunk);
            self.take(pieces)
        })
    }

    /// What is left at the end: mostly the last capture.
    fn finish(&mut self, py: Python<'_>) -> CaptureBatch {
        py.detach(|| {
            let pieces = self.splitter.finish();
            self.take(pieces)
        })
    }

    /// Leave the message that waits for its end, and go on at the next one. It keeps its ordinal.
    fn skip(&mut self) {
        self.splitter.skip();
        self.ordinal += 1;
    }

    /// Messages so far, those without a time among them.
    #[getter]
    fn messages(&self) -> u64 {
        self.ordinal
    }

    /// Ordinals of messages for which no source gave a plausible time.
    #[getter]
    fn untimed(&self) -> Vec<u64> {
        self.untimed.clone()
    }

    /// Bytes waiting for the end of a message.
    #[getter]
    fn pending(&self) -> usize {
        self.splitter.pending()
    }
}

/// One message file as a batch of one capture, or of none when no source gives a plausible time.
#[pyfunction]
#[pyo3(signature = (raw, path, ordinal, time, file_time, now, marks=Vec::new()))]
fn capture_message(
    raw: &[u8],
    path: String,
    ordinal: u64,
    time: &str,
    file_time: Option<i64>,
    now: i64,
    marks: Vec<String>,
) -> PyResult<CaptureBatch> {
    let mut capture = imported(
        raw.to_vec(),
        None,
        Source { path, ordinal },
        wish(time)?,
        file_time,
        now,
    );
    if let Some(capture) = capture.as_mut() {
        capture.meta.marks = marks;
    }
    Ok(CaptureBatch {
        items: capture.into_iter().collect(),
    })
}

/// Put the importer into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<MboxReader>()?;
    m.add_function(wrap_pyfunction!(capture_message, m)?)?;
    Ok(())
}
