//! The store of the trap: one thread that takes all messages that wait, writes them with one write, makes them durable with
//! one fdatasync, and only then answers each.
//!
//! Any doubt is an answer other than stored. A failed write is cut off again. After a failed fdatasync nobody knows what of the
//! file is on disk, so nothing more is written to it: it is cut at the last length that was durable for certain, sealed, and a new
//! segment begins.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::oneshot;

use super::events::{utc_now, Shared};
use super::mark::Mark;
use crate::pure::capture::Capture;
use crate::pure::dialogue::Verdict;
use crate::store::segment::{hex, SegmentHeader, SegmentWriter};
use crate::store::{seal, Result, StoreError};

/// Raw bytes that one write takes at most, unless one message alone has more.
pub const BATCH_BYTES: usize = 8 << 20;

/// A message on its way to disk.
pub struct Item {
    /// What to store.
    pub capture: Capture,
    /// Who waits for the answer; nobody for an unfinished message.
    pub answer: Option<oneshot::Sender<Verdict>>,
}

/// What the store is told at its start.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Folder of the feed's segments.
    pub folder: PathBuf,
    /// Name of the feed.
    pub feed: String,
    /// Name of the writer.
    pub writer: String,
    /// Number of its last segment, 0 before the first.
    pub number: u32,
    /// Chain at the end of the last sealed segment, hex.
    pub chain: String,
    /// Whether the last segment is open: it is taken up.
    pub open: bool,
    /// A segment is sealed when it has so many bytes,
    pub segment_bytes: u64,
    /// or when its first record is so old.
    pub segment_seconds: u64,
    /// Below so many free bytes MAIL is put off.
    pub low_water_bytes: u64,
    /// Where it says how far the open segment is durable; nowhere when empty.
    pub mark: PathBuf,
}

/// Segments of one (feed, writer), written live. The lock is held by the caller.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    number: u32,
    chain: String,
    open: Option<SegmentWriter>,
    began: Option<i64>,
    mark: Option<Mark>,
}

/// What became of a batch: the verdict, and where the first record went.
pub struct Outcome {
    /// For every message of the batch.
    pub verdict: Verdict,
    /// Segment and ordinal of the first; only when stored.
    pub place: (u32, usize),
    /// A segment that is whole, to be sealed.
    pub sealing: Option<SegmentWriter>,
    /// What the system said, where something went wrong.
    pub error: Option<String>,
    /// How long the fdatasync took, where there was one.
    pub synced: Option<Duration>,
}

impl Store {
    /// Take up what an earlier run left; bytes that a crash left half-written, and ranges of rot.
    #[allow(clippy::type_complexity)]
    pub fn take_up(config: StoreConfig) -> Result<(Self, u64, Vec<(u64, u64)>)> {
        let mut store = Store {
            number: config.number,
            chain: config.chain.clone(),
            open: None,
            began: None,
            mark: None,
            config,
        };
        if store.config.mark != Path::new("") {
            store.mark = Some(Mark::open(&store.config.mark)?);
        }
        let (mut torn, mut rot) = (0, Vec::new());
        if store.config.open {
            let (writer, cut, bad) = SegmentWriter::recover(&store.path(store.number))?;
            store.began = writer.entries.first().map(|e| e.received_at);
            store.open = Some(writer);
            (torn, rot) = (cut, bad);
        }
        store.publish();
        Ok((store, torn, rot))
    }

    /// Say how far the open segment is durable. Where that fails the older word stands, which promises less.
    fn publish(&mut self) {
        let (records, bytes) = self.open.as_ref().map_or((0, 0), SegmentWriter::durable);
        if let Some(mark) = &self.mark {
            let _ = mark.write(self.number, records, bytes);
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.config
            .folder
            .join(format!("{}-{number:06}.open", self.config.writer))
    }

    fn writer(&mut self, now: i64) -> Result<&mut SegmentWriter> {
        if self.open.is_none() {
            let number = self.number + 1;
            let path = self.path(number);
            let header = SegmentHeader {
                feed: self.config.feed.clone(),
                format: 1,
                number,
                previous_chain: self.chain.clone(),
                writer: self.config.writer.clone(),
            };
            // Where the name is there already, the disk failed between the rename and its fsync.
            let writer = match path.exists() {
                true => SegmentWriter::recover(&path)?.0,
                false => SegmentWriter::create(&path, header)?,
            };
            (self.number, self.began) = (number, Some(now));
            self.open = Some(writer);
            self.publish();
        }
        Ok(self.open.as_mut().expect("just opened"))
    }

    /// Write a batch and make it durable, or leave nothing of it.
    pub fn commit(&mut self, batch: &[Capture], salts: &[u8], now: i64) -> Outcome {
        let failed = |verdict, error: &StoreError, sealing| Outcome {
            verdict,
            place: (0, 0),
            sealing,
            error: Some(error.to_string()),
            synced: None,
        };
        let writer = match self.writer(now) {
            Ok(writer) => writer,
            Err(error) => return failed(verdict_of(&error), &error, None),
        };
        let first = writer.entries.len();
        if let Err(error) = writer.append(batch, salts) {
            // `append` cuts off what it wrote; where even that failed the file is given up.
            let sealing = writer.broken().then(|| self.give_up()).flatten();
            return failed(verdict_of(&error), &error, sealing);
        }
        let began = Instant::now();
        if let Err(error) = writer.commit() {
            return failed(Verdict::Failed, &error, self.give_up());
        }
        let synced = Some(began.elapsed());
        // Before any answer: what was acknowledged can be read.
        self.publish();
        let place = (self.number, first);
        Outcome {
            verdict: Verdict::Stored,
            place,
            sealing: self.roll(now),
            error: None,
            synced,
        }
    }

    /// Leave a file that failed, cut at what was durable; to be sealed.
    fn give_up(&mut self) -> Option<SegmentWriter> {
        let mut writer = self.open.take()?;
        // Where the cut fails too, its records still end at the durable length: sealing copies those alone.
        let _ = writer.back_to_durable();
        self.chain = hex(&writer.chain);
        Some(writer)
    }

    /// The open segment if it is large or old enough to be sealed.
    pub fn roll(&mut self, now: i64) -> Option<SegmentWriter> {
        let writer = self.open.as_ref()?;
        let old = self
            .began
            .is_some_and(|began| now - began >= self.config.segment_seconds as i64 * 1_000_000);
        if writer.entries.is_empty() || !(old || writer.len >= self.config.segment_bytes) {
            return None;
        }
        self.chain = hex(&writer.chain);
        self.open.take()
    }
}

/// Full where the system says that there is no room.
fn verdict_of(error: &StoreError) -> Verdict {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error {
        StoreError::Io { error, .. } if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) => {
            Verdict::Full
        }
        _ => Verdict::Failed,
    }
}

/// 16 random bytes for each of `n` records.
fn salts(source: &mut std::fs::File, n: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut out = vec![0; 16 * n];
    source.read_exact(&mut out)?;
    Ok(out)
}

/// Whether the disk of `folder` has at least `low_water` bytes left.
pub fn has_room(folder: &Path, low_water: u64) -> bool {
    rustix::fs::statvfs(folder).map_or(true, |s| s.f_bavail.saturating_mul(s.f_frsize) >= low_water)
}

/// The thread that commits. It ends when every sender is gone and what they sent is answered.
pub fn run(mut store: Store, items: &Receiver<Item>, sealer: &Sender<SegmentWriter>, shared: &Arc<Shared>) {
    let mut random = std::fs::File::open("/dev/urandom").expect("a system without /dev/urandom");
    let mut looked = 0;
    loop {
        let first = match items.recv_timeout(Duration::from_secs(1)) {
            Ok(item) => Some(item),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let now = utc_now();
        if let Some(first) = first {
            let mut size = first.capture.raw.len();
            let (mut batch, mut answers) = (vec![first.capture], vec![first.answer]);
            while size < BATCH_BYTES {
                let Ok(item) = items.try_recv() else { break };
                size += item.capture.raw.len();
                batch.push(item.capture);
                answers.push(item.answer);
            }
            let outcome = match salts(&mut random, batch.len()) {
                Ok(salts) => store.commit(&batch, &salts, now),
                Err(error) => Outcome {
                    verdict: Verdict::Failed,
                    place: (0, 0),
                    sealing: None,
                    error: Some(error.to_string()),
                    synced: None,
                },
            };
            if let Some(time) = outcome.synced {
                shared.syncs.took(time);
            }
            answer(&store, &batch, answers, &outcome, shared);
            if let Some(whole) = outcome.sealing {
                let _ = sealer.send(whole);
            }
        }
        if now - looked >= 1_000_000 {
            looked = now;
            shared.set_full(!has_room(&store.config.folder, store.config.low_water_bytes));
            if let Some(whole) = store.roll(now) {
                let _ = sealer.send(whole);
            }
        }
    }
}

fn answer(
    store: &Store,
    batch: &[Capture],
    answers: Vec<Option<oneshot::Sender<Verdict>>>,
    outcome: &Outcome,
    shared: &Arc<Shared>,
) {
    let verdict = outcome.verdict;
    if let Some(error) = &outcome.error {
        shared.log("store.failed", json!({"error": error, "messages": batch.len()}));
        if verdict == Verdict::Full {
            shared.set_full(true);
        }
    }
    shared.counts.batches.fetch_add(1, Relaxed);
    for (i, (capture, answer)) in batch.iter().zip(answers).enumerate() {
        let finished = answer.is_some();
        let counts = &shared.counts;
        let counter = match (verdict, finished) {
            (Verdict::Stored, true) => &counts.messages,
            (Verdict::Stored, false) => &counts.unfinished,
            (Verdict::Full, _) => &counts.put_off_full,
            (Verdict::Failed, _) => &counts.put_off_failed,
        };
        counter.fetch_add(1, Relaxed);
        if verdict == Verdict::Stored {
            counts.bytes.fetch_add(capture.raw.len() as u64, Relaxed);
            counts.last_message_at.store(utc_now() as u64, Relaxed);
            if finished {
                counts.recipients.fetch_add(capture.meta.to.len() as u64, Relaxed);
            }
        }
        if shared.log_messages || verdict != Verdict::Stored {
            let name = match (verdict, finished) {
                (Verdict::Stored, true) => "message.stored",
                (Verdict::Stored, false) => "message.unfinished",
                _ => "message.put_off",
            };
            let id = format!(
                "{}/{}-{:06}/{}",
                store.config.feed,
                store.config.writer,
                outcome.place.0,
                outcome.place.1 + i
            );
            shared.log(
                name,
                json!({
                    "id": (verdict == Verdict::Stored).then_some(id),
                    "code": match verdict { Verdict::Stored => 250, Verdict::Full => 452, Verdict::Failed => 451 },
                    "session": capture.meta.session, "peer": capture.meta.peer, "recipients": capture.meta.to.len(),
                    "size_bytes": capture.raw.len(), "sha256": hex(&capture.sha256),
                }),
            );
        }
        // A session that is gone cannot hear it; its message is kept all the same.
        if let Some(answer) = answer {
            let _ = answer.send(verdict);
        }
    }
}

/// The thread that seals whole segments, one after the other, while the next one is written.
pub fn seal_all(whole: &Receiver<SegmentWriter>, shared: &Arc<Shared>) {
    while let Ok(writer) = whole.recv() {
        let (number, records, path) = (writer.header.number, writer.entries.len(), writer.path.clone());
        match seal::seal(writer) {
            Ok(_) => shared.log("segment.sealed", json!({"number": number, "records": records})),
            // It stays open on disk; the next start, or the next import, seals it.
            Err(error) => shared.log(
                "segment.left",
                json!({"number": number, "error": format!("{}: {error}", path.display())}),
            ),
        }
    }
}
