"""One event at several feeds of the workspace: effects side by side, and the feeds compared as feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.app.effects import EffectQuestion
from spamtide.app.grading import graded_alone, graded_together, stated_effect
from spamtide.app.instruments import instrument_card
from spamtide.app.observatory import UNSOLICITED, Observatory
from spamtide.errors import WrongUse
from spamtide.measure import (
    Effect,
    Tasting,
    Window,
    agree,
    groups_seen,
    span,
    taste_counted,
)
from spamtide.report import corroborate_document


def parse_groups(given: Sequence[str], feeds: Sequence[str]) -> dict[str, str]:
    """``FEED=GROUP`` of each as a mapping. Raises WrongUse ``bad_group``."""
    groups: dict[str, str] = {}
    for text in given:
        feed, equals, group = text.partition("=")
        if not equals or not group or feed not in feeds:
            raise WrongUse(
                "bad_group",
                f"{text!r} states no independence group of one of these feeds.",
                "Write --group FEED=GROUP: feeds that share owner, sensors, filter or supplier have one GROUP.",
                given=text,
            )
        groups[feed] = group
    return groups


def corroborate(
    observatory: Observatory,
    event: str,
    measure: str,
    feeds: Sequence[str],
    groups: Mapping[str, str],
    *,
    origins: Sequence[str] = UNSOLICITED,
    effects: Sequence[Effect] = (),
) -> dict[str, Any]:
    """The document ``spamtide.corroborate/1``. A feed nobody stated a group for is ``unknown``, which counts as shared.

    ``effects``: those of the feeds, in their order, graded alone, where they are known already.
    """
    names = observatory.workspace.require_feeds(list(feeds))
    effects = effects or [
        graded_alone(
            observatory.workspace,
            EffectQuestion(event=event, measure=measure, feed=feed, origins=tuple(origins)),
            observatory.effect(measure, feed, event=event, origins=origins),
        )
        for feed in names
    ]
    vantages = {
        f: sorted(instrument_card(observatory.workspace, f)["instrument"]["addresses_by_vantage"]) for f in names
    }
    with_mail = [f for f in names if not observatory.holds_counts(f)]
    return corroborate_document(
        agree([stated_effect(e, groups) for e in effects]),
        graded_together(effects, groups),
        vantages,
        tasted(observatory, with_mail, origins),
        [f for f in names if f not in with_mail],
    )


def tasted(observatory: Observatory, feeds: Sequence[str], origins: Sequence[str]) -> Tasting | None:
    """What the feeds saw of one another's campaigns while all were there; None for one feed, or for feeds never there together."""
    if len(feeds) < 2:
        return None
    spans = [span(observatory.exposures([f])) for f in feeds]
    known = [s for s in spans if s is not None]
    if len(known) < len(feeds):
        return None
    window = Window(max(s[0] for s in known), min(s[1] for s in known))
    if window.end <= window.start:
        return None
    seen = {
        f: observatory.run(groups_seen("near", feeds=[f], origins=origins, window=window)).to_pylist() for f in feeds
    }
    number = {key: i for i, key in enumerate(sorted({row["key"] for rows in seen.values() for row in rows}))}
    return taste_counted(
        {f: {number[row["key"]]: row["n"] for row in rows} for f, rows in seen.items()},
        {f: {number[row["key"]]: row["first"] for row in rows} for f, rows in seen.items()},
        window,
    )
