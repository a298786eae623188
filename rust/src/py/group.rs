//! Bindings of grouping: fingerprints in as columns, labels and edges out as buffers.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use std::path::PathBuf;

use super::columns;
use super::store::to_python;
use crate::pure::columns::{Column, Table, Tables};
use crate::pure::digest::hex;
use crate::pure::forms::BARE;
use crate::pure::group::bare::Bare;
use crate::pure::group::lists::Lists;
use crate::pure::group::{settle, Groups, Rules, Set};
use crate::pure::{fingerprint, texts};
use crate::store::{near, StoreError};

/// Exact digests and fingerprints of texts, the columns of the table `sketch` without its place; the interpreter lock released.
#[pyfunction]
fn fingerprint_texts<'py>(
    py: Python<'py>,
    subjects: Vec<PyBackedStr>,
    bodies: Vec<PyBackedStr>,
) -> PyResult<Bound<'py, PyDict>> {
    if subjects.len() != bodies.len() {
        return Err(PyValueError::new_err("as many subjects as texts"));
    }
    let table: Table = py.detach(|| texts::fingerprints(&subjects, &bodies));
    columns::tables(py, &Tables::from([("sketch", table)]))
}

/// The words of a text as they are shingled.
#[pyfunction]
fn fingerprint_tokens(text: &str) -> Vec<String> {
    fingerprint::tokens(text, &[])
}

/// One column of lists as Arrow has it: 32-bit offsets and 64-bit values, both little-endian.
type Given<'a> = (&'a [u8], &'a [u8]);

fn extend(lists: &mut Lists, given: Given, rows: usize) -> PyResult<()> {
    each(given, rows, |_, list| lists.push(list))
}

/// Keep pictures and forms of those that are bare; `before` rows are there already.
fn extend_bare(bare: &mut Bare, pictures: Given, forms: Given, rows: usize, before: usize) -> PyResult<()> {
    let mut seen = Lists::default();
    extend(&mut seen, pictures, rows)?;
    each(forms, rows, |i, list| {
        let list: Vec<u64> = list.collect();
        if list.first() == Some(&BARE) {
            bare.push(before + i, seen.get(i).iter().copied(), list);
        }
    })
}

/// Each list of a column, with its place.
fn each(
    (offsets, values): Given,
    rows: usize,
    mut put: impl FnMut(usize, &mut dyn Iterator<Item = u64>),
) -> PyResult<()> {
    let ends: Vec<usize> = offsets
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.try_into().expect("four bytes")) as usize)
        .collect();
    let right = ends.len() == rows + 1 && ends.windows(2).all(|w| w[0] <= w[1]) && ends.iter().all(|e| e % 8 == 0);
    if !right || *ends.last().unwrap_or(&0) > values.len() {
        return Err(PyValueError::new_err("offsets and values do not belong together"));
    }
    for (i, w) in ends.windows(2).enumerate() {
        let list = values[w[0]..w[1]].chunks_exact(8);
        put(
            i,
            &mut list.map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes"))),
        );
    }
    Ok(())
}

/// A set of fingerprints on its way to being grouped.
#[pyclass]
#[derive(Default)]
struct FingerprintSet {
    exact: Vec<u8>,
    set: Set,
}

#[pymethods]
impl FingerprintSet {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Append rows in strictly ascending order of `exact` (16 bytes each). Raises ValueError where they are not.
    #[pyo3(signature = (exact, shingles, subject_marks, link_marks, picture_marks, form_marks))]
    fn extend(
        &mut self,
        exact: &[u8],
        shingles: Given,
        subject_marks: Given,
        link_marks: Given,
        picture_marks: Given,
        form_marks: Given,
    ) -> PyResult<()> {
        let (rows, before) = (exact.len() / 16, self.set.len());
        for key in exact.chunks_exact(16) {
            if self.exact.last_chunk::<16>().is_some_and(|last| last.as_slice() >= key) {
                return Err(PyValueError::new_err("exact digests do not ascend"));
            }
            self.exact.extend_from_slice(key);
        }
        extend(&mut self.set.shingles, shingles, rows)?;
        extend(&mut self.set.subject, subject_marks, rows)?;
        extend(&mut self.set.links, link_marks, rows)?;
        extend_bare(&mut self.set.bare, picture_marks, form_marks, rows, before)
    }

    /// Number of fingerprints.
    fn __len__(&self) -> usize {
        self.set.len()
    }

    /// Group the set, the interpreter lock released: labels and edges as columns, and what it took.
    ///
    /// With `index` also written to that file, for `NearIndex`; durable when this returns.
    #[pyo3(signature = (index=None, **rules))]
    fn group<'py>(
        &self,
        py: Python<'py>,
        index: Option<PathBuf>,
        rules: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let rules = given(rules)?;
        let settled = py.detach(|| settle(&self.set, &rules));
        if let Some(path) = index {
            py.detach(|| near::write(&path, &self.set, &self.exact, &settled, &rules))
                .map_err(to_python)?;
        }
        columns::tables(py, &tables(&settled.groups))
    }
}

/// A settled grouping on disk, open for what comes later.
#[pyclass(frozen)]
struct NearIndex {
    index: near::Index,
}

#[pymethods]
impl NearIndex {
    /// Open the file that `FingerprintSet.group` wrote. Raises OSError, CorruptSegment.
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let index = near::Index::open(&path, &Rules::default()).map_err(to_python)?;
        Ok(NearIndex { index })
    }

    /// Number of fingerprints.
    fn __len__(&self) -> usize {
        self.index.len()
    }

    /// For each fingerprint (16 bytes of `exact` each, in any order) the row that it belongs to: `row` and `label`, exact digests
    /// in hex, null where there is none; `similarity` and `needed`, thousandths. Raises OSError, CorruptSegment.
    #[allow(clippy::too_many_arguments)]
    fn assign<'py>(
        &self,
        py: Python<'py>,
        exact: &[u8],
        shingles: Given,
        subject_marks: Given,
        link_marks: Given,
        picture_marks: Given,
        form_marks: Given,
    ) -> PyResult<Bound<'py, PyDict>> {
        let n = exact.len() / 16;
        let mut set = Set::default();
        extend(&mut set.shingles, shingles, n)?;
        extend(&mut set.subject, subject_marks, n)?;
        extend(&mut set.links, link_marks, n)?;
        extend_bare(&mut set.bare, picture_marks, form_marks, n, 0)?;
        let found = py
            .detach(|| -> Result<Vec<Option<near::Nearest>>, StoreError> {
                let each = exact.chunks_exact(16).enumerate().map(|(i, key)| {
                    let key: &[u8; 16] = key.try_into().expect("sixteen bytes");
                    self.index.nearest(key, &set, i)
                });
                each.collect()
            })
            .map_err(to_python)?;
        columns::tables(py, &Tables::from([("nearest", nearest(&found))]))
    }
}

fn nearest(found: &[Option<near::Nearest>]) -> Table {
    let mut columns = [Column::utf8(), Column::utf8(), Column::int32(), Column::int32()];
    for one in found {
        let [row, label, similarity, needed] = &mut columns;
        match one {
            Some(n) => {
                row.push_str(&hex(&n.row));
                label.push_str(&hex(&n.label));
            }
            None => {
                row.push_null();
                label.push_null();
            }
        }
        similarity.push_int(one.map_or(0, |n| i64::from(n.similarity)));
        needed.push_int(one.map_or(0, |n| i64::from(n.needed)));
    }
    let [row, label, similarity, needed] = columns;
    Table::from([
        ("row", row),
        ("label", label),
        ("similarity", similarity),
        ("needed", needed),
    ])
}

fn given(changes: Option<&Bound<'_, PyDict>>) -> PyResult<Rules> {
    let mut rules = Rules::default();
    for (name, value) in changes.into_iter().flatten() {
        let value: u32 = value.extract()?;
        match name.extract::<String>()?.as_str() {
            "keys" => rules.keys = value as usize,
            "leaders" => rules.leaders = value as usize,
            "once" => rules.weights[0] = value,
            "few" => rules.weights[1] = value,
            "many" => rules.many = value as usize,
            "base" => rules.base = value,
            "without" => rules.without = value,
            "subject" => rules.subject = value,
            "link" => rules.link = value,
            "least" => rules.least = value,
            "sample" => rules.sample = value as usize,
            "like" => rules.like = value,
            "agreeing" => rules.agreeing = value,
            "own" => rules.own = value,
            "spread" => rules.spread = value as usize,
            "near" => rules.near = value,
            "common" => rules.common = value,
            "boilerplate" => rules.boilerplate = value,
            "partial" => rules.partial = value,
            "bits" => rules.bits = value,
            "shown" => rules.shown = value as usize,
            name => return Err(PyValueError::new_err(format!("no rule is called {name}"))),
        }
    }
    Ok(rules)
}

fn tables(groups: &Groups) -> Tables {
    let ints = |values: Vec<i64>, small: bool| {
        let mut column = if small { Column::int32() } else { Column::int64() };
        values.into_iter().for_each(|v| column.push_int(v));
        column
    };
    let edge = |get: fn(&crate::pure::group::Edge) -> i64, small| ints(groups.edges.iter().map(get).collect(), small);
    let mut by = Column::utf8();
    groups.edges.iter().for_each(|e| by.push_str(e.by.name()));
    Tables::from([
        (
            "label",
            Table::from([(
                "label",
                ints(groups.label.iter().map(|l| i64::from(*l)).collect(), true),
            )]),
        ),
        (
            "edge",
            Table::from([
                ("leader", edge(|e| i64::from(e.leader), true)),
                ("member", edge(|e| i64::from(e.member), true)),
                ("similarity", edge(|e| i64::from(e.similarity), true)),
                ("needed", edge(|e| i64::from(e.needed), true)),
                ("by", by),
                ("shingle", edge(|e| e.shingle as i64, false)),
            ]),
        ),
        (
            "work",
            Table::from([
                ("buckets", ints(vec![groups.buckets as i64], false)),
                ("compared", ints(vec![groups.compared as i64], false)),
            ]),
        ),
    ])
}

/// Put grouping into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<FingerprintSet>()?;
    m.add_class::<NearIndex>()?;
    m.add_function(wrap_pyfunction!(fingerprint_texts, m)?)?;
    m.add_function(wrap_pyfunction!(fingerprint_tokens, m)?)?;
    Ok(())
}
