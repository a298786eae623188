"""``explain`` of two messages of one campaign, beside reading the two by id.

    python bench/explain_pairs.py

Two hundred pairs drawn at random from the campaign with most wordings. The first pair of a campaign reads its joins and infers its
template, if nobody did; that is told apart. Ends with 1 where one pair in twenty takes more than 50 ms of processor time.
"""

from __future__ import annotations

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
from spamtide.app.campaignexplain import Explainer
from spamtide.app.campaigns import list_campaigns
from spamtide.app.engines import campaign_generations
from spamtide.app.searching import search_messages
from spamtide.app.workspace import Workspace

PAIRS, BOUND_MS = 200, 50.0


def timed(work: Callable[[str, str], object], pairs: list[list[str]]) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and by the processor of each pair, sorted."""
    wall, cpu = [], []
    for one, other in pairs:
        began, used = time.perf_counter(), time.process_time()
        work(one, other)
        wall.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    return sorted(wall), sorted(cpu)


def main() -> None:
    """Import, explain, compare."""
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    mbox = spam_mbox(1)
    folder = Path(tempfile.mkdtemp(dir=OUT))
    program = str(Path(sys.executable).with_name("spamtide"))
    try:
        subprocess.run([program, "init", str(folder / "w")], check=True, stdout=subprocess.DEVNULL)
        command = [program, "--workspace", str(folder / "w"), "import", str(mbox), "--feed", "trec"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        workspace = Workspace(folder / "w")
        generation = campaign_generations(workspace).current()
        assert generation is not None
        largest = max(list_campaigns(workspace, generation, limit=50), key=lambda r: r["exact_groups"])
        ids = [r["id"] for r in search_messages(workspace, f"campaign:{largest['campaign']}")]
        rng = random.Random(3)
        pairs = [rng.sample(ids, 2) for _ in range(PAIRS)]
        explainer = Explainer(workspace, generation)
        first, _ = timed(explainer.explain, pairs[:1])
        wall, cpu = timed(explainer.explain, pairs)
        read, _ = timed(lambda a, b: (workspace.archive.read(a), workspace.archive.read(b)), pairs)
    finally:
        shutil.rmtree(folder)
    print(
        f"a campaign of {largest['messages']} messages in {largest['exact_groups']} wordings; its first pair {first[0]:.0f} ms"
    )
    for name, found in (("explain, by the clock", wall), ("explain, processor", cpu), ("both read by id", read)):
        print(
            f"{name:<22} median {found[PAIRS // 2]:>7.2f} ms   95 % {found[PAIRS * 95 // 100]:>7.2f} ms   worst {found[-1]:>7.2f} ms"
        )
    print(f"explain takes {wall[PAIRS // 2] / read[PAIRS // 2]:.1f} times what reading the two takes")
    if cpu[PAIRS * 95 // 100] > BOUND_MS:
        raise SystemExit(f"more than {BOUND_MS:.0f} ms")


if __name__ == "__main__":
    main()
