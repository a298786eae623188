"""Addresses of a trap have lives: bouncing, conditioning, ramp, live, retired, disclosed."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Ran, Spamtide
from spamtide.app.lives import DAY, add_addresses, move_addresses, read_lives
from spamtide.app.workspace import Workspace
from spamtide.errors import WrongUse
from trap_process import make_workspace

T0 = 1_300_000_000_000_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "w")


def add(place: Path, *given: str, at: int = T0, state: str | None = None, vantage: str | None = None) -> None:
    add_addresses(Workspace(place), "f", given, state=state, vantage=vantage, since=None, now=at)


def move(place: Path, address: str, state: str, at: int, note: str = "") -> None:
    move_addresses(Workspace(place), "f", [address], state, note=note, now=at)


def refusal(place: Path, address: str, state: str, at: int, note: str = "") -> str:
    with pytest.raises(WrongUse) as caught:
        move(place, address, state, at, note)
    return caught.value.code


def states(place: Path, at: int) -> dict[str, str]:
    return {a: life.state_at(at) for a, life in read_lives(Workspace(place), "f").items()}


def test_a_planted_address_counts_after_90_days_whoever_looks(place: Path) -> None:
    add(place, "Anna@Decoy.example")
    assert states(place, T0 + 90 * DAY - 1) == {"anna@decoy.example": "ramp"}
    assert states(place, T0 + 90 * DAY) == {"anna@decoy.example": "live"}
    (life,) = read_lives(Workspace(place), "f").values()
    assert (life.live_from, life.live_to) == (T0 + 90 * DAY, None)


def test_an_address_that_belonged_to_somebody_bounces_for_a_year_and_then_waits_for_a_person(place: Path) -> None:
    add(place, "bob@old.example", vantage="recycled-address")
    assert states(place, T0 + 2000 * DAY) == {"bob@old.example": "bouncing"}
    assert refusal(place, "bob@old.example", "conditioning", T0 + 364 * DAY) == "still_bouncing"
    assert refusal(place, "bob@old.example", "live", T0 + 400 * DAY) == "bad_move_of_address"
    move(place, "bob@old.example", "conditioning", T0 + 365 * DAY)
    assert refusal(place, "bob@old.example", "live", T0 + 366 * DAY, "  ") == "nobody_looked"
    move(place, "bob@old.example", "live", T0 + 366 * DAY, "looked at 40 messages, nothing personal")
    (life,) = read_lives(Workspace(place), "f").values()
    assert (life.state, life.live_from) == ("live", T0 + 366 * DAY)


def test_retired_is_for_ever_and_who_never_counted_has_no_end_of_counting(place: Path) -> None:
    add(place, "early@d.example")
    add(place, "late@d.example", state="live")
    for address in ("early@d.example", "late@d.example"):
        move(place, address, "disclosed", T0 + 5 * DAY)
        move(place, address, "retired", T0 + 9 * DAY)
        assert refusal(place, address, "live", T0 + 10 * DAY) == "bad_move_of_address"
    early, late = read_lives(Workspace(place), "f").values()
    assert (early.live_from, early.live_to) == (None, None)
    assert (late.live_from, late.live_to) == (T0, T0 + 5 * DAY)
    with pytest.raises(WrongUse, match="already"):
        add(place, "late@d.example", at=T0 + 20 * DAY)


def test_addresses_of_the_settings_are_live_and_the_journal_goes_before_them(place: Path) -> None:
    with (place / "spamtide.toml").open("a") as file:
        file.write('[feeds.f]\naddresses = ["X@trap.example", "@other.example"]\n')
    assert set(states(place, T0).values()) == {"live"}
    move(place, "@other.example", "retired", T0)
    assert states(place, T0) == {"@other.example": "retired", "x@trap.example": "live"}


@pytest.mark.parametrize("text", ["", "anna", "anna@", "a b@d.example", "a@d.example\nb", "x" * 330 + "@d.example"])
def test_what_is_no_address_is_refused(place: Path, text: str) -> None:
    with pytest.raises(WrongUse) as caught:
        add(place, text)
    assert caught.value.code == "bad_decoy"


def test_the_list_shows_when_something_first_came(spamtide: Spamtide, place: Path, tmp_path: Path) -> None:
    mail = b"From a@b.example Wed Mar 16 14:45:00 2011\nDelivered-To: Anna@decoy.example\nSubject: x\n\nx\n\n"
    (tmp_path / "m.mbox").write_bytes(mail)

    def ask(*arguments: str) -> Ran:
        return spamtide("--workspace", place, *arguments)

    assert ask("import", str(tmp_path / "m.mbox"), "--feed", "f").code == 0
    added = ask("address", "add", "anna@decoy.example", "@decoy.example", "eve@decoy.example", "--feed", "f", "--state", "live", "--vantage", "planted", "--jsonl")  # fmt: skip
    assert added.code == 0 and "SIGHUP" in added.err, added.err
    rows = {r["address"]: r for r in ask("address", "list", "--feed", "f", "--jsonl").rows}
    for row in rows.values():
        assert set(row) >= {"address_id", "state", "vantage", "live_from", "live_to", "first_hit_at"}
    assert {a: r["first_hit_at"] for a, r in rows.items()} == {
        "@decoy.example": "2011-03-16T14:45:00Z", "anna@decoy.example": "2011-03-16T14:45:00Z", "eve@decoy.example": None,
    }  # fmt: skip
    by_id = rows["eve@decoy.example"]["address_id"]
    retired = ask("address", "retire", by_id, "--feed", "f", "--json").json
    assert retired["schema"] == "spamtide.addresses/1" and retired["items"][0]["state"] == "retired"
    assert ask("address", "retire", "nobody@decoy.example", "--feed", "f").code == 2
    card = ask("feeds", "show", "f", "--json").json["instrument"]
    assert card["addresses_by_vantage"]["planted"] == 2 and card["addresses_by_state"] == {"live": 2, "retired": 1}
    assert card["domains"] == ["decoy.example"] and card["domain_count"] == 1
    assert [c["addresses_now"] for c in card["changes"]] == [{"live": 3}, {"retired": 1}]


def test_a_card_for_a_report_names_no_decoy(place: Path) -> None:
    import json

    from spamtide.app.instruments import instrument_card

    add(place, "anna@decoy.example", state="live")
    card = instrument_card(Workspace(place), "f", public=True)
    assert "decoy" not in json.dumps(card) and card["instrument"]["domain_count"] == 1
