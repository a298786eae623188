"""Folders that others write to, hold what must not be opened, or lead nowhere: each message once, the rest named."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spamtide.capture import CaptureBatch, LeftOut, Refused, SourceOptions, read_source
from spamtide.capture.folders import FOLDERS

OPTIONS = SourceOptions("file", 2_000_000_000_000_000)


def message(n: int) -> bytes:
    return b"From: a@b.example\nSubject: %d\n\nhello %d\n" % (n, n)


def digests(items: Iterator[object]) -> list[bytes]:
    found = [i.raw_digests() for i in items if isinstance(i, CaptureBatch)]
    return [d[at : at + 32] for d in found for at in range(0, len(d), 32)]


def read(path: Path) -> tuple[int, dict[str, str], dict[str, int]]:
    """Messages; code of each refused name; count of each kind left out."""
    items = list(read_source(path, OPTIONS))
    refused = {os.path.relpath(i.source, path): i.code for i in items if isinstance(i, Refused)}
    left = {i.code: i.count for i in items if isinstance(i, LeftOut)}
    return len(digests(iter(items))), refused, left


def maildir(path: Path, new: int, cur: int) -> Path:
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    for n in range(new):
        (path / "new" / f"{n:03d}.host").write_bytes(message(n))
    for n in range(new, new + cur):
        (path / "cur" / f"{n:03d}.host:2,").write_bytes(message(n))
    return path


def test_a_maildir_whose_messages_are_seen_while_it_is_read_gives_each_once(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box", new=40, cur=40)
    taken: list[object] = []
    for item in read_source(box, OPTIONS):
        taken.append(item)
        # Somebody opens the folder at the same time: three messages are seen, one gets another flag, one arrives.
        for n, place in enumerate(sorted((box / "new").iterdir(), reverse=True)[:3]):
            place.rename(box / "cur" / f"{place.name}:2,{'S' * n}")
        for place in sorted((box / "cur").glob("*:2,"))[-1:]:
            place.rename(place.with_name(place.name + "F"))
    assert [i for i in taken if not isinstance(i, CaptureBatch)] == []
    assert len(digests(iter(taken))) == len(set(digests(iter(taken)))) == 80


def test_a_message_that_is_removed_before_its_turn_is_named(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box", new=5, cur=5)
    items = read_source(box, OPTIONS)
    first = next(items)
    (box / "cur" / "007.host:2,").unlink()
    rest = [first, *items]
    assert len(digests(iter(rest))) == 9
    assert [(Path(i.source).name, i.code) for i in rest if isinstance(i, Refused)] == [("007.host:2,", "absent")]


def test_a_message_that_arrives_while_the_maildir_is_read_is_taken_once(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box", new=3, cur=0)
    items = read_source(box, OPTIONS)
    first = next(items)
    (box / "new" / "999.host").write_bytes(message(999))
    assert len(digests(iter([first, *items]))) == 4


def test_what_a_server_keeps_in_a_maildir_is_left_out_and_named(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box", new=2, cur=2)
    maildir(box / ".Spam", new=1, cur=0)
    (box / "tmp" / "half").write_bytes(message(99))
    for name in ("dovecot-uidlist", "dovecot.index.log", "subscriptions", ".updated"):
        (box / name).write_text("x\n")
    assert read(box) == (5, {}, {"undelivered": 1, "server_file": 4})


def test_an_mh_folder_is_read_by_number_without_what_was_removed(tmp_path: Path) -> None:
    for n in (1, 2, 10, 9):
        (tmp_path / str(n)).write_bytes(message(n))
    for name in (",3", ",4", "#5"):
        (tmp_path / name).write_bytes(message(0))
    (tmp_path / ".mh_sequences").write_text("unseen: 1-10\n")
    items = list(read_source(tmp_path, OPTIONS))
    by_number = [next(iter(digests(read_source(tmp_path / str(n), OPTIONS)))) for n in (1, 2, 9, 10)]
    assert digests(iter(items)) == by_number
    assert {i.code: i.count for i in items if isinstance(i, LeftOut)} == {"mh_removed": 3, "hidden": 1}


def test_what_is_no_regular_file_is_named_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link-to-fifo").symlink_to(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "1.eml").write_bytes(message(1))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        script = (
            "import sys, pathlib; from spamtide.capture import *\n"
            "for item in read_source(pathlib.Path(sys.argv[1]), SourceOptions('file', 2 * 10**15)):\n"
            "    if isinstance(item, Refused): print(pathlib.Path(item.source).name, item.code)\n"
            "    else: print(len(item))\n"
        )
        # In a process of its own: opening the FIFO would wait for ever.
        ran = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=30, check=True
        )
    assert ran.stdout.split() == [
        "1", "device", "special_file", "fifo", "special_file", "link-to-fifo", "special_file", "socket", "special_file",
    ]  # fmt: skip
    assert [i.code for i in read_source(tmp_path / "fifo", OPTIONS) if isinstance(i, Refused)] == ["special_file"]


def test_links_that_lead_to_themselves_or_to_folders_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    box = tmp_path / "box"
    (box / "inner").mkdir(parents=True)
    (box / "inner" / "z.eml").write_bytes(message(1))
    (box / "a").symlink_to(box / "b")
    (box / "b").symlink_to(box / "a")
    (box / "inner" / "up").symlink_to(box)
    (box / "nothing").symlink_to(box / "gone")
    assert read(box) == (1, {"a": "link", "b": "link", "inner/up": "link", "nothing": "link"}, {})


def test_a_link_that_the_user_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "1.eml").write_bytes(message(1))
    (tmp_path / "here").symlink_to(tmp_path / "box")
    assert read(tmp_path / "here") == (1, {}, {})
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert read(tmp_path / "loop")[:2] == (0, {".": "link"})


@pytest.mark.parametrize(("depth", "code"), [(FOLDERS, None), (FOLDERS + 1, "too_deep")])
def test_folders_in_folders_have_an_end(tmp_path: Path, depth: int, code: str | None) -> None:
    deepest = tmp_path.joinpath(*["d"] * depth)
    deepest.mkdir(parents=True)
    (deepest / "1.eml").write_bytes(message(1))
    kept, refused, _ = read(tmp_path)
    assert (kept, set(refused.values())) == ((0, {code}) if code else (1, set()))


def test_a_folder_without_a_message_is_named(tmp_path: Path) -> None:
    assert read(tmp_path) == (0, {".": "empty"}, {})
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    assert read(tmp_path) == (0, {".": "empty"}, {"hidden": 1})
    assert read(maildir(tmp_path / "m", 0, 0)) == (0, {".": "empty"}, {})


def test_a_file_that_grows_while_it_is_read_is_named(tmp_path: Path) -> None:
    box = tmp_path / "box"
    one = b"From x Mon Mar  7 10:00:00 2011\n" + message(1) + b"\n"
    box.write_bytes(one * 20_000)
    items = read_source(box, OPTIONS)
    first = next(items)
    with box.open("ab") as file:
        file.write(one[:50])
    rest = list(items)
    assert len(digests(iter([first, *rest]))) >= 20_000
    assert [i.code for i in rest if isinstance(i, Refused)] == ["changed"]


def test_names_that_are_no_text_are_shown_and_stored(tmp_path: Path) -> None:
    for name in (b"caf\xe9.eml", b"new\nline.eml", b"\xff\xfe"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(message(1))
    with open(os.fsencode(tmp_path) + b"/bad\xe9.eml", "wb") as file:
        file.write(b"\0")
    assert read(tmp_path) == (3, {"bad\\xe9.eml": "not_mail"}, {})
