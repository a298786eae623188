//! Bindings of simulated worlds.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::batch::CaptureBatch;
use super::columns;
use crate::pure::columns::Tables;
use crate::pure::world::{block, Spec, World};

/// Makes the messages of a world, any of them in any order.
#[pyclass(frozen)]
pub struct WorldMaker {
    world: World,
}

fn numbers(bytes: &[u8]) -> Vec<i64> {
    bytes
        .chunks_exact(8)
        .map(|c| i64::from_le_bytes(c.try_into().expect("eight bytes")))
        .collect()
}

#[pymethods]
impl WorldMaker {
    #[new]
    fn new(py: Python<'_>, spec: &[u8]) -> PyResult<Self> {
        let spec: Spec = serde_json::from_slice(spec).map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(WorldMaker {
            world: py.detach(|| World::new(spec)),
        })
    }

    /// Number of attempts in the hours from `first` on; `counts` are int64 by hour and stream, from `lead` hours earlier.
    fn attempts(&self, py: Python<'_>, feed: usize, first: usize, lead: usize, counts: &[u8]) -> usize {
        let counts = numbers(counts);
        py.detach(|| self.world.arrivals(feed, first, lead, &counts).len())
    }

    /// Attempts `start..stop` of those hours in order of time: `(batch, salts, columns of the truth)`.
    #[allow(clippy::too_many_arguments, clippy::type_complexity)]
    fn make<'py>(
        &self,
        py: Python<'py>,
        feed: usize,
        first: usize,
        lead: usize,
        counts: &[u8],
        start: usize,
        stop: usize,
    ) -> PyResult<(CaptureBatch, Bound<'py, PyBytes>, Bound<'py, PyDict>)> {
        let counts = numbers(counts);
        let made = py.detach(|| self.world.make(feed, first, lead, &counts, start, stop));
        let truth = columns::tables(py, &Tables::from([("truth", made.truth)]))?;
        let batch = CaptureBatch { items: made.captures };
        Ok((batch, PyBytes::new(py, &made.salts), truth))
    }

    /// Share of a group's mail at a feed that its first `washes` washes took away.
    fn washed_share(&self, feed: usize, group: usize, washes: usize) -> f64 {
        self.world.washed_share(feed, group, washes)
    }

    /// Hosts and addresses of a botnet, as columns.
    fn senders<'py>(&self, py: Python<'py>, botnet: usize) -> PyResult<Bound<'py, PyDict>> {
        let tables = py.detach(|| {
            Tables::from([
                ("bots", self.world.bots(botnet)),
                ("addresses", self.world.addresses(botnet)),
            ])
        });
        columns::tables(py, &tables)
    }
}

/// One block of Philox4x64-10: four numbers of a counter and a key.
#[pyfunction]
fn philox_block(counter: [u64; 4], key: [u64; 2]) -> Vec<u64> {
    block(counter, key).to_vec()
}

/// Put worlds into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<WorldMaker>()?;
    m.add_function(wrap_pyfunction!(philox_block, m)?)?;
    Ok(())
}
