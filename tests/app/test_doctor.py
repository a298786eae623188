"""The doctor against real ports, a real DNS server on loopback, this machine's clock and disk, and modes of files."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from name_server import NameServer
from spamtide.app.config import People
from spamtide.app.doctor.clock import Clock, kernel_clock, read_chrony, read_clock, read_timesync
from spamtide.app.doctor.disk import week_growth
from spamtide.app.doctor.domains import make_resolver
from spamtide.app.doctor.ports import NAME
from spamtide.app.workspace import Workspace
from spamtide.errors import WrongUse
from trap_process import TrapProcess, deliver, greeted, make_workspace


def settle(place: Path, text: str) -> Path:
    """A workspace with these lines at the end of its settings."""
    if not place.exists():
        Workspace.create(place, People("c", "c", "p", "l", "i"))
    with (place / "spamtide.toml").open("a") as file:
        file.write(text)
    return place


def seen(spamtide, place: Path, *options: object) -> tuple[dict[str, Any], set[str]]:
    """The document, and the codes of its problems."""
    ran = spamtide("--workspace", place, "doctor", "--json", *options)
    assert ran.code == (0 if ran.json["ok"] else 1), ran.err
    return ran.json, {p["code"] for p in ran.json["problems"]}


def states(document: dict[str, Any]) -> dict[str, str]:
    return {p["protocol"] or p["address"]: p["state"] for p in document["ports"]}


def test_a_trap_that_runs_answers_on_each_of_its_ports(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--lmtp", "127.0.0.1:0", "--smtps", "[::1]:0") as trap:
        document, codes = seen(spamtide, place)
        assert states(document) == {"smtp": "answers", "lmtp": "answers", "smtps": "answers"}
        assert not codes & {"port_silent", "port_taken", "trap_gone"}
        visits = [trap.wait_for("session.ended", n) for n in (1, 2, 3)]
        assert {v["helo"] for v in visits} == {NAME} and {v["how"] for v in visits} == {"quit"}
        where = trap.ready["smtp"]
    document, codes = seen(spamtide, place)
    assert set(states(document).values()) == {"free"} and "trap_gone" not in codes
    # Somebody else takes the port of the trap that has stopped.
    host, _, port = where.rpartition(":")
    with socket.create_server((host, int(port))):
        document, codes = seen(spamtide, place)
    assert states(document)["smtp"] == "taken" and "port_taken" in codes


def test_a_listener_that_waits_for_a_proxy_header_gets_one(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--trusted", "127.0.0.0/8", "--proxy", "smtp", "--lmtp", "127.0.0.1:0"):
        document, codes = seen(spamtide, place)
    assert states(document) == {"smtp": "answers", "lmtp": "answers"} and not codes & {"port_silent", "port_taken"}


def test_a_trap_that_was_killed_is_missed(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap = TrapProcess(place)
    trap.process.kill()
    trap.process.wait()
    assert "trap_gone" in seen(spamtide, place)[1]


def test_a_trap_whose_port_nobody_answers_is_named(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place):
        note = place / "archive" / "live" / "f.trap.json"
        body = json.loads(note.read_text())
        with socket.create_server(("127.0.0.1", 0)) as other:
            free = other.getsockname()[1]
        note.write_text(json.dumps({**body, "smtp": f"127.0.0.1:{free}"}))
        document, codes = seen(spamtide, place)
    assert states(document) == {"smtp": "silent"} and "port_silent" in codes


def test_places_to_listen_at_are_tried_before_a_trap_is(spamtide, tmp_path: Path) -> None:
    place = settle(tmp_path / "w", "")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        document, codes = seen(
            spamtide, place, "--listen", taken, "--listen", "127.0.0.1:0", "--listen", "192.0.2.1:25"
        )
        assert states(document) == {taken: "taken", "127.0.0.1:0": "free", "192.0.2.1:25": "not_here"}
        assert {"port_taken", "address_not_here"} <= codes
    assert spamtide("--workspace", place, "doctor", "--listen", "mx.example:25").code == 2


def test_a_port_below_1024_is_not_allowed_to_who_has_no_right(spamtide, tmp_path: Path) -> None:
    place = settle(tmp_path / "w", "")
    if os.geteuid() == 0:
        pytest.skip("root may listen anywhere")
    document, codes = seen(spamtide, place, "--listen", "127.0.0.1:25")
    if document["ports"][0]["state"] == "free":
        pytest.skip("this system lets anybody listen at port 25")
    assert "port_not_allowed" in codes


ZONE = {
    ("good.example", "MX"): ["10 mx.good.example.", "20 backup.good.example."],
    ("mx.good.example", "A"): ["192.0.2.1"],
    ("mx.good.example", "AAAA"): ["2001:db8::1"],
    ("backup.good.example", "A"): ["192.0.2.9"],
    ("bare.example", "A"): ["192.0.2.1"],
    ("else.example", "MX"): ["10 mx.stranger.example."],
    ("mx.stranger.example", "A"): ["198.51.100.1"],
    ("null.example", "MX"): ["0 ."],
    ("given-up.example", "MX"): ["0 ."],
    ("forgotten.example", "MX"): ["10 mx.good.example."],
    ("nowhere.example", "MX"): ["10 gone.example."],
    ("empty.example", "TXT"): ['"nothing"'],
}
LIVE = ("good", "bare", "else", "null", "nowhere", "empty", "unknown", "mute")


def test_dns_is_asked_where_the_mail_of_each_domain_goes(spamtide, tmp_path: Path) -> None:
    addresses = ", ".join(f'"@{name}.example"' for name in LIVE)
    with NameServer(ZONE, mute=["mute.example"]) as server:
        place = settle(
            tmp_path / "w",
            f'[doctor]\nresolver = "{server.place}"\npublic = ["192.0.2.1", "2001:db8::1"]\n[feeds.f]\naddresses = [{addresses}]\n'
            '[domains."given-up.example"]\n[domains."forgotten.example"]\n',
        )
        document, codes = seen(spamtide, place)
        assert server.asked == [] and all(d["mx"] is None for d in document["domains"])
        document, codes = seen(spamtide, place, "--dns")
        told = "\n".join(p["text"] for p in document["problems"])
    mx = {d["domain"]: d["mx"] for d in document["domains"]}
    assert mx["good.example"] == [
        {"preference": 10, "host": "mx.good.example.", "addresses": ["192.0.2.1", "2001:db8::1"]},
        {"preference": 20, "host": "backup.good.example.", "addresses": ["192.0.2.9"]},
    ]
    assert mx["bare.example"] == [{"preference": None, "host": "bare.example.", "addresses": ["192.0.2.1"]}]
    expected = {
        "else.example": "mx_elsewhere", "null.example": "null_mx", "nowhere.example": "mx_nowhere", "empty.example": "mx_nowhere",
        "unknown.example": "no_such_domain", "mute.example": "dns_silent", "forgotten.example": "no_null_mx",
    }  # fmt: skip
    assert set(expected.values()) <= codes
    for domain, code in expected.items():
        assert any(p["code"] == code and domain in p["text"] for p in document["problems"]), domain
    for fine in ("good.example", "bare.example", "given-up.example"):
        assert f" {fine} " not in f" {told} "


def test_the_setting_asks_too_and_a_domain_of_retired_addresses_wants_a_null_mx(spamtide, tmp_path: Path) -> None:
    with NameServer(ZONE) as server:
        place = settle(tmp_path / "w", f'[doctor]\ndns = true\nresolver = "{server.place}"\n')
        spamtide("--workspace", place, "address", "add", "a@good.example", "a@null.example", "--feed", "f")
        assert "null_mx" in seen(spamtide, place)[1]
        retired = spamtide("--workspace", place, "address", "retire", "a@null.example", "a@good.example", "--feed", "f")
        assert retired.code == 0, retired.err
        document, codes = seen(spamtide, place)
    assert "no_null_mx" in codes and "null_mx" not in codes
    assert {d["live"] for d in document["domains"]} == {False}


def test_what_is_no_resolver_is_refused() -> None:
    for text in ("ns.example", "127.0.0.1:x", "[::1"):
        with pytest.raises(WrongUse) as caught:
            make_resolver(text)
        assert caught.value.code == "bad_resolver"
    assert (make_resolver("[::1]:5353").port, make_resolver("::1").port) == (5353, 53)


def test_a_domain_that_will_expire_is_named_sixty_days_ahead(spamtide, tmp_path: Path) -> None:
    days = {"over": -1, "soon": 60, "later": 62}
    stated = {
        f"{name}.example": time.strftime("%Y-%m-%d", time.gmtime(time.time() + n * 86_400)) for name, n in days.items()
    }
    place = settle(tmp_path / "w", "".join(f'[domains."{d}"]\nexpires = {day}\n' for d, day in stated.items()))
    document, _ = seen(spamtide, place)
    named = {p["code"]: p["text"] for p in document["problems"] if p["code"].startswith("domain_")}
    assert "over.example" in named["domain_expired"] and "soon.example" in named["domain_expires"]
    assert "later.example" not in named["domain_expires"]
    assert {d["domain"]: d["expires"] for d in document["domains"]} == stated


def test_the_clock_is_what_its_keeper_says() -> None:
    # As chrony 4.3 prints it: the system clock is behind by 6.5 microseconds.
    line = "C0A80001,ntp.example,3,1700000000.123456789,0.000006523,-0.000001234,0.00002,-19.6,0.0,0.03,0.010,0.002,64.2,Normal\n"
    clock = read_chrony(line)
    assert clock is not None and (clock.source, clock.synchronised, clock.offset_seconds) == (
        "chrony",
        True,
        -6.523e-06,
    )
    assert clock.bound_seconds == pytest.approx(0.007006523)
    assert read_chrony(line.replace("Normal", "Not synchronised")).synchronised is False  # type: ignore[union-attr]
    assert read_chrony("506 Cannot talk to daemon") is None
    status = """\
       Server: 192.0.2.4 (ntp.example)
Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap: normal
Root distance: 22.735ms (max: 5s)
       Offset: -1.234ms
 Packet count: 12
"""
    clock = read_timesync(status)
    assert clock == Clock("timesyncd", True, pytest.approx(0.001234), pytest.approx(0.023969))
    assert read_timesync("Server: 192.0.2.4 (ntp.example)\n Packet count: 0\n") == Clock("timesyncd", False)
    assert read_timesync("") is None


def test_the_clock_of_this_machine_is_read_or_said_to_be_unknown(spamtide, tmp_path: Path) -> None:
    clock = read_clock()
    assert (clock.source is None) == (clock.synchronised is None)
    own = kernel_clock()
    if own is not None and own.synchronised:
        assert own.offset_seconds is not None and own.bound_seconds is not None
        assert abs(own.offset_seconds) <= own.bound_seconds < 20
    place = make_workspace(tmp_path / "w")
    document, codes = seen(spamtide, place)
    # Where no trap stamps messages nobody minds.
    assert document["clock"]["source"] == clock.source and not codes & {"clock_unknown", "clock_not_set", "clock_off"}
    with TrapProcess(place):
        pass
    _, codes = seen(spamtide, place)
    wrong = {None: "clock_unknown", False: "clock_not_set"}.get(clock.synchronised)
    assert wrong is None or wrong in codes


def test_the_disk_is_measured_against_the_low_water_mark_and_the_last_week(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n") == 250
    document, codes = seen(spamtide, place)
    disk = document["disk"]
    assert (
        disk["low_water_bytes"] == 1 << 20
        and 0 < disk["week_bytes"] < 1 << 20
        and not codes & {"disk_low", "disk_fills"}
    )
    assert disk["days_left"] == pytest.approx((disk["free_bytes"] - (1 << 20)) * 7 / disk["week_bytes"])
    archive = place / "archive"
    assert week_growth(archive, time.time() + 8 * 86_400) == 0
    with (archive / "segments" / "f" / "trap-000009.open").open("wb") as file:
        file.truncate(disk["free_bytes"])
    assert week_growth(archive, time.time()) >= disk["free_bytes"]
    (archive / "segments" / "f" / "trap-000009.open").unlink()
    settings = place / "spamtide.toml"
    settings.write_text(settings.read_text().replace("low_water_mib = 1\n", "low_water_mib = 1000000000\n"))
    assert "disk_low" in seen(spamtide, place)[1]


def test_nobody_else_looks_into_a_workspace_and_no_trap_is_root(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    document, codes = seen(spamtide, place)
    assert document["access"]["mode"] == "0700" and not codes & {"world_readable", "trap_is_root", "not_writable"}
    place.chmod(0o755)
    assert "world_readable" in seen(spamtide, place)[1]
    with TrapProcess(place):
        document, codes = seen(spamtide, place)
    assert ("trap_is_root" in codes) == (os.geteuid() == 0) == (document["access"]["traps_as_root"] == ["f"])


def test_a_feed_is_too_silent_by_what_it_is_used_to(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    with TrapProcess(place, "--vantage", "planted") as trap:
        with greeted(trap.address) as client:
            for n in range(30):
                assert deliver(client, b"Subject: %d\r\n\r\nx\r\n" % n) == 250
                time.sleep(0.01)
        trap.wait_for("session.ended")
    spamtide("--workspace", place, "digest")
    # Not while no trap runs, and not for the time in which none did.
    document, codes = seen(spamtide, place)
    (feed,) = document["feeds"]
    assert feed["usual_gap_seconds"] < 1 and feed["silent_seconds"] > 0 and "feed_silent" not in codes
    with TrapProcess(place):
        time.sleep(max(2 * feed["longest_gap_seconds"], 14 * feed["usual_gap_seconds"]) + 0.5)
        document, codes = seen(spamtide, place)
        assert "feed_silent" in codes and document["feeds"][0]["trap"] is True
        text = spamtide("--workspace", place, "doctor").out
    assert "f: last message" in text and "usually every" in text and "Nothing came to f for" in text
