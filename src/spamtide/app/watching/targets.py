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
    parse_measure,
    sightings,
    texts_of_exact,
)

if TYPE_CHECKING:
    import pyarrow as pa

SPECIAL = ("botnet", "dialect", "template")
PLACE = ("feed", "writer", "segment", "ordinal")


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


def seen(observatory: Observatory, target: Target, window: Window | None = None) -> pa.Table:
    """Sightings of the target (the columns of ``sightings``) in a window, or ever, in order of time."""
    kind, workspace = target.special, observatory.workspace
    tree, generation = target.filters, None
    if kind is None:
        parsed = parse_measure(target.measure)
        assert isinstance(parsed, Count)
        if asks_for_campaigns(target.measure):
            generation = campaign_generations(workspace).current()
        tree = parsed.tree if tree == EVERYTHING else count_within(parsed, tree).tree
    tree = resolved(workspace, tree, generation)
    how: dict[str, Any] = {"feeds": target.feeds, "origins": UNSOLICITED, "window": window}
    with open_engine(workspace) as engine:
        rows = engine.run(sightings(tree, **how))
        if kind == "template":
            return _matched(rows, engine.run(texts_of_exact(**how)), target)
    return rows if kind is None else _of_group(observatory, rows, kind, target.measure.partition(":")[2])


def _senders(observatory: Observatory) -> Any:
    from spamtide.app.botnets import Senders
    from spamtide.app.senders import settle_senders
    from spamtide.app.workspace import now_us

    return Senders(observatory.workspace, settle_senders(observatory.workspace, now=now_us(), waiting=lambda: None))


def _of_group(observatory: Observatory, rows: pa.Table, kind: str, said: str) -> pa.Table:
    """Those rows that are of a sender group, or were spoken in a dialect."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    senders = _senders(observatory)
    column, wanted = ("group", senders.resolve(said)) if kind == "botnet" else ("dialect", said)
    path = senders.generation.tables["group_member"].path
    members = pq.read_table(path, columns=[*PLACE, column])
    members = members.filter(pc.equal(members[column], wanted)).drop_columns([column])
    joined = rows.join(members, list(PLACE), join_type="left semi")
    return joined.sort_by([("received_at", "ascending"), *((c, "ascending") for c in PLACE)])


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
