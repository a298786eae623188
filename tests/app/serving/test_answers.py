"""What the pages say is what the command line says."""

from __future__ import annotations

import re
import shutil
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import Spamtide
from follow_made import until
from serving_made import BASE, ServeProcess, client_of
from spamtide.app.campaigns import show_campaign
from spamtide.app.config import People
from spamtide.app.narrowings import narrowing
from spamtide.app.serving.asking import Asker
from spamtide.app.serving.catalogue import PAGES
from spamtide.app.serving.holding import HeldEngine
from spamtide.app.serving.params import Params
from spamtide.app.serving.warming import HELD, Warmer
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import Generations, Narrowing
from spamtide.measure import parse_query

HTML = {"accept": "text/html"}


def asked(site: TestClient, path: str) -> Any:
    """The document of a page."""
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_campaigns_are_new_as_the_list_says(site: TestClient, place: Path, spamtide: Spamtide) -> None:
    page = asked(site, "/now.json?origin=all&window=2011-02-01/2011-02-20&limit=100")
    since, until = page["since"], page["until"]
    listed = spamtide("--workspace", place, "campaigns", "list", "--new-since", since, "--jsonl").rows
    wanted = {c["campaign"] for c in listed if c["first_seen"] < until}
    assert {c["campaign"] for c in page["new_campaigns"]} == wanted and wanted
    assert page["new_campaigns_total"] == len(wanted)
    some = asked(site, "/now.json?origin=all&window=2011-02-01/2011-02-20&limit=1")
    assert len(some["new_campaigns"]) == 1 and some["new_campaigns_total"] == len(wanted)
    # The sentence counts what the list holds: of one kind of mail, at one feed.
    part = asked(site, "/now.json?feed=second&window=2011-02-01/2011-02-20&limit=100")
    assert part["new_campaigns_total"] == len(part["new_campaigns"]) < len(wanted)
    counts = [c["messages"] for c in page["new_campaigns"]]
    assert counts == sorted(counts, reverse=True)


def test_a_rate_is_what_the_series_counts(site: TestClient, place: Path, spamtide: Spamtide) -> None:
    page = asked(site, "/now.json?window=2011-02-01/2011-02-20&feed=trap")
    (feed,) = page["feeds"]
    rows = spamtide("--workspace", place, "series", "volume", "--feed", "trap", "--by", "hour", "--json").json["rows"]
    day = [r for r in rows if page["since"] <= r["time"] < page["until"]]
    assert page["until"] == "2011-02-20T00:00:00Z" and len(day) == 24
    assert feed["messages"] == sum(r["count"] for r in day) == sum(feed["hours"][-24:])
    assert feed["rate"] == pytest.approx(feed["messages"] / feed["exposure"], rel=1e-5)


@pytest.mark.parametrize(
    "measure", ["volume", "subject:viagra", "share:subject:viagra", "volume@byte", "peers", "duplicates:exact"]
)
def test_a_series_is_that_of_the_command(site: TestClient, place: Path, spamtide: Spamtide, measure: str) -> None:
    page = asked(site, f"/series.json?measure={measure}&feed=trap")
    told = spamtide("--workspace", place, "series", measure, "--feed", "trap", "--json").json
    theirs = {r["time"]: (r["count"], r["exposure"]) for r in told["rows"]}
    ours = {r["time"]: (r["count"], r["exposure"]) for r in page["rows"]}
    assert ours == theirs


def test_lines_of_feeds_add_up(site: TestClient) -> None:
    both = asked(site, "/series.json?measure=volume")
    apart = asked(site, "/series.json?measure=volume&split=feed")
    assert {r["series"] for r in apart["rows"]} == {"trap", "second"}
    assert sum(r["count"] or 0 for r in apart["rows"]) == sum(r["count"] or 0 for r in both["rows"]) == both["total"]


def test_filters_of_network_narrow_a_measure(site: TestClient, place: Path, spamtide: Spamtide) -> None:
    network = asked(site, "/now.json")["networks"][0]["network"]
    page = asked(site, f"/series.json?measure=subject:viagra&network={network}")
    query = f"subject:viagra AND network:{network}"
    told = spamtide("--workspace", place, "series", f"messages:{query}", "--feed", "trap,second", "--json").json
    assert page["measure"] == told["measure"]
    assert [r["count"] for r in page["rows"]] == [r["count"] for r in told["rows"]]
    refused = site.get(f"/series.json?measure=peers&network={network}")
    assert (refused.status_code, refused.json()["error"]) == (400, "filter_not_possible")


def test_two_windows_stand_side_by_side_and_events_are_named(site: TestClient) -> None:
    page = asked(site, "/series.json?measure=volume&window=2011-03-10/2011-03-20&compare=2011-02-10/2011-02-20")
    assert [w["start"][:10] for w in page["windows"]] == ["2011-03-10", "2011-02-10"]
    assert "rustock-2011" in {e["event"] for e in page["events"]}
    assert len(page["compare_rows"]) == 10
    html = site.get("/series?measure=volume&window=2011-03-10/2011-03-20", headers=HTML).text
    assert "/event/rustock-2011" in html and "data-chart=" in html


def test_a_search_is_that_of_the_command(site: TestClient, place: Path, spamtide: Spamtide) -> None:
    page = asked(site, "/search.json?q=subject:viagra&feed=trap&window=2011-01-01/2011-03-01&limit=100")
    query = "subject:viagra after:2011-01-01 before:2011-03-01"
    told = spamtide("--workspace", place, "search", query, "--feed", "trap", "--limit", 100, "--jsonl").rows
    assert [m["id"] for m in page["messages"]] == [r["id"] for r in told] and told
    assert [m["subject"] for m in page["messages"]] == [r["subject"] for r in told]


def test_a_query_that_cannot_be_read_says_where(site: TestClient) -> None:
    html = site.get("/search", params={"q": "subject:(viagra"}, headers=HTML)
    assert html.status_code == 400 and "bad_query" in html.text


def test_feeds_hold_what_the_status_says(site: TestClient, place: Path, spamtide: Spamtide) -> None:
    page = asked(site, "/feeds.json")
    told = {f["feed"]: f for f in spamtide("--workspace", place, "status", "--json").json["feeds"]}
    for feed in page["feeds"]:
        assert feed["messages"] == told[feed["feed"]]["messages"] and feed["disk_bytes"] > 0
    card = asked(site, "/feeds/trap.json")
    shown = spamtide("--workspace", place, "feeds", "show", "trap", "--json").json
    assert card["instrument"] == shown["instrument"]
    assert site.get("/feeds/nobody.json").json()["error"] == "unknown_feed"


def test_beyond_loopback_no_more_is_shown_than_may_leave(public: TestClient, site: TestClient) -> None:
    ours = asked(site, "/search.json?q=subject:viagra")["messages"]
    theirs = asked(public, "/search.json?q=subject:viagra")["messages"]
    assert [m["id"] for m in ours] == [m["id"] for m in theirs]
    assert any(m["from"] and "@" in m["from"] for m in ours)
    secrets = {m["peer_address"] for m in ours} | {m["from"] for m in ours if m["from"]}
    text = public.get("/search?q=subject:viagra", headers=HTML).text + public.get("/search.csv?q=subject:viagra").text
    assert [s for s in secrets if s and s in text.replace(".0/24", ".x/24")] == []
    assert all(m["peer_address"].endswith("/24") for m in theirs)
    assert asked(public, "/feeds/trap.json")["instrument"]["domain_count"] is not None


def test_a_search_is_saved_and_forgotten_from_our_own_page(tmp_path: Path, spamtide: Spamtide) -> None:
    place = Workspace.create(tmp_path / "w", People()).root
    site = client_of(Workspace(place))
    ours = {"origin": BASE}
    assert site.post("/search/save", data={"name": "pills", "q": "subject:viagra"}, headers=ours).status_code == 303
    assert asked(site, "/search.json?saved=pills")["query"] == "subject:viagra"
    assert [r["name"] for r in spamtide("--workspace", place, "search", "--list-saved", "--jsonl").rows] == ["pills"]
    elsewhere = {"origin": "https://evil.example"}
    assert site.post("/search/forget", data={"name": "pills"}, headers=elsewhere).status_code == 403
    bad = site.post("/search/save", data={"name": "../x", "q": ""}, headers=ours)
    assert (bad.status_code, "bad_search_name" in bad.text) == (400, True)
    assert site.post("/search/forget", data={"name": "pills"}, headers=ours).status_code == 303
    assert asked(site, "/search.json")["searches"] == []


def test_hostile_subjects_are_text(tmp_path: Path, spamtide: Spamtide) -> None:
    place = Workspace.create(tmp_path / "w", People()).root
    mbox = tmp_path / "in.mbox"
    subject = "=?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E\"'_=E2=80=AEgpj.exe_=1B[31m?="
    mbox.write_bytes(b"From x Wed Mar 16 14:45:00 2011\nSubject: " + subject.encode() + b"\n\nbody\n")
    assert spamtide("--workspace", place, "import", mbox, "--feed", "f").code == 0
    site = client_of(Workspace(place))
    for path in ("/search", "/now"):
        html = site.get(path, headers=HTML).text
        assert "&lt;script&gt;alert" in html and "<script>alert" not in html
        assert "\u202e" not in html and "\x1b" not in html and "⟨right-to-left override⟩" in html
    row = site.get("/search.csv").text.splitlines()[1]
    assert "script" in row


def test_a_cell_that_a_spreadsheet_would_compute_is_text(tmp_path: Path, spamtide: Spamtide) -> None:
    place = Workspace.create(tmp_path / "w", People()).root
    mbox = tmp_path / "in.mbox"
    mbox.write_bytes(b"From x Wed Mar 16 14:45:00 2011\nSubject: =cmd|' /C calc'!A0\n\nbody\n")
    assert spamtide("--workspace", place, "import", mbox, "--feed", "f").code == 0
    assert "'=cmd|" in client_of(Workspace(place)).get("/search.csv").text


def test_an_empty_workspace_says_what_fills_it(tmp_path: Path) -> None:
    site = client_of(Workspace.create(tmp_path / "w", People()))
    assert "spamtide import" in asked(site, "/now.json")["sentence"]
    assert "spamtide import" in asked(site, "/feeds.json")["sentence"]
    assert site.get("/series.json").json()["error"] == "no_data"
    for path in ("/now", "/feeds", "/search"):
        assert site.get(path, headers=HTML).status_code == 200


def test_what_is_digested_while_it_serves_is_seen_and_the_old_engine_closed(
    tmp_path: Path, place: Path, spamtide: Spamtide
) -> None:
    copy = tmp_path / "w"
    shutil.copytree(place, copy)
    asker = Asker(Workspace(copy), local=True, clock=now_us)
    held = asker.workspace.engine_keeper
    assert isinstance(held, HeldEngine)
    with held.use(None) as before:
        n = before.ask("SELECT count(*) AS n FROM message")[0]["n"]
        mbox = tmp_path / "in.mbox"
        mbox.write_bytes(b"From x Wed Mar 16 14:45:00 2011\nSubject: new\n\nbody\n")
        assert spamtide("--workspace", copy, "import", mbox, "--feed", "trap").code == 0
        with held.use(None) as after:
            assert after.ask("SELECT count(*) AS n FROM message")[0]["n"] == n + 1
        assert len(held._old) == 1
        assert before.ask("SELECT count(*) AS n FROM message")[0]["n"] == n
    assert held._old == {}
    asker.close()


def test_it_says_where_it_is_and_ends_as_it_is_asked_to(place: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 0)):
        with ServeProcess(place) as served:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", served.url)
            urllib.request.urlopen(f"{served.url}feeds.json", timeout=30).read()
            started = time.monotonic()
            assert served.stop(number) == code
            assert time.monotonic() - started < 15


def test_beyond_loopback_it_does_not_start_without_a_token(place: Path, spamtide: Spamtide) -> None:
    ran = spamtide("--workspace", place, "serve", "--listen", "0.0.0.0:0")
    assert ran.code == 2 and "token_needed" in ran.err


def test_what_was_looked_at_is_asked_again_when_the_tables_change(
    tmp_path: Path, place: Path, spamtide: Spamtide
) -> None:
    copy = tmp_path / "w"
    shutil.copytree(place, copy)
    asker = Asker(Workspace(copy), local=True, clock=now_us)
    asked_for: list[str] = []
    warmer = Warmer(asker, lambda page, params: asked_for.append(params.here()))
    page = next(p for p in PAGES if p.name == "series")
    warmer.note(page, Params("/series", {}, {"measure": "subject:viagra"}))
    warmer.note(page, Params("/series", {}, {"after": "x"}))
    for n in range(HELD):
        warmer.note(page, Params("/series", {}, {"measure": f"subject:a{n}"}))
    warmer.round()
    seen = [f"/event/{event}" for event in asker.events_seen()]
    assert asked_for[0] == f"/series?measure=subject%3Aa{HELD - 1}" and asked_for[HELD:] == seen
    assert "/event/rustock-2011" in seen
    asked_for.clear()
    before = asker.tables_stamp()
    warmer.start()
    until(lambda: len(asked_for) >= HELD)
    mbox = tmp_path / "in.mbox"
    mbox.write_bytes(b"From x Wed Mar 16 14:45:00 2011\nSubject: new\n\nbody\n")
    asked_for.clear()
    assert spamtide("--workspace", copy, "import", mbox, "--feed", "trap").code == 0
    assert asker.tables_stamp() != before
    until(lambda: len(asked_for) >= HELD)
    warmer.close()
    asker.close()


def test_a_campaign_found_once_is_the_campaign_asked_of_everything(site: TestClient, place: Path) -> None:
    asker = Asker(Workspace(place), local=True, clock=now_us)
    generation = asker.generation()
    campaign = asked(site, "/campaigns.json")["campaigns"][0]["campaign"]
    whole = show_campaign(asker.workspace, generation, campaign, template=False)
    with asker.only(Narrowing((campaign,))):
        with asker.engine() as engine:
            n = engine.ask("SELECT count(*) AS n FROM campaign_message")[0]["n"]
        assert n == whole["messages"]
        assert show_campaign(asker.workspace, generation, campaign, template=False) == whole
    # From the second of its days on, so that something is left out.
    days = sorted({hour["time"][:10] for hour in whole["by_hour"]})
    tree = parse_query(f"after:{days[1]} AND language:{whole['language']}")
    filters: Any = {"feeds": whole["feeds"], "origins": (whole["by_origin"][0]["origin"],), "tree": tree}
    within = show_campaign(asker.workspace, generation, campaign, template=False, **filters)
    with asker.only(narrowing((campaign,), **filters)):
        with asker.engine() as engine:
            assert engine.ask("SELECT count(*) AS n FROM campaign_message")[0]["n"] == within["messages"] < n
        assert show_campaign(asker.workspace, generation, campaign, template=False, **filters) == within
    with asker.engine() as engine:
        assert engine.ask("SELECT count(*) AS n FROM campaign_message")[0]["n"] > n
    with asker.only(Narrowing(("c-00000000000000000000",))), asker.engine() as engine:
        assert engine.ask("SELECT count(*) AS n FROM campaign_message")[0]["n"] > n
    asker.close()


def test_no_page_groups_what_came_since(tmp_path: Path, place: Path, spamtide: Spamtide) -> None:
    copy = tmp_path / "w"
    shutil.copytree(place, copy)
    assert spamtide("--workspace", copy, "botnets", "list", "--jsonl").code == 0
    mbox = tmp_path / "in.mbox"
    mbox.write_bytes(b"From x Wed Mar 16 14:45:00 2011\nSubject: new\n\nbody\n")
    assert spamtide("--workspace", copy, "import", mbox, "--feed", "trap").code == 0
    workspace = Workspace(copy)
    senders = Generations(workspace.archive.root, "group")
    before = senders.current()
    assert before is not None and before.basis.changed < workspace.tables.changed()
    site = client_of(workspace)
    group = asked(site, "/senders.json")["groups"][0]["group"]
    for path in (f"/senders/{group}.json?size=1", "/event/rustock-2011.json?more=1", "/senders.json"):
        assert site.get(path).status_code == 200
    assert senders.current() == before, "whoever reads does not wait until everything is grouped anew"
