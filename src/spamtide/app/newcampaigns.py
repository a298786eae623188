"""Campaigns of the messages that no settled grouping holds yet, those in the tails of open segments too.

Each message is told at once which settled campaign it belongs to, or which others it came with, as soon as its facts are
there: seconds after it was accepted, where a digest follows the trap. That is provisional: what counts is the settled grouping,
which sees all messages at once, and which alone effects and reports read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations
from spamtide.app.instants import format_instant
from spamtide.app.settling import NEAR_INDEX
from spamtide.archive import Part, segment_name, that_count
from spamtide.campaign import campaign_id
from spamtide.fingerprint import FACTS_VERSION

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Generation
    from spamtide.campaign import Newcomers

_PLACE = ["feed", "writer", "segment", "ordinal"]
_MESSAGE = [*_PLACE, "received_at", "exact", "subject", "peer_unit"]
SUBJECTS = 3


class NewCampaigns:
    """What came after the settled grouping that counts. ``look`` reads what is new; ``rows`` are the campaigns so far.

    Memory: the facts of messages that are not settled, and one number in 256 of the index of the grouping.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._generation: Generation | None = None
        self._newcomers: Newcomers | None = None
        self._parts: dict[str, pa.Table] = {}
        self._label: dict[str, str | None] = {}
        self._campaign: dict[str, str] = {}

    @property
    def generation(self) -> int:
        """The settled grouping that messages are held against; 0 before the first ``look``."""
        return self._generation.number if self._generation is not None else 0

    def look(self) -> bool:
        """Read what came since the last look; whether anything changed. False too where no grouping can be held against.

        Raises OSError, CorruptSegment.
        """
        current = campaign_generations(self._workspace).current()
        index = current.file(NEAR_INDEX) if current is not None else None
        if current is None or index is None:
            return False
        if current.number != self.generation:
            from spamtide.campaign import Newcomers

            self._generation, self._newcomers = current, Newcomers(index)
            self._parts, self._label, self._campaign = {}, {}, {}
        wanted = {(p.table, p.path): p for p in self._unsettled(current)}
        messages = {path: p for (table, path), p in wanted.items() if table == "message"}
        gone = [path for path in self._parts if path not in messages]
        for path in gone:
            del self._parts[path]
        fresh = [path for path in messages if path not in self._parts]
        for path in fresh:
            self._parts[path] = self._later(messages[path], _MESSAGE)
        read = {(p.feed, p.writer, p.segment, p.start, p.day) for path in fresh for p in (messages[path],)}
        for (table, _), part in wanted.items():
            if table == "sketch" and (part.feed, part.writer, part.segment, part.start, part.day) in read:
                self._take(part)
        return bool(gone or fresh)

    def _unsettled(self, current: Generation) -> list[Part]:
        """Parts that may hold messages that the grouping does not."""
        tables, ends = self._workspace.tables, current.basis.ends
        provisional = tables.provisional.named(FACTS_VERSION)
        digested = tables.digested(FACTS_VERSION)
        if any(n > ends.get(segment_name(*key), 0) for key, n in digested.items()):
            named = [p for p in tables.parts(FACTS_VERSION) if self._may_be_later(p, ends)]
        else:
            named = []
        return [p for p in [*named, *that_count(provisional, digested)] if p.rows]

    def _may_be_later(self, part: Part, ends: dict[str, int]) -> bool:
        return part.day is not None or part.stop > ends.get(segment_name(part.feed, part.writer, part.segment), 0)

    def _later(self, part: Part, columns: list[str]) -> pa.Table:
        """Rows of a part that the grouping does not hold."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        rows = pq.read_table(self._workspace.tables.root / part.path, columns=columns)
        assert self._generation is not None
        ends = self._generation.basis.ends
        if part.day is None:
            # Not by row: what is in quarantine or erased has none.
            return rows.filter(pc.field("ordinal") >= ends.get(segment_name(part.feed, part.writer, part.segment), 0))
        places = zip(*(rows[name].to_pylist() for name in _PLACE), strict=True)
        return rows.filter(pa.array([n >= ends.get(segment_name(f, w, s), 0) for f, w, s, n in places], pa.bool_()))

    def _take(self, part: Part) -> None:
        from spamtide.campaign import LISTS

        assert self._newcomers is not None
        rows = self._later(part, [*_PLACE, "exact", *LISTS])
        if rows.num_rows:
            self._label.update(self._newcomers.take(rows))

    def _named(self) -> dict[str, tuple[str, bool]]:
        """Of each exact group its campaign, and whether that is a settled one."""
        import pyarrow.parquet as pq

        assert self._generation is not None and self._newcomers is not None
        unknown = {label for label in self._label.values() if label is not None} - self._campaign.keys()
        if unknown:
            path = self._generation.tables["campaign_member"].path
            found = pq.read_table(path, filters=[("exact", "in", sorted(unknown))])
            self._campaign.update(zip(found["exact"].to_pylist(), found["campaign"].to_pylist(), strict=True))
        first: dict[str, tuple[int, str]] = {}
        for rows in self._parts.values():
            for exact, at in zip(rows["exact"].to_pylist(), rows["received_at"].to_pylist(), strict=True):
                first[exact] = min(first.get(exact, (at, exact)), (at, exact))
        together = self._newcomers.together()
        earliest: dict[str, tuple[int, str]] = {}
        for exact, of in together.items():
            if exact in first:
                earliest[of] = min(earliest.get(of, first[exact]), first[exact])
        named = {}
        for exact in first:
            label = self._label.get(exact)
            if label is not None and label in self._campaign:
                named[exact] = (self._campaign[label], True)
            else:
                of = together.get(exact, exact)
                named[exact] = (campaign_id(earliest.get(of, first[exact])[1]), False)
        return named

    def rows(self, *, feeds: Sequence[str] = (), new: bool = False) -> Iterator[dict[str, Any]]:
        """Campaigns of what is not settled, most messages first: rows of ``campaigns live``. ``new``: those that are in no grouping yet."""
        if self._newcomers is None:
            return
        named = self._named()
        seen: dict[tuple[str, bool], dict[str, Any]] = {}
        subjects: dict[str, Counter[str]] = defaultdict(Counter)
        for rows in self._parts.values():
            for row in rows.to_pylist():
                if feeds and row["feed"] not in feeds:
                    continue
                campaign, settled = named[row["exact"]]
                if new and settled:
                    continue
                empty = {"messages": 0, "exact": set(), "peers": set(), "feeds": set(), "at": []}
                one = seen.setdefault((campaign, settled), empty)
                one["messages"] += 1
                one["exact"].add(row["exact"])
                one["feeds"].add(row["feed"])
                one["at"] = [min([*one["at"], row["received_at"]]), max([*one["at"], row["received_at"]])]
                if row["peer_unit"] is not None:
                    one["peers"].add(row["peer_unit"])
                if row["subject"] is not None:
                    subjects[campaign][row["subject"]] += 1
        for (campaign, settled), one in sorted(seen.items(), key=lambda i: (-i[1]["messages"], i[0])):
            common = sorted(subjects[campaign].items(), key=lambda s: (-s[1], s[0]))
            yield {
                "campaign": campaign, "settled": settled, "messages": one["messages"], "exact_groups": len(one["exact"]),
                "peers": len(one["peers"]), "first_seen": format_instant(one["at"][0]), "last_seen": format_instant(one["at"][1]),
                "subjects": [s for s, _ in common[:SUBJECTS]], "feeds": sorted(one["feeds"]), "generation": self.generation,
            }  # fmt: skip
