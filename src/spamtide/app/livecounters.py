"""Counters of a running trap for a person who looks on: a few lines at the foot of the terminal, drawn anew each second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from spamtide.app.doctor.arrivals import span_words

if TYPE_CHECKING:
    from rich.console import Console

# The rate is that of so many seconds.
_RATE_SECONDS = 60.0


class LiveCounters:
    """Use it in a ``with`` block; ``line`` prints above the counters, ``show`` draws them. The last counts stay on the screen."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=console or Console(stderr=True), auto_refresh=False)
        self._began = time.monotonic()
        self._seen: deque[tuple[float, int]] = deque()

    def __enter__(self) -> LiveCounters:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def line(self, text: str) -> None:
        """Print a line above; nothing in it is markup."""
        self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, counts: Mapping[str, int]) -> None:
        """Draw these counts of the kernel."""
        from rich.text import Text

        now = time.monotonic()
        self._seen.append((now, counts["messages"]))
        while now - self._seen[0][0] > _RATE_SECONDS:
            self._seen.popleft()
        (first, before), rate = self._seen[0], 0.0
        if now > first:
            rate = (counts["messages"] - before) / (now - first) * 60
        self._live.update(Text("\n".join(counter_lines(counts, now - self._began, rate, time.time()))), refresh=True)


def counter_lines(counts: Mapping[str, int], up_seconds: float, rate: float, now: float) -> list[str]:
    """The counters in words. ``rate``: messages a minute; ``now``: seconds since 1970."""
    last = counts["last_message_at"]
    ago = f", the last {span_words(max(now - last / 1e6, 0))} ago" if last else ""
    refused = {
        "no room": counts["put_off_full"], "in doubt": counts["put_off_failed"], "too many from one address": counts["refused_per_address"],
        "too many": counts["refused_total"], "shed": counts["shed"], "slow": counts["timed_out"], "without header": counts["unproxied"],
    }  # fmt: skip
    put_off = ", ".join(f"{n:,} {why}" for why, n in refused.items() if n) or "nobody"
    return [
        f"messages  {counts['messages']:,} ({counts['bytes'] / 1e6:,.1f} MB), {rate:,.0f} a minute{ago}",
        f"sessions  {counts['connected']:,} open, {counts['sessions']:,} ended; {counts['waiting']:,} messages on their way to disk",
        f"replies   {counts['replies_2xx']:,} 2xx, {counts['replies_3xx']:,} 3xx, {counts['replies_4xx']:,} 4xx, {counts['replies_5xx']:,} 5xx",
        f"refused   {put_off}; up {span_words(up_seconds)}",
    ]
