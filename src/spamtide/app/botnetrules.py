"""Rules that name sender groups: by the engine that spoke, by what their messages say. A person writes one, with what it rests on.

A rule is an entry of the journal. It is asked anew of the groups as they are, so nothing is stored of what it named; what it found stands
in the evidence of the name. A rule that several groups meet names none: an engine is sold, a template is copied.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from spamtide.app.engines import campaign_generations, open_engine
from spamtide.app.instants import format_instant
from spamtide.app.searching import resolved
from spamtide.errors import SpamtideError, WrongUse
from spamtide.measure import Term, matching_places, parse_query, told_topics

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.app.workspace import Workspace
    from spamtide.measure import Tree

_KIND = "botnet_rule"
_PLACE = ("feed", "writer", "segment", "ordinal")
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class BotnetRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. All that it asks must hold: one of ``dialects`` in each of the group's sendings; ``share`` of the group's messages, and so many, match ``query``.

    A query that is one topic and nothing else asks for the group's majority topic: of its messages whose topic is told, ``share`` have it.
    A template that calls its wares by three names has the word that tells the topic in a third of its messages only.
    """

    id: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    botnet: Text
    by: Text
    evidence: Text
    dialects: tuple[Annotated[str, Meta(min_length=6)], ...] = ()
    query: str = ""
    share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    messages: Annotated[int, Meta(ge=1)] = 20


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule and when it was added (microseconds UTC)."""

    rule: BotnetRule
    at: int


@dataclass(frozen=True, slots=True)
class Met:
    """A group that meets a rule, and what was found there, in words."""

    group: str
    found: str


def parse_rule(text: str | bytes) -> BotnetRule:
    """A rule from its TOML, UTF-8. Raises WrongUse ``bad_rule`` naming the key, or the query's own error."""
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        rule = msgspec.convert(tomllib.loads(text), BotnetRule)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _bad_rule(f"{error}") from None
    if not rule.dialects and not rule.query.strip():
        raise _bad_rule("it asks for neither dialects nor a query")
    parse_query(rule.query)
    return rule


def _bad_rule(why: str) -> WrongUse:
    return WrongUse("bad_rule", f"This is no rule: {why}.", "docs/howto/botnets.md shows one, key by key.")


def known_rules(workspace: Workspace) -> list[KnownRule]:
    """The rules of a workspace, by id; the latest of one id counts."""
    held: dict[str, KnownRule] = {}
    for record in workspace.archive.journal.read(_KIND):
        held.pop(record.body["id"], None)
        if record.body["toml"] is not None:
            held[record.body["id"]] = KnownRule(parse_rule(record.body["toml"]), record.at)
    return [held[name] for name in sorted(held)]


def add_rule(workspace: Workspace, text: bytes, *, now: int) -> BotnetRule:
    """Check a rule and keep it. Raises what ``parse_rule`` raises."""
    rule = parse_rule(text)
    workspace.archive.journal.append(_KIND, {"id": rule.id, "toml": text.decode("utf-8")}, now)
    return rule


def remove_rule(workspace: Workspace, rule_id: str, *, now: int) -> None:
    """Take a rule back. Raises WrongUse ``unknown_rule_id``."""
    known = [k.rule.id for k in known_rules(workspace)]
    if rule_id not in known:
        raise WrongUse(
            "unknown_rule_id", f"There is no rule {rule_id!r} here.", f"Rules: {', '.join(known) or 'none yet'}."
        )
    workspace.archive.journal.append(_KIND, {"id": rule_id, "toml": None}, now)


class Asked:
    """Sender groups as a rule sees them: the dialects of each, as ids and as digests of their paths, and its messages."""

    def __init__(
        self, workspace: Workspace, dialects: Mapping[str, Mapping[str, Sequence[str]]], members: pa.Table
    ) -> None:
        self._workspace = workspace
        self._dialects = dialects
        self._members = members.filter(members["group"].is_valid())
        self._messages = Counter(self._members["group"].to_pylist())

    def meet(self, rule: BotnetRule) -> list[Met]:
        """The groups that meet a rule, the largest first."""
        tree = parse_query(rule.query) if rule.query.strip() else None
        by_topic = isinstance(tree, Term) and tree.field == "topic"
        matched = None if tree is None else self._matched(tree)
        found = []
        for group, spoken in self._dialects.items():
            said = _spoken(rule, spoken)
            if said is None:
                continue
            if matched is not None:
                n, whole = matched[group], self._told[group] if by_topic else self._messages[group]
                if n < max(rule.messages, rule.share * whole):
                    continue
                of = "messages whose topic is told" if by_topic else "messages"
                said.append(f"{n:,} of its {whole:,} {of} match {tree}")
            found.append(Met(group, "; ".join(said)))
        return sorted(found, key=lambda m: (-self._messages[m.group], m.group))

    def _matched(self, tree: Tree) -> Counter[str]:
        """Messages of each group that match the query."""
        generation = campaign_generations(self._workspace).current()
        return self._of_groups(matching_places(resolved(self._workspace, tree, generation)))

    @cached_property
    def _told(self) -> Counter[str]:
        """Messages of each group whose topic is told."""
        return self._of_groups(told_topics())

    def _of_groups(self, expression: Any) -> Counter[str]:
        """How many messages of each group are among those whose place the expression gives."""
        with open_engine(self._workspace, campaign_generations(self._workspace).current()) as engine:
            places = engine.run(expression).select(_PLACE)
        joined = self._members.join(places.cast(self._members.select(_PLACE).schema), list(_PLACE), join_type="inner")
        return Counter(joined["group"].to_pylist())


def _spoken(rule: BotnetRule, dialects: Mapping[str, Sequence[str]]) -> list[str] | None:
    """What of a group's dialects a rule asks for, in words; None where another one is among them."""
    if not rule.dialects:
        return []
    said = []
    for dialect, paths in sorted(dialects.items()):
        hit = next((d for d in rule.dialects if d == dialect or any(p.startswith(d) for p in paths)), None)
        if hit is None:
            return None
        said.append(f"its engine speaks {dialect}" + ("" if hit == dialect else f", which has the path {hit}"))
    return said


def rule_document(known: KnownRule, met: Sequence[Met], error: SpamtideError | None = None) -> dict[str, Any]:
    """One line of ``botnets rules``."""
    rule = known.rule
    state = "error" if error is not None else ("none", "one")[len(met)] if len(met) < 2 else "several"
    return {
        "rule": rule.id, "botnet": rule.botnet, "by": rule.by, "evidence": rule.evidence, "at": format_instant(known.at),
        "dialects": list(rule.dialects), "query": rule.query or None, "share": float(f"{rule.share:.6g}"), "messages": rule.messages,
        "met": state, "groups": [{"group": m.group, "found": m.found} for m in met],
        "error": None if error is None else str(error),
    }  # fmt: skip
