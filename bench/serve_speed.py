"""How long the dashboard's pages take, and what memory the server needs, over an archive of many messages.

    python bench/serve_speed.py [--messages 1000000] [--times 1] [--keep DIR] [--rounds 12]

Makes the March 2011 world so large that it has so many messages, digests and groups it, and with --times K multiplies its tables: K copies
beside each other, each with exact groups and campaigns of its own. The copies are in the tables and in no segment: a message of one cannot be opened.
Then it starts the server, asks for every page of the catalogue in --rounds ways (other feeds, windows, queries, networks, so that no answer is
an earlier one; then once more in the same way), and prints by page the median and the 95th percentile of the time of a whole request, and the most memory that the server had
resident. A median over 300 ms, a 95th percentile over one second, or more than 1 GiB end it with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate

# Messages of march-2011 at scale 1.
WORLD = 157_000
MEDIAN_MS, P95_MS, MEMORY_MIB = 300, 1000, 1024
WORDS = (
    "viagra",
    "cialis",
    "pharmacy",
    "replica",
    "watch",
    "casino",
    "deposit",
    "pills",
    "software",
    "diploma",
    "loan",
    "bonus",
)


def spamtide(*arguments: str) -> str:
    """What a command prints on stdout."""
    ran = subprocess.run([sys.executable, "-m", "spamtide", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout


def make(folder: Path, messages: int) -> Path:
    """The world's workspace, digested and grouped; one that is there already is taken up."""
    place = folder / "workspace"
    if not (place / "spamtide.toml").exists():
        spamtide("simulate", "march-2011", "--out", str(folder), "--scale", str(messages / WORLD), "--json")
    spamtide("--workspace", str(place), "digest", "--json")
    return place


def multiply(place: Path, times: int) -> None:
    """Write the tables of a workspace again under other feeds: once more for each of ``times`` beyond the first."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from spamtide.app.engines import campaign_generations
    from spamtide.app.workspace import Workspace
    from spamtide.archive import write_part
    from spamtide.fingerprint import FACTS_VERSION

    workspace = Workspace(place)
    tables = workspace.tables
    if any(part.writer == "copy2" for part in tables.parts(FACTS_VERSION)):
        return
    first = tables.parts(FACTS_VERSION)
    generation = campaign_generations(workspace).current()
    assert generation is not None

    def other(column: Any, k: int, head: str) -> Any:
        # Another value of the same length: its first digit is a letter that no digest has.
        text = pc.cast(column, pa.string())
        return pc.binary_join_element_wise(head + chr(ord("g") + k), pc.utf8_slice_codeunits(text, len(head) + 1), "")

    for k in range(2, times + 1):
        made = []
        for number, part in enumerate(first):
            rows = pq.read_table(tables.root / part.path)
            if "exact" in rows.column_names:
                i = rows.column_names.index("exact")
                rows = rows.set_column(i, "exact", other(rows["exact"], k, ""))
            rows = rows.drop_columns(["feed", "writer"])
            made.append(
                write_part(
                    tables.stage(FACTS_VERSION), part.table, rows, feed=part.feed, writer=f"copy{k}",
                    segment=number, start=0, stop=rows.num_rows, durable=False,
                )
            )  # fmt: skip
        with tables.lock():
            tables.commit(FACTS_VERSION, made, {(p.feed, f"copy{k}", p.segment): p.rows for p in made})
        print(f"copy {k} of {times}", file=sys.stderr, flush=True)
    generations = campaign_generations(workspace)
    with generations.writing_lock(), generations.draft() as draft:
        for name, table in generation.tables.items():
            rows = pq.read_table(table.path)

            def copies(rows: Any = rows) -> Iterator[Any]:
                yield from rows.to_batches()
                for k in range(2, times + 1):
                    again = rows
                    for i, column in enumerate(rows.column_names):
                        if column in ("exact", "first_exact", "leader", "member"):
                            again = again.set_column(i, column, other(rows[column], k, ""))
                        elif column == "campaign":
                            again = again.set_column(i, column, other(rows[column], k, "c-"))
                    yield from again.cast(rows.schema).to_batches()

            draft.write(name, rows.schema, copies())
        draft.name(replace(generation.basis, changed=tables.changed()))


class Server:
    """The dashboard as a process."""

    def __init__(self, place: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "spamtide", "--workspace", str(place), "serve", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rstrip("/")

    def get(self, path: str) -> tuple[float, int, bytes]:
        """Milliseconds, status and body of a request."""
        asked = urllib.request.Request(self.url + path, headers={"Accept": "text/html"})
        started = time.perf_counter()
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                body, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            body, status = error.read(), error.code
        return (time.perf_counter() - started) * 1000, status, body

    def cpu(self) -> float:
        """Milliseconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def most_memory(self) -> float:
        """MiB that it had resident at most."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0


def settle(server: Server) -> None:
    """Wait until it has asked for what everybody opens, and rests."""
    before = -1.0
    while (now := server.cpu()) - before > 100:
        before = now
        time.sleep(3)


def ways(server: Server, rounds: int) -> Iterator[tuple[str, str]]:
    """(page, path) of every request; ids are those that the pages themselves name."""
    rng = random.Random(9)
    feeds = [f["feed"] for f in json.loads(server.get("/feeds.json")[2])["feeds"]]
    campaigns = [c["campaign"] for c in json.loads(server.get("/now.json?limit=100")[2])["new_campaigns"]]
    networks = [n["network"] for n in json.loads(server.get("/now.json?limit=99")[2])["networks"]]
    # A campaign of a copy has no message that could be opened.
    campaigns = [c for c in campaigns if server.get(f"/campaigns/{c}")[1] == 200][:10]
    first = date(2010, 9, 1)
    for i in range(rounds):
        feed, word = rng.choice(feeds), WORDS[i % len(WORDS)]
        start = first + timedelta(days=rng.randrange(120))
        window = f"{start}/{start + timedelta(days=rng.randrange(20, 80))}"
        network = rng.choice(networks) if networks else "198.18.0.0/24"
        yield "now", f"/now?limit={25 + i}"
        yield "now, filtered", f"/now?feed={feed}&network={network}&limit={25 + i}"
        yield "now, a window", f"/now?window={window}"
        yield "series", f"/series?measure=volume&window={window}"
        yield "series, a feed", f"/series?measure=subject:{word}&feed={feed}"
        yield (
            "series, compared",
            f"/series?measure=topic:pharma&window={window}&compare=2011-01-0{i % 9 + 1}/2011-02-20",
        )
        yield "search", f"/search?q=subject:{word}"
        yield "search, rare", f"/search?q=subject:{word}+subject:{WORDS[(i + 5) % len(WORDS)]}"
        yield "search, a network", f"/search?network={network}&limit={25 + i}"
        yield "feeds", f"/feeds?limit={25 + i}"
        yield "feed", f"/feeds/{feed}?limit={25 + i}"
        for name, path in OTHERS:
            if "{campaign}" in path and not campaigns:
                continue
            yield (
                name,
                path.format(
                    campaign=rng.choice(campaigns or [""]), feed=feed, window=window, limit=25 + i, network=network
                ),
            )


# Pages that are asked for where the catalogue has them.
OTHERS = (
    ("campaigns", "/campaigns?limit={limit}"),
    ("campaigns, filtered", "/campaigns?feed={feed}&limit={limit}"),
    ("campaign", "/campaigns/{campaign}?limit={limit}"),
    ("senders", "/senders?limit={limit}"),
    ("event", "/event/rustock-2011?feed={feed}"),
    ("watch", "/watch?limit={limit}"),
)


def main() -> None:
    """Make, ask, compare with what was promised."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("--keep", type=Path, help="leave the world in this folder, and take it up again")
    arguments.add_argument("--rounds", type=int, default=12)
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="serve-speed-") as temporary:
        place = make(given.keep or Path(temporary), given.messages)
        if given.times > 1:
            multiply(place, given.times)
        started = time.perf_counter()
        server = Server(place)
        try:
            start_ms = (time.perf_counter() - started) * 1000
            settle(server)
            found: dict[str, list[float]] = {}
            worked: dict[str, list[float]] = {}
            again: dict[str, list[float]] = {}
            refused: dict[str, int] = {}
            for name, path in ways(server, given.rounds):
                before = server.cpu()
                ms, status, _ = server.get(path)
                done = server.cpu()
                if status != 200:
                    refused[f"{name}: {status}"] = refused.get(f"{name}: {status}", 0) + 1
                    continue
                again.setdefault(name, []).append(server.get(path)[0])
                found.setdefault(name, []).append(ms)
                worked.setdefault(name, []).append(done - before)
            messages = sum(f["messages"] for f in json.loads(server.get("/feeds.json")[2])["feeds"])
            memory = server.most_memory()
        finally:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(20)
    pages = {
        name: {
            "median_ms": round(statistics.median(times), 1),
            "p95_ms": round(sorted(times)[min(len(times) - 1, int(0.95 * len(times)))], 1),
            "most_ms": round(max(times), 1),
            "again_median_ms": round(statistics.median(again[name]), 1),
            "median_cpu_ms": round(statistics.median(worked[name]), 1),
        }
        for name, times in found.items()
    }
    ok = all(p["median_ms"] <= MEDIAN_MS and p["p95_ms"] <= P95_MS for p in pages.values()) and memory <= MEMORY_MIB
    result = {
        "messages": messages * given.times, "start_ms": round(start_ms), "memory_mib": round(memory), "pages": pages, "refused": refused,
        "ok": ok, "calibration": calibrate(),
    }  # fmt: skip
    (OUT / "serve_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
