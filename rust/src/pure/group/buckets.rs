//! Where fingerprints meet, and who of those that meet belong together.

use super::evidence::Proven;
use super::forest::Forest;
use super::lists::Lists;
use super::looks::{judge, Side};
use super::{By, Edge, Rules, Set, Verdict};

/// Keys looked at in one sort.
const AT_ONCE: usize = 48 << 20;

/// Call `visit` for every bucket of two or more: its shingle and its members in ascending order. A fingerprint stands in the
/// buckets of its `keys` smallest recurring shingles.
pub fn each(shingles: &Lists, classes: &[u8], keys: usize, mut visit: impl FnMut(u64, &[u32])) {
    let parts = (shingles.len() * keys).div_ceil(AT_ONCE).next_power_of_two();
    let bits = parts.trailing_zeros();
    let mut pairs: Vec<(u64, u32)> = Vec::new();
    let mut members: Vec<u32> = Vec::new();
    for part in 0..parts as u64 {
        pairs.clear();
        for i in 0..shingles.len() {
            let recurring = shingles
                .get(i)
                .iter()
                .zip(&classes[shingles.span(i)])
                .filter(|(_, c)| **c > 0);
            let mine = recurring.map(|(s, _)| *s).take(keys);
            pairs.extend(mine.filter(|s| s & ((1 << bits) - 1) == part).map(|s| (s, i as u32)));
        }
        pairs.sort_unstable();
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            if run.len() > 1 {
                members.clear();
                members.extend(run.iter().map(|p| p.1));
                visit(run[0].0, &members);
            }
        }
    }
}

/// What is known where members of a bucket meet.
pub struct Meeting<'a> {
    /// The fingerprints.
    pub set: &'a Set,
    /// Their shingles' frequency.
    pub classes: &'a [u8],
    /// Their marks that count.
    pub proven: &'a Proven,
    /// The numbers of the method.
    pub rules: &'a Rules,
}

impl Meeting<'_> {
    /// Similarity of two, and what they need to be a pair.
    pub fn judge(&self, a: usize, b: usize) -> Verdict {
        judge(&self.side(a), &self.side(b), self.rules)
    }

    fn side(&self, i: usize) -> Side<'_> {
        Side {
            shingles: self.set.shingles.get(i),
            classes: &self.classes[self.set.shingles.span(i)],
            title: self.set.subject.get(i),
            subject: self.proven.subject.get(i),
            own: &self.proven.own,
            links: self.proven.links.get(i),
            hosts: self.set.links.get(i),
            bare: self.set.bare.has(i),
            pictures: self.set.bare.pictures(i),
            build: self.set.bare.place(i).map_or(0, |b| self.proven.builds[b]),
        }
    }

    /// Join the members of one bucket that belong together, of whom `most` may lead; the number of pairs compared.
    ///
    /// Who leads depends on the members alone, never on what other buckets joined. A pair that is joined already is compared
    /// only where its answer decides who leads.
    pub fn pairs(
        &self,
        shingle: u64,
        members: &[u32],
        most: usize,
        forest: &mut Forest,
        edges: &mut Vec<Edge>,
        judged: &mut Judged,
    ) -> u64 {
        let mut leaders: Vec<u32> = Vec::with_capacity(most.min(self.rules.leaders));
        let mut compared = 0;
        for &member in members {
            let mut follows = false;
            for &leader in &leaders {
                let known = forest.joined(leader, member);
                if known && follows {
                    continue;
                }
                let found = judged.of(leader, member, || {
                    compared += 1;
                    self.judge(leader as usize, member as usize)
                });
                if found.similarity < found.needed {
                    continue;
                }
                follows = true;
                if !known {
                    forest.join(leader, member);
                    edges.push(Edge {
                        leader,
                        member,
                        similarity: found.similarity,
                        needed: found.needed,
                        by: found.by,
                        shingle,
                    });
                }
            }
            if !follows && leaders.len() < most {
                leaders.push(member);
            }
        }
        compared
    }
}

/// Judgements of pairs met a while ago: two that share one of their buckets share others. A cache, which changes no answer.
pub struct Judged {
    slots: Vec<(u32, u32, Verdict)>,
}

impl Judged {
    /// Room for what a set of `n` needs, up to 16 MiB.
    pub fn for_about(n: usize) -> Self {
        let none = Verdict {
            similarity: 0,
            needed: 0,
            by: By::Text,
        };
        let slots = (8 * n.max(1)).next_power_of_two().min(1 << 20);
        Judged {
            slots: vec![(u32::MAX, u32::MAX, none); slots],
        }
    }

    /// The judgement of a pair, by `judge` unless it is remembered.
    fn of(&mut self, a: u32, b: u32, judge: impl FnOnce() -> Verdict) -> Verdict {
        let key = u64::from(a) << 32 | u64::from(b);
        let place = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let slots = self.slots.len();
        let slot = &mut self.slots[place as usize & (slots - 1)];
        if (slot.0, slot.1) != (a, b) {
            *slot = (a, b, judge());
        }
        slot.2
    }
}
