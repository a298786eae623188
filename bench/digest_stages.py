"""Where the microseconds of a message go, stage by stage, on one core.

    python bench/digest_stages.py

The mbox of real spam is imported without digest, then each stage runs alone over its records: reading the mbox, all of the
import (captures, hashes, segments, fsync), reading records back, the digest, and of the digest the folding, masking and
hashing of the same texts called by themselves; last the Parquet parts.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate, spam_mbox
from spamtide._kernel import CaptureBatch, MboxReader, digest_batch, fold, mask, read_records
from spamtide.app.digestpart import digest_range
from spamtide.fingerprint import digest

BATCH = 512
NOW = 2_000_000_000_000_000


def timed(work: Callable[[], object]) -> float:
    """Best of three runs, seconds."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def read_mbox(path: Path) -> int:
    """Captures of an mbox, in chunks as the importer reads it."""
    reader = MboxReader(str(path), "auto", NOW, NOW)
    n = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            n += len(reader.feed(chunk))
    last: CaptureBatch = reader.finish()
    return n + len(last)


def main() -> None:
    """Measure and print the table that docs/explanation/speed.md keeps."""
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    mbox = spam_mbox(1)
    folder = Path(tempfile.mkdtemp(dir=OUT))
    program = [str(Path(sys.executable).with_name("spamtide")), "--workspace", str(folder / "w")]
    try:
        subprocess.run([*program[:1], "init", str(folder / "w")], check=True, stdout=subprocess.DEVNULL)
        n = read_mbox(mbox)
        rows = [("read the mbox into captures", timed(lambda: read_mbox(mbox)))]
        started = time.perf_counter()
        command = [*program, "import", str(mbox), "--feed", "trec", "--no-digest"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows.append(("import, whole command with start-up, no digest", time.perf_counter() - started))
        bases = sorted(p.with_suffix("") for p in (folder / "w").rglob("*.seal"))

        def each(call: Callable[[int, object], object]) -> None:
            for number, base in enumerate(bases, 1):
                records = read_records(str(base))
                for first in range(0, len(records), BATCH):
                    call(number, records.slice(first, first + BATCH))

        reading = timed(lambda: each(lambda _, __: None))
        rows.append(("read records back (decompress)", reading))
        rows.append(("digest, all of it", timed(lambda: each(digest_batch)) - reading))  # type: ignore[arg-type]
        texts: list[tuple[str, str, str, str]] = []
        raws: list[bytes] = []
        for number, base in enumerate(bases, 1):
            records = read_records(str(base))
            tables = digest(number, records)
            texts += zip(
                tables["message"]["subject"].to_pylist(),
                tables["text"]["text_lower"].to_pylist(),
                tables["text"]["text_masked"].to_pylist(),
                tables["text"]["hidden_folded"].to_pylist(),
                strict=True,
            )
            raws += [records.get(i)[3] for i in range(len(records))]
        rows.append(("  of which folding", timed(lambda: [[fold(t or "") for t in four] for four in texts])))
        rows.append(("  of which masking", timed(lambda: [(mask(s or ""), mask(t)) for s, t, _, _ in texts])))
        rows.append(("  (SHA-256 of the raw bytes, once)", timed(lambda: [hashlib.sha256(raw) for raw in raws])))
        segments = [{"base": str(b), "number": i, "feed": "trec", "writer": "import"} for i, b in enumerate(bases, 1)]
        (folder / "stage").mkdir()
        whole = timed(lambda: [digest_range(str(folder / "stage"), s, 0, 2**32 - 1, BATCH) for s in segments])
        rows.append(("a worker's whole task: read, digest, Parquet", whole))
    finally:
        shutil.rmtree(folder)
    print(f"{n:,} messages of {mbox.stat().st_size / n / 1000:.1f} kB")
    for name, seconds in rows:
        print(f"{name:<50}{seconds / n * 1e6:>8.1f} µs a message")


if __name__ == "__main__":
    main()
