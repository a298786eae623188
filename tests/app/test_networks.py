"""Networks in use: a table named in the settings answers searches and counts, is named by results, and is watched by the doctor."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mmdb_made import mmdb

PEERS = ("192.0.2.7", "192.0.2.200", "198.51.100.9", "203.0.113.5", "2001:db8:1:2::9")
TABLE = (
    b"192.0.2.0/24\t64500\tMade\tDE\n192.0.2.128/25\t64501\n198.51.100.0/24\t64500\tMade\tFR\n2001:db8::/32\t64502\n"
)
DATABASE = mmdb({
    "192.0.2.0/24": {"asn": "AS64500", "country": "DE"}, "192.0.2.128/25": {"asn": "AS64501"},
    "198.51.100.0/24": {"autonomous_system_number": 64500, "country": {"iso_code": "FR"}},
    "2001:db8::/32": {"autonomous_system_number": 64502},
}, built=1_299_000_000)  # fmt: skip


@pytest.fixture(params=["none", "text", "mmdb"])
def workspace(request: pytest.FixtureRequest, spamtide, tmp_path: Path) -> Path:
    mails = "".join(
        f"From x Mon Mar  7 10:0{i}:00 2011\nReceived: from a ([{p}]) by b; Mon, 7 Mar 2011 10:0{i}:00 +0000\nSubject: {p}\n\nx\n\n"
        for i, p in enumerate(PEERS)
    )
    (tmp_path / "m.mbox").write_text(mails)
    spamtide("init", tmp_path / "w")
    assert spamtide("--workspace", tmp_path / "w", "import", tmp_path / "m.mbox", "--feed", "trap").code == 0
    if request.param != "none":
        (tmp_path / "w" / "table").write_bytes(TABLE if request.param == "text" else DATABASE)
        date = 'date = "2011-03-01"\n' if request.param == "text" else ""
        with (tmp_path / "w" / "spamtide.toml").open("a") as file:
            file.write(f'\n[networks]\ntable = "table"\n{date}')
    return tmp_path / "w"


def subjects(spamtide, workspace: Path, query: str) -> list[str]:
    return [r["subject"] for r in spamtide("--workspace", workspace, "search", query, "--jsonl").rows]


def test_a_search_by_network_and_country(spamtide, workspace: Path) -> None:
    assert subjects(spamtide, workspace, "network:192.0.2.0/24") == ["192.0.2.7", "192.0.2.200"]
    if not (workspace / "table").exists():
        refused = spamtide("--workspace", workspace, "search", "network:AS64500")
        assert refused.code == 2 and "[no_networks]" in refused.err
        return
    assert subjects(spamtide, workspace, "network:AS64500") == ["192.0.2.7", "198.51.100.9"]
    assert subjects(spamtide, workspace, "network:as64501") == ["192.0.2.200"]
    assert subjects(spamtide, workspace, "network:64502") == ["2001:db8:1:2::9"]
    assert subjects(spamtide, workspace, "network:AS64500 AND NOT country:fr") == ["192.0.2.7"]
    assert subjects(spamtide, workspace, "network:AS64511") == []
    assert subjects(spamtide, workspace, "NOT network:AS64511") == list(PEERS)


def test_rows_and_counts_say_whose_word_it_is(spamtide, workspace: Path) -> None:
    rows = spamtide("--workspace", workspace, "search", "", "--jsonl").rows
    told = {r["peer_address"]: (r["network"], r["country"]) for r in rows}
    table = workspace / "table"
    if not table.exists():
        assert told["192.0.2.7"] == ("192.0.2.0/24", None) and told["2001:db8:1:2::9"] == ("2001:db8:1::/48", None)
        return
    assert told["192.0.2.7"] == ("AS64500", "DE") and told["2001:db8:1:2::9"] == ("AS64502", None)
    assert told["203.0.113.5"] == ("203.0.113.0/24", None)
    counted = spamtide("--workspace", workspace, "series", "messages:network:AS64500", "--feed", "trap", "--json").json
    assert counted["measure"] == "messages:network:AS64500"
    assert sum(r["count"] for r in counted["rows"]) == 2
    named = counted["networks"]
    assert named["sha256"] == hashlib.sha256(table.read_bytes()).hexdigest() and named["date"] == "2011-03-01"
    assert spamtide("--workspace", workspace, "series", "volume", "--feed", "trap", "--json").json["networks"] is None


def test_the_doctor_says_which_table_and_when_it_is_old(spamtide, workspace: Path) -> None:
    found = spamtide("--workspace", workspace, "doctor", "--json").json
    codes = [p["code"] for p in found["problems"]]
    settings = workspace / "spamtide.toml"
    if found["networks"] is None:
        assert any(p["code"] == "not_stated" and "networks.table" in p["text"] for p in found["problems"])
        return
    assert found["networks"]["date"] == "2011-03-01" and not {"networks_of_another_time", "networks_unusable"} & set(
        codes
    )
    text = settings.read_text()
    settings.write_text(text.replace('date = "2011-03-01"\n', "") + 'date = "2013-03-01"\n')
    told = spamtide("--workspace", workspace, "doctor")
    assert "of 2013-03-01" in told.out and "725 days" in told.out
    (workspace / "table").write_bytes(b"192.0.2.0/99 1\n")
    assert "line 1" in spamtide("--workspace", workspace, "doctor").out
    assert spamtide("--workspace", workspace, "search", "network:AS1").code == 2
    (workspace / "table").unlink()
    assert spamtide("--workspace", workspace, "search", "network:AS1").code == 3
    settings.write_text(text.replace('date = "2011-03-01"\n', "") + 'date = "soon"\n')
    assert "no day" in spamtide("--workspace", workspace, "search", "network:AS1").err
