"""What a watch looks for, hour by hour: any measure that counts messages, and besides a sender group, a dialect or a template.

``botnet:G`` (a group's id or name), ``dialect:D``, ``template:CAMPAIGN``; all else is a MEASURE of docs/reference/query.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spamtide.app.engines import campaign_generations, open_engine
from spamtide.app.observatory import UNSOLICITED, Observatory
from spamtide.app.searching import asks_for_campaigns, resolved
from spamtide.errors import WrongUse
from spamtide.measure import (
    EVERYTHING,
    HOUR_US,
    Count,
    Series,
    Tree,
    Window,
    count_within,
    last_sighting,
    parse_measure,
    sightings,
    texts_of_exact,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive import Generation

SPECIAL = ("botnet", "dialect", "template")


@dataclass(frozen=True, slots=True)
class Target:
    """A measure at some feeds; ``expressions`` of a template, subject and text; ``filters``: of messages that match this alone."""

    measure: str
    feeds: tuple[str, ...]
    expressions: tuple[str, str] | None = None
    filters: Tree = EVERYTHING

    @property
    def special(self) -> str | None:
        """Which of the three it is; None for a plain measure."""
        kind, colon, rest = self.measure.partition(":")
        return kind if colon and rest and kind in SPECIAL else None


def check_target(observatory: Observatory, measure: str, feeds: Sequence[str]) -> Target:
    """The target that ``measure`` names, its template inferred now.

    Raises WrongUse ``not_watchable``, ``unknown_group``, ``unknown_dialect``, ``no_template``, and what ``parse_measure`` raises.
    """
    target = Target(measure, tuple(observatory.workspace.require_feeds(list(feeds))))
    kind, said = target.special, measure.partition(":")[2]
    if kind is None:
        parsed = parse_measure(measure)
        if not isinstance(parsed, Count) or parsed.peers or parsed.unit != "message":
            raise WrongUse(
                "not_watchable", f"{measure!r} is no count of messages.",
                "Watch messages:QUERY, subject:a,b, campaign:ID, botnet:G, dialect:D or template:CAMPAIGN.",
            )  # fmt: skip
        return replace(target, measure=str(parsed))
    if kind == "botnet":
        _senders(observatory).resolve(said)
        return target
    if kind == "dialect":
        return replace(target, measure=f"dialect:{_senders(observatory).dialect(said)['dialect']}")
    found = observatory.campaign(said)
    if found["regex"] is None or found["subject_regex"] is None:
        raise WrongUse(
            "no_template", f"No template is known of the campaign {said}.",
            "'spamtide campaigns show' says why; watch campaign:ID instead.", campaign=said,
        )  # fmt: skip
    return replace(target, expressions=(found["subject_regex"], found["regex"]))


def hourly(observatory: Observatory, target: Target) -> Series:
    """Counts of the target in every hour of its feeds, with exposure."""
    if target.special is None:
        measure = target.measure
        if target.filters != EVERYTHING:
            parsed = parse_measure(measure)
            assert isinstance(parsed, Count)
            measure = str(count_within(parsed, target.filters))
        return observatory.series(measure, target.feeds, bin_us=HOUR_US)
    whole = observatory.series("volume", target.feeds, bin_us=HOUR_US)
    rows = seen(observatory, target)
    counts = np.zeros(len(whole.starts))
    places = (rows["received_at"].to_numpy() - int(whole.starts[0])) // HOUR_US
    inside = (places >= 0) & (places < len(counts))
    np.add.at(counts, places[inside], 1.0)
    return replace(whole, measure=target.measure, counts=counts)


def seen(
    observatory: Observatory, target: Target, window: Window | None = None, *, lately_us: int | None = None
) -> pa.Table:
    """Sightings of the target (the columns of ``sightings``) in a window, or ever, in order of time.

    ``lately_us``: at least those of so long a time up to the last one.
    """
    kind, workspace = target.special, observatory.workspace
    tree, generation = target.filters, None
    if kind is None:
        parsed = parse_measure(target.measure)
        assert isinstance(parsed, Count)
        if asks_for_campaigns(target.measure):
            generation = campaign_generations(workspace).current()
        tree = parsed.tree if tree == EVERYTHING else count_within(parsed, tree).tree
    tree = resolved(workspace, tree, generation)
    how: dict[str, Any] = {"feeds": target.feeds, "origins": UNSOLICITED}
    senders, members = _members(observatory, target)
    with open_engine(workspace, senders=senders) as engine:
        if lately_us is not None:
            last = engine.run(last_sighting(tree, **how, members=members))["last"].to_pylist()[0]
            # A template is laid on texts: what is told by the engine is when something last came that it could be.
            window = None if last is None or kind == "template" else Window(last + 1 - lately_us, last + 1)
        rows = engine.run(sightings(tree, **how, window=window, members=members))
        if kind == "template":
            return _matched(rows, engine.run(texts_of_exact(**how, window=window)), target)
    return rows


def _members(observatory: Observatory, target: Target) -> tuple[Generation | None, tuple[str, str] | None]:
    """The generation of sender groups and what to ask of its members, where the target is a group or a dialect."""
    kind, said = target.special, target.measure.partition(":")[2]
    if kind not in ("botnet", "dialect"):
        return None, None
    senders = _senders(observatory)
    return senders.generation, ("group", senders.resolve(said)) if kind == "botnet" else ("dialect", said)


def _senders(observatory: Observatory) -> Any:
    from spamtide.app.botnets import Senders

    return Senders(observatory.workspace, observatory.settled_senders())


def _matched(rows: pa.Table, texts: pa.Table, target: Target) -> pa.Table:
    """Those rows whose exact group matches both expressions of a template."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from spamtide.campaign import Others, Text

    assert target.expressions is not None
    subject, body = target.expressions
    tried = Others([Text(t["subject"] or "", t["text"] or "") for t in texts.to_pylist()])
    both = np.intersect1d(tried.met(subject, "", "subject"), tried.met(body, ""))
    exact = texts["exact"].take(pa.array(both))
    return rows.filter(pc.is_in(rows["exact"], value_set=exact.combine_chunks()))
