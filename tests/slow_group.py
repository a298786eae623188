"""Near-duplicate grouping once more, slow and obvious: the twin of ``rust/src/pure/group``.

Sets and dictionaries in place of sorted lists, every bucket looked at in any order, union by relabelling.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

SKETCH = 45
WEIGHTS = {1: 200, 2: 400, 3: 400}


@dataclass(frozen=True)
class Print:
    """What one exact group is compared by."""

    exact: str
    shingles: frozenset[int]
    subject: frozenset[int]
    links: frozenset[int]


def slow_group(prints: list[Print]) -> dict[str, str]:
    """For each exact digest the lowest of its group."""
    prints = sorted(prints, key=lambda p: p.exact)
    stands_in = Counter(s for p in prints for s in p.shingles)

    def weight(shingle: int) -> int:
        return WEIGHTS.get(stands_in[shingle], 1000)

    def similarity(a: Print, b: Print, weigh: Callable[[int], int], without: frozenset[int] = frozenset()) -> int:
        union = set(sorted(a.shingles | b.shingles)[:SKETCH]) - without
        whole = sum(map(weigh, union))
        return sum(weigh(s) for s in union & a.shingles & b.shingles) * 1000 // whole if whole else 0

    def proven(marks_of: dict[str, frozenset[int]], *, alone: bool) -> dict[str, frozenset[int]]:
        carriers: dict[int, list[Print]] = defaultdict(list)
        for p in prints:
            for mark in marks_of[p.exact]:
                carriers[mark].append(p)
        good = set()
        for mark, all_of_them in carriers.items():
            # Pairs of the lowest carriers; what the later one's subject says is left out.
            pairs = [similarity(b, a, weight, b.subject) >= 250 for a, b in combinations(all_of_them[:8], 2)]
            if alone if not pairs else sum(pairs) * 1000 >= 250 * len(pairs):
                good.add(mark)
        return {exact: frozenset(marks & good) for exact, marks in marks_of.items()}

    # A bigram that nobody else has says whose a message is; a host that nobody else has does not.
    subject = proven({p.exact: p.subject for p in prints}, alone=True)
    links = proven({p.exact: p.links for p in prints}, alone=False)

    def belong(a: Print, b: Print) -> bool:
        one_subject, one_host = subject[a.exact] & subject[b.exact], links[a.exact] & links[b.exact]
        if subject[a.exact] and subject[b.exact] and not one_subject and not one_host:
            return similarity(a, b, lambda _: 1000) >= 550
        if subject[a.exact] or subject[b.exact] or links[a.exact] or links[b.exact]:
            needed = max(550 - (400 if one_subject else 0) - (300 if one_host else 0), 240)
        else:
            needed = 450
        return similarity(a, b, weight) >= needed

    buckets: dict[int, list[Print]] = defaultdict(list)
    for p in prints:
        for shingle in sorted(s for s in p.shingles if stands_in[s] > 1)[:10]:
            buckets[shingle].append(p)
    label = {p.exact: p.exact for p in prints}
    for members in buckets.values():
        leaders: list[Print] = []
        for member in members:
            led_by = [leader for leader in leaders if belong(leader, member)]
            for leader in led_by:
                old, new = sorted((label[leader.exact], label[member.exact]), reverse=True)
                label = {exact: new if of == old else of for exact, of in label.items()}
            if not led_by and len(leaders) < 8:
                leaders.append(member)
    return label
