//! Bindings of `store`: segments as Python sees them. The interpreter lock is released around every file operation.

use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::batch::{CaptureBatch, RecordBatch};
use crate::store::{copies::Copies, read, seal, segment, StoreError};

pyo3::create_exception!(
    _kernel,
    CorruptSegment,
    PyRuntimeError,
    "Bytes of a segment are not what they were when written."
);

/// The one place where errors of the store become Python's.
pub(super) fn to_python(error: StoreError) -> PyErr {
    match error {
        StoreError::Io { path, error } => {
            PyOSError::new_err((error.raw_os_error(), error.to_string(), path.display().to_string()))
        }
        StoreError::Corrupt { .. } => CorruptSegment::new_err(error.to_string()),
        StoreError::Misuse(what) => PyValueError::new_err(what),
    }
}

fn seal_dict<'py>(py: Python<'py>, seal: &seal::Seal) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("feed", &seal.feed)?;
    out.set_item("writer", &seal.writer)?;
    out.set_item("number", seal.number)?;
    out.set_item("records", seal.records)?;
    out.set_item("erased", seal.erased)?;
    out.set_item("raw_bytes", seal.raw_bytes)?;
    out.set_item("first_received_at", seal.first_received_at)?;
    out.set_item("last_received_at", seal.last_received_at)?;
    out.set_item("previous_chain", &seal.previous_chain)?;
    out.set_item("chain", &seal.chain)?;
    out.set_item("sha256", &seal.segment_sha256)?;
    out.set_item(
        "frames",
        seal.frames.iter().map(|f| (f.first, f.count)).collect::<Vec<_>>(),
    )?;
    Ok(out)
}

/// The one writer of an open segment.
#[pyclass]
pub struct SegmentWriter {
    inner: Option<segment::SegmentWriter>,
}

impl SegmentWriter {
    fn get(&mut self) -> PyResult<&mut segment::SegmentWriter> {
        self.inner
            .as_mut()
            .ok_or_else(|| PyValueError::new_err("this segment is sealed"))
    }
}

#[pymethods]
impl SegmentWriter {
    /// Create an open segment at `base` + ".open".
    #[staticmethod]
    fn create(base: PathBuf, feed: String, writer: String, number: u32, previous_chain: String) -> PyResult<Self> {
        let header = segment::SegmentHeader {
            feed,
            format: 1,
            number,
            previous_chain,
            writer,
        };
        let inner = segment::SegmentWriter::create(&seal::sibling(&base, "open"), header).map_err(to_python)?;
        Ok(SegmentWriter { inner: Some(inner) })
    }

    /// Take up an open segment after a crash: `(writer, bytes cut, [(start, end) of rot])`.
    #[staticmethod]
    #[allow(clippy::type_complexity)]
    fn recover(py: Python<'_>, base: PathBuf) -> PyResult<(Self, u64, Vec<(u64, u64)>)> {
        let (inner, torn, rot) = py
            .detach(|| segment::SegmentWriter::recover(&seal::sibling(&base, "open")))
            .map_err(to_python)?;
        Ok((SegmentWriter { inner: Some(inner) }, torn, rot))
    }

    /// Append a batch; `salts` holds 16 random bytes a capture.
    fn append(&mut self, py: Python<'_>, batch: &CaptureBatch, salts: &[u8]) -> PyResult<()> {
        let inner = self.get()?;
        py.detach(|| inner.append(&batch.items, salts)).map_err(to_python)
    }

    /// Make everything appended durable.
    fn commit(&mut self, py: Python<'_>) -> PyResult<()> {
        let inner = self.get()?;
        py.detach(|| inner.commit()).map_err(to_python)
    }

    /// Seal: frames, index, seal; the plain file goes last. Returns what the seal states.
    fn seal<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self
            .inner
            .take()
            .ok_or_else(|| PyValueError::new_err("this segment is sealed"))?;
        let sealed = py.detach(|| seal::seal(inner)).map_err(to_python)?;
        seal_dict(py, &sealed)
    }

    /// Records so far.
    #[getter]
    fn records(&mut self) -> PyResult<usize> {
        Ok(self.get()?.entries.len())
    }

    /// Bytes of the open file.
    #[getter]
    fn size_bytes(&mut self) -> PyResult<u64> {
        Ok(self.get()?.len)
    }

    /// Chain after the last record, hex.
    #[getter]
    fn chain(&mut self) -> PyResult<String> {
        let inner = self.get()?;
        Ok(segment::hex(&inner.chain))
    }
}

/// Copies of raw digests: how many of each a feed holds already.
#[pyclass]
#[derive(Default)]
pub struct CopyCounter {
    copies: Copies,
}

#[pymethods]
impl CopyCounter {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Add digests, 32 bytes each.
    fn add(&mut self, digests: &[u8]) {
        self.copies.add(digests);
    }

    /// Copies that are left.
    fn __len__(&self) -> usize {
        self.copies.left()
    }

    /// Use up one copy of a digest; whether there was one.
    fn use_up(&mut self, digest: &[u8]) -> bool {
        self.copies.use_up(digest)
    }

    /// Drop from `batch` each capture of which a copy is left here, and use that copy up; the number dropped.
    fn retain_new(&mut self, batch: &mut CaptureBatch) -> usize {
        if self.copies.is_empty() {
            return 0;
        }
        let before = batch.items.len();
        batch.items.retain(|capture| !self.copies.use_up(&capture.sha256));
        before - batch.items.len()
    }
}

/// Records `start..stop` of the segment at `base` (its path without ending).
#[pyfunction]
#[pyo3(signature = (base, start=0, stop=u32::MAX))]
fn read_records(py: Python<'_>, base: PathBuf, start: u32, stop: u32) -> PyResult<RecordBatch> {
    let items = py.detach(|| read::records(&base, start, stop)).map_err(to_python)?;
    Ok(RecordBatch { items })
}

/// What the seal of the segment at `base` states; None while it is open.
#[pyfunction]
fn read_seal<'py>(py: Python<'py>, base: PathBuf) -> PyResult<Option<Bound<'py, PyDict>>> {
    let path = seal::sibling(&base, "seal");
    if !path.exists() {
        return Ok(None);
    }
    let sealed = seal::read_seal(&path).map_err(to_python)?;
    Ok(Some(seal_dict(py, &sealed)?))
}

/// What a scan of the open segment at `base` finds, in the keys of a seal.
#[pyfunction]
fn scan_open<'py>(py: Python<'py>, base: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let found = py
        .detach(|| segment::scan(&seal::sibling(&base, "open")))
        .map_err(to_python)?;
    let sums = seal::summed(&found.header, &found.entries, &found.chain);
    let out = seal_dict(py, &sums)?;
    out.set_item("torn", found.torn)?;
    out.set_item("rot", found.rot)?;
    Ok(out)
}

/// SHA-256 of raw of every record at `base` that is not erased, 32 bytes each.
#[pyfunction]
fn raw_digests<'py>(py: Python<'py>, base: PathBuf) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = py.detach(|| read::raw_digests(&base)).map_err(to_python)?;
    Ok(PyBytes::new(py, &bytes))
}

/// Check everything about the segment at `base`, of an open one the first `until` bytes: a dict of records, erased, thinned ordinals, previous_chain, chain, problems, content.
#[pyfunction]
#[pyo3(signature = (base, until=u64::MAX))]
fn verify_segment<'py>(py: Python<'py>, base: PathBuf, until: u64) -> PyResult<Bound<'py, PyDict>> {
    let checked = py.detach(|| read::verify(&base, until)).map_err(to_python)?;
    let out = PyDict::new(py);
    out.set_item("records", checked.records)?;
    out.set_item("erased", checked.erased)?;
    out.set_item("thinned", checked.thinned)?;
    out.set_item("previous_chain", checked.previous_chain)?;
    out.set_item("chain", checked.chain)?;
    out.set_item("problems", checked.problems)?;
    out.set_item("content", PyBytes::new(py, &checked.content))?;
    Ok(out)
}

/// Replace records of a sealed segment by tombstones; the raw digests of those erased, 32 bytes each.
#[pyfunction]
fn erase_records<'py>(py: Python<'py>, base: PathBuf, ordinals: Vec<u32>) -> PyResult<Bound<'py, PyBytes>> {
    let gone = py.detach(|| read::erase(&base, &ordinals)).map_err(to_python)?;
    Ok(PyBytes::new(py, &gone.concat()))
}

/// Drop the bodies of records of a sealed segment, header, meta and leaf stay; the bytes dropped.
#[pyfunction]
fn thin_records(py: Python<'_>, base: PathBuf, ordinals: Vec<u32>) -> PyResult<u64> {
    py.detach(|| read::thin(&base, &ordinals)).map_err(to_python)
}

/// Complete or discard what a crash in the middle of sealing or erasing left at `base`.
#[pyfunction]
fn settle_segment(py: Python<'_>, base: PathBuf) -> PyResult<bool> {
    py.detach(|| read::settle(&base)).map_err(to_python)
}

/// Put the store into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("CorruptSegment", m.py().get_type::<CorruptSegment>())?;
    m.add_class::<SegmentWriter>()?;
    m.add_class::<CopyCounter>()?;
    m.add_function(wrap_pyfunction!(read_records, m)?)?;
    m.add_function(wrap_pyfunction!(read_seal, m)?)?;
    m.add_function(wrap_pyfunction!(scan_open, m)?)?;
    m.add_function(wrap_pyfunction!(raw_digests, m)?)?;
    m.add_function(wrap_pyfunction!(verify_segment, m)?)?;
    m.add_function(wrap_pyfunction!(erase_records, m)?)?;
    m.add_function(wrap_pyfunction!(thin_records, m)?)?;
    m.add_function(wrap_pyfunction!(settle_segment, m)?)?;
    Ok(())
}
