"""The values of template inference: texts in, a template or a refusal out.

Everything is frozen. A template is a function of the set of texts, so two runs over the same campaign give equal values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

SlotKind = Literal["dictionary", "micro-anchored", "noise", "url", "address", "number", "token"]
Order = Literal["fixed", "any"]


@dataclass(frozen=True, slots=True)
class Text:
    """Subject and visible text of the messages of one exact group, as shown, and how many they are."""

    subject: str
    body: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Anchor:
    """Words that every message with this line has. ``disguised``: their letters are replaced by look-alikes in some."""

    text: str
    disguised: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that the sender's program fills: a macro.

    ``values`` are the most frequent seen, at most sixteen; ``distinct`` how many were seen; ``low`` and ``high`` their
    length in characters; ``characters`` what they are made of. ``name`` is unique within a template.
    """

    name: str
    kind: SlotKind
    values: tuple[str, ...]
    distinct: int
    characters: str
    low: int
    high: int


Piece = Anchor | Slot


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces that stand side by side, and the share of the sampled messages that have them (0 to 1)."""

    pieces: tuple[Piece, ...]
    share: float


@dataclass(frozen=True, slots=True)
class HeldBack:
    """How many of ``n`` distinct messages that were not learnt from the expressions match; Wilson interval at 95 %.

    ``method``: ``apart`` (a fifth was kept apart) or ``folds`` (below forty messages: each fifth in turn, the template
    given is learnt from all). ``n`` is 0 where all messages are alike.
    """

    n: int
    matched: int
    low: float
    high: float
    method: Literal["apart", "folds"]

    @property
    def share(self) -> float:
        """Matched of ``n``; 1 where there was nothing to hold back."""
        return self.matched / self.n if self.n else 1.0


def wilson(n: int, k: int, method: Literal["apart", "folds"]) -> HeldBack:
    """``k`` of ``n`` with Wilson's interval at 95 %; from 0 to 1 where there is nothing to tell from."""
    if not n:
        return HeldBack(0, 0, 0.0, 1.0, method)
    z = 1.959964
    middle = (k + z * z / 2) / (n + z * z)
    half = z * sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return HeldBack(n, k, float(f"{max(0.0, middle - half):.6g}"), float(f"{min(1.0, middle + half):.6g}"), method)


@dataclass(frozen=True, slots=True)
class Template:
    """What the messages of one campaign were made from, and expressions that find more of them.

    ``subject`` and ``body`` are read with ``order``: in ``any``, lines are shuffled. ``subject_regex`` and ``body_regex`` are
    for the subject and the visible text in lower case; a message is the campaign's where both match (RE2 syntax, read alike by
    Rust's regex and Python's re). ``bits``: specificity of both together; ``chance``: matches to be expected in a thousand
    million unrelated messages, boilerplate aside. ``learnt``: share of the messages learnt from that match. ``distinct``
    texts were sampled of ``messages`` messages; ``tried`` other texts were met by none of the expressions.
    """

    subject: tuple[Line, ...]
    body: tuple[Line, ...]
    order: Order
    text: str
    subject_regex: str
    body_regex: str
    bits: float
    chance: float
    learnt: float
    held_back: HeldBack
    distinct: int
    messages: int
    tried: int

    @property
    def fits(self) -> bool:
        """Whether at least 95 % of the messages held back match."""
        return self.held_back.share >= 0.95

    def matches(self, subject: str, body: str) -> bool:
        """Whether a message, by its subject and visible text, is one of this template's."""
        return bool(self.matches_each([Text(subject, body)])[0])

    def matches_each(self, texts: Sequence[Text]) -> list[bool]:
        """The same for many texts, in time linear in their length."""
        from spamtide.campaign.template.matching import both

        return both(self.subject_regex, self.body_regex, texts)


@dataclass(frozen=True, slots=True)
class Split:
    """A campaign of more than one template: those found, the largest first, and the share of the sample none matches."""

    templates: tuple[Template, ...]
    unmatched: float

    def matches(self, subject: str, body: str) -> bool:
        """Whether a message is of one of the templates."""
        return any(t.matches(subject, body) for t in self.templates)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no template and what would be enough. A value, never an exception."""

    reason: str
    needed: Mapping[str, float]
    have: Mapping[str, float] = field(default_factory=dict)
