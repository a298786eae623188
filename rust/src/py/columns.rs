//! Columns as buffers: `(kind, rows, values, offsets or None, validity bitmap or None)`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::pure::columns::{Column, Tables};

fn bitmap(bits: &[bool]) -> Vec<u8> {
    let mut out = vec![0u8; bits.len().div_ceil(8)];
    for (i, bit) in bits.iter().enumerate() {
        if *bit {
            out[i / 8] |= 1 << (i % 8);
        }
    }
    out
}

fn column<'py>(py: Python<'py>, column: &Column) -> PyResult<Bound<'py, PyAny>> {
    let validity = |v: &Option<Vec<bool>>| v.as_ref().map(|bits| PyBytes::new(py, &bitmap(bits)));
    let le32 = |v: &[i32]| PyBytes::new(py, &v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    let rows = column.len();
    let tuple = match column {
        Column::Int64 { values, validity: v } => {
            let data: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            ("int64", rows, PyBytes::new(py, &data), None, validity(v))
        }
        Column::Int32 { values, validity: v } => ("int32", rows, le32(values), None, validity(v)),
        Column::Bool { values, validity: v } => ("bool", rows, PyBytes::new(py, &bitmap(values)), None, validity(v)),
        Column::Utf8 {
            offsets,
            data,
            validity: v,
        } => ("utf8", rows, PyBytes::new(py, data), Some(le32(offsets)), validity(v)),
        Column::Binary {
            offsets,
            data,
            validity: v,
        } => ("binary", rows, PyBytes::new(py, data), Some(le32(offsets)), validity(v)),
    };
    Ok(tuple.into_pyobject(py)?.into_any())
}

/// `{table: {column: (kind, rows, values, offsets, validity)}}`.
pub fn tables<'py>(py: Python<'py>, tables: &Tables) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (name, table) in tables {
        let columns = PyDict::new(py);
        for (key, value) in table {
            columns.set_item(key, column(py, value)?)?;
        }
        out.set_item(name, columns)?;
    }
    Ok(out)
}
