"""Ten million messages grouped on two cores: memory and time of `campaigns settle`, and how right the groups are.

    python bench/group_scale.py [--messages 10000000] [--copies 0.4] [--keep DIR]

Makes messages of campaigns whose sizes fall as 1/rank, with slots, hash-busters and drifting numbers, a tenth of them alone, and
`--copies` of all exact duplicates; gives their text to the kernel's fingerprint, writes the tables of a workspace as the digest
does, and groups them by the command. Memory is the peak of the proportional set size over the process tree, time is wall clock and CPU.
Accuracy is B-cubed over all messages against what was planted. Ends with 1 above 8 GiB or 15 minutes on two cores' CPU.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from ten_million import vocabulary

from measure import calibrate, run_watched

GIB, MINUTES = 8.0, 15.0
CHUNK = 100_000
START, MICROSECOND = 1_299_000_000_000_000, 40_000


class Mail:
    """Distinct texts of planted campaigns; a campaign's share falls as 1/rank."""

    def __init__(self, distinct: int, seed: int) -> None:
        self.chance = random.Random(seed)
        words = vocabulary(20_000, self.chance)
        weights = [1 / (i + 20) for i in range(len(words))]
        self.pool = self.chance.choices(words, weights, k=1_000_000)
        self.bodies = [self._body() for _ in range(max(100, distinct // 300))]
        ranks = [1 / (i + 1) for i in range(len(self.bodies))]
        self.of = iter(self.chance.choices(range(len(self.bodies)), ranks, k=distinct))

    def _words(self, n: int) -> str:
        at = self.chance.randrange(len(self.pool) - n)
        return " ".join(self.pool[at : at + n])

    def _body(self) -> tuple[str, list[str], int]:
        lines = [self._words(self.chance.randint(6, 14)) for _ in range(self.chance.randint(3, 12))]
        return self._words(5), lines, self.chance.choice((0, 0, 1, 3))

    def next(self, number: int) -> tuple[str, str, int]:
        """Subject, text, planted campaign; -1 - number where it is alone."""
        campaign = next(self.of)
        if number % 10 == 9:
            lines = [self._words(self.chance.randint(6, 14)) for _ in range(self.chance.randint(3, 8))]
            return self._words(5), "\n".join(lines), -1 - number
        subject, lines, busters = self.bodies[campaign]
        mine = list(lines)
        mine[number % len(mine)] += " " + self._words(2)
        mine += [self._words(8) for _ in range(busters)]
        return f"{subject} {self._words(1)}", "\n".join(mine), campaign


def chunks(messages: int, copies: float, seed: int) -> Iterator[tuple[Any, list[int]]]:
    """Rows of the table sketch, and the planted campaign of each: copies stand in the chunk of their first."""
    import pyarrow as pa

    from spamtide.fingerprint import fingerprint_texts

    distinct = round(messages * (1 - copies))
    mail, chance, done = Mail(distinct, seed), random.Random(seed + 1), 0
    for first in range(0, distinct, CHUNK):
        number = range(first, min(distinct, first + CHUNK))
        rows = [mail.next(i) for i in number]
        prints = fingerprint_texts([r[1] for r in rows], [r[0] for r in rows])
        total = round(number.stop / distinct * messages) - done
        take = [*range(len(rows)), *chance.choices(range(len(rows)), k=total - len(rows))]
        chance.shuffle(take)
        done += total
        yield prints.take(pa.array(take)), [rows[i][2] for i in take]


def blank(field: Any, n: int) -> Any:
    """So many rows without a value, or with a nought where one must be."""
    import pyarrow as pa

    if field.nullable:
        return pa.nulls(n, field.type)
    return pa.array([("" if pa.types.is_string(field.type) else 0)] * n).cast(field.type)


def write(place: Path, messages: int, copies: float, seed: int) -> list[tuple[str, int]]:
    """Tables of a workspace; exact digest and planted campaign of every message."""
    import numpy as np
    import pyarrow as pa

    from spamtide.app.config import People
    from spamtide.app.workspace import Workspace
    from spamtide.archive import write_part
    from spamtide.campaign import IN_TIME, OF_MESSAGE
    from spamtide.fingerprint import FACTS_VERSION, TABLES, schema_of

    workspace = Workspace.create(place, People())
    tables, planted, done = workspace.tables, [], 0
    (workspace.archive.root / "segments" / "f").mkdir(parents=True, exist_ok=True)
    stage, chance = tables.stage(FACTS_VERSION), random.Random(seed + 2)
    for segment, (prints, labels) in enumerate(chunks(messages, copies, seed), 1):
        n = len(labels)
        at = pa.array(START + (done + np.arange(n, dtype=np.int64)) * MICROSECOND)
        placed = {"segment": pa.array(np.full(n, segment, np.int32)), "ordinal": pa.array(np.arange(n, dtype=np.int32)), "received_at": at}  # fmt: skip
        peers = [f"10.{chance.randrange(256)}.{chance.randrange(256)}.1" for _ in range(n)]
        known = {
            "exact": prints["exact"], "peer_unit": pa.array(peers), "network": pa.array([p.rpartition(".")[0] for p in peers]),
            "language": pa.array(["en"] * n), "topic": pa.array(["other"] * n),
        }  # fmt: skip
        # What else a grouping keeps of each message.
        schema = schema_of(TABLES["message"])
        known |= {c: blank(schema.field(c), n) for c in {*OF_MESSAGE, *IN_TIME} - known.keys() - placed.keys()}
        where = {"feed": "f", "writer": "bench", "segment": segment, "start": 0, "stop": n}
        sketch = pa.table({**placed, **{c: prints[c] for c in prints.column_names}})
        parts = [
            write_part(stage, "sketch", sketch, **where),
            write_part(stage, "message", pa.table({**placed, **known}), **where),
        ]  # type: ignore[arg-type]
        tables.commit(FACTS_VERSION, parts, {("f", "bench", segment): n})
        planted += zip(prints["exact"].to_pylist(), labels, strict=True)
        done += n
        print(f"\r{done:,} messages made", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return planted


def b_cubed(planted: list[tuple[str, int]], campaign: dict[str, str]) -> tuple[float, float, float]:
    """Precision, recall and F1 over all messages."""
    both = Counter((label, campaign[exact]) for exact, label in planted)
    true, said = Counter[int](), Counter[str]()
    for (label, name), n in both.items():
        true[label] += n
        said[name] += n
    precision = sum(n * n / said[name] for (_, name), n in both.items()) / len(planted)
    recall = sum(n * n / true[label] for (label, _), n in both.items()) / len(planted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def main() -> None:
    """Print what it took; ends with 1 where a floor is missed."""
    import pyarrow.parquet as pq

    from spamtide.app.engines import campaign_generations
    from spamtide.app.workspace import Workspace

    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--copies", type=float, default=0.4, help="share of messages that are exact duplicates")
    parser.add_argument("--seed", type=int, default=20110316)
    parser.add_argument("--keep", type=Path, help="folder of the workspace, left as it is")
    given = parser.parse_args()
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s", flush=True)
    with tempfile.TemporaryDirectory(prefix="group-scale-") as name:
        place = (given.keep or Path(name)) / "w"
        planted = write(place, given.messages, given.copies, given.seed)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall, peak, said = run_watched(
            [sys.executable, "-m", "spamtide", "--workspace", str(place), "campaigns", "settle", "--json"]
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        document = json.loads(said)
        members = campaign_generations(Workspace(place)).current()
        assert members is not None
        rows = pq.read_table(members.tables["campaign_member"].path)
        campaign = dict(zip(rows["exact"].to_pylist(), rows["campaign"].to_pylist(), strict=True))
        precision, recall, f1 = b_cubed(planted, campaign)
    print(
        f"{document['messages']:,} messages, {document['exact_groups']:,} exact groups, {document['campaigns']:,} campaigns: "
        f"{wall:.0f} s, {cpu:.0f} s of CPU ({cpu / document['messages'] * 1e6:.0f} us a message), peak {peak / 2**30:.2f} GiB"
    )
    print(f"B-cubed precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")
    raise SystemExit(int(peak > GIB * 2**30 or cpu > 2 * MINUTES * 60 or wall > MINUTES * 60))


if __name__ == "__main__":
    main()
