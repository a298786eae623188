"""Whether the peers of a bin are who sent: rule 11 of docs/explanation/instrument.md, word for word in docs/explanation/peers.md.

Behind a load balancer, a relay or a fetched mailbox every session shows the address of a machine of ours or of a provider's. What is
counted by peer or network is then that machine. The engine gives integers for each bin and peer; the rule is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spamtide.measure.expressions import bin_number, matching, uses
from spamtide.measure.grammar import Count, Measure, Share
from spamtide.measure.query import And
from spamtide.measure.values import DAY_US, Note, Window

# A bin is judged by its peers from so many sessions on.
JUDGED_SESSIONS = 20
# A peer is large in a bin from this share of its sessions on: at most eight are.
_LARGE = 8
# Many stand behind a large peer that gives so many HELO names, and one for so many of its sessions.
_NAMES, _SESSIONS_A_NAME = 5, 4
# A large peer stands if it is large in three quarters of the feed's judged bins, over a week at least.
_STANDS, _STANDS_US = 0.75, 7 * DAY_US
# How an address begins that no host on the internet has: RFC 1918, 6598, 4193, loopback, link-local.
_BEGINNINGS = (
    "10.", "127.", "169.254.", "192.168.", "fc", "fd", "fe8", "fe9", "fea", "feb", *(f"172.{n}." for n in range(16, 32)),
    *(f"100.{n}." for n in range(64, 128)),
)  # fmt: skip
_LOOPBACK = "::1"
PEER_FIELDS = ("peer", "network", "country")


def asks_for_peers(measure: Measure) -> bool:
    """Whether a measure's answer depends on who the peers are."""
    counts = (measure.part, measure.whole) if isinstance(measure, Share) else (measure,)
    return any(isinstance(c, Count) and (c.peers or any(uses(c.tree, f) for f in PEER_FIELDS)) for c in counts)


def sessions_by_bin(*, feeds: Sequence[str], bin_us: int, anchor: int, window: Window) -> Any:
    """``(bin, sessions, private)`` of everything that came, whatever its origin: sessions, and those without a peer on the internet."""
    rows = matching(And(()), feeds=feeds, window=window, timed=True)
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor))
    # Far fewer addresses than messages: each is looked at once.
    seen = rows.filter(rows.peer_address.notnull()).select("peer_address").distinct()
    address = seen.peer_address.lower()
    private = address == _LOOPBACK
    for length in sorted({len(b) for b in _BEGINNINGS}):
        private = private | address.substr(0, length).isin([b for b in _BEGINNINGS if len(b) == length])
    rows = rows.left_join(seen.mutate(private=private), "peer_address").drop("peer_address_right")
    rows = rows.mutate(private=rows.private.fill_null(True))
    found = rows.group_by("bin").aggregate(sessions=_sessions(rows), private=_sessions(rows, rows.private))
    return found.order_by("bin")


def _sessions(rows: Any, where: Any = None) -> Any:
    """How many sessions: a message without a key is one of its own, so that places need not be told apart to be counted."""
    alone = rows.session.isnull() if where is None else rows.session.isnull() & where
    return (rows.session.nunique(where=where) + alone.cast("int64").sum()).cast("int64")


def large_peers(*, feeds: Sequence[str], bin_us: int, anchor: int, window: Window) -> Any:
    """``(bin, peer_unit, sessions, names, relayed, messages)`` of each peer with at least an eighth of a bin's sessions.

    ``names``: HELO names it gave. ``relayed``: messages that somebody else had received before: with a Received field more than
    the receiver's own, which an import has and a trap's capture has not.
    """
    rows = matching(And(()), feeds=feeds, window=window, timed=True)
    own = (rows.time_origin == "received").cast("int32")
    rows = rows.mutate(bin=bin_number(rows, bin_us, anchor), passed=rows.route_hops - own >= 1)
    whole = rows.group_by("bin").aggregate(of=_sessions(rows))
    known = rows.filter(rows.peer_unit.notnull())
    # No peer has more sessions than messages: of few the rest is counted.
    counted = known.group_by(["bin", "peer_unit"]).aggregate(n=known.count().cast("int64")).inner_join(whole, "bin")
    may_be = counted.filter(counted.n * _LARGE >= counted.of).select("bin", "peer_unit")
    known = known.semi_join(may_be, ["bin", "peer_unit"])
    each = known.group_by(["bin", "peer_unit"]).aggregate(
        sessions=_sessions(known),
        names=known.helo.lower().nunique().cast("int64"),
        relayed=known.passed.cast("int64").sum().cast("int64"),
        messages=known.count().cast("int64"),
    )
    joined = each.inner_join(whole, "bin")
    return joined.filter(joined.sessions * _LARGE >= joined.of).order_by(["bin", "peer_unit"])


@dataclass(frozen=True, slots=True)
class HiddenPeers:
    """Bins, by number and in order, with the sessions in them and those whose peer is not who sent (n rows each)."""

    bins: NDArray[np.int64]
    sessions: NDArray[np.int64]
    hidden: NDArray[np.int64]

    @property
    def unreliable(self) -> NDArray[np.bool_]:
        """Bins in which most sessions are hidden."""
        return self.hidden * 2 > self.sessions


def hidden_peers(totals: Any, large: Any, bin_us: int) -> HiddenPeers:
    """The rule, on the rows of ``sessions_by_bin`` and ``large_peers``."""
    bins, sessions, private = (np.asarray(totals[c].to_numpy(), dtype=np.int64) for c in ("bin", "sessions", "private"))
    of = dict(zip(bins.tolist(), sessions.tolist(), strict=True))
    judged = sorted(b for b, n in of.items() if n >= JUDGED_SESSIONS)
    rows = [row for row in large.to_pylist() if of[row["bin"]] >= JUDGED_SESSIONS]
    standing = _standing(rows, judged, bin_us)
    hidden = dict.fromkeys(of, 0)
    for row in rows:
        many = row["names"] >= _NAMES and row["names"] * _SESSIONS_A_NAME >= row["sessions"]
        relay = row["peer_unit"] in standing and row["relayed"] == row["messages"]
        # Private peers are hidden already.
        if (many or relay) and not _is_private(row["peer_unit"]):
            hidden[row["bin"]] += row["sessions"]
    behind = np.array([hidden[b] for b in bins.tolist()], dtype=np.int64)
    return HiddenPeers(bins, sessions, np.minimum(private + behind, sessions))


def judge_bins(
    fine: HiddenPeers, coarse: HiddenPeers | None, bin_us: int, numbers: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the bins ``numbers`` are unreliable.

    ``coarse``: the same in days at the same anchor, where a bin is shorter than a day; a bin of too few sessions is judged by its day.
    """
    found = dict(
        zip(fine.bins.tolist(), zip(fine.sessions.tolist(), fine.unreliable.tolist(), strict=True), strict=True)
    )
    by_day = {} if coarse is None else dict(zip(coarse.bins.tolist(), coarse.unreliable.tolist(), strict=True))

    def one(number: int) -> bool:
        sessions, unreliable = found.get(number, (0, False))
        if sessions >= JUDGED_SESSIONS or coarse is None:
            return bool(unreliable)
        return bool(unreliable or by_day.get(number * bin_us // DAY_US, False))

    return np.array([one(int(n)) for n in numbers], dtype=bool)


def peer_notes(unreliable: NDArray[np.bool_]) -> tuple[Note, ...]:
    """The warning of a series some of whose bins are refused."""
    n = int(unreliable.sum())
    return (Note("peer_unreliable", {"bins": n, "of": len(unreliable)}),) if n else ()


def _is_private(unit: str) -> bool:
    text = unit.lower()
    # The /64 of the loopback address holds nobody else.
    return text.startswith(_BEGINNINGS) or text == "::/64"


def _standing(rows: Sequence[dict[str, Any]], judged: Sequence[int], bin_us: int) -> set[str]:
    """Peers that are large in three quarters of the judged bins, over a week at least."""
    large: dict[str, list[int]] = {}
    for row in rows:
        large.setdefault(row["peer_unit"], []).append(row["bin"])
    return {
        unit
        for unit, at in large.items()
        if len(at) >= _STANDS * len(judged) and (max(at) + 1 - min(at)) * bin_us >= _STANDS_US
    }
