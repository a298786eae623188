"""The tables of one snapshot cut into spans of time that do not overlap, so that a list reads few parts and can go on.

A span is a closed day of a feed, or what has been digested since, or both where they overlap. Within a feed spans follow
each other in time; the parts of a day are not even looked up until its turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spamtide.archive.manifests import DayManifest, Root, read_day, read_root
from spamtide.archive.parts import Part
from spamtide.archive.provisional import Provisional, that_count

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """Parts whose messages arrived at ``feed`` from ``first`` to ``last`` (microseconds UTC, both may be included)."""

    feed: str
    first: int
    last: int
    days: tuple[DayManifest, ...]
    tail: tuple[Part, ...]

    def parts(self, root: Path) -> list[Part]:
        """Its parts that have rows; ``root`` is ``archive/tables``."""
        return [p for day in self.days for p in read_day(root, day) if p.rows] + [p for p in self.tail if p.rows]


def read_spans(
    root: Path,
    facts_version: int,
    *,
    feeds: Sequence[str] = (),
    since: int | None = None,
    until: int | None = None,
    live: bool = False,
) -> list[Span]:
    """Spans in order of feed and time that may hold messages at or after ``since`` and before ``until``; no feed means all.

    With ``live`` also provisional parts, for who looks on; what is counted never asks for them.
    """
    # The provisional first: what is settled between the two looks is then left out there, and missing in neither.
    provisional = Provisional(root).named(facts_version) if live else []
    named = read_root(root)
    tail = [*named.tail.get(str(facts_version), []), *that_count(provisional, named.ends(facts_version))]
    pieces = sorted(
        (piece for piece in _pieces(root, named, tail, str(facts_version)) if not feeds or piece.feed in feeds),
        key=lambda s: (s.feed, s.first),
    )
    spans: list[Span] = []
    for piece in pieces:
        before = spans[-1] if spans else None
        if before is not None and before.feed == piece.feed and piece.first <= before.last:
            spans[-1] = Span(
                piece.feed,
                before.first,
                max(before.last, piece.last),
                before.days + piece.days,
                before.tail + piece.tail,
            )
        else:
            spans.append(piece)
    return [s for s in spans if (since is None or s.last >= since) and (until is None or s.first < until)]


def parts_by_segment(root: Path, facts_version: int) -> list[Part]:
    """Parts of segments whose day is not closed yet, provisional ones among them: what has come of late, each message once."""
    provisional = Provisional(root).named(facts_version)
    named = read_root(root)
    return [*named.tail.get(str(facts_version), []), *that_count(provisional, named.ends(facts_version))]


def _pieces(root: Path, named: Root, tail: Sequence[Part], version: str) -> Iterator[Span]:
    for name, manifest in named.days.get(version, {}).items():
        feed, _, day = name.rpartition("/")
        yield Span(feed, int(day) * DAY_US, (int(day) + 1) * DAY_US - 1, (manifest,), ())
    ranges: dict[tuple[str, str, int, int, int], list[Part]] = {}
    for part in tail:
        if part.rows:
            ranges.setdefault((part.feed, part.writer, part.segment, part.start, part.stop), []).append(part)
    for (feed, *_), parts in ranges.items():
        times = [part.times(root) for part in parts]
        yield Span(feed, min(t[0] for t in times), max(t[1] for t in times), (), tuple(parts))
