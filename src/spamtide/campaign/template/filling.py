"""What one message says at the slots of a template: its words laid along the lines, anchor by anchor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from spamtide.campaign.template.tokens import Tokens, tokenise
from spamtide.campaign.template.values import Anchor, Line

# Words of a slot at most, inside a line and at its edge.
_WITHIN, _EDGE = 60, 8
_VALUE = 200


def fill_slots(lines: Sequence[Line], text: str) -> dict[str, str]:
    """The value of each slot that ``text`` fills, by the slot's name; slots of lines that it lacks are left out.

    A line is there where its anchors stand one after another, disguised or not, at most sixty words apart. Linear in the text but for
    words that repeat.
    """
    tokens = tokenise(text)
    found: dict[str, str] = {}
    for line in lines:
        found |= _filled(line, tokens)
    return found


@lru_cache(maxsize=4_096)
def _keys(text: str) -> tuple[str, ...]:
    return tokenise(text).keys


def _filled(line: Line, tokens: Tokens) -> dict[str, str]:
    anchors = [(i, _keys(p.text)) for i, p in enumerate(line.pieces) if isinstance(p, Anchor)]
    anchors = [(i, keys) for i, keys in anchors if keys]
    if not anchors:
        return {}
    _, first = anchors[0]
    at = _next(tokens.keys, first, 0, len(tokens.keys))
    while at is not None:
        places = _places(anchors, tokens, at)
        if places is not None:
            return _between(line, tokens, places)
        at = _next(tokens.keys, first, at + 1, len(tokens.keys))
    return {}


def _next(keys: Sequence[str], run: Sequence[str], start: int, stop: int) -> int | None:
    """Where a run of words stands first from ``start`` on."""
    for at in range(start, min(stop, len(keys) - len(run) + 1)):
        if keys[at] == run[0] and tuple(keys[at : at + len(run)]) == tuple(run):
            return at
    return None


def _places(
    anchors: Sequence[tuple[int, tuple[str, ...]]], tokens: Tokens, at: int
) -> list[tuple[int, int, int]] | None:
    """Piece, begin and end (words) of each anchor, the first at ``at``; None where one is missing."""
    found = [(anchors[0][0], at, at + len(anchors[0][1]))]
    for i, keys in anchors[1:]:
        end = found[-1][2]
        here = _next(tokens.keys, keys, end, end + _WITHIN)
        if here is None:
            return None
        found.append((i, here, here + len(keys)))
    return found


def _between(line: Line, tokens: Tokens, places: Sequence[tuple[int, int, int]]) -> dict[str, str]:
    """The slots around and between anchors; neighbouring slots share what stands there."""
    bounds = [(-1, 0, _edge(tokens, places[0][1], -1)), *places]
    bounds.append((len(line.pieces), _edge(tokens, places[-1][2], 1), 0))
    found = {}
    for (left, _, begin), (right, end, _) in pairwise(bounds):
        for piece in line.pieces[left + 1 : right]:
            if not isinstance(piece, Anchor):
                found[piece.name] = (
                    tokens.text[tokens.starts[begin] : tokens.ends[end - 1]][:_VALUE] if end > begin else ""
                )
    return found


def _edge(tokens: Tokens, place: int, step: int) -> int:
    """How far a slot at the edge of a line reaches: to the end of its row of text, a few words at most."""
    at = place
    while abs(at - place) < _EDGE and (at > 0 if step < 0 else at < len(tokens.keys)):
        if 0 < at < len(tokens.keys) and "\n" in tokens.text[tokens.ends[at - 1] : tokens.starts[at]]:
            break
        at += step
    return at
