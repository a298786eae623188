"""Figures that we computed from others are computed again here, so none is only written down."""

import math
from collections import Counter

import pytest

from spamtide.event import Claim, load_registry

EVENTS = load_registry().events
ONE_NAME = {id for id, n in Counter(c.id for e in EVENTS for c in e.claims).items() if n == 1}
# A claim is named as in its event; one whose name stands in several events as EVENT/CLAIM.
CLAIMS = {c.id if c.id in ONE_NAME else f"{e.id}/{c.id}": c for e in EVENTS for c in e.claims}
MINUTES_A_DAY = 1440


def v(id: str) -> float:
    value = CLAIMS[id].value
    assert value is not None
    return value


def middle(claim: Claim) -> float:
    assert claim.low is not None
    assert claim.high is not None
    return math.sqrt(claim.low * claim.high)


def cut_at_the_article_s_date(ratio: float) -> float:
    """1 to 17 March against 18 to 22 March, the true stop being on the 16th at 14:45."""
    stop = 14.75 / 24
    before = (15 + stop + (1 - stop) * ratio + ratio) / 17
    return ratio / before - 1


RECOMPUTED = {
    "cbl-fall": lambda: middle(CLAIMS["cbl-rate-after"]) / middle(CLAIMS["cbl-rate-before"]) - 1,
    "symantec-steps-chained": lambda: (1 + v("symantec-step-1")) * (1 + v("symantec-step-2")) - 1,
    "messagelabs-totals-change": lambda: v("messagelabs-after") / v("messagelabs-before") - 1,
    "cisco-long-change": lambda: v("cisco-2011-11") / v("cisco-2010-08") - 1,
    "sinkhole-late-decay": lambda: -math.log1p(v("microsoft-three-quarters")) / 26,
    "per-bot-low": lambda: v("rustock-output-2011-03") / v("size-cbl") / MINUTES_A_DAY,
    "per-bot-mid": lambda: v("rustock-output-2010-08") / v("size-messagelabs-2010-08") / MINUTES_A_DAY,
    "per-bot-microsoft": lambda: v("microsoft-speed") / 45,
    "per-bot-tracelabs": lambda: v("tracelabs-speed") / 60,
    "census-times-speed": lambda: v("microsoft-speed") / 45 * MINUTES_A_DAY * v("complaint-size"),
    "attributable-cap": lambda: v("rustock-output-2011-03") / v("messagelabs-before"),
    "duplicates-imply-fall": lambda: (1 - v("icsa-duplicates-before")) / (1 - v("icsa-duplicates-after")) - 1,
    "fall-implies-duplicates": lambda: 1 - (1 - v("icsa-duplicates-after")) * (1 + v("messagelabs-fall")),
    "two-words-imply-share": lambda: v("messagelabs-fall") / v("icsa-two-words"),
    "article-cut-bias": lambda: cut_at_the_article_s_date(1 + v("icsa-two-words")),
    "bots-share-change": lambda: v("bots-share-2011-06") - v("bots-share-2011-03"),
    "commtouch-year-change": lambda: v("commtouch-q1-2012") / v("commtouch-q1-2011") - 1,
    "ironport-change": lambda: v("ironport-after") / v("ironport-before") - 1,
    "spamcop-change": lambda: v("spamcop-after") / v("spamcop-before") - 1,
    "cgiar-change": lambda: v("cgiar-after") / v("cgiar-before") - 1,
    "symantec-level-change": lambda: v("symantec-level") - 1,
    "spamhaus-change": lambda: v("spamhaus-after") / v("spamhaus-before") - 1,
    "rustock-output-change": lambda: v("rustock-output-during") / v("rustock-output-before") - 1,
}
# Known by other means below, or a range.
ELSEWHERE = {"sinkhole-half-life", "per-bot-messagelabs", "kaspersky-implied-fall"}


@pytest.mark.parametrize("id", sorted(RECOMPUTED))
def test_a_derived_figure_is_its_arithmetic(id: str) -> None:
    assert RECOMPUTED[id]() == pytest.approx(v(id), rel=0.01)


def test_every_derived_figure_is_recomputed() -> None:
    derived = {id for id, claim in CLAIMS.items() if claim.grade == "derived"}
    assert derived == set(RECOMPUTED) | ELSEWHERE


def test_the_sinkholes_half_life_lies_in_the_weeks_that_march_leaves_open() -> None:
    log_fall = -math.log(v("sinkhole-after") / v("sinkhole-before"))
    assert v("sinkhole-change") == pytest.approx(math.exp(-log_fall) - 1, abs=1e-4)
    days = v("sinkhole-half-life") * log_fall / math.log(2)
    assert 80 <= days <= 94, "from the weeks after 16 March to the week that ended on 18 June"


def test_messagelabs_own_size_and_output_give_its_rate_per_machine() -> None:
    size, rate = CLAIMS["size-messagelabs-2011"], CLAIMS["per-bot-messagelabs"]
    assert size.low is not None
    assert size.high is not None
    perday = v("rustock-output-2011-03") / MINUTES_A_DAY
    assert (round(perday / size.high), round(perday / size.low)) == (rate.low, rate.high)


def test_two_or_three_points_of_share_are_eleven_to_sixteen_per_cent_of_volume() -> None:
    def volume_change(before: float, points: float) -> float:
        after = before + points
        return after / (1 - after) / (before / (1 - before)) - 1

    claim = CLAIMS["kaspersky-implied-fall"]
    assert volume_change(0.8, -0.03) == pytest.approx(claim.low, abs=0.01)
    assert volume_change(0.8, -0.02) == pytest.approx(claim.high, abs=0.01)


# What the house said the month or quarter differed by.
DIFFERENCES = {"share-2010-q4": -0.014, "share-2011-01": -0.011, "share-2012-q1": 0.023, "share-2012-03": -0.022}


def test_a_derived_share_is_another_share_and_the_difference_that_the_house_gave() -> None:
    (series,) = load_registry().published
    claims = {c.id: c for c in series.claims}
    derived = {id: c for id, c in claims.items() if c.grade == "derived"}
    assert set(derived) == set(DIFFERENCES)
    for id, claim in derived.items():
        (origin,) = claim.derived_from
        stated = claims[origin].value
        assert stated is not None
        assert claim.value == pytest.approx(stated + DIFFERENCES[id], abs=1e-9)
