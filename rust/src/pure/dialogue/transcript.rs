//! What was said in a session, with its times: written into the meta of each message and into the record of the session.

use super::auth::Tried;
use super::path::text;
use serde_json::{json, Map, Value};
use std::collections::BTreeSet;

/// One command line and what answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// When the line was whole, microseconds since the session began.
    at: i64,
    line: String,
    code: u16,
}

/// Steps since the last message, and what else is told of it.
#[derive(Debug, Default)]
pub struct Transcript {
    steps: Vec<Step>,
    bytes: usize,
    cut: usize,
    tried: Vec<Tried>,
    parameters: Vec<Value>,
    parameter_bytes: usize,
    parameters_cut: usize,
}

/// What a parameter counts beside its own bytes: one of a single letter takes far more than a letter to keep.
const PARAMETER_BYTES: usize = 16;

impl Transcript {
    /// Keep a line, one character a byte where it is no UTF-8, unless `bound` bytes are kept already.
    pub fn step(&mut self, at: i64, line: &[u8], code: u16, bound: usize) {
        if self.bytes + line.len() > bound {
            self.cut += 1;
            return;
        }
        self.bytes += line.len();
        self.steps.push(Step {
            at,
            line: text(line),
            code,
        });
    }

    /// Keep what AUTH left.
    pub fn tried(&mut self, tried: Tried) {
        self.tried.push(tried);
    }

    /// Keep the parameters of a path, unless `bound` bytes are kept already; `recipient` from 0, None for MAIL.
    pub fn parameters(&mut self, recipient: Option<usize>, parameters: &[(String, Option<String>)], bound: usize) {
        for (key, value) in parameters {
            let len = PARAMETER_BYTES + key.len() + value.as_ref().map_or(0, String::len);
            if self.parameter_bytes + len > bound {
                self.parameters_cut += 1;
                continue;
            }
            self.parameter_bytes += len;
            self.parameters.push(json!([recipient, key, value]));
        }
    }

    /// Forget the parameters of a message that will not come.
    pub fn reset(&mut self) {
        self.parameters.clear();
        (self.parameter_bytes, self.parameters_cut) = (0, 0);
    }

    /// The value that stands in a record, and an empty transcript again.
    pub fn take(&mut self, began: i64, marks: &BTreeSet<&'static str>) -> Map<String, Value> {
        let gone = std::mem::take(self);
        let mut out = Map::new();
        out.insert("v".into(), json!(1));
        out.insert("began".into(), json!(began));
        let steps: Vec<Value> = gone.steps.iter().map(|s| json!([s.at, s.line, s.code])).collect();
        out.insert("steps".into(), json!(steps));
        if gone.cut > 0 {
            out.insert("cut".into(), json!(gone.cut));
        }
        if !gone.parameters.is_empty() {
            out.insert("parameters".into(), json!(gone.parameters));
        }
        if gone.parameters_cut > 0 {
            out.insert("parameters_cut".into(), json!(gone.parameters_cut));
        }
        if !gone.tried.is_empty() {
            let tried: Vec<Value> = gone
                .tried
                .iter()
                .map(|t| json!({"mechanism": t.mechanism, "user": t.user, "length": t.length}))
                .collect();
            out.insert("auth".into(), json!(tried));
        }
        out.insert("dialect".into(), json!(marks));
        out
    }
}
