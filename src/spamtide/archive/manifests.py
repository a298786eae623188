"""Manifests: the root names the parts of segments not compacted yet and the manifest of each closed day, which names its
parts. A manifest ends with the SHA-256 of what stands before it; the root also holds that of each day's.

A day's manifest is a new file each time and takes effect when the root names it: readers see one or the other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spamtide.archive.layout import segment_of
from spamtide.archive.parts import Part, sync_folder
from spamtide.errors import BrokenWorld

FORMAT = 2
NEXT_STEP = "Move archive/tables away and run 'spamtide digest': tables are computed again from the segments."


@dataclass(frozen=True, slots=True)
class DayManifest:
    """Where the manifest of one (feed, closed day) is, relative to ``archive/tables``, and its SHA-256."""

    path: str
    sha256: str


@dataclass(slots=True)
class Root:
    """What exists, by facts version. ``digested``: records of each segment ('feed/writer-number') that are in tables.

    ``changed``: the generation at which messages last came or went; gathering days moves none. ``rewritten``: the one at which
    something last changed before the places up to which segments were digested: messages went, or came out of quarantine.
    """

    generation: int = 0
    changed: int = 0
    rewritten: int = 0
    digested: dict[str, dict[str, int]] = field(default_factory=dict)
    tail: dict[str, list[Part]] = field(default_factory=dict)
    days: dict[str, dict[str, DayManifest]] = field(default_factory=dict)

    def ends(self, facts_version: int) -> dict[tuple[str, str, int], int]:
        """How many records of each segment (feed, writer, number) are in the tables of a facts version."""
        return {segment_of(name): records for name, records in self.digested.get(str(facts_version), {}).items()}


def read_root(folder: Path) -> Root:
    """The root of ``archive/tables``; an empty one where there is none. Raises BrokenWorld ``corrupt_manifest``."""
    path = folder / "root.json"
    if not path.exists():
        return Root()
    body = read_manifest(path)
    if body["format"] != FORMAT:
        raise BrokenWorld("old_tables", f"{path} has format {body['format']}; this program reads {FORMAT}.", NEXT_STEP)
    return Root(
        body["generation"],
        # Roots of older programs do not say; no generation of groups was made from those.
        body.get("changed", body["generation"]),
        body.get("rewritten", body["generation"]),
        body["digested"],
        {version: [Part(**p) for p in parts] for version, parts in body["tail"].items()},
        {version: {k: DayManifest(**d) for k, d in days.items()} for version, days in body["days"].items()},
    )


def write_root(folder: Path, root: Root) -> None:
    """Replace the root in one atomic step; what it names must be written already. Durable when this returns."""
    named = [p.path for parts in root.tail.values() for p in parts]
    named += [d.path for days in root.days.values() for d in days.values()]
    for place in sorted({(folder / path).parent for path in named}):
        sync_folder(place)
    write_manifest(folder / "root.json", {"format": FORMAT, **asdict(root)})
    sync_folder(folder)


def read_day(folder: Path, day: DayManifest) -> list[Part]:
    """Parts of one closed day. Raises BrokenWorld ``corrupt_manifest``."""
    return [Part(**p) for p in read_manifest(folder / day.path, day.sha256)["parts"]]


def write_day(folder: Path, stage: str, feed: str, day: int, generation: int, parts: Sequence[Part]) -> DayManifest:
    """Write the manifest of a closed day into ``stage``; it takes effect when a root names it."""
    path = f"{stage}/{feed}-day{day:06d}-{generation:08d}.json"
    body = {"format": FORMAT, "feed": feed, "day": day, "parts": [asdict(p) for p in parts]}
    return DayManifest(path, write_manifest(folder / path, body))


def write_manifest(path: Path, body: dict[str, Any], *, durable: bool = True) -> str:
    """Write a manifest by rename, ``durable`` when this returns; its SHA-256, hex."""
    text = json.dumps(body, indent=1, sort_keys=True) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text + digest + "\n")
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(temporary, path)
    return digest


def read_manifest(path: Path, expected: str | None = None) -> dict[str, Any]:
    """What a manifest says. Raises BrokenWorld ``corrupt_manifest``, also where its SHA-256 is not the ``expected``."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BrokenWorld("corrupt_manifest", f"{path} is gone.", NEXT_STEP) from None
    text, tail = data[:-65], data[-65:]
    digest = hashlib.sha256(text).hexdigest()
    if digest.encode() + b"\n" != tail or expected not in (None, digest):
        raise BrokenWorld("corrupt_manifest", f"{path} is damaged.", NEXT_STEP)
    body: dict[str, Any] = json.loads(text)
    return body
