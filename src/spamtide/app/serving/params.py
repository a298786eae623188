"""What a URL asks of a page: filters, the page's own parameters, and where a list goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.measure import Tree, Window

FILTERS = {
    "feed": "feeds, with commas; none means all",
    "origin": "kinds of message, with commas, or all; none means what the page counts by default",
    "country": "countries of the peers, with commas, by the operator's table of networks",
    "network": "networks of the peers, with commas",
    "window": "START/END, the end excluded: 2011-03-01/2011-03-16",
}
PAGING = {"after": "go on after this key, 'next' of the page before", "limit": "rows of the list, at most 100"}
LEAST, MOST, ROWS = 1, 100, 50


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of one request. ``path``: those of the path; ``given``: all of the query that are not empty.

    ``who``: the person behind it, for the book of readings.
    """

    url: str
    path: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    who: str = ""

    def get(self, name: str, default: str = "") -> str:
        """A parameter of the path or of the query."""
        return self.path.get(name) or self.given.get(name, default)

    def listed(self, name: str) -> tuple[str, ...]:
        """The values of a parameter with commas."""
        return tuple(v for v in (part.strip() for part in self.given.get(name, "").split(",")) if v)

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds asked for; none means all."""
        return self.listed("feed")

    def origins(self, default: Sequence[str] = ()) -> tuple[str, ...]:
        """The origins asked for, ``default`` where none is; none means all. Raises WrongUse ``unknown_origin``."""
        from spamtide.message import ORIGINS

        names = self.listed("origin")
        if names == ("all",):
            return ()
        for name in names:
            if name not in ORIGINS:
                raise WrongUse("unknown_origin", f"{name!r} is no origin.", f"Origins: {', '.join(ORIGINS)}, or all.")
        return names or tuple(default)

    @property
    def window(self) -> Window | None:
        """The window asked for. Raises WrongUse ``bad_window``, ``inverted_window``, ``naive_instant``."""
        from spamtide.app.instants import parse_window

        text = self.given.get("window", "")
        return parse_window(text) if text else None

    @property
    def limit(self) -> int:
        """Rows of a page. Raises WrongUse ``bad_limit``."""
        text = self.given.get("limit", str(ROWS))
        if not (text.isascii() and text.isdigit() and LEAST <= int(text) <= MOST):
            raise WrongUse("bad_limit", f"{text!r} is no number of rows.", f"Write a number from {LEAST} to {MOST}.")
        return int(text)

    def tree(self, query: str = "", *, window: bool = True) -> Tree:
        """A query narrowed by the filters of network, country and window. Raises BadQuery and what ``window`` raises."""
        from spamtide.app.instants import format_instant
        from spamtide.measure import And, Or, Term, parse_query

        parts: list[Tree] = [parse_query(query)] if query.strip() else []
        for name in ("country", "network"):
            terms: tuple[Tree, ...] = tuple(Term(name, value, quoted=" " in value) for value in self.listed(name))
            if terms:
                parts.append(terms[0] if len(terms) == 1 else Or(terms))
        if window and (span := self.window) is not None:
            parts += [Term("after", format_instant(span.start)), Term("before", format_instant(span.end))]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    @property
    def narrowed(self) -> bool:
        """Whether a filter of network or country is set."""
        return bool(self.listed("country") or self.listed("network"))

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, as in the URL."""
        return {name: self.given[name] for name in FILTERS if self.given.get(name)}

    def canonical(self) -> str:
        """The parameters as one text, equal for equal questions."""
        return urlencode(sorted({**self.given, **self.path}.items()))

    def link(self, path: str, **changes: Any) -> str:
        """A URL on this server: ``path`` with the filters of this one, and these parameters; None takes one away."""
        wanted = {**self.filters, **{k: v for k, v in changes.items() if v is None or v != ""}}
        kept = {k: str(v) for k, v in wanted.items() if v is not None}
        return f"{path}?{urlencode(kept)}" if kept else path

    def here(self, suffix: str = "", **changes: Any) -> str:
        """This URL again, with ``suffix`` behind its path and these parameters changed; None takes one away."""
        kept = {k: str(v) for k, v in {**self.given, **changes}.items() if v is not None and v != ""}
        return f"{self.url}{suffix}?{urlencode(kept)}" if kept else self.url + suffix
