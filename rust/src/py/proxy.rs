//! Bindings of the PROXY header's reader.

use pyo3::prelude::*;
use serde_json::Value;

use crate::pure::proxy::{Gather, Said, BLOCK_BYTES, LINE_BYTES, REASONS};

/// Gathers a PROXY header from bytes in any pieces.
#[pyclass]
#[derive(Default)]
pub struct ProxyHeader {
    inner: Gather,
}

#[pymethods]
impl ProxyHeader {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// How many of the bytes belong to the header, what it claims as JSON once it is whole, and the client that it names.
    /// `wrong` instead names why there is none to believe.
    fn put(&mut self, data: &[u8]) -> (usize, Option<String>, Option<String>, Option<&'static str>) {
        let (used, said) = self.inner.put(data);
        match said {
            Said::More => (used, None, None, None),
            Said::Header(header) => {
                let client = header.client().map(|c| c.to_string());
                (used, Some(Value::Object(header.claimed()).to_string()), client, None)
            }
            Said::Wrong(wrong) => (used, None, None, Some(wrong.name())),
        }
    }
}

/// Put the reader and its bounds into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<ProxyHeader>()?;
    m.add("PROXY_BYTES", (LINE_BYTES, BLOCK_BYTES))?;
    let reasons: Vec<(&str, &str)> = REASONS.iter().map(|(_, name, meaning)| (*name, *meaning)).collect();
    m.add("PROXY_REASONS", reasons)?;
    Ok(())
}
