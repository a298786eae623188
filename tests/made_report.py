"""A report made of values, without an archive: some effects, duplicate shares, a claim and a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from made_worlds import Kind, made
from spamtide.event import load_registry
from spamtide.measure import DAY_US, Effect, Interval, Window, duplicate_shares, estimate_effect
from spamtide.report import Finding, ReportInput, SharesFinding, duplicates_document, effect_document


@cache
def base_effect() -> Effect:
    """One effect on a made series, with its path and all second opinions."""
    series, cut, _ = made(Kind("calm", 0.1, 0.3, before=70, level=300), 3)
    whole = Window(int(series.starts[0]), int(series.starts[-1]) + DAY_US)
    how = {"before": Window(whole.start, cut), "after": Window(cut, whole.end), "feed": "trap", "event": "rustock-2011"}
    return replace(estimate_effect(series, cut, **how), measure="subject:viagra,cialis")  # type: ignore[arg-type]


def made_report(ratios: Sequence[Interval] = (), *, bare: bool = False) -> ReportInput:
    """A report whose effects have these ratios; ``bare``: without chart, diagnostics and claims, which is quick."""
    base = base_effect()
    if bare:
        base = replace(base, path=None, second_opinions=(), neighbours=(), also_at=(), pre_trend=None)
    effects = [replace(base, ratio=r, feed=f"trap{i}") for i, r in enumerate(ratios)] or [base]
    windows = (Window(base.cut - 14 * DAY_US, base.cut), Window(base.cut, base.cut + 14 * DAY_US))
    times = np.sort(np.random.default_rng(1).integers(windows[0].start, windows[1].end, 900))
    shares = duplicate_shares(
        np.arange(900) // 3, times, feed="trap", rule="exact", windows=windows, lookback_us=7 * DAY_US, data_start=int(times[0])
    )  # fmt: skip
    event = load_registry().event("rustock-2011")
    card = {"feed": "trap", "simulated": False, "instrument": {
        "since": "2010-01-01T00:00:00Z", "addresses_by_vantage": {"planted": 40}, "domains": None, "domain_count": 3, "mx_position": "first",
        "upstream_filter": None, "persona": "plain", "clock": "ntp", "changes": []}}  # fmt: skip
    return ReportInput(
        title="A day in spring", event_id="rustock-2011", cut=base.cut, findings=tuple(Finding(e, effect_document(e)) for e in effects),
        duplicates=() if bare else (SharesFinding(shares, duplicates_document(shares)),), claims=() if bare else event.claims,
        cards=(card,), controller="A lab", interest="", version="0.1.0", facts_version=8, reproduce=("spamtide report",),
        witnesses={m.witness: m.name for m in load_registry().memberships},
    )  # fmt: skip
