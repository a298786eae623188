"""The wrong thing on purpose: each line gets a sentence, the next step and the documented exit code, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Spamtide

TRAP = ["--workspace", "trap"]
DUPLICATES = [*TRAP, "duplicates", "--feed", "f", "--window"]
EFFECT = [*TRAP, "effect", "--feed", "f"]
REPORT = [*TRAP, "report", "--event", "rustock-2011"]

# What is typed, exit code, error code, a word that must stand in the message or the next step.
CASES: list[tuple[list[str], int, str, str]] = [
    # The command line itself.
    ([], 2, "usage", "needs a command: init"),
    (["serch"], 2, "usage", "Did you mean 'spamtide search'?"),
    (["nonsense"], 2, "usage", "There is no command 'nonsense'"),
    (["--workspce", "trap", "status"], 2, "usage", "--workspace"),
    ([*TRAP, "status", "--jsn"], 2, "usage", "--json"),
    ([*TRAP, "status", "extra"], 2, "usage", "extra"),
    (["watch"], 2, "usage", "needs a command"),
    (["size"], 2, "usage", "one of them"),
    (["event"], 2, "usage", "needs a command: add, list"),
    (["event", "lst"], 2, "usage", "list"),
    # Workspaces.
    (["status"], 2, "no_workspace", "spamtide init"),
    (["--workspace", "nowhere", "status"], 2, "no_workspace", "spamtide init nowhere"),
    (["--workspace", "one.mbox", "status"], 2, "no_workspace", "no spamtide.toml"),
    (["--workspace", "broken", "status"], 2, "bad_settings", "$.schema"),
    (["--workspace", "half", "status"], 3, "no_archive", "half"),
    (["init"], 2, "usage", "FOLDER"),
    (["init", "trap"], 2, "workspace_exists", "another folder"),
    (["init", "one.mbox"], 2, "usage", "is a file"),
    # Import.
    ([*TRAP, "import"], 2, "usage", "PATHS"),
    ([*TRAP, "import", "nowhere.mbox"], 2, "usage", "--feed"),
    ([*TRAP, "import", "one.mbox", "--feed", "../x"], 2, "bad_feed_name", "letters, digits"),
    ([*TRAP, "import", "one.mbox", "--feed", ""], 2, "bad_feed_name", "letters, digits"),
    ([*TRAP, "import", "one.mbox", "--feed", "f", "--time", "yesterday"], 2, "usage", "'received'"),
    ([*TRAP, "import", "one.mbox", "--feed", "f", "--vantage", "moon"], 2, "usage", "'planted'"),
    ([*TRAP, "import", "columns.csv", "--feed", "f"], 2, "bad_counts", "no column 'time'"),
    ([*TRAP, "import", "words.csv", "--feed", "f"], 2, "bad_counts", "line 2"),
    # Search and series.
    ([*TRAP, "search", "subject:("], 2, "bad_query", "character"),
    ([*TRAP, "search", "colour:red"], 2, "unknown_field", "subject"),
    ([*TRAP, "search", "viagra"], 2, "bad_query", "subject:viagra"),
    ([*TRAP, "search", '"open'], 2, "bad_query", "quote"),
    ([*TRAP, "search", "topic:medicine"], 2, "bad_query", "Topics: pharma, replica"),
    ([*TRAP, "series", "topic:medicine", "--feed", "f"], 2, "bad_query", "Topics: pharma, replica"),
    ([*TRAP, "series", "topic:", "--feed", "f"], 2, "bad_measure", "topic:pharma"),
    ([*TRAP, "search", "after:2011-03-16T10:00:00"], 2, "bad_query", "2011-03-16T14:45:00Z"),
    ([*TRAP, "search", "", "--feed", "nope"], 2, "unknown_feed", "Feeds: f"),
    ([*TRAP, "search", "", "--by", "month"], 2, "usage", "'week'"),
    ([*TRAP, "series", "volume"], 2, "usage", "--feed"),
    ([*TRAP, "series", "volume", "--feed", "g"], 2, "unknown_feed", "Feeds: f"),
    (["--workspace", "empty", "series", "volume", "--feed", "g"], 2, "unknown_feed", "spamtide import"),
    ([*TRAP, "series", "nonsense", "--feed", "f"], 2, "bad_measure", "Measures: volume"),
    ([*TRAP, "series", "subject:", "--feed", "f"], 2, "bad_measure", "subject:viagra,cialis"),
    ([*TRAP, "series", "volume@parsec", "--feed", "f"], 2, "bad_measure", "recipient"),
    ([*TRAP, "series", "botnet:rustock", "--feed", "f"], 2, "not_built_yet", "not built yet"),
    ([*TRAP, "series", "volume", "--feed", "f", "--origin", "martian"], 2, "unknown_origin", "bounce"),
    # Windows and instants.
    ([*DUPLICATES, "2011-03-01"], 2, "bad_window", "START/END"),
    ([*DUPLICATES, "x/y"], 2, "bad_instant", "'x'"),
    ([*DUPLICATES, "2011-03-16/2011-03-01"], 2, "inverted_window", "Swap its two dates"),
    ([*DUPLICATES, "2011-03-02T10:00:00/2011-03-03"], 2, "naive_instant", "Add Z"),
    ([*DUPLICATES, "2011-03-01/2011-03-16", "--lookback", "soon"], 2, "bad_span", "7d"),
    ([*TRAP, "series", "campaign:c-0", "--feed", "f"], 2, "unknown_campaign", "none ever had this id"),
    ([*DUPLICATES, "2011-03-01/2011-03-16", "--feed", "g"], 2, "usage", "one --feed"),
    ([*EFFECT], 2, "no_cut", "--event rustock-2011"),
    ([*EFFECT, "--event", "rustock-2011", "--at", "2011-03-16"], 2, "no_cut", "one of them"),
    ([*EFFECT, "--event", "rustock"], 2, "unknown_event", "rustock-2011"),
    ([*EFFECT, "--at", "yesterday"], 2, "bad_instant", "'yesterday'"),
    ([*EFFECT, "--at", "2011-02-30"], 2, "bad_instant", "'2011-02-30' is"),
    ([*EFFECT, "--at", "2011-03-16T14:45:00"], 2, "naive_instant", "Add Z"),
    ([*EFFECT, "--at", "2011-03-16", "--also-at", "2011-03-18T00:00"], 2, "naive_instant", "Add Z"),
    ([*EFFECT, "--at", "2011-03-16", "--before", "0d"], 2, "bad_span", "7d"),
    ([*EFFECT, "--at", "2011-03-16", "--before", "2011-03-20/2011-03-25"], 2, "overlapping_windows", "at the cut"),
    ([*EFFECT, "--at", "2011-03-16", "--after", "2011-03-25/2011-03-20"], 2, "inverted_window", "Swap"),
    ([*EFFECT, "--at", "2011-03-16", "--measure", "volumee"], 2, "bad_measure", "'volumee'"),
    ([*TRAP, "effect", "--feed", "nope", "--at", "2011-03-16"], 2, "unknown_feed", "Feeds: f"),
    # Given counts.
    (["effect", "--series", "nowhere.csv", "--at", "2011-03-16"], 3, "unreadable", "nowhere.csv"),
    (["effect", "--series", ".", "--at", "2011-03-16"], 3, "unreadable", "directory"),
    (["effect", "--series", "columns.csv", "--at", "2011-03-16"], 2, "bad_counts", "time,series,count,exposure"),
    (["effect", "--series", "naive.csv", "--at", "2011-03-16"], 2, "bad_counts", "add Z"),
    (["effect", "--series", "short.csv", "--at", "2011-03-16", "--target", "q"], 2, "unknown_series", "There are: count"),
    (["effect", "--target", "x", "--at", "2011-03-16"], 2, "usage", "--series"),
    (["effect", "--batch", "nowhere.jsonl"], 3, "unreadable", "No such file"),
    # Events.
    (["event", "show", "nothing"], 2, "unknown_event", "rustock-2011"),
    (["event", "show"], 2, "usage", "EVENT_ID"),
    ([*TRAP, "event", "add", "nowhere.toml"], 2, "usage", "does not exist"),
    ([*TRAP, "event", "add", "bad.toml"], 2, "bad_event", "not TOML"),
    ([*TRAP, "event", "add", "bytes.toml"], 2, "bad_event", "UTF-8"),
    (["--workspace", "nowhere", "event", "list"], 2, "no_workspace", "nowhere"),
    # Worlds, reports, the archive.
    (["simulate", "no-such-world", "--out", "w"], 2, "unknown_scenario", "march-2011"),
    (["simulate", "march-2011"], 2, "usage", "--out"),
    (["simulate", "march-2011", "--out", "trap"], 2, "folder_not_empty", "does not exist yet"),
    (["simulate", "march-2011", "--out", "w", "--scale", "0"], 2, "usage", "--scale"),
    (["simulate", "bad.toml", "--out", "w"], 2, "bad_scenario", "line 1"),
    ([*TRAP, "report"], 2, "usage", "--event"),
    ([*REPORT], 2, "usage", "--out"),
    ([*REPORT, "--out", "one.mbox"], 2, "usage", "is a file"),
    ([*REPORT, "--out", "r", "--feed", "nope"], 2, "unknown_feed", "Feeds: f"),
    ([*TRAP, "report", "--event", "nothing", "--out", "r"], 2, "unknown_event", "rustock-2011"),
    (["--workspace", "empty", "report", "--event", "rustock-2011", "--out", "r"], 1, "no_data", "spamtide import"),
    ([*REPORT, "r", "--out", "r"], 2, "usage", "'r'"),
    ([*TRAP, "report", "verify", "r"], 3, "no_manifest", "spamtide report --out"),
    ([*TRAP, "feeds", "show", "nope"], 2, "unknown_feed", "Feeds: f"),
    ([*TRAP, "archive", "erase", "subject:x"], 2, "usage", "--reason"),
    ([*TRAP, "archive", "erase", "", "--reason", "asked"], 2, "empty_query", "every message"),
    (["group", "nowhere.mbox"], 3, "unreadable", "nowhere.mbox"),
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, spamtide: Spamtide) -> Path:
    folder: Path = tmp_path_factory.mktemp("wrong")
    assert spamtide("init", folder / "trap").code == 0
    assert spamtide("init", folder / "empty").code == 0
    (folder / "one.mbox").write_text("From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: V1agra\n\nx\n")
    assert spamtide("--workspace", folder / "trap", "import", folder / "one.mbox", "--feed", "f").code == 0
    (folder / "broken").mkdir()
    (folder / "broken" / "spamtide.toml").write_text('schema = "x"\n')
    (folder / "half").mkdir()
    shutil.copy(folder / "trap" / "spamtide.toml", folder / "half")
    (folder / "columns.csv").write_text("a,b\n1,2\n")
    (folder / "words.csv").write_text("time,count\n2011-03-01,many\n")
    (folder / "naive.csv").write_text("time,count\n2011-03-01T10:00:00,5\n")
    (folder / "short.csv").write_text("time,count\n2011-03-01,5\n2011-03-02,4\n")
    (folder / "bad.toml").write_text("not toml [")
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "error", "word"), CASES, ids=[" ".join(c[0]) or "nothing" for c in CASES]
)
def test_wrong_use_gets_a_sentence_and_the_next_step(
    place: Path,
    spamtide: Spamtide,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    error: str,
    word: str,
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.delenv("SPAMTIDE_WORKSPACE", raising=False)
    before = {p for p in place.rglob("*") if "locks" not in p.parts}
    if len(arguments) < 2:
        # A group's name alone: --json would be an option of the group.
        plain = spamtide(*arguments)
        assert (plain.code, plain.out) == (code, "") and word in plain.err and error in plain.err
        return
    done = spamtide(*arguments, "--json")
    assert done.code == code, done.err
    document = json.loads(done.out)
    assert (document["schema"], document["error"]) == ("spamtide.error/1", error)
    assert document["message"][-1] in ".?!"
    assert document["next"]
    assert word in document["message"] + " " + document["next"]
    assert done.err.count("\n") == 1, "a person gets one line"
    assert error in done.err and "Traceback" not in done.err and "Errno" not in done.err
    assert {p for p in place.rglob("*") if "locks" not in p.parts} == before, "nothing was made"


def test_the_answer_no_is_said_in_words(place: Path, spamtide: Spamtide) -> None:
    nothing = spamtide("--workspace", place / "empty", "search", "")
    assert (nothing.code, nothing.out) == (1, "")
    assert "spamtide import" in nothing.err
    refused = spamtide("--workspace", place / "trap", "effect", "--feed", "f", "--at", "2011-03-16")
    assert refused.code == 1
    assert "it would take at least 14 live days before, 3 live days after and 20 messages counted before" in refused.out
    missing = spamtide("--workspace", place / "trap", "import", place / "gone.mbox", "--feed", "f")
    assert missing.code == 3
    assert "gone.mbox: not there" in missing.err and "import it again" in missing.err
    kept = spamtide("--workspace", place / "trap", "archive", "erase", "subject:zzz", "--reason", "r", "--yes")
    assert (kept.code, kept.out) == (1, "No message matches; nothing was erased.\n")


def as_process(*arguments: str, cwd: Path, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*how.pop("under", []), sys.executable, "-m", "spamtide", *arguments], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
        **{"capture_output": True, **how},
    )  # type: ignore[call-overload,no-any-return]  # fmt: skip


@pytest.fixture(scope="module")
def unprivileged() -> list[str]:
    """A prefix under which permissions count, for the superuser too."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("the superuser may write anywhere and there is no setpriv to take that away")
    less = "-dac_override,-dac_read_search,-fowner"
    return ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["init", "locked/new"],
        ["--workspace", "frozen", "import", "one.mbox", "--feed", "g"],
        ["--workspace", "trap", "report", "--event", "rustock-2011", "--out", "locked/report"],
        ["simulate", "march-2011", "--out", "locked/world", "--scale", "0.001"],
    ],
    ids=["init", "import", "report", "simulate"],
)
def test_a_read_only_place_is_exit_3_and_named(place: Path, unprivileged: list[str], arguments: list[str]) -> None:
    locked, frozen = place / "locked", place / "frozen"
    if not locked.exists():
        locked.mkdir()
        shutil.copytree(place / "trap", frozen)
        locked.chmod(0o555)
        for path in [frozen, *frozen.rglob("*")]:
            path.chmod(path.stat().st_mode & ~0o222)
    done = as_process(*arguments, "--json", cwd=place, under=unprivileged)
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document["error"] == "no_permission"
    assert "locked/" in document["message"] or "frozen/" in document["message"]
    assert "another folder" in document["next"]
    assert "Traceback" not in done.stderr
    read = as_process("--workspace", "frozen", "search", "subject:viagra", "--jsonl", cwd=place, under=unprivileged)
    assert read.returncode == 0, "what is read-only can still be read"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_is_exit_3(place: Path) -> None:
    with open("/dev/full", "w") as full:
        done = as_process("event", "list", cwd=place, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert "disk_full" in done.stderr and "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_error(place: Path) -> None:
    command = f"{sys.executable} -m spamtide event show rustock-2011 | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=place)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "value"), [("DEMO_SEED", "x"), ("DEMO_SEED", "-1"), ("DEMO_SCALE", "0"), ("DEMO_SCALE", "many")]
)
def test_the_demo_says_what_it_wants(tmp_path: Path, name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spamtide.app.demo"], cwd=tmp_path, capture_output=True, text=True, env={**os.environ, name: value}
    )  # fmt: skip
    assert done.returncode == 2
    assert name in done.stderr and "make demo" in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
