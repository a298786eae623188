"""Imports broken sources, each into a feed of its own of one workspace, and says what came of them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broken_sources.made import Broken
from spamtide.app.cli import run


@dataclass
class Row:
    """What came of one source."""

    source: Broken
    exit: int
    said: str
    document: dict[str, Any]
    kept: Counter[str] = field(default_factory=Counter)
    defects: set[str] = field(default_factory=set)

    @property
    def refused(self) -> list[str]:
        """Codes of what was named, each once."""
        return sorted({r["code"] for r in self.document.get("refused", ())})

    @property
    def left(self) -> list[str]:
        """Codes of what was left out on purpose."""
        return sorted({r["code"] for r in self.document.get("left_out", ())})

    @property
    def wanted(self) -> Counter[str]:
        """Digests of the messages that must be kept."""
        return Counter(hashlib.sha256(raw).hexdigest() for raw in self.source.kept)


def command(*arguments: object) -> tuple[int, str, str]:
    """One command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(a) for a in arguments])
    return code, out.getvalue(), err.getvalue()


def run_all(sources: Iterable[Broken], folder: Path) -> list[Row]:
    """Import each source, then digest once."""
    place = folder / "workspace"
    command("init", place)
    rows = []
    for n, source in enumerate(sources):
        made = folder / f"{n:03d}"
        made.mkdir()
        path = source.make(made)
        use = ("--workspace", place, "import", path, "--feed", f"f{n:03d}", "--no-digest", "--json", *source.options)
        code, out, err = command(*use)
        rows.append(Row(source, code, err, json.loads(out)))
    code, _, err = command("--workspace", place, "digest")
    assert code == 0, err
    code, out, err = command("--workspace", place, "search", "", "--jsonl")
    assert code == 0, err
    for line in out.splitlines():
        found = json.loads(line)
        row = rows[int(found["feed"][1:])]
        row.kept[found["sha256"]] += 1
        row.defects |= set(found["defects"])
    return rows


HEAD = """\
# Broken sources

What an import makes of {n} sources that are cut, damaged, locked, endless, misnamed, or no mail at all. Each is made by
`tests/broken_sources/`, imported into a feed of its own, and compared with what must come of it: the messages that are
there to be read are kept byte for byte, all else is named by a [code](../reference/codes.md) or a [defect](../reference/defects.md),
no import ends with a traceback. `python bench/broken_sources.py` prints this page; `tests/capture/test_broken_sources.py`
holds it to be true.

{totals}

*Kept* counts messages. Before a break in a packing the last message is not known to be whole, so it is not kept; what it was is
in the source, and importing the mended source adds it. An mbox that is not packed and ends early is not known to be cut: its last
message is kept as it is. *Exit* 0: done, 2: wrong use, nothing was done, 3: something was named.
"""


def page(rows: list[Row]) -> str:
    """The page: totals, then a line for each source."""
    exits = Counter(row.exit for row in rows)
    totals = (
        f"{sum(row.kept.total() for row in rows)} messages are kept, {sum(len(row.source.kept) for row in rows)} were there to be read; "
        f"{sum(bool(row.refused or row.source.error) for row in rows)} sources are named, in part or whole. Exit codes: "
        + ", ".join(f"{code} for {n}" for code, n in sorted(exits.items())) + "."
    )  # fmt: skip
    head = "| source | kept | named | left out | defects | exit |\n|---|---|---|---|---|---|\n"
    text, family = HEAD.format(n=len(rows), totals=totals), ""
    for row in rows:
        source = row.source
        if source.family != family:
            family = source.family
            text += f"\n## {family[0].upper()}{family[1:]}\n\n{head}"
        named = row.refused or ([row.document["error"]] if "error" in row.document else [])
        kept = (
            f"{row.document['counts']} counts"
            if row.document.get("counts")
            else f"{row.kept.total()} of {len(source.kept)}"
        )
        cells = [", ".join(f"`{c}`" for c in found) or "-" for found in (named, row.left, sorted(row.defects))]
        text += f"| {source.name} | {'-' if source.error else kept} | {' | '.join(cells)} | {row.exit} |\n"
    return text
