"""What holds a campaign together: which shingles brought its members to each other, and which evidence lowered what they needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# What held two together, as the table says; text that needs less, since neither of the two has any evidence, is told apart.
_EVIDENCE = ("text", "text alone", "link", "subject", "build", "picture", "heading")
_WITHOUT = 450
# A join so little over its threshold (thousandths) is a weak one.
WEAK = 50


@dataclass(frozen=True, slots=True)
class Joint:
    """A shingle by which members met, in how many joins, and one exact group that has it."""

    shingle: int
    joins: int
    exact: str


@dataclass(frozen=True, slots=True)
class Glue:
    """The joins of one campaign, one fewer than its exact groups.

    ``evidence``: joins by what lowered the threshold: ``text`` (nothing did), ``text alone`` (neither of the two has any evidence), ``link``,
    ``subject`` (with or without a link), ``build``; or by ``picture``, or by ``heading`` (subjects, where one has no text). ``weak``: joins less than .05 over it. ``joints``: the commonest shingles, most joins first.
    """

    joins: int
    evidence: Mapping[str, int]
    weak: int
    joints: tuple[Joint, ...]


def find_glue(edges: Iterable[Mapping[str, Any]], *, most: int = 3) -> Glue:
    """What glued a campaign, from its rows of the table ``campaign_edge``. A function of their set."""
    rows = list(edges)
    shingles = Counter(r["shingle"] for r in rows)
    leader = {r["shingle"]: r["leader"] for r in sorted(rows, key=lambda r: r["leader"], reverse=True)}
    evidence = Counter("text alone" if (r["by"], r["needed"]) == ("text", _WITHOUT) else r["by"] for r in rows)
    commonest = sorted(shingles.items(), key=lambda item: (-item[1], item[0]))[:most]
    return Glue(
        len(rows),
        {name: evidence[name] for name in _EVIDENCE if evidence[name]},
        sum(r["similarity"] < r["needed"] + WEAK for r in rows),
        tuple(Joint(s, n, leader[s]) for s, n in commonest),
    )
