"""Any event that the schema takes can be reconciled and said: a user writes claims that we did not think of."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from spamtide.event import COMPARATORS, KINDS, Claim, Event, Span, TimeFact, load_registry
from spamtide.measure import reconcile
from spamtide.report.claimwords import claim_line, claims_document

SHIPPED = load_registry().event("rustock-2011")
# Each metric with the unit that it mostly has.
METRICS = {
    "volume-change": "change of messages, as a share of before", "subject-change": "change of messages, as a share of before",
    "sinkhole-change": "change of addresses, as a share of before", "volume": "messages a day, extrapolated to the world",
    "rate": "messages a second", "rate-per-bot": "messages an hour and machine", "size": "machines", "spam-share": "share of spam",
    "mail-share": "share of mail", "mail-share-change": "change in share of mail", "duplicate-share": "share of messages", "stop-time": "day",
}  # fmt: skip
UNITS = sorted({c.unit for c in SHIPPED.claims} | {"messages in 3 days", "furlongs"})
ABOUT = ["all-spam", "rustock", "rustock-bot", "viagra-cialis-subjects"]
GROUPS = ["a", "b", "unknown"]
FLAWS = [*[None] * 20, "denominator_changed", "percent_of_what", "window_changed", "unit_changed", "press_slip"]
DAY = 86_400_000_000


def any_claim(rng: np.random.Generator, i: int, start: int) -> Claim:
    def one(values: list[object]) -> object:
        return values[int(rng.integers(len(values)))]

    def span() -> Span | None:
        begin = start + int(rng.integers(-40, 40)) * DAY
        return None if rng.random() < 0.3 else Span(begin, begin + int(rng.integers(1, 30)) * DAY)

    value = float(one([0.0, -1.0, -0.75, 0.33, 1.0, 0.999, 24.0, 240.0, 1e9, -1e-9, 5e12, float(rng.normal())]))  # type: ignore[arg-type]
    kind = rng.random()
    figure: dict[str, object] = (
        {"value": value}
        if kind < 0.7
        else {"low": value - 1, "high": value}
        if kind < 0.85
        else {"at": start + int(rng.integers(-9, 9)) * DAY}
    )
    if rng.random() < 0.1:
        figure, metric = {}, "presence"
    else:
        metric = str(one(list(METRICS)))
    usual = METRICS.get(metric, "none: a rank")
    return Claim(
        f"c{i}", str(one(list(ABOUT))), metric, one(list(COMPARATORS)), usual if rng.random() < 0.8 else str(one(list(UNITS))), str(one(["here", "there {0} %s"])),  # type: ignore[arg-type]
        str(one(["w1", "w2", "cbl"])), str(one(list(GROUPS))), "derived" if i > 3 and rng.random() < 0.2 else "primary", str(one(["s1", "gsn-2011"])), "Text {braces} %d.",  # type: ignore[arg-type]
        rounding=None if rng.random() < 0.5 else 0.01, denominator=str(one(["x", "y"])) if rng.random() < 0.5 else None, window=span(),
        baseline=span(), derived_from=("c0", "c1") if i > 3 else (), restates=f"c{int(rng.integers(i))}" if i and rng.random() < 0.15 else None,
        flaw=one(list(FLAWS)), **figure,  # type: ignore[arg-type]
    )  # fmt: skip


def any_event(seed: int) -> Event:
    rng = np.random.Generator(np.random.Philox(seed))
    claims = tuple(any_claim(rng, i, SHIPPED.started_at) for i in range(14))
    reported = TimeFact(SHIPPED.started_at + int(rng.integers(-6, 6)) * DAY, "day", "gsn-2011")
    times = msgspec.structs.replace(SHIPPED.times, reported_as=reported)
    return msgspec.structs.replace(SHIPPED, claims=claims, times=times, kind=KINDS[seed % len(KINDS)])


@pytest.mark.parametrize("block", range(4))
def test_any_claims_are_reconciled_and_said(block: int) -> None:
    said = set()
    for seed in range(block * 60, block * 60 + 60):
        event = any_event(seed)
        document = claims_document(event, event.claims, reconcile(event, event.claims), {})
        json.dumps(document, allow_nan=False)
        for claim in document["claims"]:
            assert claim["id"] in claim_line(claim)
        for finding in document["findings"]:
            assert (finding["verdict"] == "consistent_if") == bool(finding["ways_out"]), finding
            assert finding["text"].endswith(".")
            said.add(finding["code"])
    assert len(said) > 10, said
