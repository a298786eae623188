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


def make(folder: Path, messages: int, times: int) -> Path:
    """The world's workspace, digested and grouped, its tables multiplied; one that is there already is taken up."""
    place, note = folder / "workspace", folder / "made.json"
    wanted = {"messages": messages, "times": times}
    if note.exists():
        assert json.loads(note.read_text()) == wanted, f"{folder} holds another world: {note.read_text()}"
        return place
    if not (place / "spamtide.toml").exists():
        spamtide("simulate", "march-2011", "--out", str(folder), "--scale", str(messages / WORLD), "--json")
    spamtide("--workspace", str(place), "digest", "--compact", "--json")
    # The page of senders shows a grouping that somebody asked for.
    spamtide("--workspace", str(place), "botnets", "list", "--jsonl")
    spamtide(
        "--workspace", str(place), "watch", "add", "rustock", "--measure", "subject:viagra,cialis", "--feed", "trap",
        "--event", "rustock-2011",
    )  # fmt: skip
    if times > 1:
        multiply(place, times)
    note.write_text(json.dumps(wanted) + "\n")
    return place


DAY_US = 86_400_000_000
# So much later than the one before each copy of a message came.
STEP_US = 3_677_000_000


def turned(column: Any, k: int, head: str = "") -> Any:
    """Digests (behind ``head``) of another value, their first byte ``k`` further: none of them meets one of another copy."""
    import pyarrow as pa
    import pyarrow.compute as pc

    byte = [f"{n:02x}" for n in range(256)]
    text, at = pc.cast(column, pa.string()), len(head)
    place = pc.index_in(pc.utf8_slice_codeunits(text, at, at + 2), pa.array(byte))
    first = pc.take(pa.array([byte[(n + k) % 256] for n in range(256)]), place)
    return pc.binary_join_element_wise(head, first, pc.utf8_slice_codeunits(text, at + 2), "")


def copied(rows: Any, k: int) -> Any:
    """Rows of a table of facts as copy ``k`` has them: of another writer, with digests and subjects of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    word = f"copy{k}"
    day = pc.multiply(pc.divide(rows["received_at"], DAY_US), DAY_US)
    # Later in its day, beyond midnight from its start: no two copies of a message stand beside each other, where one would pack the other away.
    at = pc.add(rows["received_at"], k * STEP_US)
    at = pc.if_else(pc.greater_equal(at, pc.add(day, DAY_US)), pc.subtract(at, DAY_US), at)
    changes = {
        "received_at": lambda _: at,
        "utc_hour": lambda c: pc.divide(at, 3_600_000_000).cast(c.type),
        "writer": lambda c: pa.array([word] * len(c)),
        "exact": lambda c: turned(c, k),
        # One more word: a copy's subjects are not those of another, as in an archive of so many messages they would not be.
        "subject": lambda c: pc.binary_join_element_wise(pc.cast(c, pa.string()), word, " "),
        "subject_lower": lambda c: pc.binary_join_element_wise(pc.cast(c, pa.string()), word, " "),
        "subject_folded": lambda c: pc.binary_join_element_wise(pc.cast(c, pa.string()), f"{word} ", ""),
    }
    for i, name in enumerate(rows.column_names):
        if name in changes:
            rows = rows.set_column(i, name, changes[name](rows[name]))
    return rows


def multiply(place: Path, times: int) -> None:
    """Put ``times`` copies of every closed day beside each other, day by day, so that memory is bounded by a day; then the generations."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from spamtide.app.workspace import Workspace
    from spamtide.archive.compaction import plain_names
    from spamtide.archive.manifests import read_day, read_root, write_day, write_root
    from spamtide.archive.parts import file_digest, write_parquet
    from spamtide.fingerprint import FACTS_VERSION

    workspace = Workspace(place)
    tables, key = workspace.tables, str(FACTS_VERSION)
    with tables.lock():
        root = read_root(tables.root)
        assert not root.tail.get(key), "a day is still open"
        done = any(name.rpartition("/")[2].startswith("copy") for name in root.digested[key])
        if not done:
            root.generation += 1
            stage = tables.stage(FACTS_VERSION)
            for n, (name, manifest) in enumerate(sorted(root.days[key].items())):
                feed, _, day = name.rpartition("/")
                parts = []
                for part in read_day(tables.root, manifest):
                    rows = plain_names(pq.read_table(tables.root / part.path))
                    whole = pa.concat_tables([rows, *(copied(rows, k).cast(rows.schema) for k in range(2, times + 1))])
                    order = ["received_at", "writer", "segment", "ordinal", "position"]
                    whole = whole.sort_by([(c, "ascending") for c in order if c in whole.column_names])
                    path = stage / f"{feed}-day{int(day):06d}-{part.table}~{root.generation}.parquet"
                    write_parquet(path, part.table, whole, durable=False)
                    parts.append(
                        replace(
                            part, path=f"{stage.name}/{path.name}", rows=whole.num_rows,
                            size_bytes=path.stat().st_size, sha256=file_digest(path),
                        )
                    )  # fmt: skip
                root.days[key][name] = write_day(tables.root, stage.name, feed, int(day), root.generation, parts)
                if n % 20 == 0:
                    print(f"day {n + 1} of {len(root.days[key])}", file=sys.stderr, flush=True)
            for name, ends in list(root.digested[key].items()):
                feed, _, rest = name.partition("/")
                for k in range(2, times + 1):
                    root.digested[key][f"{feed}/copy{k}-{rest.rpartition('-')[2]}"] = ends
            root.changed = root.generation
            write_root(tables.root, root)
            tables.sweep(grace_seconds=0)
    multiply_generations(workspace, times)


# Columns of generations that hold digests, and what stands before these.
DIGESTS = {"exact": "", "leader": "", "member": "", "campaign": "c-", "one": "c-", "other": "c-"}
# Counts of a group or a dialect of senders, which all copies share.
COUNTS = ("messages", "sent", "unfinished", "recipients")


def multiply_generations(workspace: Any, times: int) -> None:
    """The groupings of the copies: of each its own campaigns; the same groups of senders, of so many times the messages.

    Who is in which campaign is copied; what is known of each is computed as it is after a grouping.
    """
    import pyarrow.parquet as pq

    from spamtide.app.engines import campaign_generations, engine_options
    from spamtide.app.settling import write_known
    from spamtide.archive import ExactGroups, Generations
    from spamtide.campaign import SENDER_TABLES, group_schema, sender_schema
    from spamtide.fingerprint import FACTS_VERSION

    snapshot = workspace.tables.snapshot(FACTS_VERSION)

    def copies(path: str, name: str) -> Iterator[Any]:
        rows = pq.read_table(path)
        yield from rows.to_batches()
        for k in range(2, times + 1):
            again = rows
            for i, column in enumerate(rows.column_names):
                if column in DIGESTS:
                    again = again.set_column(i, column, turned(rows[column], k, DIGESTS[column]))
                elif column == "writer":
                    again = again.set_column(i, column, pa_text(f"copy{k}", rows.num_rows))
            yield from again.cast(rows.schema).to_batches()

    def as_often(path: str) -> Iterator[Any]:
        rows = pq.read_table(path)
        for i, column in enumerate(rows.column_names):
            if column in COUNTS:
                rows = rows.set_column(i, column, pc_times(rows[column], times))
        yield from rows.to_batches()

    generations = campaign_generations(workspace)
    before = generations.current()
    assert before is not None
    if before.basis.changed != snapshot.changed:
        options = replace(engine_options(workspace), memory_mib=1024)
        with generations.writing_lock(), generations.draft() as draft, ExactGroups(snapshot, options) as groups:
            rows = in_order(
                group_schema("campaign_member"),
                copies(before.tables["campaign_member"].path, "campaign_member"),
                "exact",
            )
            members = draft.write("campaign_member", group_schema("campaign_member"), rows)
            for name in ("campaign_edge", "campaign_alias"):
                draft.write(name, group_schema(name), copies(before.tables[name].path, name))
            write_known(groups, draft, members.path)
            ends = {f"{f}/{w}-{n:06d}": records for (f, w, n), records in snapshot.ends.items()}
            draft.name(
                replace(before.basis, changed=snapshot.changed, messages=before.basis.messages * times, ends=ends)
            )
    senders = Generations(workspace.archive.root, "group")
    before = senders.current()
    if before is not None and before.basis.changed != snapshot.changed:
        with senders.writing_lock(), senders.draft() as draft:
            for name in SENDER_TABLES:
                path = before.tables[name].path
                copied_rows = copies(path, name) if name in ("group_sending", "group_member") else as_often(path)
                draft.write(name, sender_schema(name), copied_rows)
            draft.name(replace(before.basis, changed=snapshot.changed, messages=before.basis.messages * times))


def pa_text(value: str, n: int) -> Any:
    """A column of one value."""
    import pyarrow as pa

    return pa.array([value] * n)


def pc_times(column: Any, times: int) -> Any:
    """A column of counts, so many times as large."""
    import pyarrow.compute as pc

    return pc.multiply(column, times)


def in_order(schema: Any, batches: Iterator[Any], order: str) -> Iterator[Any]:
    """Rows in this order, sorted on disk."""
    import duckdb
    import pyarrow as pa

    with duckdb.connect(":memory:", config={"memory_limit": "1GB", "threads": 2}) as engine:
        engine.register("rows", pa.RecordBatchReader.from_batches(schema, batches))
        for batch in engine.sql(f"SELECT * FROM rows ORDER BY {order}").to_arrow_reader(20_000):
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


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
        place = make(given.keep or Path(temporary), given.messages, given.times)
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
