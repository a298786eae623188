"""Every published figure that was gathered for the registry is in it, or is left out with a reason."""

import csv
from pathlib import Path

import pytest

from spamtide.event import Claim, load_registry

REGISTRY = load_registry()
HELD = {e.id: {c.id: c for c in e.claims} for e in REGISTRY.events}
HELD |= {s.id: {c.id: c for c in s.claims} for s in REGISTRY.published}
ROWS = list(csv.DictReader((Path(__file__).parent / "published_figures.csv").open(encoding="utf-8")))


def figures(claim: Claim) -> list[float]:
    return [x for x in (claim.value, claim.low, claim.high) if x is not None]


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['event']} {r['published'] or r['claims']}")
def test_a_published_figure_is_in_the_registry_or_left_out_with_a_reason(row: dict[str, str]) -> None:
    if not row["claims"]:
        assert row["left_out"], "neither a claim nor a reason"
        return
    assert not row["left_out"]
    claim = HELD[row["event"]][row["claims"]]
    if not row["published"]:
        assert claim.metric == "presence", "words without a figure are a claim of presence"
        return
    assert any(x == pytest.approx(float(row["published"]), rel=1e-3, abs=1e-4) for x in figures(claim)), figures(claim)


def test_no_event_and_no_series_lacks_a_figure_or_words() -> None:
    assert all(claims for claims in HELD.values())
    assert sum(map(len, HELD.values())) > 230


# The events that were gathered, by the day on which each began.
GATHERED = {
    "atrivo-2008": "2008-09", "mccolo-2008": "2008-11-11", "srizbi-2008": "2008-11-11", "pricewert-2009": "2009-06-04",
    "real-host-2009": "2009-08-01", "mega-d-2009": "2009-11-04", "lethic-2010": "2010-01", "waledac-2010": "2010-02-25",
    "pushdo-2010": "2010-08-23", "spamit-2010": "2010-10-01", "bredolab-2010": "2010-10-25", "rustock-holiday-2010": "2010-12-25",
    "rustock-2011": "2011-03-16", "kelihos-2011": "2011-09-27", "kelihos-2012": "2012-03-21", "grum-2012": "2012-07-16",
    "necurs-pause-2016-05": "2016-05-31", "avalanche-2016": "2016-11-30", "necurs-pause-2016-12": "2016-12", "kelihos-2017": "2017-04-10",
    "necurs-2020": "2020-03-10", "trickbot-2020": "2020-10-12", "emotet-2021": "2021-01-27", "qakbot-2023": "2023-08-25",
}  # fmt: skip


def test_the_events_are_those_that_were_gathered() -> None:
    from spamtide.event.instants import rfc3339

    assert {e.id for e in REGISTRY.events} == set(GATHERED)
    for event in REGISTRY.events:
        assert rfc3339(event.started_at).startswith(GATHERED[event.id]), event.id
