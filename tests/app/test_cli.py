"""The program as a process: exit codes, searching, erasing. Wrong use has a table of its own, test_wrong_use.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def spamtide(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spamtide", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("cli")
    assert spamtide("init", "trap", cwd=folder).returncode == 0
    text = "From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: V1agra\n\nx\n"
    (folder / "one.mbox").write_text(text)
    assert spamtide("--workspace", "trap", "import", "one.mbox", "--feed", "f", cwd=folder).returncode == 0
    return folder


def test_a_refused_source_is_exit_code_3(place: Path) -> None:
    done = spamtide("--workspace", "trap", "import", "nowhere.mbox", "--feed", "f", "--json", cwd=place)
    assert done.returncode == 3
    assert json.loads(done.stdout)["refused"] == [{"source": "nowhere.mbox", "code": "absent", "reason": "not there"}]


def test_search_finds_the_disguise(place: Path) -> None:
    done = spamtide("--workspace", "trap", "search", "subject:viagra", "--jsonl", cwd=place)
    assert json.loads(done.stdout)["subject"] == "V1agra"
    assert spamtide("--workspace", "trap", "search", "subject-literal:viagra", cwd=place).returncode == 1


def test_erasing_leaves_a_chain_that_verifies(place: Path) -> None:
    assert spamtide("init", "other", cwd=place).returncode == 0
    spamtide("--workspace", "other", "import", "one.mbox", "--feed", "f", cwd=place)
    done = spamtide(
        "--workspace", "other", "archive", "erase", "subject:viagra", "--reason", "asked for", "--json", cwd=place
    )
    assert json.loads(done.stdout)["erased"] == 1
    verified = json.loads(spamtide("--workspace", "other", "archive", "verify", "--json", cwd=place).stdout)
    assert (verified["ok"], verified["messages"], verified["erased"]) == (True, 0, 1)
    assert spamtide("--workspace", "other", "search", "", cwd=place).returncode == 1
    again = json.loads(
        spamtide("--workspace", "other", "import", "one.mbox", "--feed", "f", "--json", cwd=place).stdout
    )
    assert again["new"] == 0
    assert b"V1agra" not in b"".join(p.read_bytes() for p in (place / "other").rglob("*") if p.is_file())
