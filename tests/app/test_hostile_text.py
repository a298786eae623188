"""Attacker's text stays text: in the terminal, in CSV, in HTML, in SQL, in file names."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest

TITLE = "=HYPERLINK(1)</script><script>alert(1)</script>\u202e"
EVENT = f"""
id = "hostile"
target = "hostile"
kind = "sinkhole"
title = {json.dumps(TITLE)}
summary = "x"
cautions = [{json.dumps("<img src=x onerror=alert(2)>")}]
[times.executed_from]
at = 2011-03-16T14:45:00Z
precision = "minute"
source = "note"
[sources.note]
publisher = "own"
address = "page 1"
[[claims]]
id = "one"
about = "hostile"
metric = "volume-change"
comparator = "="
value = -0.5
unit = "messages"
vantage = "+1+1"
witness = "own"
group = "unknown"
grade = "primary"
source = "note"
text = "@SUM(A1)<script>alert(3)</script>"
"""
SUBJECT = "\x1b]0;owned\x07\x1b[2J viagra \u202e\u200b'; DROP TABLE message; --"


@pytest.fixture(scope="module")
def trap(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("hostile")
    days = [f"From a@b.example {d}\nFrom: x@b.example\nSubject: {SUBJECT}\n\nbody {i}\n\n" for i, d in enumerate(DAYS)]
    (folder / "h.mbox").write_text("".join(days), "utf-8")
    assert spamtide("init", folder / "w").code == 0
    assert spamtide("--workspace", folder / "w", "import", folder / "h.mbox", "--feed", "f").code == 0
    (folder / "event.toml").write_text(EVENT, "utf-8")
    assert spamtide("--workspace", folder / "w", "event", "add", folder / "event.toml").code == 0
    return folder


DAYS = [f"Sat Feb {d:2d} 10:00:0{n} 2011" for d in range(1, 29) for n in range(3)] + [
    f"Sat Mar {d:2d} 16:00:0{n} 2011" for d in range(1, 26) for n in range(3)
]


def controls(text: str) -> set[str]:
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"}


def test_no_control_or_direction_character_reaches_the_terminal(spamtide, trap: Path) -> None:
    found = spamtide("--workspace", trap / "w", "search", "subject:viagra", "--limit", 3)
    assert found.code == 0 and "owned" in found.out
    shown = spamtide("--workspace", trap / "w", "event", "show", "hostile")
    listed = spamtide("--workspace", trap / "w", "event", "list")
    missing = spamtide("--workspace", trap / "w", "import", "no\x1b[2Jfile", "--feed", "f")
    for ran in (found, shown, listed, missing):
        assert controls(ran.out + ran.err) == set()


def test_json_keeps_the_text_and_escapes_it(spamtide, trap: Path) -> None:
    ran = spamtide("--workspace", trap / "w", "search", "subject:viagra", "--limit", 1, "--jsonl")
    assert "\x1b" not in ran.out
    assert "DROP TABLE" in ran.rows[0]["subject"]


@pytest.mark.parametrize(
    "query",
    [
        "subject:\"'; DROP TABLE message; --\"", "subject-literal:%", "subject-literal:\"' OR 1=1 --\"", "from:*b'*",
        "domain:\"x') UNION SELECT 1 --\"", "exact:text:\\",
    ],
)  # fmt: skip
def test_a_query_is_data_never_sql(spamtide, trap: Path, query: str) -> None:
    ran = spamtide("--workspace", trap / "w", "search", query, "--json")
    assert ran.code in (0, 1), ran.err
    assert len(ran.json["items"]) in (0, len(DAYS)) and ("UNION" not in query or ran.json["items"] == [])
    if query == "subject-literal:%":
        assert ran.json["items"] == []
    assert spamtide("--workspace", trap / "w", "search", "", "--json").code == 0


def test_the_report_holds_no_script_no_formula_and_no_bad_name(spamtide, trap: Path) -> None:
    out = trap / "report"
    ran = spamtide(
        "--workspace", trap / "w", "report", "--event", "hostile", "--feed", "f", "--measure", 'messages:subject:"../../<b>"',
        "--measure", "volume", "--out", out,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    page = (out / "report.html").read_text("utf-8")
    assert not re.search(r"<script>alert|<img src=x", page)
    assert controls(page) == set()
    tables = list((out / "tables").glob("*.csv"))
    assert tables
    for path in tables:
        for row in csv.reader(io.StringIO(path.read_text("utf-8"))):
            assert not [c for c in row if re.match(r"[=+@\t\r]|-(?![\d.])", c)], (path, row)
    for path in out.rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name), path
