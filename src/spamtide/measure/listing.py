"""A search as one statement of SQL with parameters, for the embedded engine alone: a list, in order of feed and arrival.

Counts are unbound Ibis expressions, which any engine runs. A list is read by one engine, on one machine, and is what a person
waits for: loading Ibis takes three times as long as answering. The conditions are those of
``spamtide.measure.expressions``: the same code builds them, over columns of this file in place of Ibis's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spamtide.measure.expressions import LISTED, condition, uses
from spamtide.measure.query import And, Term, Tree

_ORDER = ("feed", "received_at", "writer", "segment", "ordinal")
_KEYS = ("feed", "writer", "segment", "ordinal")


@dataclass(frozen=True, slots=True)
class ListingAfter:
    """Where a list goes on: after the message of this place and time."""

    feed: str
    received_at: int
    writer: str
    segment: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What to list. ``columns`` of the rows; ``where`` has a ``?`` for each of ``parameters``; tables are ``m`` and ``t``.

    ``by_campaign``: it also asks for ``c.campaign``, the campaign of each exact group.
    """

    columns: tuple[str, ...]
    tables: tuple[str, ...]
    where: str
    parameters: tuple[Any, ...]
    order: tuple[str, ...] = _ORDER
    keys: tuple[str, ...] = _KEYS
    by_campaign: bool = False


class Sql:
    """A piece of SQL with its parameters; does what the conditions of a query need of a column, and no more."""

    def __init__(self, text: str, parameters: Iterable[Any] = ()) -> None:
        self.text = text
        self.parameters = tuple(parameters)

    def _with(self, form: str, value: object) -> Sql:
        other = value if isinstance(value, Sql) else Sql("?", (value,))
        return Sql(form.format(self.text, other.text), self.parameters + other.parameters)

    def contains(self, value: str) -> Sql:
        """Whether a piece stands in it."""
        return self._with("contains({}, {})", value)

    def startswith(self, value: str) -> Sql:
        """Whether it begins so."""
        return self._with("starts_with({}, {})", value)

    def endswith(self, value: str) -> Sql:
        """Whether it ends so."""
        return self._with("ends_with({}, {})", value)

    def isin(self, values: Sequence[str]) -> Sql:
        """Whether it is one of these, of which there must be some."""
        places = ", ".join("?" * len(values))
        return Sql(f"({self.text} IN ({places}))", (*self.parameters, *values))

    def notnull(self) -> Sql:
        """Whether there is a value."""
        return Sql(f"({self.text} IS NOT NULL)", self.parameters)

    def fill_null(self, value: bool) -> Sql:
        """The value, or this where there is none."""
        return self._with("coalesce({}, {})", value)

    def __eq__(self, value: object) -> Sql:  # type: ignore[override]
        return self._with("({} = {})", value)

    def __ne__(self, value: object) -> Sql:  # type: ignore[override]
        return self._with("({} <> {})", value)

    def __ge__(self, value: object) -> Sql:
        return self._with("({} >= {})", value)

    def __gt__(self, value: object) -> Sql:
        return self._with("({} > {})", value)

    def __lt__(self, value: object) -> Sql:
        return self._with("({} < {})", value)

    def __and__(self, value: Sql) -> Sql:
        return self._with("({} AND {})", value)

    def __or__(self, value: Sql) -> Sql:
        return self._with("({} OR {})", value)

    def __invert__(self) -> Sql:
        return Sql(f"(NOT {self.text})", self.parameters)

    __hash__ = None  # type: ignore[assignment]


class Columns:
    """Rows as the conditions see them: each attribute is a column. ``campaign``: where that of a message is found."""

    def __init__(self, campaign: str = "c.campaign") -> None:
        self._campaign = campaign

    def __getattr__(self, name: str) -> Sql:
        if name == "campaign":
            return Sql(self._campaign)
        return Sql(f"t.{name}" if name in ("text_folded", "text_lower", "hidden_folded") else f"m.{name}")


def list_messages(
    tree: Tree, *, feeds: Sequence[str] = (), origins: Sequence[str] = (), after: ListingAfter | None = None
) -> Listing:
    """The messages that match, with the columns that a search prints. No feed and no origin means all."""
    rows: Any = Columns()
    parts: list[Sql] = []
    if feeds:
        parts.append(rows.feed.isin(list(feeds)))
    if origins:
        parts.append(rows.origin.isin(list(origins)))
    if after is not None:
        parts.append(_beyond(rows, after))
    if tree != And(()):
        parts.append(condition(tree, rows))
    whole = Sql(" AND ".join(p.text for p in parts) or "true", [v for p in parts for v in p.parameters])
    tables = ("message", "text") if uses(tree, "text") else ("message",)
    return Listing(LISTED, tables, whole.text, whole.parameters, by_campaign=uses(tree, "campaign"))


def _beyond(rows: Any, after: ListingAfter) -> Sql:
    found: Sql | None = None
    for name in reversed(_ORDER):
        column, value = getattr(rows, name), getattr(after, name)
        found = column > value if found is None else (column > value) | ((column == value) & found)
    assert found is not None
    return found


def arrival_bounds(tree: Tree) -> tuple[int | None, int | None]:
    """Receive times that any match must have: at or after the first, before the second; none where the query says nothing."""
    from spamtide.measure.expressions import instant_of

    since: int | None = None
    until: int | None = None
    for part in tree.parts if isinstance(tree, And) else (tree,):
        if isinstance(part, And):
            low, high = arrival_bounds(part)
        elif isinstance(part, Term) and part.field in ("after", "before"):
            low, high = (instant_of(part), None) if part.field == "after" else (None, instant_of(part))
        else:
            continue
        since = low if since is None else since if low is None else max(since, low)
        until = high if until is None else until if high is None else min(until, high)
    return since, until
