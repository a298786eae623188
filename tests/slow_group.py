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
BARE, BITS, BANDS = 4, 63, 9


@dataclass(frozen=True)
class Print:
    """What one exact group is compared by."""

    exact: str
    shingles: frozenset[int]
    subject: frozenset[int]
    links: frozenset[int]
    pictures: frozenset[int] = frozenset()
    forms: frozenset[int] = frozenset()

    @property
    def bare(self) -> bool:
        """It says fewer than eight words."""
        return BARE in self.forms

    @property
    def build(self) -> frozenset[int]:
        """What a bare one is built like."""
        return self.forms - {BARE} if self.bare else frozenset()


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

    def alike(a: Print, b: Print) -> bool:
        """Half of the pictures of two bare ones have one on the other side that differs in at most 12 bits."""
        if not (a.bare and b.bare):
            return False
        have = [
            any((p ^ q).bit_count() <= 12 for q in there)
            for here, there in ((a.pictures, b.pictures), (b.pictures, a.pictures))
            for p in here
        ]
        return sum(have) > 0 and 2 * sum(have) >= len(have)

    own: set[int] = set()

    def proven(marks_of: dict[str, frozenset[int]], *, alone: bool) -> dict[str, frozenset[int]]:
        carriers: dict[int, list[Print]] = defaultdict(list)
        for p in prints:
            for mark in marks_of[p.exact]:
                carriers[mark].append(p)
        good = set()
        for mark, all_of_them in carriers.items():
            # Pairs of the lowest carriers; what the later one's subject says is left out. Few words and many are no pair.
            pairs = [
                similarity(b, a, weight, b.subject) >= 250
                for a, b in combinations(all_of_them[:8], 2)
                if a.bare == b.bare
            ]
            if alone or len(all_of_them) > 1 if not pairs else sum(pairs) * 1000 >= 250 * len(pairs):
                good.add(mark)
            seen = [
                alike(a, b) if a.bare else similarity(b, a, weight, b.subject) >= 250
                for a, b in combinations(all_of_them[:8], 2)
                if a.bare == b.bare and (not a.bare or (a.pictures and b.pictures))
            ]
            if sum(seen) * 1000 >= 750 * len(seen) if seen else len(all_of_them) == 2:
                own.add(mark)
        return {exact: frozenset(marks & good) for exact, marks in marks_of.items()}

    def discounted(shingle: int) -> int:
        return 200 if shingle in boilerplate else weight(shingle)

    boilerplate = set()
    for shingle, n in stands_in.items():
        if n >= 16:
            lowest = [p for p in prints if shingle in p.shingles][:8]
            near = [similarity(b, a, weight) >= 300 for a, b in combinations(lowest, 2)]
            if sum(near) * 1000 < 200 * len(near):
                boilerplate.add(shingle)

    # A bigram that nobody else has says whose a message is; a host that nobody else has does not.
    subject = proven({p.exact: p.subject for p in prints}, alone=True)
    links = proven({p.exact: p.links for p in prints}, alone=False)

    built: dict[frozenset[int], list[Print]] = defaultdict(list)
    for p in prints:
        if p.build:
            built[p.build].append(p)
    good_builds = set()
    for build, of_them in built.items():
        pairs = [alike(a, b) or similarity(b, a, weight, b.forms) >= 250 for a, b in combinations(of_them[:8], 2)]
        if pairs and sum(pairs) * 1000 >= 250 * len(pairs):
            good_builds.add(build)

    def belong(a: Print, b: Print) -> bool:
        if alike(a, b):
            return True
        in_common = part(a.subject, b.subject)
        if a.bare and b.bare and a.pictures and b.pictures and not a.links & b.links:
            return in_common >= 900
        if text_belongs(a, b):
            return True
        both = subject[a.exact] & subject[b.exact]
        if a.bare == b.bare or not both:
            return False
        if links[a.exact] & links[b.exact]:
            return in_common >= 550
        # All of it above any host, or one campaign's own.
        return bool(a.links & b.links or both & own) and in_common >= 900

    def part(a: frozenset[int], b: frozenset[int]) -> int:
        return len(a & b) * 1000 // len(a | b) if a | b else 0

    def text_belongs(a: Print, b: Print) -> bool:
        one_subject, one_host = subject[a.exact] & subject[b.exact], links[a.exact] & links[b.exact]
        weigh, needed = weight, 450
        if subject[a.exact] and subject[b.exact] and not one_subject and not one_host:
            weigh, needed = (lambda _: 1000), 550
        elif subject[a.exact] or subject[b.exact] or links[a.exact] or links[b.exact]:
            shared = part(subject[a.exact], subject[b.exact])
            needed = max(550 - shared * 400 // 1000 - (300 if one_host else 0), 240)
            two_subjects = subject[a.exact] and subject[b.exact] and not one_subject
            if shared < 800 and (two_subjects if one_host else one_subject):
                weigh = discounted
        if a.bare and b.bare and a.build == b.build and a.build in good_builds:
            needed = max(needed - 300, 240)
        return similarity(a, b, weigh, a.subject | b.subject if a.bare != b.bare else frozenset()) >= needed

    buckets: dict[object, list[Print]] = defaultdict(list)
    for p in prints:
        for shingle in sorted(s for s in p.shingles if stands_in[s] > 1)[:10]:
            buckets[shingle].append(p)
        if p.build in good_builds:
            buckets[p.build].append(p)
        for band in {(i, q >> i * 7 & 127) for q in p.pictures if p.bare for i in range(BANDS)}:
            buckets["picture", *band].append(p)
    # Where a picture meets its letter: bigrams that count, above a bare one and above others.
    for mark in {m for p in prints if p.bare for m in subject[p.exact]}:
        members = [p for p in prints if mark in subject[p.exact]]
        if not all(p.bare for p in members):
            buckets["heading", mark] = members
    label = {p.exact: p.exact for p in prints}
    for place, members in buckets.items():
        most = 256 if isinstance(place, tuple) and place[0] == "picture" else 8
        leaders: list[Print] = []
        for member in members:
            led_by = [leader for leader in leaders if belong(leader, member)]
            for leader in led_by:
                old, new = sorted((label[leader.exact], label[member.exact]), reverse=True)
                label = {exact: new if of == old else of for exact, of in label.items()}
            if not led_by and len(leaders) < most:
                leaders.append(member)
    return label
