//! A settled grouping on disk, so that a message that comes later is told at once which group it is like.
//!
//! One file, little-endian: a head of 48 bytes; *recurring* shingles, 8 bytes each; *keys*, a shingle and a row, 12 bytes each;
//! *rows*, 40 bytes each; *lists*. Shingles are written with their bits reversed and so sorted: the smallest hashes of a message
//! lie low, reversed they lie evenly. Of a bucket the lowest rows stand there, a few of each group; a row without enough
//! recurring shingles has its smallest others for keys, so that the second of a kind finds the first. Memory of a reader is
//! one number in 256; everything else is read where it lies. The file is a function of the set of fingerprints.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{at_path, Result, StoreError};
use crate::pure::group::boilerplate::BOILERPLATE;
use crate::pure::group::looks::{above, bands, build, judge, Side};
use crate::pure::group::{Groups, Rules, Set, Settled, Verdict};
use crate::pure::limits::SKETCH;

const MAGIC: &[u8; 16] = b"spamtide near 4\0";
const HEAD: u64 = 48;
const RECURRING: u64 = 8;
const KEY: u64 = 12;
const ROW: usize = 40;
/// Bytes of what a row is built like.
const BUILD: usize = 8;
/// One in so many numbers is held in memory.
const SPARSE: usize = 256;
/// Rows of a bucket, and of these of one group.
const IN_BUCKET: usize = 8;
const OF_GROUP: usize = 3;
/// Numbers sorted at once.
const AT_ONCE: usize = 24 << 20;

/// Write the index of a settled grouping; durable when this returns. `exact` has 16 bytes a fingerprint.
pub fn write(path: &Path, set: &Set, exact: &[u8], settled: &Settled, rules: &Rules) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, at_path(path, File::create(path))?);
    at_path(path, written(&mut out, set, exact, settled, rules))?;
    let mut file = at_path(path, out.into_inner().map_err(|e| e.into_error()))?;
    at_path(path, file.flush().and_then(|()| file.sync_data()))
}

fn written(
    out: &mut BufWriter<File>,
    set: &Set,
    exact: &[u8],
    settled: &Settled,
    rules: &Rules,
) -> std::io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&[0; 32])?;
    let mut counts = [0u64; 4];
    in_parts(
        set.shingles.values().len(),
        |mine, push| {
            let both = set.shingles.values().iter().zip(&settled.classes);
            both.filter(|(v, c)| **c > 0 && mine(**v))
                .for_each(|(v, c)| push((v.reverse_bits() | u64::from(*c & 3 == 2), 0)));
        },
        |sorted| {
            for run in sorted.chunk_by(|a, b| a.0 == b.0) {
                counts[0] += 1;
                out.write_all(&run[0].0.to_le_bytes())?;
            }
            Ok(())
        },
    )?;
    let shown = above(set, &settled.proven);
    in_parts(
        set.len() * rules.keys,
        |mine, push| {
            for row in 0..set.len() {
                let mut put = |s: u64| {
                    if mine(s) {
                        push((s.reverse_bits(), row as u32));
                    }
                };
                keys_of(set, &settled.classes, row, rules.keys, &mut put);
                // Where its pictures are looked for, a picture by its letter, and what it is built like.
                bands(set.bare.pictures(row)).for_each(&mut put);
                let marks = settled.proven.subject.get(row).iter().copied();
                marks.filter(|m| shown.binary_search(m).is_ok()).for_each(&mut put);
                Some(built(set, settled, row))
                    .filter(|b| *b != 0)
                    .into_iter()
                    .for_each(put);
            }
        },
        |sorted| {
            for run in sorted.chunk_by(|a, b| a.0 == b.0) {
                for (key, row) in few_of_each(run, &settled.groups) {
                    counts[1] += 1;
                    out.write_all(&key.to_le_bytes())?;
                    out.write_all(&row.to_le_bytes())?;
                }
            }
            Ok(())
        },
    )?;
    let mut at = 0u64;
    for row in 0..set.len() {
        let lists = lists_of(set, settled, row);
        let [a, b, c, d, e, f] = lists.map(|l| l.len() as u8);
        out.write_all(&exact[row * 16..row * 16 + 16])?;
        out.write_all(&settled.groups.label[row].to_le_bytes())?;
        out.write_all(&[a, b, c, d])?;
        out.write_all(&at.to_le_bytes())?;
        out.write_all(&[e, f, u8::from(set.bare.has(row)), 0, 0, 0, 0, 0])?;
        at += (lists.iter().map(|l| l.len()).sum::<usize>() * 8 + lists[0].len() + BUILD) as u64;
    }
    for row in 0..set.len() {
        for value in lists_of(set, settled, row).into_iter().flatten() {
            out.write_all(&value.to_le_bytes())?;
        }
        out.write_all(&built(set, settled, row).to_le_bytes())?;
        out.write_all(&settled.classes[set.shingles.span(row)])?;
    }
    (counts[2], counts[3]) = (set.len() as u64, at);
    out.flush()?;
    let head: Vec<u8> = counts.iter().flat_map(|n| n.to_le_bytes()).collect();
    out.get_ref().write_all_at(&head, MAGIC.len() as u64)
}

/// Shingles, subject and hosts that count, pictures, and all of the subject and all hosts.
fn lists_of<'a>(set: &'a Set, settled: &'a Settled, row: usize) -> [&'a [u64]; 6] {
    let proven = &settled.proven;
    [
        set.shingles.get(row),
        proven.subject.get(row),
        proven.links.get(row),
        set.bare.pictures(row),
        set.subject.get(row),
        set.links.get(row),
    ]
}

/// What a bare row is built like, where that counts; else 0.
fn built(set: &Set, settled: &Settled, row: usize) -> u64 {
    set.bare.place(row).map_or(0, |i| settled.proven.builds[i])
}

/// The smallest recurring shingles of a row, then its smallest others, until there are `keys`.
fn keys_of(set: &Set, classes: &[u8], row: usize, keys: usize, mut put: impl FnMut(u64)) {
    let both = || set.shingles.get(row).iter().zip(&classes[set.shingles.span(row)]);
    let recurring = both().filter(|(_, c)| **c > 0);
    let once = both().filter(|(_, c)| **c == 0);
    recurring.chain(once).take(keys).for_each(|(s, _)| put(*s));
}

fn few_of_each(bucket: &[(u64, u32)], groups: &Groups) -> Vec<(u64, u32)> {
    let mut kept: Vec<(u64, u32)> = Vec::with_capacity(IN_BUCKET);
    for entry in bucket {
        let label = groups.label[entry.1 as usize];
        let same = kept.iter().filter(|k| groups.label[k.1 as usize] == label).count();
        if same < OF_GROUP {
            kept.push(*entry);
            if kept.len() == IN_BUCKET {
                break;
            }
        }
    }
    kept
}

/// Numbers with their rows, sorted throughout, taken in as many parts as memory asks for.
fn in_parts(
    about: usize,
    gather: impl Fn(&dyn Fn(u64) -> bool, &mut dyn FnMut((u64, u32))),
    mut put: impl FnMut(&[(u64, u32)]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let parts = about.div_ceil(AT_ONCE).next_power_of_two() as u64;
    let bits = parts.trailing_zeros();
    let mut sorted: Vec<(u64, u32)> = Vec::new();
    for part in 0..parts {
        sorted.clear();
        let mine = |v: u64| bits == 0 || v.reverse_bits() >> (64 - bits) == part;
        gather(&mine, &mut |entry| sorted.push(entry));
        sorted.sort_unstable();
        put(&sorted)?;
    }
    Ok(())
}

/// What is nearest to a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Exact digest of the row that it is like.
    pub row: [u8; 16],
    /// Exact digest that the row's group is called by.
    pub label: [u8; 16],
    /// Thousandths; 1000 where the row is its exact copy.
    pub similarity: u32,
    /// What it had to reach.
    pub needed: u32,
}

/// An index, open for questions.
pub struct Index {
    path: PathBuf,
    file: File,
    rules: Rules,
    rows: usize,
    recurring: Section,
    keys: Section,
    rows_at: u64,
    lists_at: u64,
}

/// Sorted numbers in the file, the first of each block in memory.
struct Section {
    at: u64,
    width: u64,
    count: usize,
    sparse: Vec<u64>,
}

struct Row {
    exact: [u8; 16],
    label: u32,
    shingles: Vec<u64>,
    subject: Vec<u64>,
    links: Vec<u64>,
    pictures: Vec<u64>,
    title: Vec<u64>,
    hosts: Vec<u64>,
    build: u64,
    bare: bool,
    classes: Vec<u8>,
}

fn number(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

impl Index {
    /// Open an index. Corrupt where the file is not as long as its head says.
    pub fn open(path: &Path, rules: &Rules) -> Result<Self> {
        let corrupt = |what| StoreError::Corrupt {
            path: path.into(),
            at: 0,
            what,
        };
        let file = at_path(path, File::open(path))?;
        let size = at_path(path, file.metadata())?.len();
        let mut head = [0u8; HEAD as usize];
        if size < HEAD {
            return Err(corrupt("an index of groups is longer"));
        }
        at_path(path, file.read_exact_at(&mut head, 0))?;
        let [recurring, keys, rows, lists]: [u64; 4] = std::array::from_fn(|i| number(&head, 16 + i * 8));
        let end = [(recurring, RECURRING), (keys, KEY), (rows, ROW as u64), (lists, 1)]
            .iter()
            .try_fold(HEAD, |end, (n, width)| {
                n.checked_mul(*width).and_then(|l| end.checked_add(l))
            });
        if &head[..16] != MAGIC || end != Some(size) {
            return Err(corrupt("not an index of groups, or not all of one"));
        }
        let keys_at = HEAD + recurring * RECURRING;
        let rows_at = keys_at + keys * KEY;
        Ok(Index {
            recurring: Section::open(path, &file, HEAD, RECURRING, recurring as usize)?,
            keys: Section::open(path, &file, keys_at, KEY, keys as usize)?,
            path: path.into(),
            file,
            rules: *rules,
            rows: rows as usize,
            rows_at,
            lists_at: rows_at + rows * ROW as u64,
        })
    }

    /// Fingerprints in it.
    pub fn len(&self) -> usize {
        self.rows
    }
    /// None.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The row that fingerprint `at` of `set` belongs to, by the rules of grouping as far as one row can tell; None where there is
    /// none.
    pub fn nearest(&self, exact: &[u8; 16], set: &Set, at: usize) -> Result<Option<Nearest>> {
        let shingles = set.shingles.get(at);
        if let Some(row) = self.exact_row(exact)? {
            return self.told(&row, 1000, 0).map(Some);
        }
        let mut rows: Vec<u32> = Vec::new();
        let mut met = 0;
        for shingle in shingles {
            let before = rows.len();
            let found = self.keys.find(self, shingle.reverse_bits(), 0)?;
            rows.extend(found.iter().map(|entry| u32_at(entry, 8)));
            met += usize::from(rows.len() > before);
            if met == self.rules.keys {
                break;
            }
        }
        let built = build(set.bare.forms(at));
        let title = set.subject.get(at).iter().copied();
        let seen = bands(set.bare.pictures(at)).chain((built != 0).then_some(built));
        for place in seen.chain(title) {
            let found = self.keys.find(self, place.reverse_bits(), 0)?;
            rows.extend(found.iter().map(|entry| u32_at(entry, 8)));
        }
        rows.sort_unstable();
        rows.dedup();
        let mut classes: Vec<u8> = Vec::with_capacity(SKETCH);
        if !rows.is_empty() {
            for shingle in shingles {
                let found = self.recurring.find(self, shingle.reverse_bits(), 1)?;
                classes.push(found.first().map_or(0, |e| 1 + (e[0] & 1)));
            }
        }
        let mut best: Option<(Verdict, Row)> = None;
        for place in rows {
            let row = self.row(place as usize)?;
            let found = self.judge(&row, set, at, &classes, built);
            let better = best.as_ref().is_none_or(|b| found.similarity > b.0.similarity);
            if found.similarity >= found.needed && better {
                best = Some((found, row));
            }
        }
        match best {
            Some((found, row)) => self.told(&row, found.similarity, found.needed).map(Some),
            None => Ok(None),
        }
    }

    fn judge(&self, row: &Row, set: &Set, at: usize, classes: &[u8], built: u64) -> Verdict {
        let shingles = set.shingles.get(at);
        // What both have stands in two fingerprints at least.
        let shared = shingles.iter().map(|s| row.shingles.binary_search(s).ok());
        let mine: Vec<u8> = classes
            .iter()
            .zip(shared)
            .map(|(c, place)| place.map_or(*c, |p| (*c).max(1) | row.classes[p] & BOILERPLATE))
            .collect();
        // Which of a newcomer's marks say anything is not known: they do where the row's do.
        let silent = row.subject.is_empty() && row.links.is_empty();
        let (title, hosts) = (set.subject.get(at), set.links.get(at));
        let counts: Vec<u64> = title
            .iter()
            .copied()
            .filter(|m| row.subject.binary_search(m).is_ok())
            .collect();
        let (subject, links): (&[u64], &[u64]) = match (silent, counts.is_empty()) {
            (true, _) => (&[], &[]),
            (_, true) => (title, hosts),
            _ => (&counts, hosts),
        };
        let theirs = Side {
            shingles,
            classes: &mine,
            title,
            hosts,
            subject,
            own: &[],
            links,
            bare: set.bare.has(at),
            pictures: set.bare.pictures(at),
            build: built,
        };
        judge(&theirs, &row.side(), &self.rules)
    }

    fn told(&self, row: &Row, similarity: u32, needed: u32) -> Result<Nearest> {
        let label = self.exact_of(row.label as usize)?;
        Ok(Nearest {
            row: row.exact,
            label,
            similarity,
            needed,
        })
    }

    fn read(&self, at: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0u8; length];
        at_path(&self.path, self.file.read_exact_at(&mut bytes, at))?;
        Ok(bytes)
    }

    fn wrong<T>(&self, at: u64) -> Result<T> {
        Err(StoreError::Corrupt {
            path: self.path.clone(),
            at,
            what: "an index of groups names what it does not have",
        })
    }

    fn exact_of(&self, row: usize) -> Result<[u8; 16]> {
        if row >= self.rows {
            return self.wrong(row as u64);
        }
        let bytes = self.read(self.rows_at + (row * ROW) as u64, 16)?;
        Ok(bytes.try_into().expect("16 bytes"))
    }

    /// Rows ascend by their exact digest.
    fn exact_row(&self, exact: &[u8; 16]) -> Result<Option<Row>> {
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = (low + high) / 2;
            match self.exact_of(middle)?.cmp(exact) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.row(middle).map(Some),
            }
        }
        Ok(None)
    }

    fn row(&self, row: usize) -> Result<Row> {
        if row >= self.rows {
            return self.wrong(row as u64);
        }
        let head = self.read(self.rows_at + (row * ROW) as u64, ROW)?;
        let counts = [20, 21, 22, 23, 32, 33].map(|i| usize::from(head[i]));
        let numbers = counts.iter().sum::<usize>() * 8 + BUILD;
        let read = self.read(self.lists_at.saturating_add(number(&head, 24)), numbers + counts[0])?;
        let mut values = read[..numbers].chunks_exact(8).map(|v| number(v, 0));
        let mut lists = counts.map(|n| values.by_ref().take(n).collect::<Vec<u64>>());
        let [shingles, subject, links, pictures, title, hosts] = lists.each_mut().map(std::mem::take);
        let build = values.next().unwrap_or(0);
        let classes = read[numbers..].iter().map(|class| *class & 7).collect();
        Ok(Row {
            exact: head[..16].try_into().expect("16 bytes"),
            label: u32_at(&head, 16),
            shingles,
            subject,
            links,
            pictures,
            title,
            hosts,
            build,
            bare: head[34] == 1,
            classes,
        })
    }
}

impl Row {
    fn side(&self) -> Side<'_> {
        Side {
            shingles: &self.shingles,
            classes: &self.classes,
            title: &self.title,
            hosts: &self.hosts,
            subject: &self.subject,
            own: &[],
            links: &self.links,
            bare: self.bare,
            pictures: &self.pictures,
            build: self.build,
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

impl Section {
    fn open(path: &Path, file: &File, at: u64, width: u64, count: usize) -> Result<Self> {
        let mut sparse = Vec::with_capacity(count / SPARSE + 1);
        let mut bytes = [0u8; 8];
        for i in (0..count).step_by(SPARSE) {
            at_path(path, file.read_exact_at(&mut bytes, at + i as u64 * width))?;
            sparse.push(u64::from_le_bytes(bytes));
        }
        Ok(Section {
            at,
            width,
            count,
            sparse,
        })
    }

    /// Entries whose number is `wanted` but for the bits of `apart`.
    fn find(&self, index: &Index, wanted: u64, apart: u64) -> Result<Vec<Vec<u8>>> {
        // A number may begin in the block before the first that is not smaller.
        let block = self.sparse.partition_point(|s| *s < wanted).saturating_sub(1);
        let mut found = Vec::new();
        for first in (block * SPARSE..self.count).step_by(SPARSE) {
            let n = SPARSE.min(self.count - first);
            let bytes = index.read(self.at + first as u64 * self.width, n * self.width as usize)?;
            for entry in bytes.chunks_exact(self.width as usize) {
                let here = number(entry, 0) & !apart;
                if here == wanted & !apart {
                    found.push(entry.to_vec());
                }
                if here > wanted {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}
