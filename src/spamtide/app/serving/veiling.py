"""Campaigns of mail from a person to a person: their texts stand on no page; each message has its own, which asks for a reason."""

from __future__ import annotations

from typing import Any

from spamtide.app.serving.asking import PERSONAL, Asker
from spamtide.measure import campaign_values

VEIL = "(a person's mail)"


def personal_campaigns(asker: Asker) -> frozenset[str]:
    """Campaigns with at least one message of personal origin."""

    def find() -> frozenset[str]:
        # Asked by the page of one campaign too, where the engine holds no other: the answer is kept for all.
        with asker.whole():
            return frozenset(row["campaign"] for row in asker.rows(campaign_values("feeds", origins=(PERSONAL,))))

    found: frozenset[str] = asker.kept(("personal campaigns",), find)
    return found


def veiled_row(asker: Asker, row: dict[str, Any]) -> dict[str, Any]:
    """A row of a list of campaigns, its texts as they may be shown."""
    if row["campaign"] in personal_campaigns(asker):
        return {**row, "subjects": [VEIL], "template": None, "regex": None}
    return {
        **row,
        "subjects": [asker.text(s, 200) for s in row["subjects"]],
        "template": asker.text(row["template"], 400),
    }


def veil_campaign(facts: dict[str, Any]) -> None:
    """Take all texts and senders out of the facts of one campaign."""
    board = facts["storyboard"]
    rows = [{**r, "subject": r["subject"] if r["rest"] else VEIL, "excerpt": ""} for r in board["rows"]]
    facts |= {
        "subjects": [VEIL], "by_subject": [], "by_sender": [], "templates": [], "template": None, "regex": None, "subject_regex": None,
        "example": {**facts["example"], "from": None, "subject": VEIL, "text": ""},
        "variants": [{**v, "subject": VEIL, "diff": [["=", VEIL]]} for v in facts["variants"]],
        "storyboard": {**board, "rows": rows, "alt": f"{len(rows)} wordings of a person's mail"},
    }  # fmt: skip
