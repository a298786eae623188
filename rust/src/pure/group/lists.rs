//! Many short lists of numbers in two vectors.

/// Lists of 64-bit numbers, one a fingerprint.
#[derive(Clone, Debug)]
pub struct Lists {
    ends: Vec<u64>,
    values: Vec<u64>,
}

impl Default for Lists {
    fn default() -> Self {
        Lists {
            ends: vec![0],
            values: Vec::new(),
        }
    }
}

impl Lists {
    /// None yet, with room for `lists` of `values` in all.
    pub fn with_capacity(lists: usize, values: usize) -> Self {
        let mut ends = Vec::with_capacity(lists + 1);
        ends.push(0);
        Lists {
            ends,
            values: Vec::with_capacity(values),
        }
    }
    /// Append one list.
    pub fn push(&mut self, list: impl IntoIterator<Item = u64>) {
        self.values.extend(list);
        self.ends.push(self.values.len() as u64);
    }
    /// Number of lists.
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }
    /// No list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Where list `i` stands in `values`.
    pub fn span(&self, i: usize) -> std::ops::Range<usize> {
        self.ends[i] as usize..self.ends[i + 1] as usize
    }
    /// List `i`.
    pub fn get(&self, i: usize) -> &[u64] {
        &self.values[self.span(i)]
    }
    /// All values, list after list.
    pub fn values(&self) -> &[u64] {
        &self.values
    }
}
