//! Those of a set that hardly say anything, with their pictures and forms: few of many, so nothing is kept of the others but a bit.

use super::lists::Lists;

/// Rows of bare fingerprints, ascending, and their lists.
#[derive(Clone, Debug, Default)]
pub struct Bare {
    rows: Vec<u32>,
    bits: Vec<u64>,
    pictures: Lists,
    forms: Lists,
}

impl Bare {
    /// Take a bare fingerprint; rows come in ascending order.
    pub fn push(&mut self, row: usize, pictures: impl IntoIterator<Item = u64>, forms: impl IntoIterator<Item = u64>) {
        if self.bits.len() <= row / 64 {
            self.bits.resize(row / 64 + 1, 0);
        }
        self.bits[row / 64] |= 1 << (row % 64);
        self.rows.push(row as u32);
        self.pictures.push(pictures);
        self.forms.push(forms);
    }
    /// Rows, ascending.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }
    /// The fingerprint hardly says anything.
    pub fn has(&self, row: usize) -> bool {
        self.bits.get(row / 64).is_some_and(|b| b >> (row % 64) & 1 == 1)
    }
    /// Which of the bare ones a row is.
    pub fn place(&self, row: usize) -> Option<usize> {
        let found = || self.rows.binary_search(&(row as u32)).ok();
        if self.has(row) {
            found()
        } else {
            None
        }
    }
    /// What the pictures of a row look like; empty unless it is bare.
    pub fn pictures(&self, row: usize) -> &[u64] {
        self.place(row).map_or(&[], |i| self.pictures.get(i))
    }
    /// What a row is built like; empty unless it is bare.
    pub fn forms(&self, row: usize) -> &[u64] {
        self.place(row).map_or(&[], |i| self.forms.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_rows_have_lists() {
        let mut bare = Bare::default();
        bare.push(3, [7], [4, 9]);
        bare.push(130, [], [4]);
        assert_eq!((bare.pictures(3), bare.forms(3)), (&[7][..], &[4, 9][..]));
        assert_eq!((bare.pictures(130), bare.forms(130)), (&[][..], &[4][..]));
        assert!(bare.has(3) && bare.has(130) && !bare.has(0) && !bare.has(131) && !bare.has(9_999));
        assert!(bare.forms(4).is_empty() && bare.place(130) == Some(1));
    }
}
