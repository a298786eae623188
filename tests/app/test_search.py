"""Search: pages that go on where the last one ended, saved queries, folders of .eml, a clean stop."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import Ran, Spamtide

HOSTILE = b'Subject: ../../etc/passwd\nMessage-ID: <../x>\nContent-Disposition: attachment; filename="/tmp/evil"\n\n'


def mbox(path: Path, days: range, a_day: int, word: str) -> Path:
    with path.open("w") as file:
        for day in days:
            for n in range(a_day):
                file.write(
                    f"From x Mon Mar {day:2d} {n % 24:02d}:00:00 2011\nFrom: a{n}@b.example\n"
                    f"Subject: {word} {n}\n\nhello {word} number{n % 5}\n\n"
                )
    return path


@pytest.fixture(scope="module")
def place(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two feeds; closed days gathered, and days that came after and overlap them."""
    folder: Path = tmp_path_factory.mktemp("search")
    use = ("--workspace", folder / "w")
    assert spamtide("init", folder / "w").code == 0
    for i, (days, feed) in enumerate(((range(7, 10), "one"), (range(7, 9), "two"), (range(9, 12), "one"))):
        source = mbox(folder / f"{i}.mbox", days, 20, ("Viagra", "cialis", "v1agra")[i])
        assert spamtide(*use, "import", source, "--feed", feed).code == 0
        if i == 1:
            assert spamtide(*use, "digest", "--compact").code == 0
    return folder / "w"


@pytest.fixture
def ask(spamtide: Spamtide, place: Path):
    def call(*arguments: object) -> Ran:
        ran = spamtide("--workspace", place, "search", *arguments)
        assert ran.code in (0, 1, 2), ran.err
        return ran

    return call


@pytest.mark.parametrize(
    "query", ["", "subject:viagra", "text:number3", "NOT feed:two", "text:*iagr* after:2011-03-09"]
)
@pytest.mark.parametrize("size", [1, 7, 20])
def test_pages_one_after_another_are_the_whole_list(ask, query: str, size: int) -> None:
    whole = ask(query, "--jsonl").rows
    assert len(whole) > 20
    pages: list[dict[str, Any]] = []
    go_on: list[str] = []
    while True:
        page = ask(query, "--limit", size, "--json", *go_on).json
        pages += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == size and page["next"] == page["items"][-1]["id"]
        go_on = ["--after-id", page["next"]]
        if size == 1 and len(pages) == 25:
            whole = whole[:25]
            break
    assert pages == whole


def test_the_list_is_in_order_of_feed_and_arrival(ask) -> None:
    rows = ask("", "--jsonl").rows
    assert len(rows) == 160
    assert [(r["feed"], r["received_at"]) for r in rows] == sorted((r["feed"], r["received_at"]) for r in rows)


def test_a_person_gets_one_page_and_is_told_how_to_go_on(ask) -> None:
    first = ask("")
    assert len(first.out.splitlines()) == 100
    assert first.err.startswith("There are more: add --after-id ")
    rest = ask("", "--after-id", first.err.split()[-1])
    assert len(rest.out.splitlines()) == 60 and rest.err == ""
    lines = ask("", "--jsonl", "--limit", 3)
    assert lines.err.split()[-1] == lines.rows[-1]["id"]


def test_a_page_after_no_message_is_an_error(ask) -> None:
    assert "unknown_message" in ask("", "--after-id", "one/import-000001/9999").err
    assert "bad_message_id" in ask("", "--after-id", "x").err
    assert ask("--by", "day", "--limit", "3").code == 2


def test_a_document_that_comes_in_pieces_is_the_one_written_whole(ask) -> None:
    whole = ask("subject:viagra", "--json")
    assert whole.out == json.dumps(whole.json, ensure_ascii=False, indent=2) + "\n"
    none = ask("subject:nothing", "--json")
    assert none.code == 1 and none.out == json.dumps(none.json, indent=2) + "\n"


def test_line_separators_in_a_subject_survive_the_document(spamtide: Spamtide, tmp_path: Path) -> None:
    (tmp_path / "m.eml").write_bytes("Subject: a\u2028b\u0085c\nDate: Mon, 7 Mar 2011 10:00:00 +0000\n\nx\n".encode())
    use = ("--workspace", tmp_path / "w")
    assert spamtide("init", tmp_path / "w").code == 0
    assert spamtide(*use, "import", tmp_path / "m.eml", "--feed", "f").code == 0
    listed = spamtide(*use, "search", "", "--jsonl")
    assert "\u2028" in json.loads(listed.out)["subject"]
    assert spamtide(*use, "search", "", "--json").json["items"] == [json.loads(listed.out)]


def test_a_query_is_saved_listed_run_replaced_and_forgotten(spamtide: Spamtide, place: Path, ask) -> None:
    use = ("--workspace", place)
    assert ask("--list-saved").code == 1
    assert ask("--save", "drugs", "subject:(viagra OR cialis)").code == 0
    assert ask("--save", "late", "after:2011-03-10").code == 0
    assert ask("--saved", "drugs", "--jsonl").rows == ask("subject:(viagra OR cialis)", "--jsonl").rows
    both = ask("--saved", "drugs", "feed:two", "--jsonl").rows
    assert both == ask("subject:cialis", "--jsonl").rows != []
    assert ask("--saved", "late", "--by", "day", "--json").json["total"] == 40
    assert ask("--save", "late", "after:2011-03-11").code == 0
    listed = ask("--list-saved", "--json").json
    assert listed["schema"] == "spamtide.searches/1"
    assert [(s["name"], s["query"]) for s in listed["items"]] == [
        ("drugs", "subject:viagra OR subject:cialis"),
        ("late", "after:2011-03-11"),
    ]
    assert ask("--forget", "late").code == 0
    assert "unknown_search" in ask("--saved", "late").err
    assert "unknown_search" in ask("--forget", "late").err
    assert [s["name"] for s in ask("--list-saved", "--jsonl").rows] == ["drugs"]
    assert spamtide(*use, "archive", "verify").code == 0
    assert ask("--forget", "drugs").code == 0


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65])
def test_a_name_that_is_none_is_refused(ask, name: str) -> None:
    ran = ask("--save", name, "subject:x") if name != "" else ask("--save", "\u00e9", "subject:x")
    assert ran.code == 2 and "bad_search_name" in ran.err


def test_a_query_that_cannot_be_read_is_not_saved(ask) -> None:
    assert ask("--save", "bad", "subject:(").code == 2
    assert ask("--list-saved").out == ""


@pytest.fixture
def hostile(spamtide: Spamtide, tmp_path: Path) -> tuple[Path, list[bytes]]:
    """A workspace with three messages whose bytes and names must survive as they are."""
    raws = [
        HOSTILE + b"line\r\nline\rline\n" * 2000 + bytes(range(256)),
        b"Subject: two\r\n\r\nbody\r\n",
        b"Subject:\nbroken header\n\n\n\n",
    ]
    folder = tmp_path / "mail"
    folder.mkdir()
    for i, raw in enumerate(raws):
        (folder / f"{i}.eml").write_bytes(b"Received: by x; Mon, 7 Mar 2011 1%d:00:00 +0000\r\n" % i + raw)
    assert spamtide("init", tmp_path / "w").code == 0
    assert spamtide("--workspace", tmp_path / "w", "import", folder, "--feed", "f").code == 0
    return tmp_path / "w", [(folder / f"{i}.eml").read_bytes() for i in range(3)]


def test_eml_files_are_the_bytes_under_names_of_our_own(spamtide: Spamtide, hostile, tmp_path: Path) -> None:
    place, raws = hostile
    ran = spamtide("--workspace", place, "search", "", "--eml", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["messages"] == 3 and ran.json["next"] is None
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "f-import-000001-0.eml",
        "f-import-000001-1.eml",
        "f-import-000001-2.eml",
        "manifest.jsonl",
    ]
    manifest = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    written = {m["file"]: (tmp_path / "out" / m["file"]).read_bytes() for m in manifest}
    assert sorted(written.values()) == sorted(raws)
    assert ran.json["bytes"] == sum(map(len, raws))
    for line in manifest:
        assert line["sha256"] == hashlib.sha256(written[line["file"]]).hexdigest()
        assert line["bytes"] == len(written[line["file"]])
        assert (tmp_path / "out" / line["file"]).stat().st_mode & 0o777 == 0o600


def test_eml_files_come_in_pages_too(spamtide: Spamtide, hostile, tmp_path: Path) -> None:
    place, _ = hostile
    first = spamtide("--workspace", place, "search", "", "--limit", 2, "--eml", tmp_path / "a", "--json").json
    second = spamtide(
        "--workspace", place, "search", "", "--after-id", first["next"], "--eml", tmp_path / "b", "--json"
    ).json
    assert (first["messages"], second["messages"], second["next"]) == (2, 1, None)


def test_eml_never_overwrites_and_follows_no_link(spamtide: Spamtide, hostile, tmp_path: Path) -> None:
    place, _ = hostile

    def refused(target: Path) -> str:
        ran = spamtide("--workspace", place, "search", "", "--eml", target, "--json")
        assert ran.code in (2, 3)
        return str(ran.json["error"])

    full, empty, file = tmp_path / "full", tmp_path / "empty", tmp_path / "file"
    full.mkdir()
    empty.mkdir()
    (full / "kept").write_text("mine")
    file.write_text("mine")
    (tmp_path / "link").symlink_to(empty)
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    assert refused(full) == "not_empty"
    assert refused(file) == refused(tmp_path / "link") == refused(tmp_path / "nowhere") == "bad_folder"
    assert refused(file / "below") == "bad_folder"
    assert refused(tmp_path / "no" / "such") == "not_there"
    assert os.listdir(empty) == [] and os.listdir(full) == ["kept"] and file.read_text() == "mine"
    assert not (tmp_path / "absent").exists()
    assert spamtide("--workspace", place, "search", "subject:nothing", "--eml", empty).code == 1
    assert os.listdir(empty) == ["manifest.jsonl"]


def test_a_query_that_cannot_be_read_makes_no_folder(spamtide: Spamtide, hostile, tmp_path: Path) -> None:
    assert spamtide("--workspace", hostile[0], "search", "subject:(", "--eml", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists()


def test_ctrl_c_ends_a_search_without_a_traceback(place: Path) -> None:
    # A shell that runs the tests in the background has them ignore the signal, and this process inherits that.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"{heeding}; from spamtide.app.cli import main; main()"
    command = [sys.executable, "-c", script, "--workspace", str(place), "search", "", "--jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        # A pipe of one page: after the first rows it stands at a write.
        fcntl.fcntl(running.stdout, fcntl.F_SETPIPE_SZ, 4096)
        assert running.stdout.read(1) == b"{"
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        running.stdout.read()
        err = running.stderr.read().decode()
        assert running.wait() == 130
    assert err.strip().startswith("spamtide: stopped") and "Traceback" not in err


def test_a_search_loads_neither_numpy_nor_ibis(place: Path) -> None:
    script = (
        "import sys; from spamtide.app.cli import run; run(sys.argv[1:]);"
        "print([m for m in ('numpy', 'ibis', 'pyarrow', 'duckdb') if m in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, "--workspace", str(place), "search", "subject:viagra text:number1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "[]\n" and len(done.stdout.splitlines()) == 24
