"""Time to return: the estimator against a published example, its coverage, and the registry's cases."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from spamtide.event import Afterwards, Event, load_registry
from spamtide.measure import return_curve
from spamtide.measure.returns import ReturnCase, WithoutTime, kaplan_meier, median_days, time_to_return

REGISTRY = load_registry()

# Remission in weeks of 21 children on 6-mercaptopurine (Freireich and others, Blood 21, 1963), the textbooks' example of the method.
# + marks those still in remission when last seen.
REMISSION = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
# Printed by the textbooks to three or four digits: share, Greenwood standard error, and the log-log interval.
PUBLISHED = {
    6: (0.8571, 0.0764, 0.6197, 0.9516),
    7: (0.8067, 0.0869, 0.5631, 0.9228),
    10: (0.7529, 0.0963, 0.5032, 0.8894),
    13: (0.6902, 0.1068, 0.4316, 0.8491),
    16: (0.6275, 0.1141, 0.3675, 0.8049),
    22: (0.5378, 0.1282, 0.2678, 0.7468),
    23: (0.4482, 0.1346, 0.1881, 0.6801),
}


def times(text: str) -> list[tuple[float, bool]]:
    return [(float(t.rstrip("+")), not t.endswith("+")) for t in text.split()]


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def test_the_published_example_is_recomputed_to_its_digits() -> None:
    rows = {r.days: r for r in kaplan_meier(times(REMISSION))}
    for week, printed in PUBLISHED.items():
        row = rows[week]
        got = (row.gone.value, row.standard_error, row.gone.low, row.gone.high)
        assert got == pytest.approx(printed, abs=6e-5), week
    assert [rows[6].at_risk, rows[6].returned, rows[6].censored] == [21, 3, 1]
    assert median_days(list(rows.values())) == (23, 13, None)


def test_the_other_arm_is_what_a_public_page_prints_of_it() -> None:
    # Stata's sts list of the 21 on placebo, its first two rows as read at data.princeton.edu/eco572/KaplanMeier.html.
    rows = {r.days: r for r in kaplan_meier(times("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"))}
    for week, printed in {1: (0.9048, 0.0641, 0.6700, 0.9753), 2: (0.8095, 0.0857, 0.5689, 0.9239)}.items():
        row = rows[week]
        got = (row.gone.value, row.standard_error, row.gone.low, row.gone.high)
        assert got == pytest.approx(printed, abs=6e-5), week


def test_the_other_arm_has_no_censored_and_is_the_share_that_is_left() -> None:
    arm = times("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23")
    for row in kaplan_meier(arm):
        assert row.gone.value == pytest.approx(sum(t > row.days for t, _ in arm) / 21)
        left = row.gone.value
        assert row.standard_error == pytest.approx(math.sqrt(left * (1 - left) / 21)), (
            "Greenwood is binomial without censoring"
        )


def test_where_all_are_back_or_none_is_there_is_no_interval() -> None:
    (only,) = kaplan_meier([(5.0, True)])
    assert (only.gone.value, only.gone.low, only.gone.high) == (0.0, 0.0, 1.0)
    (seen,) = kaplan_meier([(5.0, False)])
    assert (seen.gone.value, seen.gone.low, seen.gone.high) == (1.0, 0.0, 1.0)
    assert median_days([seen]) == (None, None, None)
    assert kaplan_meier([]) == ()
    with pytest.raises(ValueError, match="below 0"):
        kaplan_meier([(-1.0, True)])


def test_the_interval_covers_in_samples_as_small_as_the_registry() -> None:
    """400 samples of 17 returns after 50 days in the mean, half of them watched for fewer than 100: the share gone at day 30."""
    rng = np.random.Generator(np.random.Philox(8))
    truth, inside = math.exp(-30 / 50), 0
    for _ in range(400):
        back, watched = rng.exponential(50, 17), rng.uniform(0, 200, 17)
        rows = kaplan_meier([(float(min(b, w)), bool(b <= w)) for b, w in zip(back, watched, strict=True)])
        last = [r for r in rows if r.days <= 30]
        low, high = (last[-1].gone.low, last[-1].gone.high) if last else (0.0, 1.0)
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.985


def case(id: str, whose: str = "target", event: Event | None = None) -> ReturnCase | WithoutTime:
    return time_to_return(event or REGISTRY.event(id), whose)  # type: ignore[arg-type]


def test_cases_of_the_registry() -> None:
    srizbi, rustock, emotet, waledac = (
        case(f"{x}") for x in ("srizbi-2008", "rustock-2011", "emotet-2021", "waledac-2010")
    )
    assert isinstance(srizbi, ReturnCase) and (srizbi.returned, srizbi.days) == (True, 14)
    assert isinstance(rustock, ReturnCase) and not rustock.returned and 180 < rustock.days < 181.5
    assert isinstance(emotet, ReturnCase) and emotet.returned and 291 < emotet.days < 292
    assert isinstance(waledac, ReturnCase) and not waledac.returned
    assert case("pushdo-2010") == WithoutTime("pushdo-2010", "de-peering", "never_known")
    assert case("real-host-2009", "total") == WithoutTime("real-host-2009", "de-peering", "never_fell")
    lethic = case("lethic-2010")
    assert isinstance(lethic, ReturnCase)
    assert lethic.earliest < lethic.days < lethic.latest, "a month is no day"
    qakbot = case("qakbot-2023")
    assert isinstance(qakbot, ReturnCase) and qakbot.remembered


def test_the_censored_are_kept_and_counted_as_watched_until_then() -> None:
    curve = return_curve(REGISTRY.events, "target")
    assert (
        curve.n
        == curve.returned + curve.censored
        == len(curve.cases)
        == sum(r.returned + r.censored for r in curve.rows)
    )
    assert curve.censored == 3
    dropped = kaplan_meier([(c.days, True) for c in curve.cases if c.returned])
    assert curve.median is not None
    middle = median_days(dropped)[0]
    assert middle is not None and middle < curve.median.value, "to drop who never came back makes all come back sooner"
    assert curve.median_if_never is not None and curve.median_if_never > curve.median.value
    assert {c.reason for c in curve.left_out} == {"never_known", "not_stated", "start_not_known"}


def test_target_and_total_are_apart() -> None:
    target, total = (return_curve(REGISTRY.events, w) for w in ("target", "total"))  # type: ignore[arg-type]
    assert {c.event for c in total.cases} & {"grum-2012", "mccolo-2008"} == {"grum-2012", "mccolo-2008"}
    assert next(c for c in target.cases if c.event == "grum-2012").returned is False
    assert next(c for c in total.cases if c.event == "grum-2012").returned is True


def test_a_later_look_moves_the_curve() -> None:
    rustock = REGISTRY.event("rustock-2011")
    fate = Afterwards("still-gone", "primary", "gsn-2011", us("2011-03-23"), "day")
    sooner = msgspec.structs.replace(rustock, target_after=fate)
    events = [sooner if e.id == rustock.id else e for e in REGISTRY.events]
    before, after = return_curve(REGISTRY.events, "target"), return_curve(events, "target")
    assert before.n == after.n
    assert after.rows != before.rows
    fate = Afterwards("never-known", "primary", "gsn-2011", note="x")
    events = [msgspec.structs.replace(e, target_after=fate) if e.id == rustock.id else e for e in REGISTRY.events]
    assert return_curve(events, "target").n == before.n - 1


def test_kinds_part_the_cases() -> None:
    kinds = {e.kind for e in REGISTRY.events}
    curves = [return_curve(REGISTRY.events, "target", k) for k in kinds]
    assert sum(c.n for c in curves) == return_curve(REGISTRY.events, "target").n
    pause = return_curve(REGISTRY.events, "target", "operator-pause")
    assert pause.returned == pause.n == 3
    assert not return_curve(REGISTRY.events, "target", "calendar").rows
