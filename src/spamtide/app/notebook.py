"""What ``spamtide.open`` gives: an observatory whose answers show themselves in a notebook and become Arrow tables.

An answer stands before the value of the room that made it (``Effect``, ``Series``, ...): its attributes are the value's. Figures and
texts in ``_repr_html_`` are escaped and fit to leave; ``to_arrow`` gives the values themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import pyarrow as pa

from spamtide.app.observatory import Observatory
from spamtide.measure import UNKNOWN_GROUP, Duplicates, Effect, FeedEffect, Series, Window, agree
from spamtide.report import (
    agreement_html,
    campaigns_html,
    corroborate_document,
    duplicates_document,
    duplicates_html,
    effect_document,
    effect_html,
    population_html,
    series_document,
    series_html,
    size_document,
)

if TYPE_CHECKING:
    from spamtide.measure import Agreement, Population

T = TypeVar("T")
_TIME = pa.timestamp("us", "UTC")
_SHARE = (("value", pa.float64()), ("low", pa.float64()), ("high", pa.float64()))


class Answer(Generic[T]):
    """A value with its document (as the command line prints it), its look in a notebook, and its table."""

    def __init__(
        self, value: T, document: Mapping[str, Any], html: Callable[[], str], table: Callable[[], pa.Table]
    ) -> None:
        self.value = value
        self.document = document
        self._html, self._table = html, table

    def __getattr__(self, name: str) -> Any:
        # Only what is not found here: the value's own.
        return getattr(object.__getattribute__(self, "value"), name)

    def __getitem__(self, key: Any) -> Any:
        return cast("Mapping[Any, Any]", self.value)[key]

    def __repr__(self) -> str:
        return str(self.document.get("sentence") or f"<{type(self.value).__name__} {self.document.get('schema')}>")

    def _repr_html_(self) -> str:
        return self._html()

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table; its metadata ``spamtide`` is the document."""
        table = self._table()
        return table.replace_schema_metadata({b"spamtide": json.dumps(dict(self.document), allow_nan=False).encode()})


class Opened:
    """The observatory of one workspace for scripts and notebooks. What is not here is that of ``Observatory``: ``search``, ``claims``, ..."""

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_observatory"), name)

    def effect(self, measure: str, feed: str, **how: Any) -> Answer[Effect]:
        """What changed after an event or an instant, as ``Observatory.effect``. Rows: a bin with its count, exposure and expectation."""
        value = self._observatory.effect(measure, feed, **how)
        return Answer(value, effect_document(value), lambda: effect_html(value), lambda: _path_table(value))

    def series(self, measure: str, feeds: Sequence[str], **how: Any) -> Answer[Series]:
        """Counts in bins, as ``Observatory.series``. Rows: ``time, count`` (null: missing) and ``exposure``."""
        value = self._observatory.series(measure, feeds, **how)
        return Answer(value, series_document(value), lambda: series_html(value), lambda: _series_table(value))

    def duplicates(self, feed: str, rule: str, windows: Sequence[Window], **how: Any) -> Answer[Duplicates]:
        """Duplicate shares, as ``Observatory.duplicates``. Rows: a window's share, as counted or at equal n."""
        value = self._observatory.duplicates(feed, rule, windows, **how)
        document = duplicates_document(value)
        return Answer(value, document, lambda: duplicates_html(value), lambda: _shares_table(document))

    def campaigns(self, feeds: Sequence[str] = (), **how: Any) -> Answer[pa.Table]:
        """The campaigns, as ``Observatory.campaigns``: the Arrow table as it is, subjects as they came."""
        table = self._observatory.campaigns(feeds, **how)
        document = {"schema": "spamtide.campaigns/1", "campaigns": table.num_rows}
        return Answer(
            table, document, lambda: campaigns_html(table.slice(0, 25).to_pylist(), table.num_rows), lambda: table
        )

    def agreement(
        self, measure: str, feeds: Sequence[str], *, event: str, groups: Mapping[str, str] | None = None
    ) -> Answer[Agreement]:
        """One event at several feeds side by side; ``groups``: the independence group of those somebody stated one for. Rows: a feed."""
        names = self._observatory.workspace.require_feeds(list(feeds))
        effects = [self._observatory.effect(measure, feed, event=event) for feed in names]
        stated = [
            FeedEffect(f, (groups or {}).get(f, UNKNOWN_GROUP), e.measure, e.ratio, e.refused)
            for f, e in zip(names, effects, strict=True)
        ]
        value = agree(stated)
        document = corroborate_document(value, effects, {}, None, ())
        return Answer(value, document, lambda: agreement_html(document), lambda: _agreement_table(document))

    def population(
        self, measure: str, feeds: Sequence[str], *, window: Window | None = None
    ) -> Answer[tuple[Population, ...]]:
        """How many hosts sent what ``measure`` counts, by family of addresses. Rows: an estimate."""
        from spamtide.app.sizing import sizes_of_workspace

        found = sizes_of_workspace(self._observatory, measure, list(feeds), window=window)
        document = size_document(found.populations, target=measure, feeds=found.feeds)
        return Answer(
            found.populations, document, lambda: population_html(document), lambda: _estimates_table(document)
        )


def _path_table(effect: Effect) -> pa.Table:
    names = ("time", "count", "exposure", "expected", "expected_low", "expected_high", "after")
    types = (_TIME, *[pa.float64()] * 5, pa.bool_())
    schema = pa.schema(list(zip(names, types, strict=True)))
    p = effect.path
    if p is None:
        return schema.empty_table()
    columns = (p.starts, p.observed, p.exposures, p.expected, p.expected_low, p.expected_high, p.post)
    arrays = [pa.array(c, t) for c, t in zip(columns, types, strict=True)]
    arrays[1] = pa.array(p.observed, pa.float64(), mask=p.missing)
    return pa.Table.from_arrays(arrays, schema=schema)


def _series_table(series: Series) -> pa.Table:
    return pa.table(
        {
            "time": pa.array(series.starts, _TIME), "count": pa.array(series.counts, pa.float64(), mask=series.missing),
            "exposure": pa.array(series.exposures, pa.float64()),
        }
    )  # fmt: skip


def _rows_table(rows: list[dict[str, Any]], columns: Sequence[tuple[str, pa.DataType]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(list(columns)))


def _shares_table(document: Mapping[str, Any]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    equal = document["equal_n"]
    for i, w in enumerate(document["windows"]):
        at = {"start": _instant(w["start"]), "end": _instant(w["end"])}
        for share in ("in_group", "repeat"):
            rows.append({**at, "compared": "as counted", "share": share, "messages": w["messages"], **(w[share] or {})})
            if equal is not None and equal[share]:
                rows.append({**at, "compared": "equal n", "share": share, "messages": equal["n"], **equal[share][i]})
    columns = [
        ("start", _TIME),
        ("end", _TIME),
        ("compared", pa.string()),
        ("share", pa.string()),
        ("messages", pa.int64()),
        *_SHARE,
    ]
    return _rows_table(rows, columns)


def _agreement_table(document: Mapping[str, Any]) -> pa.Table:
    rows = [
        {"feed": e["feed"], "independence_group": e["independence_group"], "confidence": e["confidence"], **(e["ratio"] or {})}
        for e in document["effects"]
    ]  # fmt: skip
    columns = [("feed", pa.string()), ("independence_group", pa.string()), ("confidence", pa.int64()), *_SHARE]
    return _rows_table(rows, columns)


def _estimates_table(document: Mapping[str, Any]) -> pa.Table:
    names = ("quantity", "unit", "family", "population", "method", "warning")
    return _rows_table(list(document["estimates"]), [*((n, pa.string()) for n in names), *_SHARE])


def _instant(text: str) -> int:
    from spamtide.app.instants import parse_instant

    return parse_instant(text)
