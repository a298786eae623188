"""The wrong thing on purpose: a sentence, the next step, the documented exit code, never a traceback."""

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


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--workspace", "nowhere", "status"], 2, "no_workspace"),
        (["status"], 2, "no_workspace"),
        (["--workspace", "trap", "search", "subject:("], 2, "bad_query"),
        (["--workspace", "trap", "search", "colour:red"], 2, "unknown_field"),
        (["--workspace", "trap", "search", "topic:pharma"], 2, "not_built_yet"),
        (["--workspace", "trap", "series", "volume", "--feed", "g"], 2, "unknown_feed"),
        (["--workspace", "trap", "series", "nonsense", "--feed", "f"], 2, "bad_measure"),
        (["--workspace", "trap", "effect", "--feed", "f", "--at", "2011-03-16T14:45:00"], 2, "naive_instant"),
        (["--workspace", "trap", "effect", "--feed", "f"], 2, "no_cut"),
        (["--workspace", "trap", "duplicates", "--feed", "f", "--window", "2011-03-16/2011-03-01"], 2, "inverted_window"),
        (["--workspace", "trap", "duplicates", "--feed", "f", "--window", "2011-03-01/2011-03-16", "--rule", "near"], 2, "not_built_yet"),
        (["--workspace", "trap", "import", "nowhere.mbox"], 2, "usage"),
        (["--workspace", "trap", "import", "one.mbox", "--feed", "../x"], 2, "bad_feed_name"),
        (["simulate", "no-such-world", "--out", "w"], 2, "unknown_scenario"),
        (["init", "trap"], 2, "workspace_exists"),
        (["trap"], 2, "not_built_yet"),
        (["nonsense"], 2, "usage"),
    ],
)  # fmt: skip
def test_wrong_use_gets_a_sentence_and_the_next_step(place: Path, arguments: list[str], code: int, error: str) -> None:
    done = spamtide(*arguments, "--json", cwd=place)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "spamtide.error/1"
    assert document["error"] == error
    assert document["message"]
    assert document["next"]


def test_a_refused_source_is_exit_code_3(place: Path) -> None:
    done = spamtide("--workspace", "trap", "import", "nowhere.mbox", "--feed", "f", "--json", cwd=place)
    assert done.returncode == 3
    assert json.loads(done.stdout)["refused"] == [{"source": "nowhere.mbox", "reason": "not there"}]


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
