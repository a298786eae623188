"""Campaigns, senders, events and watches as pages, and what is left of them beyond loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import Spamtide
from serving_made import client_of
from spamtide.app.campaigns import list_campaigns
from spamtide.app.engines import campaign_generations, open_engine
from spamtide.app.instants import format_instant
from spamtide.app.serving.catalogue import PAGES
from spamtide.app.serving.params import FILTERS
from spamtide.app.workspace import Workspace
from spamtide.archive import Generations
from spamtide.measure import parse_query


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


@pytest.mark.parametrize(
    "narrowed",
    [
        {"feeds": ["trap"]},
        {"origins": ["unsolicited"]},
        {"tree": parse_query("after:2011-03-01 before:2011-03-08")},
        {"tree": parse_query("after:2011-03-01T06:00:00Z before:2011-03-08")},
        {"tree": parse_query("topic:casino language:en"), "feeds": ["trap"]},
        {"tree": parse_query("after:2010-12-01 language:en"), "since": 1_290_000_000_000_000, "at_least": 2},
    ],
)
def test_a_list_of_more_messages_than_memory_takes_is_the_same(
    settled: Path, monkeypatch: pytest.MonkeyPatch, narrowed: dict[str, Any]
) -> None:
    workspace = Workspace(settled)
    generation = campaign_generations(workspace).current()
    assert generation is not None
    told = list(list_campaigns(workspace, generation, limit=20, **narrowed))
    monkeypatch.setattr("spamtide.app.campaigns._IN_MEMORY", 0)
    assert list(list_campaigns(workspace, generation, limit=20, **narrowed)) == told
    assert list(list_campaigns(workspace, generation, **narrowed))[:20] == told
    assert len(told) > 5 and sum(c["messages"] for c in told) > 20 and told[0]["subjects"]
    assert list(list_campaigns(workspace, generation, limit=20, after=told[3]["campaign"], **narrowed))[:16] == told[4:]


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
    "path", ["/senders?origin=bounce", "/event/rustock-2011?window=2011-01-01/2011-02-01", "/watch?origin=bounce", "/feeds?network=198.18.0.0/24"],
)  # fmt: skip
def test_a_filter_that_cannot_narrow_a_page_is_told_and_not_passed_over(desk: TestClient, path: str) -> None:
    name = path.partition("?")[2].partition("=")[0]
    told = desk.get(path.replace("?", ".json?")).json()
    assert told["warnings"][0]["code"] == "filter_not_possible" and f"The filter {name} " in told["warnings"][0]["text"]
    assert name not in told["filters"]
    assert f"The filter {name} does not narrow this page." in desk.get(path).text
    # A table of numbers has no place for words.
    table = desk.get(path.replace("?", ".csv?"))
    assert table.status_code == 400 and table.json()["error"] == "filter_not_possible"


def test_every_filter_narrows_a_page_or_the_page_says_why_it_does_not() -> None:
    for page in PAGES:
        if page.filters:
            assert sorted([*page.offers, *page.why_not]) == sorted(FILTERS), page.name


def members_within(desk: TestClient, settled: Path, where: str) -> list[tuple[Any, ...]]:
    """(group, messages, peers, first, last) by a join of every member with its message: the slow way."""
    workspace = Workspace(settled)
    senders = Generations(workspace.archive.root, "group").current()
    with open_engine(workspace, senders=senders) as engine:
        rows = engine.ask(
            'SELECT g."group" AS "group", count(*) AS n, count(DISTINCT m.peer_unit) AS peers, min(m.received_at) AS first, '
            "max(m.received_at) AS last FROM group_member AS g JOIN message AS m USING (feed, writer, segment, ordinal) "
            f"WHERE {where} GROUP BY 1 ORDER BY 2 DESC, 1"
        )
    return [(r["group"], r["n"], r["peers"], format_instant(r["first"]), format_instant(r["last"])) for r in rows]


def test_senders_are_narrowed_to_what_a_join_with_every_message_counts(desk: TestClient, settled: Path) -> None:
    network = desk.get("/now.json").json()["networks"][0]["network"]
    day = 86_400_000_000
    for query, where in (
        (f"network={network}", f"m.network = '{network}'"),
        ("feed=second", "m.feed = 'second'"),
        ("window=2011-01-10/2011-01-20", f"m.received_at BETWEEN {14_984 * day} AND {14_994 * day - 1}"),
        (f"network={network}&feed=trap", f"m.network = '{network}' AND m.feed = 'trap'"),
    ):
        page = desk.get(f"/senders.json?limit=100&{query}").json()
        slow = members_within(desk, settled, where)
        found = [(g["group"], g["messages"], g["peers"], g["first_seen"], g["last_seen"]) for g in page["groups"]]
        assert found == [row for row in slow if row[0] is not None], query
        assert page["unknown"]["messages"] == sum(row[1] for row in slow if row[0] is None)
        whole = sum(row[1] for row in slow)
        assert page["groups"][0]["share"] == pytest.approx(found[0][1] / whole, rel=1e-5)
        assert desk.get(f"/senders.csv?limit=100&{query}").text.count("\n") == len(found) + 1
        group = desk.get(f"/senders/{found[0][0]}.json?{query}").json()
        assert (group["messages"], group["peers"]) == found[0][1:3]
    half = desk.get("/senders.json?window=2011-01-10T12:00:00Z/2011-01-20").json()
    assert half["warnings"][0]["code"] == "window_widened"


def test_a_watch_is_told_within_a_network_and_as_of_the_end_of_a_window(desk: TestClient) -> None:
    whole = desk.get("/watch/casino.json").json()
    network = desk.get("/search.json?q=topic:casino&feed=trap&limit=1").json()["messages"][0]["network"]
    part = desk.get(f"/watch/casino.json?network={network}").json()
    series = desk.get(f"/series.json?measure={whole['watch']['measure']}&feed={whole['watch']['feeds'][0]}&network={network}").json()  # fmt: skip
    counted = {r["time"][:10]: r["count"] or 0 for r in series["rows"]}
    assert 0 < sum(d["count"] for d in part["days"]) < sum(d["count"] for d in whole["days"])
    assert all(d["count"] == counted[d["time"][:10]] for d in part["days"][1:-1])
    assert part["warnings"][0]["code"] == "watch_narrowed"
    early = desk.get("/watch/casino.json?window=2011-01-01/2011-02-01").json()
    assert early["days"][0]["time"] == "2011-01-01T00:00:00Z" and early["days"][-1]["time"] == "2011-01-31T00:00:00Z"
    assert early["days"] == [d for d in whole["days"] if "2011-01-01" <= d["time"][:10] < "2011-02-01"]
    assert desk.get("/watch.json?window=2011-01-01/2011-02-01").json()["watches"][0]["at"] <= "2011-02-01T00:00:00Z"


def test_the_days_of_a_feed_are_narrowed(desk: TestClient) -> None:
    whole = {d["time"]: d["messages"] for d in desk.get("/feeds/trap.json").json()["days"]}
    network = desk.get("/now.json?feed=trap").json()["networks"][0]["network"]
    for query in (f"network={network}", "origin=bounce", "window=2011-02-01/2011-03-01"):
        part = {d["time"]: d["messages"] for d in desk.get(f"/feeds/trap.json?{query}").json()["days"]}
        assert 0 < sum(part.values()) < sum(whole.values()) and part.keys() <= whole.keys(), query
    assert part == {day: n for day, n in whole.items() if "2011-02-01" <= day < "2011-03-01"}


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
