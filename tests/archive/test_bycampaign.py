"""The messages in order of their campaign, and those in order of time, are those that a join of every message with its campaign would give, whatever came or went since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from spamtide.app.engines import campaign_generations, engine_of
from spamtide.app.workspace import Workspace
from spamtide.archive import Generation, compact, run_of_days
from spamtide.archive.bycampaign import (
    BY_CAMPAIGN,
    BY_DAY,
    BY_FEED_DAY,
    BY_TIME,
    TIMED,
    TIMED_WITH_CAMPAIGN,
    ordered_view,
)
from spamtide.archive.tables import Since, Snapshot
from spamtide.campaign import OF_DAY
from spamtide.fingerprint import FACTS_VERSION
from spamtide.measure import DAY_US, texts_at

# 12 March 2011, noon: all mail of these tests is older.
NOW = 1_299_931_200_000_000


def mbox(path: Path, first: int, last: int) -> Path:
    with path.open("w") as file:
        for n in range(first, last):
            file.write(
                f"From x Mon Mar  7 10:00:00 2011\nReceived: from x ([192.0.2.{n % 250 + 1}]) by y;"
                f" {7 + n % 4} Mar 2011 {n % 24:02d}:00:00 +0000\nFrom: a{n}@b.example\nSubject: Order {n % 7}\n\n"
                f"hello there, dear reader number{n % 11}, look at http://x{n % 9}.example/ words\n\n"
            )
    return path


@pytest.fixture
def place(spamtide: Any, tmp_path: Path) -> Path:
    assert spamtide("init", tmp_path / "w").code == 0
    arrive(spamtide, tmp_path / "w", 0, 300)
    return tmp_path / "w"


def arrive(spamtide: Any, place: Path, first: int, last: int) -> None:
    source = mbox(place.parent / f"{first}.mbox", first, last)
    assert spamtide("--workspace", place, "import", source, "--feed", "f").code == 0


def current(place: Path) -> Generation:
    found = campaign_generations(Workspace(place)).current()
    assert found is not None
    return found


def since(place: Path, generation: Generation) -> Since | None:
    found: Snapshot = Workspace(place).tables.snapshot(FACTS_VERSION, generation.basis)
    return found.since


def assert_as_joined(place: Path, generation: Generation, messages: int) -> None:
    nothing = Snapshot(0, FACTS_VERSION, {})
    with engine_of(Workspace(place), generation) as engine:
        for view, order in ((BY_CAMPAIGN.table, BY_CAMPAIGN), (TIMED_WITH_CAMPAIGN, BY_TIME), (TIMED, BY_TIME)):
            held = f"SELECT * FROM {view}"
            joined = ordered_view(nothing, order, None, with_campaign=view != TIMED)
            for one, other in ((held, joined), (joined, held)):
                assert engine.ask(f"({one}) EXCEPT ALL ({other}) LIMIT 3") == [], view
            assert engine.ask(f"SELECT count(*) AS n FROM {view}") == [{"n": messages}]
        for view in (BY_DAY, BY_FEED_DAY):
            keys = ", ".join([*(["campaign"] if view == BY_DAY else []), "feed", *OF_DAY])
            held = f"SELECT {keys}, sum(messages) AS n, min(first_seen) AS a, max(last_seen) AS b FROM {view} GROUP BY {keys}"
            rows = ordered_view(nothing, BY_TIME, None)
            joined = f"SELECT {keys}, count(*) AS n, min(received_at) AS a, max(received_at) AS b FROM ({rows}) GROUP BY {keys}"
            for one, other in ((held, joined), (joined, held)):
                assert engine.ask(f"({one}) EXCEPT ALL ({other}) LIMIT 3") == [], view


def test_a_campaign_is_one_run_of_rows(place: Path) -> None:
    generation = current(place)
    rows = pq.read_table(generation.tables["campaign_message"].path)
    order = list(zip(*(rows[c].to_pylist() for c in ("campaign", "received_at", "segment", "ordinal")), strict=True))
    assert order == sorted(order) and len(order) == 300
    assert since(place, generation) == Since()
    assert_as_joined(place, generation, 300)


def test_a_window_is_one_run_of_rows(place: Path) -> None:
    generation = current(place)
    rows = pq.read_table(generation.tables["message_time"].path)
    order = list(
        zip(*(rows[c].to_pylist() for c in ("received_at", "feed", "writer", "segment", "ordinal")), strict=True)
    )
    assert order == sorted(order) and len(order) == 300
    assert rows["campaign"].null_count == 0


def test_what_came_since_is_added_by_the_campaigns_of_the_generation(spamtide: Any, place: Path) -> None:
    before = current(place)
    arrive(spamtide, place, 300, 340)
    later = since(place, before)
    assert later is not None and len(later.files) == 1
    assert_as_joined(place, before, 340)


def test_a_day_that_was_gathered_since_holds_old_and_new_and_each_once(spamtide: Any, place: Path) -> None:
    tables = Workspace(place).tables
    with tables.lock():
        assert compact(tables, FACTS_VERSION, now=NOW).days == 4
    before = current(place)
    arrive(spamtide, place, 300, 302)
    with tables.lock():
        assert compact(tables, FACTS_VERSION, now=NOW).days == 2
    later = since(place, before)
    assert later is not None and len(later.files) == 4, "days gathered after the grouping are looked into"
    assert_as_joined(place, before, 302)


def test_texts_of_some_days_are_read_from_the_files_of_these_days(place: Path) -> None:
    tables = Workspace(place).tables
    with tables.lock():
        assert compact(tables, FACTS_VERSION, now=NOW).days == 4
    with engine_of(Workspace(place), current(place)) as engine:
        every = sorted({row["received_at"] for row in engine.ask("SELECT received_at FROM message")})
        asked = every[:3] + every[-3:]
        found = run_of_days(engine, "text", [at // DAY_US for at in asked], texts_at(asked, "text_masked"))
        assert found.equals(engine.run(texts_at(asked, "text_masked"))) and found.num_rows >= 6
        other = run_of_days(engine, "text", [every[0] // DAY_US], texts_at(asked, "text_masked"))
        assert 3 <= other.num_rows < found.num_rows, "another day's files are not opened"


def test_where_a_message_went_since_nothing_is_taken_from_the_generation(spamtide: Any, place: Path) -> None:
    before = current(place)
    arrive(spamtide, place, 300, 310)
    tables = Workspace(place).tables
    with tables.lock():
        assert tables.drop_messages([("f", "import", 1, 5)]) == 1
    assert since(place, before) is None
    assert_as_joined(place, before, 309)


def test_a_message_that_left_quarantine_is_not_passed_over(place: Path) -> None:
    before, tables = current(place), Workspace(place).tables
    known = tables.digested(FACTS_VERSION)
    part = next(p for p in tables.parts(FACTS_VERSION) if p.table == "message")
    with tables.lock():
        # As a digest names the part of one message out of the midst of a segment that is digested already.
        tables.commit(FACTS_VERSION, [part], known)
    assert since(place, before) is None
    assert_as_joined(place, before, 300)


def test_a_generation_without_the_tables_is_answered_by_the_join(place: Path) -> None:
    whole = current(place)
    tables = {
        name: t for name, t in whole.tables.items() if name not in ("campaign_message", "message_time", "campaign_day")
    }
    older = Generation(whole.kind, whole.number, whole.basis, tables, whole.folder)
    assert_as_joined(place, older, 300)


def test_an_erased_message_is_in_no_table_of_a_generation(spamtide: Any, place: Path) -> None:
    first = current(place)
    assert spamtide("--workspace", place, "archive", "erase", "from:a17@b.example", "--reason", "r", "--yes").code == 0
    assert not Path(first.folder).exists()
    rows = pq.read_table(current(place).tables["campaign_message"].path)
    assert rows.num_rows == 299 and "a17@b.example" not in rows["from_address"].to_pylist()
