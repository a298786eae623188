"""Messages of several templates in one campaign, told apart by the lines they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spamtide.campaign.template.alignment import Line

# A line that nearly all messages have tells no stream from another.
_ALL = 0.9


def streams(lines: Sequence[Line], count: int, strict: bool = False) -> list[list[int]]:
    """Groups of the ``count`` messages: each goes where most of its words are, rare
    lines counting more; those with no telling line go together.

    Lines belong together that are found together: in a quarter of the messages of the rarer one, or, ``strict``, in half
    of those with either. One group, or none, where nothing is told apart.
    """
    sets = [set(line.messages) for line in lines]
    telling = [i for i, s in enumerate(sets) if len(s) < _ALL * count]
    parent = {i: i for i in telling}

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for n, i in enumerate(telling):
        for j in telling[n + 1 :]:
            least = 0.5 * len(sets[i] | sets[j]) if strict else 0.25 * min(len(sets[i]), len(sets[j]))
            if len(sets[i] & sets[j]) >= least:
                parent[root(j)] = root(i)
    if len({root(i) for i in telling}) < 2:
        return []
    votes = np.zeros((count, len(lines)))
    for i in telling:
        votes[sorted(sets[i]), root(i)] += sum(len(r.keys) for r in lines[i].runs) * np.log2(count / len(sets[i]))
    chosen = [int(v.argmax()) if v.any() else -1 for v in votes]
    return [[d for d, c in enumerate(chosen) if c == component] for component in sorted(set(chosen))]
