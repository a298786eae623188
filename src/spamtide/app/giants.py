"""The alarm on a giant: one campaign of many wordings that holds a large share of a feed. Often two that something common glued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.engines import open_engine
from spamtide.app.firsts import first_of_each
from spamtide.app.output import printable
from spamtide.app.wording import words_behind
from spamtide.campaign import Glue, find_glue
from spamtide.measure import Note, campaign_edges, large_campaigns

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace
    from spamtide.archive import Engine, Generation

# Of fewer wordings none is glued: its copies are exact, or few enough to be looked at.
WORDINGS = 10
_SAID = {
    "subject": "words of the subject that both have",
    "link": "a host that both link to",
    "text": "the text, other evidence being different",
    "text alone": "the text, without any evidence beside it",
    "build": "what two messages of few words are built like",
    "picture": "pictures that look alike",
    "heading": "a subject, where one of the two has no text",
}


def find_giants(workspace: Workspace, generation: Generation | None) -> list[dict[str, Any]]:
    """Warnings ``giant_group``, the largest share first: ``{code, text, next, campaign, feed, messages, share, glue}``.

    By ``campaigns.giant_share`` and ``campaigns.giant_messages`` of the settings.
    """
    if generation is None:
        return []
    settings = workspace.settings.campaigns
    found = []
    with open_engine(workspace, generation) as engine:
        rows = engine.run(
            large_campaigns(
                share=round(settings.giant_share * 1000), messages=settings.giant_messages, wordings=WORDINGS
            )
        ).to_pylist()
        for row in sorted(rows, key=lambda r: (-r["messages"] / r["total"], r["campaign"], r["feed"])):
            glue = find_glue(engine.run(campaign_edges(row["campaign"])).to_pylist())
            found.append(_warning(row, glue, _words(workspace, engine, glue)))
    return found


def _words(workspace: Workspace, engine: Engine, glue: Glue) -> dict[int, str]:
    """Words of the commonest shingles."""
    firsts = first_of_each(engine, [j.exact for j in glue.joints])
    words: dict[int, str] = {}
    for joint in glue.joints:
        if joint.exact in firsts:
            words |= words_behind(workspace.archive, firsts[joint.exact], [joint.shingle])
    return words


def _warning(row: dict[str, Any], glue: Glue, words: dict[int, str]) -> dict[str, Any]:
    share = float(f"{row['messages'] / row['total']:.6g}")
    ranked = sorted(glue.evidence.items(), key=lambda item: (-item[1], item[0]))
    evidence = "; ".join(f"{n:,} of {glue.joins:,} joins rest on {_SAID[name]}" for name, n in ranked[:2])
    met = "; ".join(
        f"{j.joins:,} met by {_quoted(words.get(j.shingle))}" for j in glue.joints if j.joins > 1 or glue.joins == 1
    )
    weak = f"; {glue.weak:,} less than .05 over the threshold" if glue.weak else ""
    text = (
        f"The campaign {row['campaign']} holds {share:.0%} of {row['feed']}: {row['messages']:,} messages in {row['exact_groups']:,} wordings. "
        f"What glued it: {evidence}{'; ' + met if met else ''}{weak}."
    )
    note = Note(
        "giant_group",
        {"campaign": row["campaign"], "feed": row["feed"], "messages": row["messages"], "share": share},
    )
    return {
        "code": note.code,
        "text": text,
        "next": f"Look at its variants with 'spamtide campaigns show {row['campaign']}', at pairs with 'spamtide campaigns audit'; if it is one campaign, raise campaigns.giant_share.",
        **note.facts,
        "glue": {
            "joins": glue.joins,
            "evidence": dict(glue.evidence),
            "weak": glue.weak,
            "met_by": [{"words": words.get(j.shingle), "joins": j.joins} for j in glue.joints],
        },
    }


def _quoted(words: str | None) -> str:
    return "what is no run of words" if words is None else f'"{printable(words, 80)}"'
