"""The audit of the grouping: pairs of messages that a person judges, kept in the journal, and what the judgements say.

A draw is an entry of the journal with its pairs (exact digests, strata) and the generation that it is of; a judgement is another, with
who judged and the pair's id, which is a function of the two digests. So both outlive every table, and another person with the same
seed gets the same pairs in the same order.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from spamtide.app.engines import campaign_generations, engine_options, open_engine
from spamtide.app.instants import format_instant
from spamtide.archive import ExactGroups, Generation, format_id
from spamtide.campaign import LISTS, AuditPair, Draw, Likeness, Share, draw_pairs, estimate_share, tally
from spamtide.errors import Unanswerable, WrongUse
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import Interval, Refusal, exact_counts, first_messages
from spamtide.report import refusal_text

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_DRAW, _JUDGEMENT = "audit_draw", "audit_judgement"
VERDICTS = {"same": "same", "different": "different", "cannot-tell": "cannot-tell", "cannot tell": "cannot-tell"}
# Below so many judged pairs a stratum says nothing.
ENOUGH = 1


@dataclass(frozen=True, slots=True)
class Side:
    """One message of a pair: its place and when it came. None of the pair's text is held."""

    id: str
    received_at: int


class Audit:
    """One draw and what was judged of it so far. Reads the journal when it is made."""

    def __init__(self, workspace: Workspace, body: Mapping[str, Any], at: int) -> None:
        self.workspace = workspace
        self.id: str = body["audit"]
        self.body = body
        self.at = at
        pairs = tuple(AuditPair(p[0], p[1], p[2], p[3], p[4], p[5]) for p in body["pairs"])
        self.draw = Draw(pairs, dict(body["weight"]), body["looked"], body["near"])
        self.verdicts: dict[str, dict[str, str]] = {}
        for record in workspace.archive.journal.read(_JUDGEMENT):
            self.verdicts.setdefault(record.body["by"], {})[record.body["pair"]] = record.body["verdict"]

    @cached_property
    def sides(self) -> dict[str, Side]:
        """The first message of each exact group of the draw that is still there."""
        exacts = sorted({e for p in self.draw.pairs for e in (p.one, p.other)})
        with open_engine(self.workspace) as engine:
            rows = engine.run(first_messages(exacts)).to_pylist()
        return {
            r["exact"]: Side(format_id(r["feed"], r["writer"], r["segment"], r["ordinal"]), r["received_at"])
            for r in rows
        }

    def gone(self, pair: AuditPair) -> bool:
        """Whether nothing is left of one of the two."""
        return pair.one not in self.sides or pair.other not in self.sides

    def left(self, by: str) -> list[AuditPair]:
        """The pairs that this person has not judged yet, in the order of the draw."""
        known = self.verdicts.get(by, {})
        return [p for p in self.draw.pairs if p.id not in known and not self.gone(p)]

    def judge(self, pair: AuditPair, verdict: str, *, by: str, now: int) -> None:
        """Keep one judgement; durable when this returns. The latest of one person counts."""
        self.judge_all([(pair, verdict)], by=by, now=now)

    def judge_all(self, judgements: list[tuple[AuditPair, str]], *, by: str, now: int) -> None:
        """The same for many, with one write."""
        entries = [
            (_JUDGEMENT, {
                "audit": self.id, "pair": p.id, "exacts": [p.one, p.other], "verdict": verdict, "by": by,
                "generation": self.body["generation"], "method": self.body["method"],
            })
            for p, verdict in judgements
        ]  # fmt: skip
        self.workspace.archive.journal.append_all(entries, now)
        self.verdicts.setdefault(by, {}).update({p.id: verdict for p, verdict in judgements})

    def document(self, by: str) -> dict[str, Any]:
        """The document of ``campaigns audit``: what this person's judgements say, and how far others agree."""
        seed = self.body["seed"]
        known = {p.id: "cannot-tell" for p in self.draw.pairs if self.gone(p)} | self.verdicts.get(by, {})
        strata = tally(self.draw.pairs, known)
        same = {n: t.same for n, t in strata.items()}
        told = {n: t.same + t.different for n, t in strata.items()}
        doubted = {n: told[n] + t.cannot_tell for n, t in strata.items()}
        weight, outside = self.draw.weight, {"apart": self.draw.near}
        precision = estimate_share(same, told, weight, seed=seed)
        current = campaign_generations(self.workspace).current()
        return {
            "schema": "spamtide.campaign-audit/1",
            "audit": self.id,
            "seed": seed,
            "sample": self.body["sample"],
            "by": by,
            "drawn_at": format_instant(self.at),
            "generation": self.body["generation"],
            "current": current is not None and _stamp(current) == self.body["stamp"],
            "method": self.body["method"],
            "messages": self.body["messages"],
            "pairs_drawn": len(self.draw.pairs),
            "judged": sum(p.id in known for p in self.draw.pairs),
            "left": len(self.left(by)),
            "precision": _interval(precision),
            "precision_if_doubts_differ": _interval(estimate_share(same, doubted, weight, seed=seed)),
            "refused": None if precision is not None else self._refused(told),
            "missed": {
                "looked": self.draw.looked,
                "near": self.draw.near,
                "share": _interval(estimate_share(same, told, outside, seed=seed)),
            },
            "strata": [
                {
                    "stratum": name,
                    "weight": _number(weight[name] / max(1, sum(weight.values()))) if name in weight else None,
                    "same": t.same, "different": t.different, "cannot_tell": t.cannot_tell, "left": t.left,
                }
                for name, t in strata.items()
            ],
            "agreement": self._agreement(by),
            "pairs": [self._pair(p, known) for p in self.draw.pairs],
        }  # fmt: skip

    def _refused(self, told: Mapping[str, int]) -> dict[str, Any]:
        lacking = [n for n, k in self.draw.weight.items() if k and told.get(n, 0) < ENOUGH]
        value = Refusal("too_few_judged", {"judged_of_each_stratum": ENOUGH}, {"strata_without": ", ".join(lacking)})
        if not any(self.draw.weight.values()):
            value = Refusal("no_pairs", {"campaigns_of_two_wordings": 1}, {"campaigns_of_two_wordings": 0})
        return {
            "reason": value.reason, "needed": dict(value.needed), "have": dict(value.have), "text": refusal_text(value)
        }  # fmt: skip

    def _pair(self, pair: AuditPair, known: Mapping[str, str]) -> dict[str, Any]:
        ids = [None if e not in self.sides else self.sides[e].id for e in (pair.one, pair.other)]
        return {"pair": pair.id, "a": ids[0], "b": ids[1], "drawn": pair.times, "verdict": known.get(pair.id)}

    def _agreement(self, by: str) -> list[dict[str, Any]]:
        own = self.verdicts.get(by, {})
        mine = {p.id: own[p.id] for p in self.draw.pairs if p.id in own}
        found = []
        for who, theirs in sorted(self.verdicts.items()):
            both = [i for i in mine if i in theirs]
            if who != by and both:
                found.append({"with": who, "both": len(both), "agree": sum(mine[i] == theirs[i] for i in both)})
        return found


def _interval(share: Share | None) -> dict[str, float] | None:
    return None if share is None else {"value": share.value, "low": share.low, "high": share.high, "level": share.level}


def _number(value: float) -> float:
    return float(f"{value:.6g}")


def _stamp(generation: Generation) -> str:
    return generation.tables["campaign_member"].sha256


def open_audit(workspace: Workspace, generation: Generation, *, sample: int, seed: int, by: str, now: int) -> Audit:
    """The audit of this seed and sample that this person has not finished, else one of ``generation``, drawn now if nobody drew it."""
    found = [
        Audit(workspace, record.body, record.at)
        for record in workspace.archive.journal.read(_DRAW)
        if (record.body["seed"], record.body["sample"]) == (seed, sample)
    ]
    for audit in reversed(found):
        if audit.left(by) or audit.body["stamp"] == _stamp(generation):
            return audit
    body = _drawn(workspace, generation, sample=sample, seed=seed)
    workspace.archive.journal.append(_DRAW, body, now)
    return Audit(workspace, body, now)


def audited_precision(workspace: Workspace) -> Interval | None:
    """The precision of the current grouping by whoever judged all pairs of an audit of it, the lowest where several did; None: nobody did."""
    current = campaign_generations(workspace).current()
    if current is None:
        return None
    found = []
    for record in workspace.archive.journal.read(_DRAW):
        if record.body["stamp"] == _stamp(current):
            audit = Audit(workspace, record.body, record.at)
            told = [audit.document(by)["precision"] for by in sorted(audit.verdicts) if not audit.left(by)]
            found += [Interval(p["value"], p["low"], p["high"]) for p in told if p is not None]
    return min(found, key=lambda i: i.low, default=None)


def _drawn(workspace: Workspace, generation: Generation, *, sample: int, seed: int) -> dict[str, Any]:
    import pyarrow.parquet as pq

    snapshot = workspace.tables.snapshot(FACTS_VERSION)
    with ExactGroups(snapshot, engine_options(workspace)) as groups:
        likeness = Likeness(list(groups.in_order(list(LISTS))))
    members = pq.read_table(generation.tables["campaign_member"].path)
    campaign = dict(zip(members["exact"].to_pylist(), members["campaign"].to_pylist(), strict=True))
    with open_engine(workspace, generation) as engine:
        counted = engine.run(exact_counts())
    messages = dict(zip(counted["exact"].to_pylist(), counted["messages"].to_pylist(), strict=True))
    if any(e not in campaign or e not in messages for e in likeness.exact):
        raise Unanswerable("changed_meanwhile", "Messages came while the pairs were drawn.", "Run it again.")
    draw = draw_pairs(
        likeness, [campaign[e] for e in likeness.exact], [messages[e] for e in likeness.exact], sample=sample, seed=seed
    )
    stamp = _stamp(generation)
    name = hashlib.sha256(f"spamtide audit {seed} {sample} {stamp}".encode()).hexdigest()[:12]
    return {
        "audit": f"audit-{name}", "seed": seed, "sample": sample, "generation": generation.number, "stamp": stamp,
        "method": generation.basis.method, "messages": generation.basis.messages, "weight": dict(draw.weight),
        "looked": draw.looked, "near": draw.near,
        "pairs": [[p.one, p.other, p.stratum, p.times, p.similarity, p.needed] for p in draw.pairs],
    }  # fmt: skip


def read_answers(audit: Audit, data: bytes) -> list[tuple[AuditPair, str]]:
    """Judgements of a CSV with the columns ``pair`` and ``verdict``; an empty verdict is none. Raises WrongUse ``bad_answers``."""
    pairs = {p.id: p for p in audit.draw.pairs}
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise _bad_answers(1, "the file is no UTF-8") from None
    if not {"pair", "verdict"} <= set(rows.fieldnames or ()):
        raise _bad_answers(1, "the columns 'pair' and 'verdict' are asked for")
    found = []
    for row in rows:
        name, said = (row["pair"] or "").strip(), (row["verdict"] or "").strip().lower()
        if name not in pairs:
            raise _bad_answers(rows.line_num, f"{name!r} is no pair of this draw")
        if said and said not in VERDICTS:
            raise _bad_answers(rows.line_num, f"{said!r} is no verdict")
        if said:
            found.append((pairs[name], VERDICTS[said]))
    return found


def _bad_answers(line: int, why: str) -> WrongUse:
    return WrongUse(
        "bad_answers", f"Line {line} of the answers: {why}.",
        "Pairs are listed by 'spamtide campaigns audit --json'; verdicts are same, different, cannot-tell.", line=line,
    )  # fmt: skip
