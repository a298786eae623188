"""How long the dashboard's pages take, and what memory the server needs, over an archive of many messages.

    python bench/serve_speed.py [--messages 1000000] [--times 1] [--keep DIR] [--rounds 12] [--only PAGE]

Makes the March 2011 world so large that it has so many messages, digests and groups it (campaigns and senders), gathers its days, and with
--times K multiplies its tables: K copies beside each other in each day, each some time later than the one before, with subjects, exact groups and
campaigns of its own. The copies are in the tables and in no segment: a message of one cannot be opened.
Then it starts the server, waits until it rests, asks for every page of the catalogue in --rounds ways (other feeds, windows, words, networks, so that
no answer is an earlier one; then once more in the same way), and prints by page the median, the 95th percentile and the most of the time of a whole request
and of the processor time of the server; the most memory that the server had resident; the size of the archive; how busy the machine was.
A median over 300 ms, a 95th percentile over one second (a search: its first page over one second, a rare word of the text over fifteen), or more than
1 GiB end it with 1.
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


def asked(server: Server, path: str) -> Any:
    """The document behind a path."""
    return json.loads(server.get(path)[2])


def ways(server: Server, rounds: int) -> Iterator[tuple[str, str]]:
    """(page, path) of every request; ids are those that the pages themselves name."""
    rng = random.Random(9)
    feeds = [f["feed"] for f in asked(server, "/feeds.json")["feeds"]]
    campaigns = [c["campaign"] for c in asked(server, "/campaigns.json?limit=40")["campaigns"]]
    campaigns += [c["campaign"] for c in asked(server, "/now.json?limit=100")["new_campaigns"]]
    networks = [n["network"] for n in asked(server, "/now.json?limit=99")["networks"]]
    groups = [g["group"] for g in asked(server, "/senders.json?limit=99")["groups"]]
    watches = [w["name"] for w in asked(server, "/watch.json?limit=99")["watches"]]
    # A message of a copy is in no segment.
    found = asked(server, "/search.json?q=subject:viagra&limit=100")["messages"]
    messages = [m["id"] for m in found if "/copy" not in m["id"]]
    first = date(2010, 9, 1)
    for i in range(rounds):
        start = first + timedelta(days=rng.randrange(120))
        given = {
            "feed": rng.choice(feeds), "word": WORDS[i % len(WORDS)], "other": WORDS[(i + 5) % len(WORDS)], "limit": 25 + i, "n": i % 9 + 1,
            "window": f"{start}/{start + timedelta(days=rng.randrange(20, 80))}", "network": rng.choice(networks),
            "campaign": rng.choice(campaigns), "group": rng.choice(groups or [""]), "watch": rng.choice(watches or [""]),
            "message": rng.choice(messages or [""]),
        }  # fmt: skip
        for name, path in PAGES.items():
            if all(given[key] != "" for key in ("group", "watch", "message") if f"{{{key}}}" in path):
                yield name, path.format(**given)


# Every page of the catalogue, and the filters that it takes.
PAGES = {
    "now": "/now?limit={limit}",
    "now, filtered": "/now?feed={feed}&network={network}&limit={limit}",
    "now, a window": "/now?window={window}",
    "series": "/series?measure=volume&window={window}",
    "series, a word": "/series?measure=subject:{word}&feed={feed}",
    "series, a network": "/series?measure=topic:pharma&network={network}",
    "series, compared": "/series?measure=topic:pharma&window={window}&compare=2011-01-0{n}/2011-02-20",
    "series, a campaign": "/series?measure=campaign:{campaign}",
    "campaigns": "/campaigns?limit={limit}",
    "campaigns, a feed": "/campaigns?feed={feed}&limit={limit}",
    "campaigns, a network": "/campaigns?network={network}&limit={limit}",
    "campaigns, a window": "/campaigns?window={window}&origin=unsolicited",
    "campaign": "/campaigns/{campaign}?limit={limit}",
    "campaign, a feed": "/campaigns/{campaign}?feed={feed}&limit={limit}",
    "senders": "/senders?limit={limit}",
    "senders, filtered": "/senders?network={network}&window={window}",
    "sender": "/senders/{group}?limit={limit}",
    "sender, its size": "/senders/{group}?size=1&limit={limit}",
    "events": "/event?limit={limit}",
    "event": "/event/rustock-2011?feed={feed}&measure=subject:{word}",
    "event, a network": "/event/rustock-2011?feed={feed}&network={network}",
    "event, everything": "/event/rustock-2011?more=1&measure=subject:{word}",
    "watches": "/watch?limit={limit}",
    "watches, filtered": "/watch?network={network}&limit={limit}",
    "watch": "/watch/{watch}?limit={limit}",
    "search": "/search?q=subject:{word}&limit={limit}",
    "search, two words": "/search?q=subject:{word}+subject:{other}",
    "search, a network": "/search?network={network}&limit={limit}",
    "search, a rare word of the text": "/search?q=text:quincunx{n}",
    "message": "/message/{message}",
    "feeds": "/feeds?limit={limit}",
    "feed": "/feeds/{feed}?limit={limit}",
    "feed, a network": "/feeds/{feed}?network={network}",
}
# What a page gives only to who asks for it, and says beforehand that it takes seconds.
ASKED_FOR = ("event, everything", "sender, its size")
# What is promised of searches: the first page by header fields, and a rare word of the text, in milliseconds at most.
SEARCH_MS, TEXT_MS = 1_000, 15_000


def kept_promise(name: str, page: dict[str, float]) -> bool:
    """Whether a page was as soon as was promised."""
    if name.startswith("search"):
        return page["p95_ms"] <= (TEXT_MS if "text" in name else SEARCH_MS)
    if name in ASKED_FOR:
        return True
    return page["median_ms"] <= MEDIAN_MS and page["p95_ms"] <= P95_MS


def size_of(folder: Path) -> int:
    """MiB of the files of a folder and below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def summary(values: list[float], name: str) -> dict[str, float]:
    """Median, 95th percentile and highest."""
    ranked = sorted(values)
    return {
        f"median_{name}": round(statistics.median(ranked), 1),
        f"p95_{name}": round(ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))], 1),
        f"most_{name}": round(ranked[-1], 1),
    }


def main() -> None:
    """Make, ask, compare with what was promised."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=1_000_000)
    arguments.add_argument("--times", type=int, default=1)
    arguments.add_argument("--keep", type=Path, help="leave the world in this folder, and take it up again")
    arguments.add_argument("--rounds", type=int, default=12)
    arguments.add_argument("--only", default="", help="ask for the pages whose name holds this alone")
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="serve-speed-") as temporary:
        place = make(given.keep or Path(temporary), given.messages, given.times)
        busy_before = os.getloadavg()
        started = time.perf_counter()
        server = Server(place)
        try:
            start_ms = (time.perf_counter() - started) * 1000
            settle(server)
            warm_ms, warm_cpu_ms = (time.perf_counter() - started) * 1000, server.cpu()
            found: dict[str, list[float]] = {}
            worked: dict[str, list[float]] = {}
            again: dict[str, list[float]] = {}
            refused: dict[str, int] = {}
            for name, path in ways(server, given.rounds):
                if given.only and given.only not in name:
                    continue
                before = server.cpu()
                ms, status, _ = server.get(path)
                done = server.cpu()
                if status != 200:
                    refused[f"{name}: {status}"] = refused.get(f"{name}: {status}", 0) + 1
                    continue
                again.setdefault(name, []).append(server.get(path)[0])
                found.setdefault(name, []).append(ms)
                worked.setdefault(name, []).append(done - before)
                # A run that is broken off has shown what it saw.
                memory = server.most_memory()
                print(
                    f"{name:34}{ms:9.0f} ms{done - before:9.0f} ms cpu{memory:7.0f} MiB  {path}",
                    file=sys.stderr,
                    flush=True,
                )
            memory = server.most_memory()
        finally:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(20)
        disk = {
            "tables_mib": size_of(place / "archive" / "tables"),
            "segments_mib": size_of(place / "archive" / "segments"),
        }
    pages = {
        name: {
            **summary(times, "ms"), **summary(worked[name], "cpu_ms"),
            "again_median_ms": round(statistics.median(again[name]), 1),
        }
        for name, times in found.items()
    }  # fmt: skip
    late = [name for name, page in pages.items() if not kept_promise(name, page)]
    result = {
        "messages": given.messages * given.times, "rounds": given.rounds, "start_ms": round(start_ms), "warm_ms": round(warm_ms),
        "warm_cpu_ms": round(warm_cpu_ms), "memory_mib": round(memory), "disk": disk, "pages": pages, "refused": refused, "late": late,
        "load": {"before": busy_before, "after": os.getloadavg(), "cores": os.cpu_count()},
        "ok": not late and memory <= MEMORY_MIB, "calibration": calibrate(),
    }  # fmt: skip
    (OUT / "serve_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    print_table(result)
    sys.exit(0 if result["ok"] else 1)


def print_table(result: dict[str, Any]) -> None:
    """What was found, a line a page; milliseconds, wall and processor."""
    print(f"{'page':34}{'median':>8}{'p95':>8}{'most':>8}{'again':>8}{'cpu med':>9}{'cpu p95':>9}{'cpu most':>9}")
    for name, page in result["pages"].items():
        wall = "".join(f"{page[k]:8.0f}" for k in ("median_ms", "p95_ms", "most_ms", "again_median_ms"))
        cpu = "".join(f"{page[k]:9.0f}" for k in ("median_cpu_ms", "p95_cpu_ms", "most_cpu_ms"))
        print(f"{name:34}{wall}{cpu}{'  late' if name in result['late'] else ''}")
    print(json.dumps({k: v for k, v in result.items() if k != "pages"}))


if __name__ == "__main__":
    main()
