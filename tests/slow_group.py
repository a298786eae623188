"""Near-duplicate grouping once more, slow and obvious: the twin of ``rust/src/pure/group``.

Sets and dictionaries in place of sorted lists, every bucket looked at in any order, union by relabelling.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

SKETCH = 64
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

    def similarity(a: Print, b: Print, without: frozenset[int] = frozenset()) -> int:
        union = set(sorted(a.shingles | b.shingles)[:SKETCH]) - without
        whole = sum(map(weight, union))
        return sum(weight(s) for s in union & a.shingles & b.shingles) * 1000 // whole if whole else 0

    def proven(marks_of: dict[str, frozenset[int]]) -> dict[str, frozenset[int]]:
        carriers: dict[int, list[Print]] = defaultdict(list)
        for p in prints:
            for mark in marks_of[p.exact]:
                carriers[mark].append(p)
        good = set()
        for mark, all_of_them in carriers.items():
            # Pairs of the lowest carriers; what the later one's subject says is left out.
            pairs = [similarity(b, a, b.subject) >= 100 for a, b in combinations(all_of_them[:8], 2)]
            if pairs and sum(pairs) * 1000 >= 400 * len(pairs):
                good.add(mark)
        return {exact: frozenset(marks & good) for exact, marks in marks_of.items()}

    subject = proven({p.exact: p.subject for p in prints})
    links = proven({p.exact: p.links for p in prints})

    def belong(a: Print, b: Print) -> bool:
        if subject[a.exact] or subject[b.exact] or links[a.exact] or links[b.exact]:
            needed = 550
            needed -= 400 if subject[a.exact] & subject[b.exact] else 0
            needed -= 300 if links[a.exact] & links[b.exact] else 0
            needed = max(needed, 200)
        else:
            needed = 450
        return similarity(a, b) >= needed

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
