"""Arrivals: the last message of each feed, and whether it has been silent longer than it is used to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem, trap_runs
from spamtide.app.instants import format_instant
from spamtide.app.live import read_note, trap_note_path
from spamtide.archive import read_spans
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

_LOOKED_AT_US = 28 * DAY_US
_ENOUGH = 20
_MOST = 200_000
# A Poisson stream of this mean gap is silent so long once in a million times; the longest pause seen counts twice, since
# spam comes in bursts.
_MEAN_GAPS, _LONGEST_GAPS = 13.8, 2.0


def look_at_arrivals(workspace: Workspace, now: int) -> tuple[list[dict[str, Any]], list[HealthProblem]]:
    """One row a feed. Only a feed whose trap runs can be too silent: an import has an end."""
    seen, problems = [], []
    for feed in workspace.archive.feeds():
        last = max((s.last_received_at for s in workspace.archive.segments(feed) if s.records), default=None)
        mean, longest = usual_gaps(workspace, feed, last)
        runs = trap_runs(workspace, feed)
        silent = None if last is None else max(now - last, 0) / 1e6
        seen.append(
            {
                "feed": feed,
                "trap": runs,
                "last_received_at": None if last is None else format_instant(last),
                "silent_seconds": silent,
                "usual_gap_seconds": mean,
                "longest_gap_seconds": longest,
            }
        )
        if not runs or last is None or mean is None or longest is None:
            continue
        # What did not come while the trap was down is no silence of its senders.
        up = int((read_note(trap_note_path(workspace.archive.root, feed)) or {}).get("at", last))
        silence = (now - max(last, up)) / 1e6
        if silence > max(_MEAN_GAPS * mean, _LONGEST_GAPS * longest):
            text = (
                f"Nothing came to {feed} for {span_words(silence)}; usually something comes every {span_words(mean)}, "
                f"and the longest pause of 28 days was {span_words(longest)}."
            )
            problems.append(HealthProblem("feed_silent", text, "Do its MX lead here ('doctor --dns')? Can port 25 be reached from outside?"))  # fmt: skip
    return seen, problems


def usual_gaps(workspace: Workspace, feed: str, last: int | None) -> tuple[float | None, float | None]:
    """Mean and longest gap between messages in the 28 days before the last, seconds; None below 20 messages.

    Of a feed with more than 200,000 messages there the newest parts that hold so many.
    """
    import numpy as np
    import pyarrow.parquet as pq

    if last is None:
        return None, None
    root, since = workspace.tables.root, last - _LOOKED_AT_US
    found: list[Any] = []
    for span in reversed(read_spans(root, FACTS_VERSION, feeds=[feed], since=since)):
        for part in span.parts(root):
            if part.table == "message":
                found.append(pq.read_table(root / part.path, columns=["received_at"])["received_at"].to_numpy())
        if sum(map(len, found)) >= _MOST:
            break
    times = np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    times = times[times >= since]
    if len(times) < _ENOUGH:
        return None, None
    gaps = np.diff(times) / 1e6
    return float(gaps.mean()), float(gaps.max())


def span_words(seconds: float) -> str:
    """A length of time as a person says it: ``4 s``, ``12 min``, ``3 h``, ``5 days``."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
