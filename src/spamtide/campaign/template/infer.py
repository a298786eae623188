"""One campaign's messages in, its template out: sampled, learnt, held back, and split where one template does not fit.

A function of the set of texts: they are ordered by a digest of their content, which also says who is held back. At most 200
distinct texts are read, so the cost does not grow with the campaign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spamtide.campaign.template import specificity
from spamtide.campaign.template.alignment import find_lines
from spamtide.campaign.template.choosing import Choice, Learnt, choose, learn, met, near
from spamtide.campaign.template.matching import Others, both
from spamtide.campaign.template.readable import Names, as_lines, as_text, pieces
from spamtide.campaign.template.sample import Read, sample
from spamtide.campaign.template.streams import streams
from spamtide.campaign.template.values import HeldBack, Line, Order, Refusal, Split, Template, Text, wilson

NEEDED = 5
# From so many texts on, a fifth is kept apart; below, each fifth in turn.
_APART = 40
_DEPTH = 2
_FITS = 0.95
# Groups of messages that are tried in all, where a campaign is split.
_TRIES = 24


def infer_template(
    members: Sequence[Text], others: Others | None = None, *, owner: str = ""
) -> Template | Split | Refusal:
    """The template of ``members``, texts of one campaign, one or more for each of its exact groups, in any order.

    Needs five messages. ``others`` are texts no expression may match, without those that ``owner`` owns. A ``Split``
    where the campaign is made from several templates; a ``Refusal`` ``too_few``, ``nothing_common`` or ``unspecific`` (what
    they share is too little, or other texts have it too). Well under a second of CPU for one template; never raises for
    any text.

    Method: docs/explanation/templates.md, after Judo (Pitsillidis et al., NDSS 2010).
    """
    messages = sum(t.count for t in members)
    if messages < NEEDED:
        return Refusal("too_few", {"messages": NEEDED}, {"messages": messages})
    return _Inference(others, owner).infer(sample(members), messages, 0)


class _Inference:
    """What does not change while one campaign is split into ever smaller groups."""

    def __init__(self, others: Others | None, owner: str) -> None:
        self._others = others
        self._owner = owner
        # The other texts most like the campaign's; those that an expression met are added.
        self._close: Others | None = None
        self._tries = _TRIES
        self._need = specificity.TRIED if others is not None and len(others) >= 2000 else specificity.UNTRIED

    def infer(self, texts: list[Read], messages: int, depth: int) -> Template | Split | Refusal:
        """One template if it fits, else the second chance."""
        kept = texts[::5] if len(texts) >= _APART else []
        read = [t for i, t in enumerate(texts) if i % 5] if kept else texts
        subjects, bodies = _learn(read)
        lines = find_lines([t.body for t in texts]) if kept else bodies.lines
        if depth < _DEPTH and len(groups := streams(lines, len(texts))) > 1:
            split = self._split(texts, groups, depth)
            if split is not None and split.unmatched <= 0.2:
                return split
        choice = self._choose(subjects, bodies)
        held = None
        if choice is not None and choice.share >= _FITS:
            held = self._held_back(choice, texts, kept)
        if (held is None or held.high < _FITS) and depth < _DEPTH:
            rare = find_lines([t.body for t in texts], thorough=True)
            for groups in (streams(rare, len(texts), strict=True), _apart(texts, choice)):
                split = self._split(texts, groups, depth)
                if split is not None:
                    return split
        if choice is None or held is None:
            reason = "unspecific" if lines or bodies.short or subjects.lines else "nothing_common"
            have = {"share": round(choice.share, 6), "bits": round(choice.bits, 1)} if choice else {}
            return Refusal(reason, {"bits": self._need, "share": _FITS}, have)
        tried = len(self._others) if self._others is not None else 0
        return _template(len(texts), messages, subjects, bodies, choice, held, tried)

    def _choose(self, subjects: Learnt, bodies: Learnt) -> Choice | None:
        """A choice that was tried on all other texts; on few at first, and again with those that it met."""
        others, owner = self._others, self._owner
        if others is None:
            return choose(subjects, bodies, self._need, None, owner)
        if self._close is None:
            self._close = near(bodies, others, owner)
        for _ in range(3):
            choice = choose(subjects, bodies, self._need, self._close, owner)
            if choice is None or not len(where := met(choice.subject, choice.body, others, owner)):
                return choice
            self._close = self._close.with_more(others.part(where))
        return None

    def _held_back(self, choice: Choice, texts: list[Read], kept: list[Read]) -> HeldBack:
        """How expressions do on messages that they were not learnt from."""
        if kept:
            return wilson(len(kept), _matched(choice, kept), "apart")
        if len(texts) == 1:
            return HeldBack(0, 0, 0.0, 1.0, "folds")
        matched = 0
        for fold in range(5):
            read = [t for i, t in enumerate(texts) if i % 5 != fold]
            if read and len(read) < len(texts):
                part = choose(*_learn(read), self._need, self._close, self._owner)
                matched += _matched(part, texts[fold::5])
        return wilson(len(texts), matched, "folds")

    def _split(self, texts: list[Read], groups: list[list[int]], depth: int) -> Split | None:
        """The second chance: each group of messages on its own, the largest first. None where that finds no template."""
        found: list[Template] = []
        for group in sorted(groups, key=lambda g: (-len(g), g)):
            if NEEDED <= len(group) < len(texts) and self._tries:
                self._tries -= 1
                part = [texts[i] for i in group]
                result = self.infer(part, sum(t.text.count for t in part), depth + 1)
                found += (
                    [result] if isinstance(result, Template) else result.templates if isinstance(result, Split) else []
                )
        if not found:
            return None
        found.sort(key=lambda t: (-t.messages, t.body_regex, t.subject_regex))
        on = np.array([t.matches_each([r.text for r in texts]) for t in found]).any(axis=0)
        return Split(tuple(found), float(f"{1 - on.mean():.6g}"))


def _learn(texts: Sequence[Read]) -> tuple[Learnt, Learnt]:
    return learn([t.subject for t in texts]), learn([t.body for t in texts])


def _matched(choice: Choice | None, texts: Sequence[Read]) -> int:
    return sum(both(choice.subject, choice.body, [t.text for t in texts])) if choice else 0


def _apart(texts: list[Read], choice: Choice | None) -> list[list[int]]:
    """The messages that a choice matches, and the rest."""
    if choice is None:
        return []
    on = np.array(both(choice.subject, choice.body, [t.text for t in texts]))
    return [np.flatnonzero(on).tolist(), np.flatnonzero(~on).tolist()]


def _template(
    distinct: int,
    messages: int,
    subjects: Learnt,
    bodies: Learnt,
    choice: Choice,
    held: HeldBack,
    tried: int,
) -> Template:
    names = Names()
    subject, _ = _lines(subjects, names)
    body, order = _lines(bodies, names)
    head = " / ".join(as_text(subject, "fixed").splitlines())
    return Template(
        subject,
        body,
        order,
        f"Subject: {head}\n\n{as_text(body, order)}",
        choice.subject,
        choice.body,
        round(float(choice.bits), 1),
        float(f"{specificity.chance(choice.bits):.2g}"),
        float(f"{choice.share:.6g}"),
        held,
        distinct,
        messages,
        tried,
    )


def _lines(side: Learnt, names: Names) -> tuple[tuple[Line, ...], Order]:
    if side.short:
        return (Line(pieces(side.short, names), 1.0),), "fixed"
    return as_lines(side.lines, side.places, side.docs, names)
