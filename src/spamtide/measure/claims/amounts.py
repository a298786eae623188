"""Rules on amounts: what one sender can take away, machines times speed, totals of the world, numbers with a lost digit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from spamtide.event import Claim, Event
from spamtide.measure.claims.figures import (
    allowed,
    holds_event,
    ids,
    is_near,
    is_witnessed,
    per_minute,
    point,
    share_time,
    spans_event,
    weekday_weighs,
)
from spamtide.measure.claims.values import ClaimFinding, verdict_of
from spamtide.measure.values import Fact

# Totals that differ by less say nothing about how they were scaled up.
TOTALS_DIFFER = 1.5
# What strikes servers may strike whoever else used them.
STRIKES_SERVERS = ("civil-seizure", "criminal-search", "sinkhole", "de-peering")


def attributable_cap(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """What left the total against what the same house says the target sent: a target cannot take away more than it sends.

    The total's two levels are those from which the house's own change is reckoned, so no window has to be guessed.
    """
    known = {c.id: c for c in claims}
    outputs = [
        c for c in claims
        if c.about == event.target and c.metric == "volume" and is_witnessed(c) and point(c) is not None
    ]  # fmt: skip
    for change in claims:
        pair = [known[i] for i in change.derived_from if i in known]
        if change.about != "all-spam" or change.metric != "volume-change" or len(pair) != 2:
            continue
        before, after = pair
        if {before.metric, after.metric} != {"volume"} or not is_near(change, event):
            continue
        yield from _capped(event, before, after, [c for c in outputs if c.group == before.group])


def _capped(event: Event, before: Claim, after: Claim, outputs: Sequence[Claim]) -> Iterator[ClaimFinding]:
    b, a = point(before), point(after)
    near = [c for c in outputs if c.window is not None and is_near(c, event) and c.unit == before.unit]
    if b is None or a is None or b <= 0 or not near:
        return
    stated_before, stated_after = allowed(before), allowed(after)
    assert stated_before is not None
    assert stated_after is not None
    removed = b - a
    least = stated_before[0] - stated_after[1]
    for output in near:
        bounds, sent = allowed(output), point(output)
        assert bounds is not None
        if sent is None or sent <= 0:
            continue
        enough = [c for c in outputs if (point(c) or 0.0) >= removed and not (c.window and is_near(c, event))]
        ways = []
        if holds_event(output.window, event):
            ways.append("mean_over_days_after_event")
        if output.comparator in ("<=", "<"):
            ways.append("up_to")
        ways.append("unattributed_mail")
        if event.kind in STRIKES_SERVERS:
            ways.append("shared_servers")
        if weekday_weighs(before.window, after.window):
            ways.append("weekday")
        if enough:
            ways.append("other_time_of_the_same_house")
        agree = least <= bounds[1]
        facts: dict[str, Fact] = {
            "before": b, "after": a, "removed": removed, "sent": sent, "times": removed / sent, "share": sent / b,
            "fall": removed / b, "enough": ",".join(c.id for c in enough) or None,
        }  # fmt: skip
        yield ClaimFinding(
            "attributable_cap", ids([before, after, output, *(() if agree else enough)]),
            verdict_of(agree, tuple(ways)), () if agree else tuple(ways), facts,
        )  # fmt: skip


def share_cap(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A fall of the total beyond the share of spam that somebody gave the target; only falls above the share are told."""
    shares = [
        c for c in claims
        if c.about == event.target and c.metric == "spam-share" and is_witnessed(c) and point(c) is not None and is_near(c, event)
    ]  # fmt: skip
    falls = [
        c for c in claims
        if c.about == "all-spam" and c.metric == "volume-change" and is_witnessed(c) and (point(c) or 0.0) < 0
        and (c.window is None or spans_event(c, event))
    ]  # fmt: skip
    for share in shares:
        for fall in falls:
            cap, change = allowed(share), allowed(fall)
            value, middle = point(share), point(fall)
            assert cap is not None
            assert change is not None
            assert value is not None
            assert middle is not None
            if change[1] >= -cap[1] - 1e-9 or value <= 0:
                continue
            ways = ["unattributed_mail"]
            ways += ["shared_servers"] if event.kind in STRIKES_SERVERS else []
            ways += ["window_not_stated"] if share.window is None or fall.window is None else []
            ways += ["weekday"] if weekday_weighs(fall.window, fall.baseline) else []
            ways += ["other_vantage"] if share.group != fall.group or share.group == "unknown" else []
            ways += ["about"] if "~" in (share.comparator, fall.comparator) else []
            yield ClaimFinding(
                "share_cap", ids([share, fall]), verdict_of(False, tuple(ways)), tuple(ways),
                {"share": value, "fall": -middle, "times": -middle / value},
            )  # fmt: skip


def per_bot_product(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Mail of the target over machines of the target, beside what one captive machine was seen to send."""
    flows = [
        c for c in claims if c.about == event.target and c.metric == "volume" and is_witnessed(c) and per_minute(c)
    ]
    sizes = [
        c for c in claims if c.about == event.target and c.metric == "size" and is_witnessed(c) and (point(c) or 0) > 0
    ]
    speeds = [
        c for c in claims
        if c.about == f"{event.target}-bot" and c.metric == "rate-per-bot" and is_witnessed(c) and per_minute(c)
    ]  # fmt: skip
    rates = [
        ((per_minute(f) or 0.0) / size, f, s)
        for f in flows for s in sizes for size in (x for x in (s.value, s.low, s.high) if x is not None and x > 0)
        if "unknown" not in (f.group, s.group) and _one_time(event, f, s)
    ]  # fmt: skip
    if not rates:
        return
    low, high = min(rates, key=lambda r: r[0]), max(rates, key=lambda r: r[0])
    fastest = max(speeds, key=lambda c: per_minute(c) or 0.0, default=None)
    slowest = min(speeds, key=lambda c: per_minute(c) or 0.0, default=None)
    facts: dict[str, Fact] = {"lowest": low[0], "highest": high[0], "products": len(rates)}
    if fastest is None or slowest is None:
        agree, captive = high[0] <= 2 * low[0], []
    else:
        top, least = per_minute(fastest) or 0.0, per_minute(slowest) or 0.0
        agree, captive = least <= high[0] and top >= low[0], [slowest, fastest]
        facts |= {"captive_lowest": least, "captive_highest": top, "times": least / low[0]}
    ways = ["captive_machine_at_its_own_speed", "not_all_machines_send_at_once", "addresses_are_not_machines"]
    ways += ["unattributed_mail", "other_time"]
    yield ClaimFinding(
        "per_bot_product", ids([low[1], low[2], high[1], high[2], *captive]), verdict_of(agree, tuple(ways)),
        () if agree else tuple(ways), facts,
    )  # fmt: skip


def _one_time(event: Event, flow: Claim, size: Claim) -> bool:
    """Whether mail and machines were counted at one time; a time that is not stated is that of the event."""
    if flow.window is None or size.window is None:
        return is_near(flow, event) and is_near(size, event)
    return share_time(flow, size)


def totals_and_ratios(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Totals of two houses for the time of the event, far apart, beside the changes that each reckons from its own totals."""
    totals = [
        c for c in claims
        if c.about == "all-spam" and c.metric == "volume" and is_witnessed(c) and per_minute(c) and c.window is not None
        and c.group != "unknown" and is_near(c, event, 31.0)
        and (c.window.start < event.started_at)
    ]  # fmt: skip
    changes = [
        c for c in claims
        if c.about == "all-spam" and c.metric == "volume-change" and point(c) is not None and c.restates is None and c.flaw is None
    ]  # fmt: skip
    groups = {g: [c for c in totals if c.group == g] for g in dict.fromkeys(c.group for c in totals)}
    latest = [max(own, key=lambda c: c.window.start if c.window else 0) for own in groups.values()]
    latest.sort(key=lambda c: per_minute(c) or 0.0)
    if len(latest) < 2:
        return
    low, high = latest[0], latest[-1]
    times = (per_minute(high) or 0.0) / (per_minute(low) or math.inf)
    if times < TOTALS_DIFFER:
        return
    own = [[c for c in changes if c.group == t.group and _reckoned_from(c, t)] for t in (low, high)]
    ratios = [[1 + (point(c) or 0.0) for c in cs] for cs in own]
    facts: dict[str, Fact] = {"times": times, "low": point(low), "high": point(high)}
    ways = ["scaled_up_differently", *(["other_window"] if low.window != high.window else [])]
    if all(ratios):
        gap, one, other = min((abs(math.log(a / b)), a, b) for a in ratios[0] for b in ratios[1])
        facts |= {"ratio_low": one, "ratio_high": other, "ratios_apart": math.exp(gap)}
        code = "totals_differ_ratios_agree" if gap < math.log(1.1) else "totals_and_ratios_differ"
    else:
        code = "totals_differ"
    yield ClaimFinding(code, ids([low, high, *own[0], *own[1]]), "consistent_if", tuple(ways), facts)


def _reckoned_from(change: Claim, total: Claim) -> bool:
    """Whether a change was reckoned from that total."""
    return total.id in change.derived_from


def counted_and_scaled(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """A flow counted at traps beside one of the same thing that a house scaled up to the world: two units with one name."""
    flows = [
        c for c in claims
        if c.metric in ("volume", "rate") and is_witnessed(c) and per_minute(c) and is_near(c, event)
    ]  # fmt: skip
    for about in dict.fromkeys(c.about for c in flows):
        same = sorted((c for c in flows if c.about == about), key=lambda c: per_minute(c) or 0.0)
        counted = [c for c in same if c.metric == "rate"]
        scaled = [c for c in same if "extrapolated" in c.unit]
        if not counted or not scaled:
            continue
        low, high = per_minute(counted[-1]) or math.inf, per_minute(scaled[-1]) or 0.0
        yield ClaimFinding(
            "counted_is_not_scaled_up", ids([counted[-1], scaled[-1]]), "consistent_if", ("scaled_up_differently", "other_vantage"),
            {"counted": low * 1440, "scaled": high * 1440, "times": high / low},
        )  # fmt: skip


def lost_digits(event: Event, claims: Sequence[Claim]) -> Iterator[ClaimFinding]:
    """Two figures of one metric that are the same but for the place of the point: one of them is a slip."""
    figures = [
        c
        for c in claims
        if c.grade != "derived" and c.restates is None and c.metric in ("size", "volume") and (c.value or 0) > 0
    ]
    for i, a in enumerate(figures):
        for b in figures[i + 1 :]:
            if (a.about, a.metric, a.unit) != (b.about, b.metric, b.unit) or not share_time(a, b):
                continue
            assert a.value is not None
            assert b.value is not None
            power = math.log10(max(a.value, b.value) / min(a.value, b.value))
            if round(power) >= 1 and abs(power - round(power)) < 1e-9:
                yield ClaimFinding(
                    "lost_digit", ids([a, b]), "consistent_if", ("decimal_point",),
                    {"times": 10 ** round(power), "value": min(a.value, b.value)},
                )  # fmt: skip
