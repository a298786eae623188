"""Counts of peers where a balancer, a relay or a private network stands before the feed: refused in those bins, and in no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def mbox(mails: list[tuple[int, str, str, bool]]) -> str:
    """Messages as (hour since 2024-01-01, peer, HELO name, received by somebody before)."""
    parts = []
    for n, (hour, peer, name, passed) in enumerate(mails):
        day, rest = divmod(hour, 24)
        at = f"{day + 1:02d} Jan 2024 {rest:02d}:{n % 60:02d}:00 +0000"
        before = f"Received: from there.example ([198.51.100.9]) by {name}; {at}\n" if passed else ""
        parts.append(
            f"From x Mon Jan  1 10:00:00 2024\nReceived: from {name} ({name} [{peer}]) by mx.trap.example; {at}\n{before}"
            f"Subject: n {n}\n\nx{n}\n\n"
        )
    return "".join(parts)


@pytest.fixture(scope="module")
def place(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with feeds of ten days: behind a balancer, behind a relay, with private peers, of two hosts, of many."""
    folder = tmp_path_factory.mktemp("peers")
    workspace = folder / "w"
    assert spamtide("init", workspace).code == 0
    hours = [(h, n) for h in range(0, 240, 8) for n in range(25)]
    feeds = {
        "balanced": [(h, "192.0.2.25", f"bot{h}-{n}.example", False) for h, n in hours],
        "relayed": [(h, "192.0.2.30", "relay.example", True) for h, n in hours],
        "private": [(h, f"10.1.{n}.2", f"bot{n}.example", False) for h, n in hours],
        "few": [(h, f"198.51.100.{1 + n % 2}", f"host{n % 2}.example", False) for h, n in hours],
        "many": [(h, f"203.0.113.{1 + n}", f"bot{n}.example", False) for h, n in hours],
        "late": [
            (h, "192.0.2.25" if h >= 120 else f"203.0.113.{1 + n}", f"bot{h}-{n}.example", False) for h, n in hours
        ],
    }
    for feed, mails in feeds.items():
        (folder / f"{feed}.mbox").write_text(mbox(mails))
        ran = spamtide("--workspace", workspace, "import", folder / f"{feed}.mbox", "--feed", feed)
        assert ran.code == 0, ran.err
    return workspace


def peers(spamtide, place: Path, feed: str, measure: str = "peers", by: str = "day") -> tuple[list[Any], list[Any]]:
    """Counts of the whole days, and the warnings."""
    ran = spamtide("--workspace", place, "series", measure, "--feed", feed, "--by", by, "--json")
    assert ran.code == 0, ran.err
    counts = [r["count"] for r in ran.json["rows"]]
    return (counts[1:-1] if by == "day" else counts), ran.json["warnings"]


def test_peers_that_are_not_who_sent_are_refused(spamtide, place: Path) -> None:
    for feed in ("balanced", "relayed", "private"):
        counts, warnings = peers(spamtide, place, feed)
        assert set(counts) == {None}, feed
        (warning,) = warnings
        assert warning["code"] == "peer_unreliable" and warning["bins"] == warning["of"] == 10
        assert "balancer" in warning["text"]


def test_a_botnet_of_few_hosts_is_counted(spamtide, place: Path) -> None:
    assert peers(spamtide, place, "few") == ([2] * 8, [])
    assert peers(spamtide, place, "many") == ([25] * 8, [])


def test_the_day_on_which_a_balancer_came_is_the_boundary(spamtide, place: Path) -> None:
    counts, (warning,) = peers(spamtide, place, "late")
    assert counts == [25] * 4 + [None] * 4 and warning["bins"] == 5
    counts, (warning,) = peers(spamtide, place, "late", by="hour")
    assert [c for c in counts[:120] if c] == [25] * 15 and set(counts[120:]) == {None}


def test_what_does_not_ask_for_peers_is_as_it_was(spamtide, place: Path) -> None:
    for measure in ("volume", "subject:n", "volume@session"):
        assert peers(spamtide, place, "balanced", measure) == ([75] * 8, [])
    counts, warnings = peers(spamtide, place, "balanced", "messages:network:192.0.2.0/24")
    assert set(counts) == {None} and [w["code"] for w in warnings] == ["peer_unreliable"]
    shares, warnings = peers(spamtide, place, "balanced", "share:messages:peer:192.0.2.25")
    assert set(shares) == {None} and warnings
    shown = spamtide("--workspace", place, "series", "peers", "--feed", "balanced")
    assert "Warning: In 10 of 10 bins" in shown.err
    by = spamtide("--workspace", place, "search", "peer:192.0.2.25", "--feed", "balanced", "--by", "day", "--json").json
    assert by["total"] == 0 and by["warnings"][0]["code"] == "peer_unreliable"
    assert len(spamtide("--workspace", place, "search", "peer:192.0.2.25", "--feed", "balanced", "--jsonl").rows) == 750


def test_an_effect_on_peers_is_refused_by_that_name(spamtide, place: Path) -> None:
    ran = spamtide("--workspace", place, "effect", "--at", "2024-01-06T00:00:00Z", "--measure", "peers", "--feed", "balanced", "--json")  # fmt: skip
    assert ran.code == 1 and ran.json["refused"]["reason"] == "peer_unreliable"
    assert "peer_unreliable" in [w["code"] for w in ran.json["warnings"]]


def test_the_planted_balancer_is_found_and_nothing_else(spamtide, tmp_path: Path) -> None:
    made = spamtide("simulate", "rule-11-balancer", "--out", tmp_path / "world", "--scale", "0.2", "--seed", "11")
    assert made.code == 0, made.err
    world = tmp_path / "world" / "workspace"
    assert spamtide("--workspace", world, "digest").code == 0
    for feed, hidden in (("second", True), ("trap", False)):
        ran = spamtide("--workspace", world, "series", "peers", "--feed", feed, "--by", "week", "--json").json
        counted = {r["count"] is None for r in ran["rows"]}
        assert counted == {hidden}, feed
