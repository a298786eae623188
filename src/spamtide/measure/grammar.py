"""MEASURE: what to count. ``volume``, ``messages:QUERY``, ``subject:a,b``, ``share:M/M``, ... with an optional unit.

Documents print the canonical form, ``str`` of the measure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spamtide.measure.errors import BadMeasure, NotBuiltYet
from spamtide.measure.query import EVERYTHING, FIELDS, And, Or, Term, Tree, parse_query

UNITS = ("message", "session", "recipient", "byte")
RULES = ("identical", "exact", "near")
_LATER = frozenset({"botnet", "dialect"})

_EXAMPLES = {"topic": "pharma", "campaign": "ID, an id of 'spamtide campaigns list'"}


@dataclass(frozen=True, slots=True)
class Count:
    """Messages that match a tree, in a unit; ``peers`` counts the distinct peers among them."""

    text: str
    tree: Tree
    unit: str = "message"
    peers: bool = False

    def __str__(self) -> str:
        return self.text + ("" if self.unit == "message" else f"@{self.unit}")


def count_within(count: Count, filters: Tree) -> Count:
    """The same count of the messages that match ``filters`` too."""
    tree = filters if count.tree == EVERYTHING else And((count.tree, filters))
    return replace(count, text=f"messages:{tree}", tree=tree)


@dataclass(frozen=True, slots=True)
class DuplicateMeasure:
    """Messages of the window that have a copy in it, by a rule."""

    rule: str

    @property
    def unit(self) -> str:
        """Duplicates are counted in messages."""
        return "message"

    def __str__(self) -> str:
        return f"duplicates:{self.rule}"


@dataclass(frozen=True, slots=True)
class Share:
    """One measure over another; the default denominator is the volume."""

    part: Count
    whole: Count

    @property
    def unit(self) -> str:
        """The unit of both."""
        return self.part.unit

    def __str__(self) -> str:
        whole = "" if self.whole.text == "volume" else f"/{self.whole}"
        return f"share:{self.part}{whole}"


Measure = Count | DuplicateMeasure | Share


def _terms(field: str, text: str) -> Tree:
    words = [w.strip() for w in text.split(",") if w.strip()]
    if not words:
        raise BadMeasure(
            "bad_measure",
            f"{field}: names no term.",
            f"Write {field}:{_EXAMPLES.get(field, 'viagra,cialis')}.",
            measure=text,
        )
    terms: tuple[Tree, ...] = tuple(Term(field, w, quoted=" " in w) for w in words)
    return terms[0] if len(terms) == 1 else Or(terms)


def parse_measure(text: str) -> Measure:
    """The measure that ``text`` names. Raises BadMeasure, BadQuery, NotBuiltYet."""
    text = text.strip()
    if text.startswith("share:"):
        body = text.removeprefix("share:")
        part_text, slash, whole_text = body.partition("/")
        part, whole = parse_measure(part_text), parse_measure(whole_text) if slash else Count("volume", EVERYTHING)
        if not isinstance(part, Count) or not isinstance(whole, Count) or part.peers or whole.peers:
            raise BadMeasure(
                "bad_measure", f"{text!r}: a share is of one count in another.", "Write share:subject:a,b."
            )
        if part.unit != whole.unit:
            whole = Count(whole.text, whole.tree, part.unit) if not slash else whole
            if part.unit != whole.unit:
                raise BadMeasure("bad_measure", f"{text!r}: the two counts have different units.", "Use one unit.")
        return Share(part, whole)
    body, at, unit = text.rpartition("@")
    if not at or unit not in UNITS:
        body, unit = text, "message"
        if at and ":" not in text.rpartition("@")[2]:
            bad = text.rpartition("@")[2]
            raise BadMeasure("bad_measure", f"{bad!r} is no unit.", f"Units: {', '.join(UNITS)}.", measure=text)
    name, colon, rest = body.partition(":")
    if name == "volume" and not colon:
        return Count("volume", EVERYTHING, unit)
    if name == "peers" and not colon:
        return Count("peers", EVERYTHING, "message", peers=True)
    if name == "messages" and colon:
        tree = parse_query(rest)
        return Count(f"messages:{tree}", tree, unit)
    if name in ("subject", "subject-literal", "text", "topic", "campaign") and colon:
        tree = _terms(name, rest)
        words = ",".join(w.strip() for w in rest.split(",") if w.strip())
        return Count(f"{name}:{words}", tree, unit)
    if name == "duplicates" and colon:
        if rest not in RULES:
            raise BadMeasure("bad_measure", f"{rest!r} is no rule.", f"Rules: {', '.join(RULES)}.", measure=text)
        return DuplicateMeasure(rest)
    if name in _LATER:
        raise NotBuiltYet(
            "not_built_yet", f"The measure {name!r} is not built yet.", "Use subject:, text: or messages:."
        )
    hint = f" Did you mean messages:{text}?" if name in FIELDS else ""
    raise BadMeasure(
        "bad_measure",
        f"{text!r} is no measure.{hint}",
        "Measures: volume, messages:QUERY, subject:a,b, subject-literal:a,b, text:a,b, topic:T, campaign:ID, peers, duplicates:RULE, share:MEASURE.",
        measure=text,
    )
