"""Learned dialects: which engines there are, by the canonical paths of their sessions, and which one spoke in a new session.

A path that enough peers in enough networks spoke is a dialect; paths that the same peers speak by turns are one. What is rarer is
assigned by its own path, else by the smoothed likelihood of its steps, else it stays unknown: below the 1 % quantile of a
dialect's own sessions nothing is that dialect. All of it is a function of the set of sessions, whatever their order.

Method: Stringhini et al., "B@bel", USENIX Security 2012; docs/explanation/senders.md.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

# A path is learned when so many messages by so many peers in so many networks spoke it.
MESSAGES, PEERS, NETWORKS = 20, 5, 3
# Two paths are one engine's when of the peers seen twice or more in either so large a share speaks both, at least so many.
SAME_SHARE, SAME_PEERS = 0.5, 5
# A peer with more paths than this is a relay, or many machines: it says nothing of which paths belong together.
LOUD_PATHS = 3
# Pseudo-count of a step never seen behind another.
ALPHA = 0.1
QUANTILE = 0.01
UNOFFERED = "?"


@dataclass(frozen=True, slots=True)
class PathUse:
    """Who spoke one canonical path: ``by_peer`` counts messages of each peer, peers of unknown address left out."""

    path: str
    steps: str
    messages: int
    by_peer: Mapping[str, int]
    networks: frozenset[str]
    first_seen: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """One learned dialect. ``paths`` are the digests of its paths, ascending; each of them names it."""

    id: str
    steps: str
    paths: tuple[str, ...]
    messages: int
    peers: int
    networks: int
    first_seen: int
    last_seen: int
    threshold: float


@dataclass(frozen=True, slots=True)
class Spoke:
    """The dialect of one session: ``how`` is path, likelihood, ambiguous or unknown; ``dialect`` is None for the last two."""

    dialect: str | None
    how: str
    candidates: tuple[str, ...] = ()


def tokens(steps: str) -> list[str]:
    """A canonical path as the steps between which transitions are counted; the four fields are told apart."""
    commands, manners, end, taken = (field.strip() for field in f"{steps} | | |".split("|")[:4])
    said = [c for c in commands.split(" > ") if c]
    return ["^", *said, *(f"m:{m}" for m in manners.split()), f"e:{end}", *(f"t:{t}" for t in taken.split()), "$"]


def dialect_id(paths: Iterable[str]) -> str:
    """The id of a dialect: from the lowest of its paths' digests."""
    lowest = min(paths)
    return "d-" + hashlib.sha256(f"spamtide dialect {lowest}".encode()).hexdigest()[:12]


class _Model:
    """Transition counts of one dialect."""

    def __init__(self, uses: Sequence[PathUse], vocabulary: int) -> None:
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._from: Counter[str] = Counter()
        self._vocabulary = vocabulary
        for use in uses:
            said = tokens(use.steps)
            for a, b in pairwise(said):
                self._pairs[a, b] += use.messages
                self._from[a] += use.messages

    def score(self, steps: str) -> float:
        """Smoothed log-likelihood of a path."""
        said = tokens(steps)
        return math.fsum(
            math.log((self._pairs[a, b] + ALPHA) / (self._from[a] + ALPHA * (self._vocabulary + 1)))
            for a, b in pairwise(said)
        )


def _threshold(model: _Model, uses: Sequence[PathUse]) -> float:
    """The 1 % quantile of the scores of a dialect's own sessions."""
    scores = sorted((model.score(use.steps), use.messages) for use in uses)
    left = QUANTILE * sum(n for _, n in scores)
    for score, n in scores:
        left -= n
        if left < 0:
            return score
    return scores[-1][0]


class Dialects:
    """What was learned from a set of sessions. ``dialects`` are in order of their ids."""

    def __init__(self, clusters: Iterable[Sequence[PathUse]]) -> None:
        clusters = [sorted(c, key=lambda u: u.path) for c in clusters]
        words = {t for c in clusters for use in c for t in tokens(use.steps)}
        self._models: dict[str, _Model] = {}
        self._by_path: dict[str, str] = {}
        found = []
        for uses in clusters:
            model = _Model(uses, len(words))
            name = dialect_id(u.path for u in uses)
            self._models[name] = model
            self._by_path |= {u.path: name for u in uses}
            found.append(
                Dialect(
                    id=name,
                    steps=max(uses, key=lambda u: (u.messages, u.path)).steps,
                    paths=tuple(u.path for u in uses),
                    messages=sum(u.messages for u in uses),
                    peers=len({p for u in uses for p in u.by_peer}),
                    networks=len({n for u in uses for n in u.networks}),
                    first_seen=min(u.first_seen for u in uses),
                    last_seen=max(u.last_seen for u in uses),
                    threshold=_threshold(model, uses),
                )
            )
        self.dialects = tuple(sorted(found, key=lambda d: d.id))
        self._cores: dict[str, set[str]] = defaultdict(set)
        for uses in clusters:
            for use in uses:
                self._cores[_core(use.steps)].add(self._by_path[use.path])

    @cached_property
    def _thresholds(self) -> dict[str, float]:
        return {d.id: d.threshold for d in self.dialects}

    def named(self, name: str) -> Dialect | None:
        """The dialect of that id, or that one of whose paths' digests begins so, if there is one only."""
        ids = {d.id for d in self.dialects if d.id == name}
        if len(name) >= 6:
            ids |= {d for path, d in self._by_path.items() if path.startswith(name)}
        return next((d for d in self.dialects if ids == {d.id}), None)

    def assign(self, path: str, steps: str) -> Spoke:
        """The dialect of a session: by its exact path, else by likelihood, else none."""
        if path in self._by_path:
            return Spoke(self._by_path[path], "path", (self._by_path[path],))
        if steps.endswith(UNOFFERED):
            # Nothing was offered, so nothing is known of what it would have taken.
            alike = tuple(sorted(self._cores.get(_core(steps), ())))
            if alike:
                return Spoke(alike[0] if len(alike) == 1 else None, "path" if len(alike) == 1 else "ambiguous", alike)
        scored = [(model.score(steps), name) for name, model in self._models.items()]
        fit = sorted(((s, n) for s, n in scored if s >= self._thresholds[n]), reverse=True)
        if not fit:
            return Spoke(None, "unknown")
        if len(fit) > 1 and fit[0][0] - fit[1][0] < math.log(10):
            return Spoke(None, "ambiguous", tuple(sorted(n for _, n in fit)))
        return Spoke(fit[0][1], "likelihood", (fit[0][1],))


def _core(steps: str) -> str:
    """A path without what depends on what was offered."""
    return steps.rpartition("|")[0]


def _joined(uses: Sequence[PathUse]) -> list[list[PathUse]]:
    """Paths put together where the same peers speak both by turns."""
    paths_of: dict[str, list[int]] = defaultdict(list)
    total: Counter[str] = Counter()
    for i, use in enumerate(uses):
        for peer, n in use.by_peer.items():
            paths_of[peer].append(i)
            total[peer] += n
    quiet = {p for p, paths in paths_of.items() if len(paths) <= LOUD_PATHS and total[p] > 1}
    heard = [quiet & set(use.by_peer) for use in uses]
    parent = list(range(len(uses)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i in range(len(uses)):
        for j in range(i):
            both = len(heard[i] & heard[j])
            if both >= SAME_PEERS and both >= SAME_SHARE * min(len(heard[i]), len(heard[j])):
                parent[root(i)] = root(j)
    clusters: dict[int, list[PathUse]] = defaultdict(list)
    for i, use in enumerate(uses):
        clusters[root(i)].append(use)
    return list(clusters.values())


def learn_dialects(uses: Iterable[PathUse]) -> Dialects:
    """The dialects of a set of paths, each given once. Later messages of a session (paths from ``+``) belong to their session's first.

    Cost: paths squared, and the peers that speak them; a path too rare to be learned costs nothing.
    """
    frequent = sorted(
        (
            use
            for use in uses
            if use.messages >= MESSAGES
            and len(use.by_peer) >= PEERS
            and len(use.networks) >= NETWORKS
            and not use.steps.startswith("+")
            and not use.steps.endswith(UNOFFERED)
        ),
        key=lambda u: u.path,
    )
    return Dialects(_joined(frequent))
