"""The query language: ``field:term``, ``field:(a OR b)``, AND OR NOT, quotes, ``*``, ``exact:``. Text to a tree.

    query  := or            or  := and (OR and)*        and := not ((AND)? not)*
    not    := NOT not | atom
    atom   := '(' or ')' | [exact:]field:'(' terms ')' | [exact:]field:term
    terms  := the same grammar with bare terms

NOT binds before AND before OR; side by side means AND. The empty query means every message. A tree prints as its
canonical form, which parses to the same tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from spamtide.measure.errors import BadQuery, NotBuiltYet

FIELDS = (
    "subject", "subject-literal", "text", "from", "domain", "peer", "attachment", "language", "topic", "origin",
    "campaign", "botnet", "feed", "network", "country", "after", "before", "defect",
)  # fmt: skip
LATER_FIELDS = frozenset({"botnet"})
BUILT_FIELDS = tuple(f for f in FIELDS if f not in LATER_FIELDS)
FOLDED_FIELDS = frozenset({"subject", "text", "from", "attachment"})


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on one field. ``quoted``: the words stand together; ``exact``: folding is off."""

    field: str
    value: str
    exact: bool = False
    quoted: bool = False

    def __str__(self) -> str:
        value = f'"{self.value}"' if self.quoted or re.search(r'[\s()"]', self.value) else self.value
        return f"{'exact:' if self.exact else ''}{self.field}:{value}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Tree

    def __str__(self) -> str:
        return f"NOT {_wrapped(self.inner)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of these; none of them: every message."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " AND ".join(_wrapped(p) for p in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of these."""

    parts: tuple[Tree, ...]

    def __str__(self) -> str:
        return " OR ".join(_wrapped(p) for p in self.parts)


@dataclass(frozen=True, slots=True)
class PeersAmong:
    """A term on the network of a peer, resolved: the peer units that it names."""

    term: Term
    units: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.term)


@dataclass(frozen=True, slots=True)
class CampaignsAmong:
    """A term on a campaign, resolved: the ids that it leads to now, several where a campaign was split."""

    term: Term
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.term)


Tree = Term | Not | And | Or | PeersAmong | CampaignsAmong
EVERYTHING = And(())


def _wrapped(tree: Tree) -> str:
    return f"({tree})" if isinstance(tree, And | Or) else str(tree)


_TOKEN = re.compile(r'\s*(?:(\()|(\))|((?:exact:)?[A-Za-z-]+:)|"([^"]*)"|([^\s()":]+(?::[^\s()"]*)?))')


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _fail(text: str, at: int, what: str, code: str = "bad_query") -> NoReturn:
    raise BadQuery(
        code, f"In the query {text!r}, at character {at + 1}: {what}.", "docs/reference/query.md has examples.",
        query=text, position=at,
    )  # fmt: skip


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            _fail(text, at, "a quote that does not end" if '"' in text[at:] else "something that is no term")
        for kind, group in zip(("(", ")", "field", "quoted", "word"), match.groups(), strict=True):
            if group is not None:
                start = match.end() - len(group)
                if kind == "word" and group in ("AND", "OR", "NOT"):
                    kind = group
                tokens.append(_Token(kind, group, start))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.i = 0

    def peek(self) -> str | None:
        return self.tokens[self.i].kind if self.i < len(self.tokens) else None

    def take(self) -> _Token:
        if self.i >= len(self.tokens):
            _fail(self.text, len(self.text), "it ends where a term should stand")
        self.i += 1
        return self.tokens[self.i - 1]

    def either(self, field: tuple[str, bool] | None) -> Tree:
        parts = [self.both(field)]
        while self.peek() == "OR":
            self.take()
            parts.append(self.both(field))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, field: tuple[str, bool] | None) -> Tree:
        parts = [self.negated(field)]
        while self.peek() not in (None, ")", "OR"):
            if self.peek() == "AND":
                self.take()
            parts.append(self.negated(field))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negated(self, field: tuple[str, bool] | None) -> Tree:
        if self.peek() == "NOT":
            self.take()
            return Not(self.negated(field))
        return self.atom(field)

    def atom(self, field: tuple[str, bool] | None) -> Tree:
        token = self.take()
        if token.kind == "(":
            tree = self.either(field)
            if self.peek() != ")":
                _fail(self.text, token.at, "this bracket is never closed")
            self.take()
            return tree
        if token.kind == "field" and field is None:
            exact = token.text.startswith("exact:")
            name = token.text.removeprefix("exact:")[:-1].lower()
            if name not in FIELDS:
                _fail(
                    self.text, token.at, f"there is no field {name!r}; fields are {', '.join(FIELDS)}", "unknown_field"
                )
            if name in LATER_FIELDS:
                raise NotBuiltYet("not_built_yet", f"The field {name!r} is not built yet.", "Leave it out.", field=name)
            if self.peek() == "(":
                return self.atom((name, exact))
            value = self.take()
            if value.kind not in ("word", "quoted", "field", "AND", "OR", "NOT"):
                _fail(self.text, value.at, f"a term should follow {name}:")
            text = value.text
            if value.kind == "field" and self.peek() in ("word", "quoted"):
                text += self.take().text
            return Term(name, text, exact, value.kind == "quoted")
        if token.kind in ("word", "quoted") and field is not None:
            return Term(field[0], token.text, field[1], token.kind == "quoted")
        if token.kind in ("word", "quoted"):
            _fail(self.text, token.at, f"{token.text!r} has no field; write subject:{token.text}")
        _fail(self.text, token.at, f"{token.text!r} does not belong here")


def parse_query(text: str) -> Tree:
    """The tree of a query. Raises BadQuery with the position, NotBuiltYet for a field of a later issue."""
    if not text.strip():
        return EVERYTHING
    parser = _Parser(text)
    tree = parser.either(None)
    if parser.peek() is not None:
        token = parser.tokens[parser.i]
        _fail(text, token.at, f"{token.text!r} does not belong here")
    return tree
