"""The template of one campaign, inferred from the texts that its tables hold, against texts of all the others.

Inference takes a second; what it found is kept beside the generation, so that lists and explanations have it from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spamtide.archive import keep_beside, kept_beside, names_beside
from spamtide.campaign import (
    TEMPLATE_METHOD,
    Anchor,
    Line,
    Others,
    Refusal,
    Slot,
    Split,
    Template,
    Text,
    fill_slots,
    infer_template,
)
from spamtide.measure import campaign_texts, other_texts

if TYPE_CHECKING:
    from spamtide.archive import Engine, Generation
    from spamtide.campaign import Change

# Exact groups that are read, lowest by digest; inference itself takes a sample of what it is given.
MEMBERS = 400
# Other campaigns of which one text each must not match.
OTHERS = 4_000
_KEPT = "templates"
# Keys of a list's row that the largest template fills.
LISTED = ("template", "regex")


def template_of(engine: Engine, generation: Generation, campaign: str) -> dict[str, Any]:
    """``template``, ``regex``, ``subject_regex``, ``templates``, ``unmatched`` and ``template_refused`` of a campaign.

    The first three are those of its largest template, null where none was found.
    """
    document: dict[str, Any] = _known(engine, generation, campaign)["document"]
    return document


def inferred_campaigns(generation: Generation) -> frozenset[str]:
    """The campaigns whose template was inferred already."""
    return names_beside(generation, _KEPT)


def inferred_template(generation: Generation, campaign: str) -> dict[str, Any] | None:
    """The same keys where it was inferred already, else None. Infers nothing."""
    body = _kept(generation, campaign)
    return None if body is None else body["document"]


def carry_templates(before: Generation, after: Generation, moved: Iterable[Change], lost: Collection[str]) -> int:
    """Keep what was inferred of a generation for the next one, under the ids of now; how many were kept.

    Not that of a campaign which is ``lost``, some of whose exact groups are gone: what was inferred of erased texts must not outlive them.
    Nor of one that was split, or is now more than twice as large: its template may not be what it was. Those are inferred again
    when somebody asks.
    """
    went = {change.old: change for change in moved}
    names = sorted(inferred_campaigns(before) - frozenset(lost))
    if not names:
        return 0
    was = _wordings(before, names)
    # A campaign that kept its id goes before those that were merged into it.
    targets = {name: name for name in names if name not in went}
    for name in names:
        change = went.get(name)
        if change is not None and change.why in ("merged", "renamed"):
            targets.setdefault(change.new[0], name)
    now = _wordings(after, sorted(targets))
    kept = 0
    for new, old in sorted(targets.items()):
        body = _kept(before, old)
        if body is not None and 0 < now.get(new, 0) <= 2 * was.get(old, 0):
            keep_beside(after, _KEPT, new, body)
            kept += 1
    return kept


def _wordings(generation: Generation, campaigns: list[str]) -> dict[str, int]:
    """Exact groups of some campaigns."""
    import pyarrow.parquet as pq

    if not campaigns:
        return {}
    rows = pq.read_table(
        generation.tables["campaign"].path,
        columns=["campaign", "exact_groups"],
        filters=[("campaign", "in", campaigns)],
    )
    return {row["campaign"]: row["exact_groups"] for row in rows.to_pylist()}


def _kept(generation: Generation, campaign: str) -> dict[str, Any] | None:
    body = kept_beside(generation, _KEPT, campaign)
    return body if body is not None and body.get("method") == TEMPLATE_METHOD else None


def _known(engine: Engine, generation: Generation, campaign: str) -> dict[str, Any]:
    body = _kept(generation, campaign)
    if body is None:
        body = {"method": TEMPLATE_METHOD, **_inferred(engine, campaign)}
        keep_beside(generation, _KEPT, campaign, body)
    return body


class Filling:
    """The templates of one campaign, to be laid on its messages."""

    def __init__(self, engine: Engine, generation: Generation, campaign: str) -> None:
        body = _known(engine, generation, campaign)
        self._refused = body["document"]["template_refused"]
        self._templates = [
            (t, [_lines(side) for side in sides])
            for t, sides in zip(body["document"]["templates"], body["lines"], strict=True)
        ]

    def compared(self, one: tuple[str, str], other: tuple[str, str]) -> dict[str, Any] | None:
        """The template that fills more of both messages (subject and visible text), and their values slot by slot; None without one."""
        best: dict[str, Any] | None = None
        for template, (subject, body) in self._templates:
            sides = [fill_slots(subject, s.lower()) | fill_slots(body, t.lower()) for s, t in (one, other)]
            names = [p.name for line in (*subject, *body) for p in line.pieces if isinstance(p, Slot)]
            slots = [{"slot": n, "a": sides[0].get(n), "b": sides[1].get(n)} for n in names]
            filled = sum((s["a"] is not None) + (s["b"] is not None) for s in slots)
            if best is None or filled > best["filled"]:
                best = {"text": template["text"], "slots": slots, "filled": filled}
        if best is None:
            return None
        return {"text": best["text"], "slots": [s for s in best["slots"] if s["a"] is not None or s["b"] is not None]}


def _inferred(engine: Engine, campaign: str) -> dict[str, Any]:
    """``document``, and ``lines``: of each template those of its subject and of its body, a piece ``[text]`` or ``[name, kind]``."""
    rows = engine.run(campaign_texts(campaign, MEMBERS)).to_pylist()
    members = [Text(r["subject"] or "", r["text"] or "", r["messages"]) for r in rows]
    rest = engine.run(other_texts(campaign, OTHERS)).to_pylist() if len(rows) > 1 else []
    others = Others([Text(r["subject"] or "", r["text"] or "") for r in rest], [r["campaign"] for r in rest])
    found = infer_template(members, others, owner=campaign)
    refused = None
    templates: tuple[Template, ...] = ()
    unmatched = None
    match found:
        case Refusal():
            refused = {"reason": found.reason, "needed": dict(found.needed), "have": dict(found.have)}
        case Split():
            templates, unmatched = found.templates, found.unmatched
        case Template():
            templates, unmatched = (found,), 1 - found.learnt
    largest = templates[0] if templates else None
    document = {
        "template": largest.text if largest else None,
        "regex": largest.body_regex if largest else None,
        "subject_regex": largest.subject_regex if largest else None,
        "templates": [_document(t) for t in templates],
        "unmatched": None if unmatched is None else _six(unmatched),
        "template_refused": refused,
    }
    return {"document": document, "lines": [[_pieces(t.subject), _pieces(t.body)] for t in templates]}


def _pieces(lines: Iterable[Line]) -> list[list[list[str]]]:
    return [[[p.text] if isinstance(p, Anchor) else [p.name, p.kind] for p in line.pieces] for line in lines]


def _lines(kept: list[list[list[str]]]) -> list[Line]:
    """The lines again, their slots without what was seen in them."""

    def piece(p: Any) -> Anchor | Slot:
        return Anchor(p[0]) if len(p) == 1 else Slot(p[0], p[1], (), 0, "", 0, 0)

    return [Line(tuple(piece(p) for p in line), 1.0) for line in kept]


def _document(template: Template) -> dict[str, Any]:
    held = template.held_back
    return {
        "text": template.text,
        "subject_regex": template.subject_regex,
        "regex": template.body_regex,
        "order": template.order,
        "bits": _six(template.bits),
        "chance": _six(template.chance),
        "learnt": _six(template.learnt),
        "held_back": {**asdict(held), "share": _six(held.share), "level": 0.95},
        "distinct": template.distinct,
        "messages": template.messages,
        "others_tried": template.tried,
        "fits": template.fits,
    }


def no_template() -> dict[str, Any]:
    """The same keys where nobody asked."""
    return {
        "template": None,
        "regex": None,
        "subject_regex": None,
        "templates": [],
        "unmatched": None,
        "template_refused": None,
    }


def _six(value: float) -> float:
    return float(f"{value:.6g}")
