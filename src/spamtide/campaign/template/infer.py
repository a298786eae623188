"""One campaign's messages in, its template out: sampled, learnt, held back, and split where one template does not fit.

A function of the set of texts: they are ordered by a digest of their content, which also says who is held back. At most 200
distinct texts are read, so the cost does not grow with the campaign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from spamtide.campaign.template import specificity
from spamtide.campaign.template.alignment import find_lines
from spamtide.campaign.template.choosing import Choice, Learnt, choose, learn, met, near
from spamtide.campaign.template.matching import Others, both
from spamtide.campaign.template.readable import Names, as_lines, as_text, pieces
from spamtide.campaign.template.streams import streams
from spamtide.campaign.template.tokens import MAX_CHARS, Tokens, tokenise
from spamtide.campaign.template.values import HeldBack, Line, Order, Refusal, Split, Template, Text

SAMPLE = 200
NEEDED = 5
_APART = 40
_DEPTH = 3
_FITS = 0.95


def infer_template(
    members: Sequence[Text], others: Others | None = None, *, owner: str = ""
) -> Template | Split | Refusal:
    """The template of ``members``, texts of one campaign, one or more for each of its exact groups, in any order.

    Needs five messages. ``others`` are texts no expression may match, without those
    that ``owner`` owns. A ``Split`` where the campaign is made from several templates; a ``Refusal`` ``too_few``,
    ``nothing_common`` or ``unspecific`` (what they share other texts have too). Well under a second; never raises for
    any text.

    Method: docs/explanation/templates.md, after Judo (Pitsillidis et al., NDSS 2010).
    """
    texts = _distinct(members)
    messages = sum(t.count for t in texts)
    if messages < NEEDED:
        return Refusal("too_few", {"messages": NEEDED}, {"messages": messages})
    read = [_Read(t, tokenise(t.subject), tokenise(t.body)) for t in texts[:SAMPLE]]
    return _infer(read, messages, others, owner, 0)


def _distinct(members: Sequence[Text]) -> list[Text]:
    """Texts in lower case, each once with its count, ordered by a digest of the content."""
    counts: dict[tuple[str, str], int] = {}
    for text in members:
        key = (_clean(text.subject)[:1000], _clean(text.body)[:MAX_CHARS])
        counts[key] = counts.get(key, 0) + text.count
    return [
        Text(*key, count)
        for key, count in sorted(counts.items(), key=lambda pair: blake2b("\0".join(pair[0]).encode()).digest())
    ]


def _clean(text: str) -> str:
    return text.lower().encode("utf-8", "replace").decode()


def _infer(
    texts: list[_Read], messages: int, others: Others | None, owner: str, depth: int
) -> Template | Split | Refusal:
    need = specificity.TRIED if others is not None and len(others) >= 2000 else specificity.UNTRIED
    apart = len(texts) >= _APART
    fifth = np.arange(len(texts)) % 5
    sides = _learn([t for t, f in zip(texts, fifth, strict=True) if f or not apart])
    all_subjects, all_bodies = sides
    lines = find_lines([t.body for t in texts]) if apart else all_bodies.lines
    if depth < _DEPTH and len(groups := streams(lines, len(texts))) > 1:
        split = _split(texts, groups, others, owner, depth)
        if split is not None and split.unmatched <= 0.2:
            return split
    close = near(all_bodies, others, owner) if others is not None else None
    for _ in range(3):
        choice, held = _held_back(texts, all_subjects, all_bodies, need, close, owner)
        if choice is None or others is None or close is None:
            break
        where = met(choice.subject, choice.body, others, owner)
        if not len(where):
            break
        close = _with(close, others, where)
        choice = None
    if (choice is None or choice.share < _FITS or held.high < _FITS) and depth < _DEPTH:
        for groups in (streams(lines, len(texts), strict=True), _apart(texts, choice)):
            split = _split(texts, groups, others, owner, depth)
            if split is not None:
                return split
    if choice is None or choice.share < _FITS:
        reason = "unspecific" if lines or all_bodies.short or all_subjects.lines else "nothing_common"
        return Refusal(reason, {"bits": need, "share": _FITS}, {"share": choice.share if choice else 0.0})
    return _template(texts, messages, all_subjects, all_bodies, choice, held, len(others) if others is not None else 0)


@dataclass(frozen=True)
class _Read:
    """A text with its tokens, cut once."""

    text: Text
    subject: Tokens
    body: Tokens


def _learn(texts: Sequence[_Read]) -> tuple[Learnt, Learnt]:
    return learn([t.subject for t in texts]), learn([t.body for t in texts])


def _with(close: Others, others: Others, where: NDArray[np.intp]) -> Others:
    import pyarrow as pa

    more = others.part(where)
    close.subjects = pa.concat_arrays([close.subjects, more.subjects])
    close.bodies = pa.concat_arrays([close.bodies, more.bodies])
    close.owners = np.concatenate([close.owners, more.owners])
    return close


def _held_back(
    texts: list[_Read], subjects: Learnt, bodies: Learnt, need: float, close: Others | None, owner: str
) -> tuple[Choice | None, HeldBack]:
    """The choice, and how it does on messages that it was not learnt from."""
    fifth = np.arange(len(texts)) % 5
    if len(texts) == 1:
        return choose(subjects, bodies, need, close, owner), HeldBack(0, 0, 0.0, 1.0, "folds")
    if len(texts) >= _APART:
        choice = choose(subjects, bodies, need, close, owner)
        kept = [t for t, f in zip(texts, fifth, strict=True) if not f]
        return choice, _interval(len(kept), _matched(choice, kept), "apart")
    n = matched = 0
    for fold in range(5):
        kept = [t for t, f in zip(texts, fifth, strict=True) if f == fold]
        n += len(kept)
        part = choose(*_learn([t for t, f in zip(texts, fifth, strict=True) if f != fold]), need, close, owner)
        matched += _matched(part, kept)
    return choose(subjects, bodies, need, close, owner), _interval(n, matched, "folds")


def _matched(choice: Choice | None, texts: Sequence[_Read]) -> int:
    if choice is None:
        return 0
    return int(sum(both(choice.subject, choice.body, [t.text for t in texts])))


def _interval(n: int, k: int, method: str) -> HeldBack:
    """Wilson's interval at 95 %."""
    z = 1.959964
    middle = (k + z * z / 2) / (n + z * z)
    half = z * sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return HeldBack(n, k, max(0.0, middle - half), min(1.0, middle + half), method)  # type: ignore[arg-type]


def _split(texts: list[_Read], groups: list[list[int]], others: Others | None, owner: str, depth: int) -> Split | None:
    """The second chance: each group of messages on its own. None where that finds no template."""
    found: list[Template] = []
    for group in groups:
        if NEEDED <= len(group) < len(texts):
            part = [texts[i] for i in group]
            result = _infer(part, sum(t.text.count for t in part), others, owner, depth + 1)
            found += [result] if isinstance(result, Template) else result.templates if isinstance(result, Split) else []
    if not found:
        return None
    found.sort(key=lambda t: (-t.messages, t.body_regex, t.subject_regex))
    matched = np.zeros(len(texts), bool)
    for template in found:
        matched |= np.array(template.matches_each([t.text for t in texts]))
    return Split(tuple(found), float(f"{1 - matched.mean():.6g}"))


def _apart(texts: list[_Read], choice: Choice | None) -> list[list[int]]:
    """The messages that a choice matches, and the rest."""
    if choice is None:
        return []
    on = np.array(both(choice.subject, choice.body, [t.text for t in texts]))
    return [np.flatnonzero(on).tolist(), np.flatnonzero(~on).tolist()]


def _template(
    texts: list[_Read],
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
        len(texts),
        messages,
        tried,
    )


def _lines(side: Learnt, names: Names) -> tuple[tuple[Line, ...], Order]:
    if side.short:
        return (Line(pieces(side.short, names), 1.0),), "fixed"
    return as_lines(side.lines, side.places, side.docs, names)
