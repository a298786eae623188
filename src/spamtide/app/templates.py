"""The template of one campaign, inferred from the texts that its tables hold, against texts of all the others."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spamtide.campaign import Others, Refusal, Split, Template, Text, infer_template
from spamtide.measure import campaign_texts, other_texts

if TYPE_CHECKING:
    from spamtide.archive import Engine

# Exact groups that are read, lowest by digest; inference itself takes a sample of what it is given.
MEMBERS = 400
# Other campaigns of which one text each must not match.
OTHERS = 4_000


def template_of(engine: Engine, campaign: str) -> dict[str, Any]:
    """``template``, ``regex``, ``subject_regex``, ``templates``, ``unmatched`` and ``template_refused`` of a campaign.

    The first three are those of its largest template, null where none was found.
    """
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
    return {
        "template": largest.text if largest else None,
        "regex": largest.body_regex if largest else None,
        "subject_regex": largest.subject_regex if largest else None,
        "templates": [_document(t) for t in templates],
        "unmatched": None if unmatched is None else _six(unmatched),
        "template_refused": refused,
    }


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
