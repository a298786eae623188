//! Bindings of the estimator's grid. Arrays cross as bytes of little-endian f64.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::pure::latent::{Curve, Days, Grid, Noise, Trend};

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes
        .chunks_exact(8)
        .map(|b| f64::from_le_bytes(b.try_into().unwrap_or_default()))
        .collect()
}

fn bytes<'py>(py: Python<'py>, values: &[f64]) -> Bound<'py, PyBytes> {
    let all: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    PyBytes::new(py, &all)
}

/// The grid of an effect's estimator over some days, weighed when it is made.
#[pyclass(frozen)]
pub struct LatentGrid {
    grid: Grid,
}

#[pymethods]
impl LatentGrid {
    /// `days`: fixed columns one after the other, prior sds of the steady ones, gaps, log rates, their variances, diagonal and
    /// off-diagonal of the path's precision. ValueError where a matrix is not positive or sizes do not fit.
    #[new]
    fn new(
        py: Python<'_>,
        days: [Vec<u8>; 7],
        after: Vec<usize>,
        scales: (f64, f64),
        trends: Vec<(bool, f64, f64, f64, bool)>,
        curves: Vec<(Vec<u8>, usize, f64, f64)>,
        noises: Vec<(f64, f64, f64)>,
    ) -> PyResult<Self> {
        let [fixed, sds, gaps, z, v, main, off] = days.map(|b| floats(&b));
        let (logdet, beta_sd) = scales;
        let columns = sds.len() + trends.iter().filter(|t| t.0).count();
        let (n, m) = (z.len(), after.len());
        let fits = n > 0 && fixed.len() == n * columns && gaps.len() == n - 1 && v.len() == n;
        if !fits || main.len() != m || after.iter().any(|&day| day >= n) {
            return Err(PyValueError::new_err("sizes do not fit"));
        }
        let days = Days {
            fixed,
            sds,
            gaps,
            z,
            v,
            after,
            drift: (main, off, logdet),
            beta_sd,
        };
        let trends = trends
            .into_iter()
            .map(|(column, mean, sd, weight, turn)| Trend {
                column,
                mean,
                sd,
                weight,
                turn,
            })
            .collect();
        let curves: Vec<Curve> = curves
            .into_iter()
            .map(|(columns, width, wobble, weight)| Curve {
                columns: floats(&columns),
                width,
                wobble,
                weight,
            })
            .collect();
        if curves.iter().any(|c| c.columns.len() != m * c.width) {
            return Err(PyValueError::new_err("sizes do not fit"));
        }
        let noises: Vec<Noise> = noises
            .into_iter()
            .map(|(rho, sigma, nugget)| Noise { rho, sigma, nugget })
            .collect();
        let grid = py.detach(|| Grid::of(days, trends, curves, &noises));
        Ok(Self {
            grid: grid.ok_or_else(|| PyValueError::new_err("not positive"))?,
        })
    }

    /// The log weight of each point: noises, in each of them curves, in each of these trends.
    fn log_weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.grid.log_weights)
    }

    /// Upper factor of the precision, row by row, and mean of the coefficients of one point.
    fn point<'py>(&self, py: Python<'py>, place: usize) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let found = self
            .grid
            .point(place)
            .ok_or_else(|| PyValueError::new_err("no such point"))?;
        Ok((bytes(py, &found.root), bytes(py, &found.mean)))
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<LatentGrid>()
}
