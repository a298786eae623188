"""One message by its id out of sealed segments, beside Python's ``mailbox`` by key.

    python bench/read_by_id.py

Ids are drawn at random; ``mailbox`` has its index built before the clock starts; spamtide opens the
segment's files each time.
"""

from __future__ import annotations

import mailbox
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate, spam_mbox
from spamtide.app.workspace import Workspace
from spamtide.archive import format_id

TIMES = 500


def latencies(read: Callable[[int], object], n: int) -> list[float]:
    """Milliseconds of each of ``TIMES`` reads at random places below ``n``, sorted."""
    rng = random.Random(3)
    found = []
    for place in [rng.randrange(n) for _ in range(TIMES)]:
        started = time.perf_counter()
        read(place)
        found.append((time.perf_counter() - started) * 1e3)
    return sorted(found)


def main() -> None:
    """Import, read, compare."""
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    mbox = spam_mbox(1)
    folder = Path(tempfile.mkdtemp(dir=OUT))
    program = str(Path(sys.executable).with_name("spamtide"))
    try:
        subprocess.run([program, "init", str(folder / "w")], check=True, stdout=subprocess.DEVNULL)
        command = [program, "--workspace", str(folder / "w"), "import", str(mbox), "--feed", "trec", "--no-digest"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        archive = Workspace(folder / "w").archive
        ids = [format_id(s.feed, s.writer, s.number, i) for s in archive.segments() for i in range(s.records)]
        ours = latencies(lambda i: archive.read(ids[i]), len(ids))
    finally:
        shutil.rmtree(folder)
    box = mailbox.mbox(mbox, create=False)
    keys = box.keys()
    theirs = latencies(lambda i: box.get_bytes(keys[i]), len(keys))
    for name, found in (("spamtide, by id", ours), ("mailbox, by key", theirs)):
        half, high = found[TIMES // 2], found[TIMES * 99 // 100]
        print(f"{name:<18} median {half:>7.2f} ms   99 % {high:>7.2f} ms   worst {found[-1]:>7.2f} ms")


if __name__ == "__main__":
    main()
