//! Columns that cross to Python as plain buffers: values, offsets, validity (Arrow's layout, little-endian).

use std::collections::BTreeMap;

/// One column being built; `validity` is absent while every row has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Column {
    /// 64-bit signed integers.
    Int64 {
        values: Vec<i64>,
        validity: Option<Vec<bool>>,
    },
    /// 32-bit signed integers.
    Int32 {
        values: Vec<i32>,
        validity: Option<Vec<bool>>,
    },
    /// Truth values.
    Bool {
        values: Vec<bool>,
        validity: Option<Vec<bool>>,
    },
    /// UTF-8 strings: `offsets` has one more entry than there are rows.
    Utf8 {
        offsets: Vec<i32>,
        data: Vec<u8>,
        validity: Option<Vec<bool>>,
    },
    /// Byte strings, laid out like `Utf8`.
    Binary {
        offsets: Vec<i32>,
        data: Vec<u8>,
        validity: Option<Vec<bool>>,
    },
}

impl Column {
    /// An empty string column.
    pub fn utf8() -> Self {
        Column::Utf8 {
            offsets: vec![0],
            data: Vec::new(),
            validity: None,
        }
    }
    /// An empty byte-string column.
    pub fn binary() -> Self {
        Column::Binary {
            offsets: vec![0],
            data: Vec::new(),
            validity: None,
        }
    }
    /// An empty column of 64-bit integers.
    pub fn int64() -> Self {
        Column::Int64 {
            values: Vec::new(),
            validity: None,
        }
    }
    /// An empty column of 32-bit integers.
    pub fn int32() -> Self {
        Column::Int32 {
            values: Vec::new(),
            validity: None,
        }
    }
    /// An empty column of truth values.
    pub fn boolean() -> Self {
        Column::Bool {
            values: Vec::new(),
            validity: None,
        }
    }
    /// Rows so far.
    pub fn len(&self) -> usize {
        match self {
            Column::Int64 { values, .. } => values.len(),
            Column::Int32 { values, .. } => values.len(),
            Column::Bool { values, .. } => values.len(),
            Column::Utf8 { offsets, .. } | Column::Binary { offsets, .. } => offsets.len() - 1,
        }
    }
    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn note_validity(&mut self, valid: bool) {
        let n = self.len();
        let (Column::Int64 { validity, .. }
        | Column::Int32 { validity, .. }
        | Column::Bool { validity, .. }
        | Column::Utf8 { validity, .. }
        | Column::Binary { validity, .. }) = self;
        match validity {
            Some(bits) => bits.push(valid),
            None if !valid => {
                let mut bits = vec![true; n - 1];
                bits.push(false);
                *validity = Some(bits);
            }
            None => {}
        }
    }
    /// Append a string or byte string. Panics on a column of another kind: a mistake of the kernel's author.
    pub fn push_bytes(&mut self, value: &[u8]) {
        match self {
            Column::Utf8 { offsets, data, .. } | Column::Binary { offsets, data, .. } => {
                data.extend_from_slice(value);
                offsets.push(i32::try_from(data.len()).expect("a batch of less than 2 GiB"));
            }
            _ => panic!("push_bytes on a numeric column"),
        }
        self.note_validity(true);
    }
    /// Append numbers as a byte string, eight bytes each. Panics on a column of another kind.
    pub fn push_words(&mut self, values: &[u64]) {
        match self {
            Column::Binary { offsets, data, .. } => {
                data.reserve(values.len() * 8);
                values.iter().for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
                offsets.push(i32::try_from(data.len()).expect("a batch of less than 2 GiB"));
            }
            _ => panic!("push_words on a column of another kind"),
        }
        self.note_validity(true);
    }
    /// Append a string.
    pub fn push_str(&mut self, value: &str) {
        self.push_bytes(value.as_bytes());
    }
    /// Append an integer or truth value.
    pub fn push_int(&mut self, value: i64) {
        match self {
            Column::Int64 { values, .. } => values.push(value),
            Column::Int32 { values, .. } => {
                values.push(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
            }
            Column::Bool { values, .. } => values.push(value != 0),
            _ => panic!("push_int on a string column"),
        }
        self.note_validity(true);
    }
    /// Append a missing value.
    pub fn push_null(&mut self) {
        match self {
            Column::Int64 { values, .. } => values.push(0),
            Column::Int32 { values, .. } => values.push(0),
            Column::Bool { values, .. } => values.push(false),
            Column::Utf8 { offsets, .. } | Column::Binary { offsets, .. } => {
                let end = *offsets.last().expect("offsets start with 0");
                offsets.push(end);
            }
        }
        self.note_validity(false);
    }
}

/// Named columns of one table, all of the same length.
pub type Table = BTreeMap<&'static str, Column>;

/// Tables by name, as one digest of a batch yields them.
pub type Tables = BTreeMap<&'static str, Table>;
