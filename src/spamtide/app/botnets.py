"""What is said of dialects and sender groups, and the names that people put on groups.

A name is an entry of the journal with who gave it, on what evidence, and the sendings that its group had then: groups are settled
anew as mail comes, and the name goes to the group that now has most of those.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from spamtide.app.botnetrules import Asked, KnownRule, Met, known_rules
from spamtide.app.instants import format_instant
from spamtide.campaign import group_id
from spamtide.errors import SpamtideError, Unanswerable, WrongUse

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.archive import Generation

_KIND = "botnet_name"
# Sendings by which a name finds its group again.
_ANCHORS = 200
# A group of which more than this share was broken off is undercounted (definitions: unfinished).
_UNDERCOUNTED = 0.1
_MILLION = 1_000_000

Sending = tuple[str, str]


def _number(value: float) -> float:
    return float(f"{value:.6g}")


@dataclass(frozen=True, slots=True)
class Name:
    """One name as it was given: by whom or by which rule, on what evidence, when; ``botnet`` is None where it was taken back."""

    botnet: str | None
    named_by: str
    rule: str | None
    evidence: str
    at: int
    group: str
    sendings: frozenset[Sending]

    def document(self) -> dict[str, Any]:
        """As JSON, beside its group."""
        return {
            "botnet": self.botnet, "named_by": self.named_by, "rule": self.rule, "evidence": self.evidence,
            "at": format_instant(self.at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class AmongMessages:
    """What groups have among some messages: by group and feed how many (None: of no group), by group ``peers``, ``first_seen`` and ``last_seen``."""

    counts: dict[str | None, Counter[str]]
    seen: dict[str | None, dict[str, Any]]

    @classmethod
    def of(cls, rows: Iterable[dict[str, Any]]) -> AmongMessages:
        """From the rows of ``spamtide.measure.senders_among``."""
        found = cls(defaultdict(Counter), {})
        for row in rows:
            if row["feed"] is None:
                found.seen[row["group"]] = row
            else:
                found.counts[row["group"]][row["feed"]] = row["messages"]
        return found

    @property
    def whole(self) -> Counter[str]:
        """Messages of each feed, of a group or of none."""
        return sum(self.counts.values(), Counter())


_UNNAMED = {"botnet": None, "named_by": None, "rule": None, "evidence": None, "at": None}


class Senders:
    """Dialects and sender groups as one generation has them."""

    def __init__(self, workspace: Workspace, generation: Generation) -> None:
        self.workspace = workspace
        self.generation = generation

    def _rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._table(table).to_pylist()
        return rows

    def _table(self, table: str) -> pa.Table:
        import pyarrow.parquet as pq

        return pq.read_table(self.generation.tables[table].path)

    @cached_property
    def _groups(self) -> dict[str, dict[str, Any]]:
        return {row["group"]: row for row in self._rows("sender_group")}

    @cached_property
    def _sendings(self) -> dict[str, list[Sending]]:
        found: dict[str, list[Sending]] = defaultdict(list)
        for row in self._rows("group_sending"):
            found[row["group"]].append((row["campaign"], row["dialect"]))
        return found

    def sendings(self, group: str) -> list[Sending]:
        """Pairs of campaign and dialect that a group is of."""
        return list(self._sendings[group])

    @cached_property
    def _counts(self) -> dict[str | None, Counter[str]]:
        """Messages of each group by feed."""
        found: dict[str | None, Counter[str]] = defaultdict(Counter)
        counted = self._table("group_day").group_by(["group", "feed"]).aggregate([("messages", "sum")])
        for row in counted.to_pylist():
            found[row["group"]][row["feed"]] += row["messages_sum"]
        return found

    @cached_property
    def _whole(self) -> Counter[str]:
        return sum(self._counts.values(), Counter())

    @cached_property
    def names(self) -> dict[str, list[Name]]:
        """Names of each group, the latest last; under ``""`` those whose sendings are in no group any more."""
        found: dict[str, list[Name]] = defaultdict(list)
        for record in self.workspace.archive.journal.read(_KIND):
            body = record.body
            sendings = frozenset((c, d) for c, d in body["sendings"])
            name = Name(
                body["botnet"], body["named_by"], body["rule"], body["evidence"], record.at, body["group"], sendings
            )
            found[self._where(name)].append(name)
        return found

    def _where(self, name: Name) -> str:
        """The group that has most of the sendings of a name, else most of its campaigns."""
        campaigns = {c for c, _ in name.sendings}
        exactly = {g: len(name.sendings & set(sendings)) for g, sendings in self._sendings.items()}
        nearly = {g: len(campaigns & {c for c, _ in sendings}) for g, sendings in self._sendings.items()}
        for shared in (exactly, nearly):
            best = max(sorted(shared), key=lambda g: shared[g], default="")
            if best and shared[best]:
                return best
        return ""

    @cached_property
    def rules(self) -> list[tuple[KnownRule, list[Met], SpamtideError | None]]:
        """The rules of the workspace, each with the groups that meet it, or why it cannot be asked."""
        known = known_rules(self.workspace)
        if not known:
            return []
        paths = {d["dialect"]: d["paths"] for d in self.dialects()}
        spoken = {g: {d: paths.get(d, []) for _, d in sendings} for g, sendings in self._sendings.items()}
        asked = Asked(self.workspace, spoken, self._table("group_member"))
        found: list[tuple[KnownRule, list[Met], SpamtideError | None]] = []
        for rule in known:
            try:
                found.append((rule, asked.meet(rule.rule), None))
            except SpamtideError as error:
                # A campaign that is gone, say: the other rules can be asked all the same.
                found.append((rule, [], error))
        return found

    @cached_property
    def _by_rule(self) -> dict[str, Name]:
        """Names that rules give: the rule first by its id wins; one that several groups meet names none."""
        names: dict[str, Name] = {}
        for known, met, _ in self.rules:
            if len(met) == 1 and met[0].group not in names:
                evidence = f"{met[0].found}. {known.rule.evidence}"
                names[met[0].group] = Name(
                    known.rule.botnet, known.rule.by, known.rule.id, evidence, known.at, met[0].group, frozenset()
                )
        return names

    def name_of(self, group: str) -> Name | None:
        """The name that a group has now: what a person called it last, else what a rule says that is younger than a name taken back."""
        given = self.names.get(group, [])
        if given and given[-1].botnet is not None:
            return given[-1]
        by_rule = self._by_rule.get(group)
        return None if by_rule is None or (given and given[-1].at > by_rule.at) else by_rule

    def resolve(self, said: str) -> str:
        """The group of that id, of an id that it had before, or of that name. Raises WrongUse ``unknown_group``."""
        if said in self._groups:
            return said
        named = [
            g for g in self._groups if (n := self.name_of(g)) is not None and (n.botnet or "").lower() == said.lower()
        ]
        former = [g for g, sendings in self._sendings.items() if any(group_id(s) == said for s in sendings)]
        for found in (named, former):
            if len(found) == 1:
                return found[0]
        raise WrongUse(
            "unknown_group", f"There is no sender group {said!r}, or several of that name.",
            "'spamtide botnets list' prints ids and names.", group=said, candidates=sorted(named),
        )  # fmt: skip

    def group_document(self, group: str, among: AmongMessages | None = None) -> dict[str, Any]:
        """One line of ``botnets list``; ``among``: messages, shares, peers and times counted of some messages alone. ``share`` is of all unsolicited ones."""
        row = self._groups[group]
        counts, wholes = (self._counts, self._whole) if among is None else (among.counts, among.whole)
        feeds = counts.get(group, Counter())
        n, whole = feeds.total(), max(wholes.total(), 1)
        seen = row if among is None else among.seen[group]
        members = self._counts[group].total()
        name = self.name_of(group)
        sendings = self._sendings[group]
        return {
            "group": group,
            **(_UNNAMED if name is None else name.document()),
            "campaigns": list(dict.fromkeys(c for c, _ in sendings)),
            "dialects": sorted({d for _, d in sendings}),
            "messages": n,
            "share": _number(n / whole),
            "feeds": [{"feed": f, "messages": feeds[f], "share": _number(feeds[f] / wholes[f])} for f in sorted(feeds)],
            "peers": seen["peers"],
            "recipients_per_message": _number(row["recipients"] / members) if members else None,
            "undercounted": members > 0 and row["unfinished"] > _UNDERCOUNTED * members,
            "first_seen": format_instant(seen["first_seen"]),
            "last_seen": format_instant(seen["last_seen"]),
        }

    def groups(self, among: AmongMessages | None = None) -> list[dict[str, Any]]:
        """All groups, those of most messages first; ``among``: those that have some of these."""
        wanted = self._groups if among is None else [g for g in self._groups if g in among.seen]
        return sorted((self.group_document(g, among) for g in wanted), key=lambda d: (-d["messages"], d["group"]))

    def unknown(self) -> int:
        """Unsolicited messages of no group."""
        return self._counts[None].total() if None in self._counts else 0

    def shown(self, said: str, among: AmongMessages | None = None) -> dict[str, Any]:
        """``botnets show``: a group beside those that have its engine, or its customers' campaigns. Raises Unanswerable ``not_in_population``
        where it has none of the messages ``among``.
        """
        group = self.resolve(said)
        if among is not None and group not in among.seen:
            raise Unanswerable(
                "not_in_population",
                f"The group {said} has no message within these filters.",
                "Take a filter away.",
                group=said,
            )
        own = self._sendings[group]
        engines, campaigns = {d for _, d in own}, {c for c, _ in own}
        others = {g: s for g, s in self._sendings.items() if g != group}
        return {
            "schema": "spamtide.botnet/1",
            "generation": self.generation.number,
            **self.group_document(group, among),
            "engine_shared_with": sorted(g for g, s in others.items() if engines & {d for _, d in s}),
            "campaigns_shared_with": [
                {"group": g, "campaigns": sorted(campaigns & {c for c, _ in s})}
                for g, s in sorted(others.items())
                if campaigns & {c for c, _ in s}
            ],
            "names": [
                name.document()
                for name in (*self.names.get(group, []), *([self._by_rule[group]] if group in self._by_rule else []))
            ],
        }

    def explained(self, said: str) -> dict[str, Any]:
        """``botnets explain``: why a group is one, the surest evidence first."""
        group = self.resolve(said)
        merges = [
            {
                "one": m["one"], "other": m["other"], "shared_host_days": m["shared"],
                "expected_by_chance": _number(m["expected"] / _MILLION), "log_tail": _number(m["log_tail"] / _MILLION),
            }
            for m in self._rows("group_merge")
            if m["group"] == group
        ]  # fmt: skip
        return {
            "schema": "spamtide.botnet-explained/1", "generation": self.generation.number, "group": group,
            "dialects": [d for d in self.dialects() if group in d["groups"]], "merges": merges,
        }  # fmt: skip

    def members(self, said: str | None) -> Iterator[dict[str, Any]]:
        """Unsolicited messages with their group and membership, or those of one group, in order of feed and place."""
        from spamtide.archive import format_id

        wanted = None if said is None else self.resolve(said)
        for batch in self._table("group_member").to_batches(10_000):
            for row in batch.to_pylist():
                if wanted is None or row["group"] == wanted:
                    yield {
                        "id": format_id(row["feed"], row["writer"], row["segment"], row["ordinal"]),
                        "group": row["group"],
                        "membership": row["membership"] / _MILLION,
                        "likeliest": row["likeliest"],
                        "campaign": row["campaign"],
                        "dialect": row["dialect"],
                    }

    def dialects(self) -> list[dict[str, Any]]:
        """All learned dialects, those of most messages first."""
        groups: dict[str, list[str]] = defaultdict(list)
        for group, sendings in self._sendings.items():
            for dialect in sorted({d for _, d in sendings}):
                groups[dialect].append(group)
        rows = [
            {
                "dialect": row["dialect"], "steps": row["steps"], "paths": row["paths"].split(), "messages": row["messages"],
                "peers": row["peers"], "networks": row["networks"], "groups": sorted(groups[row["dialect"]]),
                "first_seen": format_instant(row["first_seen"]), "last_seen": format_instant(row["last_seen"]),
            }
            for row in self._rows("dialect")
        ]  # fmt: skip
        return sorted(rows, key=lambda r: (-r["messages"], r["dialect"]))

    def dialect(self, said: str) -> dict[str, Any]:
        """The dialect of that id, or the one that has a path whose digest begins so. Raises WrongUse ``unknown_dialect``."""
        found = [
            d for d in self.dialects() if d["dialect"] == said or (len(said) >= 6 and any(p.startswith(said) for p in d["paths"]))
        ]  # fmt: skip
        if len(found) != 1:
            raise WrongUse(
                "unknown_dialect",
                f"There is no dialect {said!r}.",
                "'spamtide dialects' prints their ids.",
                dialect=said,
            )
        return {"schema": "spamtide.dialect/1", "generation": self.generation.number, **found[0]}

    def name(self, said: str, botnet: str | None, *, evidence: str, named_by: str, now: int) -> str:
        """Put a name on a group, or take it back (None); the group. Raises WrongUse ``unknown_group``, ``no_evidence``."""
        group = self.resolve(said)
        if not evidence.strip():
            raise WrongUse("no_evidence", "A name needs its evidence.", 'Say on what it rests: --evidence "...".')
        if botnet is not None and not botnet.strip():
            raise WrongUse("bad_name", "An empty name is none.", "Give a name, or --forget.")
        body = {
            "group": group, "botnet": botnet, "named_by": named_by, "rule": None, "evidence": evidence,
            "sendings": [list(s) for s in self._sendings[group][:_ANCHORS]],
        }  # fmt: skip
        self.workspace.archive.journal.append(_KIND, body, now)
        return group
