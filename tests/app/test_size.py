"""``spamtide size``: a CSV of sightings with planted truth, and a simulated world seen through the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import Spamtide
from sized_worlds import Kind, World, make
from spamtide.app.instants import format_instant, parse_instant
from spamtide.measure import HOUR_US

START = parse_instant("2011-03-01")
SCENARIO = """
schema = 1
name = "one-botnet"
title = "One botnet whose addresses change, and a quiet other sender"
start = 2026-01-01T00:00:00Z
end = 2026-01-11T00:00:00Z

[[feeds]]
name = "trap"
vantage = "planted"
addresses = 50
domain = "trap.example"
persona = "plain-1"
messages_per_day = 900.0

[[botnets]]
name = "grum"
dialect = "grum"
hosts = 300
life_days = 60.0
countries = { in = 0.5, br = 0.5 }
churn_hours = [12.0, 240.0]
tail = 3.0
helo = "host"

[[groups]]
name = "quarry"
topic = "pharma"
botnet = "grum"
share = { trap = 1.0 }
words = 0.5
missed = 0.05
unique = 0.1
variants = 20
campaign_days = 5
day_sd = 0.1
day_ar = 0.3
"""


def write_csv(path: Path, world: World, *, wide: bool = False) -> Path:
    rows = ["time,feed,address,network,mark"]
    for at, address, network, mark in zip(world.at, world.address, world.network, world.mark, strict=True):
        net = f"10.{network // 256}.{network % 256}"
        host = f"2001:db8:{network:x}:{address % 1000:x}::1" if wide else f"{net}.{address % 1000}"
        rows.append(
            f"{format_instant(START + int(at) * HOUR_US)},a,{host},{'' if wide else net + '.0/24'},{'' if mark == -1 else f'h{mark}'}"
        )
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def world() -> World:
    return make(Kind("small", hosts=600, churn=(24.0, 240.0), marked=0.9), 1)


def by_quantity(document: dict) -> dict[str, dict]:
    return {e["quantity"]: e for e in document["estimates"]}


def test_a_csv_of_sightings_is_sized(spamtide: Spamtide, tmp_path: Path, world: World) -> None:
    found = spamtide("size", "--sightings", write_csv(tmp_path / "s.csv", world), "--json")
    assert found.code == 0, found.err
    document = found.json
    quantities = by_quantity(document)
    size = quantities["hosts_lower_bound"]
    assert size["value"] == pytest.approx(world.effective, rel=0.1)
    assert size["low"] < size["value"] < size["high"]
    assert (size["level"], size["unit"], size["family"]) == (0.95, "host", "IPv4")
    assert quantities["hosts"]["value"] == pytest.approx(world.live, rel=0.2)
    assert quantities["addresses_ever"]["value"] > 1.2 * world.live
    per_host = quantities["output_per_host_per_day"]["value"]
    assert per_host == pytest.approx(quantities["output_per_day"]["value"] / size["value"], rel=1e-4)
    assert quantities["textbook_chao1"]["warning"] == "textbook"
    assert document["sentence"].startswith("At least ")
    assert "as if equally active: not infections, not machines under control, not the world" in document["sentence"]
    weeks = spamtide("size", "--sightings", tmp_path / "s.csv", "--by", "week", "--json").json["parts"]
    assert [w["part"] for w in weeks] == ["week 1"]
    assert by_quantity(weeks[0])["hosts_lower_bound"]["value"] == size["value"]


def test_output_in_all_is_by_a_factor_whose_source_is_named(spamtide: Spamtide, tmp_path: Path, world: World) -> None:
    file = write_csv(tmp_path / "s.csv", world)
    plain = spamtide("size", "--sightings", file, "--json").json
    assert plain["factor"] is None
    assert not [q for q in by_quantity(plain) if q.endswith("_by_factor")]
    said = ("--factor", "2e6,5e5,8e6", "--factor-by", "Lab N, report of 2011")
    document = spamtide("size", "--sightings", file, *said, "--by", "week", "--json").json
    found = by_quantity(document)
    here, there = found["output_per_day"], found["output_per_day_by_factor"]
    assert there["value"] == pytest.approx(2e6 * here["value"], rel=1e-4)
    # Both uncertainties: wider than the factor's alone, narrower than their product.
    width, own = (np.log(e["high"] / e["low"]) for e in (there, here))
    assert np.log(16) < width < np.log(16) + own
    each = found["output_per_host_per_day_by_factor"]
    assert each["value"] == pytest.approx(2e6 * found["output_per_host_per_day"]["value"], rel=1e-4)
    assert document["factor"]["stated_by"] == "Lab N, report of 2011"
    assert "“Lab N, report of 2011” states" in document["sentence"]
    assert "no uncertainty was stated" not in document["sentence"]
    assert "output_per_day_by_factor" in by_quantity(document["parts"][0])
    exact = spamtide("size", "--sightings", file, "--factor", "1000", "--factor-by", "Lab N", "--json").json
    scaled = by_quantity(exact)["output_per_day_by_factor"]
    assert scaled["high"] == pytest.approx(1000 * here["high"], rel=1e-4)
    assert "no uncertainty was stated" in exact["sentence"]
    for wrong in (("--factor", "2e6"), ("--factor", "0", "--factor-by", "x"), ("--factor", "5,6,7", "--factor-by", "x"),
                  ("--factor-by", "x"), ("--factor", "many", "--factor-by", "x")):  # fmt: skip
        refused = spamtide("size", "--sightings", file, *wrong, "--json")
        assert (refused.code, refused.json["error"]) == (2, "bad_factor"), wrong


def test_ipv6_is_never_a_lower_bound_and_never_added(spamtide: Spamtide, tmp_path: Path, world: World) -> None:
    narrow = write_csv(tmp_path / "4.csv", world).read_text().splitlines()
    wide = write_csv(tmp_path / "6.csv", world, wide=True).read_text().splitlines()
    (tmp_path / "both.csv").write_text("\n".join([*narrow, *wide[1 : len(wide) // 2]]) + "\n")
    document = spamtide("size", "--sightings", tmp_path / "both.csv", "--json").json
    sizes = {e["family"]: e["value"] for e in document["estimates"] if e["quantity"] == "hosts_lower_bound"}
    assert set(sizes) == {"IPv4", "IPv6"}
    assert sizes["IPv4"] == pytest.approx(world.effective, rel=0.1)
    only = spamtide("size", "--sightings", tmp_path / "6.csv", "--json").json
    assert not only["at_least"]
    assert only["sentence"][0].isdigit()
    assert "(IPv6)" in only["sentence"]


def test_few_sightings_are_refused_and_bad_ones_named(spamtide: Spamtide, tmp_path: Path, world: World) -> None:
    lines = write_csv(tmp_path / "s.csv", world).read_text().splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:6]) + "\n")
    refused = spamtide("size", "--sightings", tmp_path / "few.csv", "--json")
    assert refused.code == 1
    assert refused.json["refused"]["reason"] == "too_few_pairs"
    assert "30 pairs" in refused.json["sentence"]
    for text, word in (
        ("time,feed\n2011-01-01,a\n", "address"),
        ("time,address\n2011-01-01,nowhere\n", "nowhere"),
        ("time,address\n", ""),
    ):
        (tmp_path / "bad.csv").write_text(text)
        bad = spamtide("size", "--sightings", tmp_path / "bad.csv", "--json")
        assert bad.code in (1, 2), text
        assert word in bad.json["message"]
    assert spamtide("size", "--json").code == 2
    assert spamtide("size", "--botnet", "x", "--measure", "volume", "--json").code == 2


def test_a_simulated_botnet_is_sized_through_the_pipeline(spamtide: Spamtide, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(SCENARIO)
    assert spamtide("simulate", tmp_path / "s.toml", "--out", tmp_path / "w", "--seed", "2").code == 0
    place = ("--workspace", tmp_path / "w" / "workspace")
    document = spamtide(*place, "size", "--measure", "volume", "--feed", "trap", "--json").json
    assert document["window"] == {"start": "2026-01-04T00:00:00Z", "end": "2026-01-11T00:00:00Z"}
    bots = pq.read_table(tmp_path / "w" / "truth" / "bots.parquet").to_pylist()
    span = [parse_instant(document["window"][k]) for k in ("start", "end")]
    lived = np.array([max(min(b["cleaned_at"], span[1]) - max(b["infected_at"], span[0]), 0) for b in bots]) / (
        span[1] - span[0]
    )
    activity = np.array([b["activity"] for b in bots], dtype=float)
    truth = (activity * lived).sum() ** 2 / (activity**2 * lived).sum()
    size = by_quantity(document)["hosts_lower_bound"]
    assert size["low"] * 0.9 <= truth <= size["high"] * 1.1, (size, truth)
    text = spamtide(*place, "size", "--measure", "volume", "--feed", "trap").out
    assert "At least" in text
    assert "hosts lower bound" in text
    group = spamtide(*place, "botnets", "--jsonl").rows[0]
    named = spamtide(*place, "size", "--botnet", group["group"], "--feed", "trap", "--json").json
    assert named["target"] == f"botnet:{group['group']}"
    assert json.dumps(named).count('"hosts_lower_bound"') == 1
    groups = spamtide(*place, "size", "--measure", "volume", "--by", "group", "--json").json["parts"]
    mine = next(p for p in groups if p["part"] == group["group"])
    sized = by_quantity(mine)["hosts_lower_bound"], by_quantity(named)["hosts_lower_bound"]
    assert sized[0]["value"] == sized[1]["value"]
    days = spamtide(*place, "size", "--measure", "volume", "--by", "day", "--json").json["parts"]
    assert [p["part"] for p in days] == [f"day {n}" for n in range(1, 8)]
    assert sum(p["sightings"] for p in days) == document["sightings"]
    without = spamtide(*place, "size", "--measure", "volume", "--by", "country", "--json")
    assert without.code == 2
    assert without.json["error"] == "no_countries"
