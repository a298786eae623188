"""Campaigns, senders, events and watches as pages, and what is left of them beyond loopback."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from conftest import Spamtide
from serving_made import client_of
from spamtide.app.workspace import Workspace


@pytest.fixture(scope="module")
def settled(place: Path, spamtide: Spamtide) -> Path:
    """The workspace with sender groups and a watch."""
    stopped = ["--silent-since", "2010-12-25T00:00:00Z", "--background", "2010-10-01/2010-12-20"]
    added = spamtide(
        "--workspace", place, "watch", "add", "casino", "--measure", "topic:casino", "--feed", "trap", *stopped
    )
    assert added.code == 0, added.err
    assert spamtide("--workspace", place, "botnets", "list", "--json").code == 0
    return place


@pytest.fixture(scope="module")
def desk(settled: Path) -> TestClient:
    return client_of(Workspace(settled))


@pytest.fixture(scope="module")
def beyond(settled: Path) -> TestClient:
    return client_of(Workspace(settled), local=False)


def campaign_of(site: TestClient) -> str:
    """The largest campaign."""
    found: str = site.get("/campaigns.json").json()["campaigns"][0]["campaign"]
    return found


def test_the_list_of_campaigns_is_that_of_the_command(desk: TestClient, settled: Path, spamtide: Spamtide) -> None:
    told = spamtide("--workspace", settled, "campaigns", "list", "--jsonl").rows
    page = desk.get("/campaigns.json?limit=25").json()
    assert [c["campaign"] for c in page["campaigns"]] == [c["campaign"] for c in told[:25]]
    later = desk.get(f"/campaigns.json?limit=25&after={page['next']}").json()
    assert [c["campaign"] for c in later["campaigns"]] == [c["campaign"] for c in told[25:50]]


def test_filters_narrow_campaigns_and_what_is_counted_of_them(desk: TestClient) -> None:
    whole = desk.get("/campaigns.json").json()["campaigns"][0]
    # From its first day on, the last one left out.
    first, last = whole["first_seen"][:10], whole["last_seen"][:10]
    window = f"window={first}/{last}"
    part = next(
        c for c in desk.get(f"/campaigns.json?{window}").json()["campaigns"] if c["campaign"] == whole["campaign"]
    )
    assert 0 < part["messages"] < whole["messages"]
    assert part["first_seen"] >= first and part["last_seen"] < last
    one = desk.get(f"/campaigns/{whole['campaign']}.json?{window}").json()
    assert one["messages"] == part["messages"]
    assert all(first <= d["day"] < last for d in one["by_day"])


def test_a_storyboard_holds_every_message_once(desk: TestClient) -> None:
    page = desk.get(f"/campaigns/{campaign_of(desk)}.json").json()
    assert sum(d["messages"] for d in page["by_day"]) == page["messages"]
    assert sum(row["messages"] for row in page["storyboard"]["rows"]) == page["messages"]
    assert all(sum(d["messages"] for d in row["days"]) == row["messages"] for row in page["storyboard"]["rows"])


def test_a_template_is_inferred_when_asked_for(desk: TestClient) -> None:
    campaign = campaign_of(desk)
    asked = desk.get(f"/campaigns/{campaign}.json?template=1").json()
    assert asked["template_inferred"] and (asked["templates"] or asked["template_refused"])
    assert desk.get(f"/campaigns/{campaign}.json").json()["template_inferred"]


def test_shares_of_groups_and_of_the_unknown_are_the_whole(desk: TestClient) -> None:
    page = desk.get("/senders.json?limit=100").json()
    assert page["next"] is None
    assert sum(g["share"] for g in page["groups"]) + page["unknown"]["share"] == pytest.approx(1, abs=1e-4)
    weeks = page["weeks"]
    assert weeks["layers"][0]["label"].startswith("unknown")
    messages = desk.get("/series.json?measure=volume&by=week").json()["rows"]
    assert sum(sum(layer["values"]) for layer in weeks["layers"]) == sum(r["count"] or 0 for r in messages)


def test_a_group_is_told_with_its_evidence(desk: TestClient) -> None:
    group = desk.get("/senders.json").json()["groups"][0]["group"]
    page = desk.get(f"/senders/{group}")
    assert page.status_code == 200 and "Why these are one group" in page.text
    assert desk.get("/senders/group-nobody").status_code == 404


def test_an_event_is_told_as_the_command_tells_it(desk: TestClient, settled: Path, spamtide: Spamtide) -> None:
    page = desk.get("/event/rustock-2011.json?feed=trap").json()
    assert page["measure"] == "subject:viagra,cialis"
    told = spamtide(
        "--workspace",
        settled,
        "effect",
        "--event",
        "rustock-2011",
        "--measure",
        page["measure"],
        "--feed",
        "trap",
        "--json",
    )
    assert page["effect"] == told.json and page["sentence"] == told.json["sentence"]
    assert "<svg" in page["figures"]["chart"]["wide"]
    assert len(page["claims"]["claims"]) > 10


def test_an_event_outside_the_data_is_refused_in_words(desk: TestClient) -> None:
    page = desk.get("/event/mccolo-2008?feed=trap")
    assert page.status_code == 200
    assert "refusal" in page.text
    assert desk.get("/event/nothing-1999").status_code == 404


def test_a_watch_is_told_as_the_command_tells_it(desk: TestClient, settled: Path, spamtide: Spamtide) -> None:
    page = desk.get("/watch/casino.json").json()
    told = spamtide("--workspace", settled, "watch", "status", "casino", "--json").json
    assert (page["watch"]["status"], page["sentence"]) == (told["status"], told["sentence"])
    days = page["days"]
    assert [d["time"] for d in days] == sorted(d["time"] for d in days)
    assert all(d["statistic"] is None for d in days if d["time"] < "2010-12-20")
    assert all(d["statistic"] is not None for d in days if d["time"] > "2010-12-26" and d["exposure"] > 0)
    assert [w["name"] for w in desk.get("/watch.json").json()["watches"]] == ["casino"]


@pytest.mark.parametrize(
    "path",
    ["/senders?country=br", "/event/rustock-2011?window=2011-01-01/2011-02-01", "/watch?window=2011-01-01/2011-02-01"],
)
def test_a_filter_that_cannot_narrow_a_page_is_refused_and_not_passed_over(desk: TestClient, path: str) -> None:
    answer = desk.get(path.replace("?", ".json?"))
    assert answer.status_code == 400 and answer.json()["error"] == "filter_not_possible"


def test_an_event_is_narrowed_to_a_network_by_its_measure(desk: TestClient) -> None:
    network = desk.get("/now.json").json()["networks"][0]["network"]
    page = desk.get(f"/event/rustock-2011.json?network={network}&feed=trap").json()
    assert network in page["measure"] and page["filters"] == {"network": network, "feed": "trap"}
    assert 'name="window"' not in desk.get("/event/rustock-2011?feed=trap").text.partition("</form>")[0]


def test_beyond_loopback_no_sender_and_no_peer_is_named(beyond: TestClient, desk: TestClient) -> None:
    campaign = campaign_of(desk)
    at_desk = desk.get(f"/campaigns/{campaign}.json").json()
    page = beyond.get(f"/campaigns/{campaign}.json")
    assert page.status_code == 200
    peers = {p["peer"] for p in at_desk["by_peer"]}
    senders = {s["from"] for s in at_desk["by_sender"]} | {at_desk["example"]["from"]}
    assert peers and senders
    assert not any(f'"{said}"' in page.text for said in peers | senders)
    assert beyond.get("/campaigns").status_code == beyond.get(f"/campaigns/{campaign}").status_code == 200
