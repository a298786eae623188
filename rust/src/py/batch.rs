//! Batches that cross between rooms without one Python object per message.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sha2::{Digest, Sha256};

use crate::pure::capture::{Capture, Meta, Record};
use crate::pure::mboxrd;

/// Captures on their way from an importer, a trap or a simulator into a segment.
#[pyclass]
#[derive(Default)]
pub struct CaptureBatch {
    /// The captures, in order of arrival.
    pub items: Vec<Capture>,
}

#[pymethods]
impl CaptureBatch {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Append one capture; `meta` is JSON as `docs/reference/segment-format.md` describes it.
    fn push(&mut self, received_at: i64, meta: &[u8], raw: &[u8]) -> PyResult<()> {
        let meta: Meta = serde_json::from_slice(meta).map_err(|e| PyValueError::new_err(e.to_string()))?;
        self.items.push(Capture::new(received_at, meta, raw.to_vec()));
        Ok(())
    }

    /// Number of captures.
    fn __len__(&self) -> usize {
        self.items.len()
    }

    /// Take the captures of `other` onto the end of this batch.
    fn extend(&mut self, other: &mut CaptureBatch) {
        self.items.append(&mut other.items);
    }

    /// First and last receive time, or None when empty.
    #[getter]
    fn span(&self) -> Option<(i64, i64)> {
        let first = self.items.iter().map(|c| c.received_at).min()?;
        Some((first, self.items.iter().map(|c| c.received_at).max()?))
    }

    /// SHA-256 of each capture's raw bytes, 32 bytes each.
    fn raw_digests<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.items.iter().flat_map(|c| c.sha256).collect::<Vec<u8>>())
    }

    /// Drop the captures at these places (ascending).
    fn remove(&mut self, places: Vec<usize>) {
        let mut i = 0;
        self.items.retain(|_| {
            i += 1;
            places.binary_search(&(i - 1)).is_err()
        });
    }

    /// The captures as an mbox of the kind mboxrd.
    fn mbox<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| {
            let mut out = Vec::with_capacity(self.size_bytes() + 128 * self.items.len());
            self.items.iter().for_each(|c| mboxrd::write(&mut out, c));
            out
        });
        PyBytes::new(py, &bytes)
    }

    /// Sum of the raw bytes.
    #[getter]
    fn size_bytes(&self) -> usize {
        self.items.iter().map(|c| c.raw.len()).sum()
    }
}

/// Records read back from a segment, ready to be digested.
#[pyclass]
#[derive(Default)]
pub struct RecordBatch {
    /// The records, in order of ordinal.
    pub items: Vec<Record>,
}

#[pymethods]
impl RecordBatch {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Append one record by hand (tests, `group` of loose text).
    fn push(&mut self, ordinal: u32, received_at: i64, meta: &[u8], raw: &[u8]) {
        self.items.push(Record {
            ordinal,
            received_at,
            meta: meta.to_vec(),
            raw: raw.to_vec(),
            sha256: Sha256::digest(raw).into(),
            erased: false,
            thinned: false,
        });
    }

    /// Number of records.
    fn __len__(&self) -> usize {
        self.items.len()
    }

    #[allow(clippy::type_complexity)]
    /// One record as `(ordinal, received_at, meta, raw, erased)`.
    fn get<'py>(
        &self,
        py: Python<'py>,
        index: usize,
    ) -> PyResult<(u32, i64, Bound<'py, PyBytes>, Bound<'py, PyBytes>, bool)> {
        let r = self
            .items
            .get(index)
            .ok_or_else(|| PyValueError::new_err("no such record in the batch"))?;
        Ok((
            r.ordinal,
            r.received_at,
            PyBytes::new(py, &r.meta),
            PyBytes::new(py, &r.raw),
            r.erased,
        ))
    }

    /// Places in the batch of the records whose body was dropped by policy.
    fn thinned(&self) -> Vec<usize> {
        (0..self.items.len()).filter(|i| self.items[*i].thinned).collect()
    }

    /// The half from `start` to `end`: how a poison message is bisected.
    fn slice(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.items.len());
        RecordBatch {
            items: self.items[start.min(end)..end].to_vec(),
        }
    }
}
