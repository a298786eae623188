//! Union-find; the lowest of a tree is its root, so that labels do not depend on the order of joining.

/// Trees over `0..n`.
pub struct Forest {
    parent: Vec<u32>,
}

impl Forest {
    /// Each by itself.
    pub fn new(n: usize) -> Self {
        Forest {
            parent: (0..n as u32).collect(),
        }
    }
    /// The root of `x`, paths halved on the way.
    pub fn root(&mut self, mut x: u32) -> u32 {
        loop {
            let up = self.parent[x as usize];
            if up == x {
                return x;
            }
            let over = self.parent[up as usize];
            self.parent[x as usize] = over;
            x = over;
        }
    }
    /// Both stand in one tree.
    pub fn joined(&mut self, a: u32, b: u32) -> bool {
        self.root(a) == self.root(b)
    }
    /// Put both into one tree.
    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }
    /// The root of each.
    pub fn labels(mut self) -> Vec<u32> {
        (0..self.parent.len() as u32).map(|x| self.root(x)).collect()
    }
}
