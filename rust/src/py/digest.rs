//! Bindings of the digest and of the text functions that queries share with it.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::batch::RecordBatch;
use super::columns;
use crate::pure;

/// Digest a batch of records of one segment into columns, the interpreter lock released.
#[pyfunction]
fn digest_batch<'py>(py: Python<'py>, segment: u32, batch: &RecordBatch) -> PyResult<Bound<'py, PyDict>> {
    let tables = py.detach(|| pure::digest::digest(segment, &batch.items));
    columns::tables(py, &tables)
}

/// Folded words of a text, each between single spaces; behind one more space what else may be read there.
#[pyfunction]
fn fold(text: &str) -> String {
    pure::fold::fold(text)
}

/// The words alone: what a query term folds to.
#[pyfunction]
fn fold_words(text: &str) -> String {
    pure::fold::words(text)
}

/// One word or reading: folded, whether it is a reading, its start and end in characters, its steps.
type Traced = (String, bool, usize, usize, Vec<(&'static str, String, String)>);

/// Every word and reading of a text with what was undone there, in the order of the fold.
#[pyfunction]
fn fold_trace(text: &str) -> Vec<Traced> {
    let traced = pure::trace::trace(text).into_iter();
    traced
        .map(|t| {
            let steps = t.steps.into_iter().map(|s| (s.trick, s.from, s.to)).collect();
            (t.folded, t.reading, t.span.0, t.span.1, steps)
        })
        .collect()
}

/// Subject, visible text, From and names of attachments of a raw message, as they are folded.
#[pyfunction]
fn message_texts(raw: &[u8], meta: &[u8]) -> [String; 4] {
    pure::trace::texts(raw, meta)
}

/// Text with recipients, addresses, URLs, digit runs and opaque tokens replaced by their kind.
#[pyfunction]
#[pyo3(signature = (text, recipients=Vec::new()))]
fn mask(text: &str, recipients: Vec<String>) -> String {
    pure::mask::mask(text, &recipients)
}

/// Topic of four folded texts (subject, visible text, link hosts, attachments) and the points of each topic.
#[pyfunction]
fn topic(subject: &str, text: &str, links: &str, attachments: &str) -> (String, Vec<i32>) {
    let said = pure::topic::Said {
        subject,
        text,
        links,
        attachments,
    };
    let (topic, points) = pure::topic::rules().topic(said);
    (topic.to_owned(), points)
}

/// Peer as `(unit, network)`; None when it is no address.
#[pyfunction]
fn peer_units(address: &str) -> Option<(String, String)> {
    pure::peer::peer_units(address)
}

/// Put the digest into the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("LIMITS", pure::limits::TABLE.to_vec())?;
    m.add("DEFECTS", pure::limits::DEFECTS.to_vec())?;
    let codes: Vec<&str> = pure::language::LANGUAGES.iter().map(|l| l.1).collect();
    m.add("LANGUAGES", codes)?;
    m.add("TOPICS", pure::topic::TOPICS.to_vec())?;
    m.add("TOPICS_VERSION", pure::topic::TOPICS_VERSION)?;
    m.add("FOLD_VERSION", pure::fold::FOLD_VERSION)?;
    m.add_function(wrap_pyfunction!(digest_batch, m)?)?;
    m.add_function(wrap_pyfunction!(fold, m)?)?;
    m.add_function(wrap_pyfunction!(fold_words, m)?)?;
    m.add_function(wrap_pyfunction!(fold_trace, m)?)?;
    m.add_function(wrap_pyfunction!(message_texts, m)?)?;
    m.add_function(wrap_pyfunction!(mask, m)?)?;
    m.add_function(wrap_pyfunction!(topic, m)?)?;
    m.add_function(wrap_pyfunction!(peer_units, m)?)?;
    Ok(())
}
