"""The trap by the rules of the instrument: lives, reload, refusals, treatments, relay bait, on disk and in what is counted."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from conftest import Spamtide
from spamtide.app.lives import DAY, add_addresses, move_addresses
from spamtide.app.manners import BAIT_WORDS
from spamtide.app.trapnotes import families
from spamtide.app.workspace import Workspace
from trap_process import TrapProcess, deliver, greeted, make_workspace, stored

BODY = b"Message-ID: <1@b.example>\r\nSubject: x\r\n\r\nx\r\n"


def settings(place: Path, text: str) -> None:
    with (place / "spamtide.toml").open("a") as file:
        file.write(text)


def counted(spamtide: Spamtide, place: Path, *more: str) -> int:
    ran = spamtide("--workspace", place, "series", "volume", "--feed", "f", "--json", *more)
    return sum(r["count"] for r in ran.json["rows"])


def test_addresses_change_while_sessions_are_open(place: Path) -> None:
    now = time.time_ns() // 1000
    add_addresses(Workspace(place), "f", ["x@trap.example"], state="live", vantage=None, since=None, now=now)
    with TrapProcess(place) as trap, greeted(trap.address) as before:
        assert trap.ready["addresses"] == 1
        assert before.say(b"MAIL FROM:<a@b.example>", b"RCPT TO:<y@trap.example>") == 550
        add_addresses(Workspace(place), "f", ["y@trap.example"], state=None, vantage=None, since=None, now=now)
        move_addresses(Workspace(place), "f", ["x@trap.example"], "retired", note="", now=now + 1)
        trap.process.send_signal(signal.SIGHUP)
        assert trap.wait_for("trap.reloaded")["addresses"] == {"ramp": 1, "retired": 1}
        # A session goes on as it began.
        assert before.say(b"RCPT TO:<y@trap.example>") == 550 and before.say(b"RCPT TO:<x@trap.example>") == 250
        with greeted(trap.address) as after:
            assert after.say(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>") == 550
            assert after.say(b"RSET") == 250 and deliver(after, BODY, b"y@trap.example") == 250
        settings(place, "nonsense = 1\n")
        trap.process.send_signal(signal.SIGHUP)
        assert "nonsense" in trap.wait_for("trap.reload_failed")["error"]
        with greeted(trap.address) as after:
            assert deliver(after, BODY, b"y@trap.example") == 250
    path = place / "spamtide.toml"
    path.write_text(path.read_text().replace("nonsense = 1\n", ""))
    assert [m["marks"] for m, _ in stored(place)] == [["ramp"], ["ramp"]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "w")


def test_a_changed_persona_is_an_exposure_boundary_and_a_change_on_the_card(spamtide: Spamtide, place: Path) -> None:
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, BODY) == 250
        path = place / "spamtide.toml"
        path.write_text(path.read_text() + 'persona = "other"\n')
        trap.process.send_signal(signal.SIGHUP)
        assert trap.wait_for("trap.reloaded")["persona"] == "other"
        with greeted(trap.address) as after:
            assert deliver(after, BODY) == 250
    assert [m["persona"] for m, _ in stored(place)] == ["plain", "other"]
    first, second = (r.body for r in Workspace(place).archive.journal.read("exposure"))
    assert (first["persona"], second["persona"]) == ("plain", "other") and first["end"] == second["start"]
    card = spamtide("--workspace", place, "feeds", "show", "f", "--json").json["instrument"]
    assert [c["persona"] for c in card["changes"]] == ["other"]


def test_what_comes_outside_the_panel_is_kept_and_not_counted(spamtide: Spamtide, place: Path) -> None:
    now = time.time_ns() // 1000
    for address, state in (
        ("x@t.example", "live"),
        ("r@t.example", "ramp"),
        ("c@t.example", "conditioning"),
        ("b@t.example", "bouncing"),
    ):
        add_addresses(Workspace(place), "f", [address], state=state, vantage=None, since=now - DAY, now=now)
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        codes = [deliver(client, BODY, b"%c@t.example" % name) for name in b"xrcb"]
        assert codes == [250, 250, 250, 550] and client.say(b"QUIT") == 221
        assert trap.wait_for("session.ended")["bounced"] == 1
    assert trap.events[-1]["counts"]["bounced"] == 1
    spamtide("--workspace", place, "digest")
    assert counted(spamtide, place) == 1 and counted(spamtide, place, "--origin", "all") == 3
    assert len(spamtide("--workspace", place, "search", "", "--jsonl").rows) == 3


def test_our_refusals_stand_in_the_journal_by_minute_and_family(place: Path) -> None:
    settings(place, "memory_mib = 1\n")
    with TrapProcess(place) as trap, greeted(trap.address) as large, greeted(trap.address) as client:
        assert deliver(client, BODY) == 250
        assert large.say(b"MAIL FROM:<a@b.example>", b"RCPT TO:<x@trap.example>", b"DATA") == 354
        large.send(b"x" * 700_000)
        while (code := client.say(b"RSET", b"MAIL FROM:<a@b.example>")) == 250:
            time.sleep(0.01)
        assert code == 452
    (uptime,) = (r.body for r in Workspace(place).archive.journal.read("exposure"))
    assert uptime["family"] == "ipv4" and uptime["refused_by_us"] >= 1
    minute, refused, no_room, _ = uptime["refusals"][-1]
    assert minute % 60_000_000 == 0 and refused >= no_room >= 1
    assert sum(row[3] for row in uptime["refusals"]) <= 1


def test_listeners_of_both_families_have_an_exposure_each(place: Path) -> None:
    assert families(["127.0.0.1:25", None]) == ["ipv4"] and families(["[::]:25"]) == ["ipv4", "ipv6"]
    assert families(["[2001:db8::1]:25", None]) == ["ipv6"] and families(["192.0.2.1:25", "[::1]:24"]) == [
        "ipv4",
        "ipv6",
    ]
    with TrapProcess(place, "--lmtp", "[::1]:0"):
        pass
    found = [r.body for r in Workspace(place).archive.journal.read("exposure")]
    assert [b["family"] for b in found] == ["ipv4", "ipv6"] and len({(b["start"], b["end"]) for b in found}) == 1


def test_a_treated_panel_draws_for_each_session_and_never_measures(spamtide: Spamtide, place: Path) -> None:
    settings(place, '[feeds.f.treatment]\narms = ["first-rcpt"]\n')
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, BODY) == 451 and client.say(b"RSET") == 250 and deliver(client, BODY) == 250
        assert client.say(b"QUIT") == 221
        assert trap.wait_for("session.ended")["treatment"] == "first-rcpt"
    ((meta, _),) = stored(place)
    assert meta["transcript"]["treatment"] == "first-rcpt" and meta["marks"] == ["retry"]
    path = place / "spamtide.toml"
    path.write_text(path.read_text().replace("[feeds.f.treatment]", "[feeds.g.treatment]"))
    refused = spamtide("--workspace", place, "trap", "--feed", "f", "--smtp", "127.0.0.1:0")
    assert refused.code == 2 and "[other_panel]" in refused.err


def test_a_panel_that_measures_is_never_treated(spamtide: Spamtide, place: Path) -> None:
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, BODY) == 250
    settings(place, '[feeds.f.treatment]\narms = ["greylist"]\n[feeds.g.treatment]\narms = ["nonsense"]\n')
    for feed, code in (("f", "other_panel"), ("g", "bad_treatment")):
        refused = spamtide("--workspace", place, "trap", "--feed", feed, "--smtp", "127.0.0.1:0")
        assert refused.code == 2 and f"[{code}]" in refused.err


def test_relay_bait_is_off_until_acknowledged_in_words(spamtide: Spamtide, place: Path) -> None:
    line = ("--workspace", place, "trap", "--feed", "f", "--smtp", "127.0.0.1:0")
    assert "[bait_unacknowledged]" in spamtide(*line, "--vantage", "relay-bait").err
    settings(place, '[feeds.f]\nrelay_bait = "yes"\n')
    refused = spamtide(*line)
    assert refused.code == 2 and BAIT_WORDS in refused.err


def test_a_strangers_local_part_is_in_no_file_but_the_raw_message(spamtide: Spamtide, place: Path) -> None:
    settings(place, f'[feeds.f]\nrelay_bait = "{BAIT_WORDS}"\n')
    canary = b"canary-Qz7"
    with TrapProcess(place) as trap:
        with greeted(trap.address) as client:
            assert client.say(b"AUTH PLAIN AHVzZXIAc2VjcmV0", b"VRFY " + canary, b"EXPN " + canary) == 502
            assert deliver(client, BODY, canary + b"@far.example") == 250
        with greeted(trap.address) as client:
            assert client.say(b"MAIL FROM:<" + canary + b"@far.example>", b"RCPT TO:<" + canary + b">", b"QUIT") == 221
        trap.wait_for("session.ended", 2)
    spamtide("--workspace", place, "digest")
    kept = b"".join(p.read_bytes() for p in place.rglob("*") if p.is_file()) + json.dumps(trap.events).encode()
    assert b"far.example" in kept and canary.lower() not in kept.lower()
    ((meta, raw),) = stored(place)
    assert raw == BODY and meta["marks"] == ["relay_bait"]
    (row,) = spamtide("--workspace", place, "search", "", "--jsonl").rows
    assert row["origin"] == "relay-probe" and counted(spamtide, place) == 0
    card = spamtide("--workspace", place, "feeds", "show", "f", "--json").json["instrument"]
    assert list(card["addresses_by_vantage"]) == ["relay-bait"] and card["panel"] == "relay-bait"


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here")
def test_a_relay_bait_opens_no_connection(place: Path, tmp_path: Path) -> None:
    settings(place, f'[feeds.f]\nrelay_bait = "{BAIT_WORDS}"\n')
    log = tmp_path / "calls"
    traced = ("strace", "-f", "-o", str(log), "-e", "trace=connect,sendto,sendmsg,socket")
    with TrapProcess(place, before=traced) as trap, greeted(trap.address) as client:
        assert deliver(client, BODY, b"somebody@far.example") == 250
    calls = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert calls and not [line for line in calls if "connect(" in line]
    assert all("SOCK_STREAM" in line for line in calls if "socket(" in line)


def test_a_probe_of_our_own_is_told_from_spam(spamtide: Spamtide, place: Path) -> None:
    header = spamtide("--workspace", place, "probe-header").out.strip().encode()
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, header + b"\r\n" + BODY) == 250
        # The field alone takes nobody out of the counts.
        assert deliver(client, b"X-Spamtide-Probe: 1\r\n" + BODY) == 250
    spamtide("--workspace", place, "digest")
    assert [r["origin"] for r in spamtide("--workspace", place, "search", "", "--jsonl").rows] == [
        "own-test",
        "unsolicited",
    ]
