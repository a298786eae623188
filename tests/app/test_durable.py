"""What the manifest names was made durable first: seen from outside, in the order of system calls."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spamtide.app.config import People
from spamtide.app.workspace import Workspace

CALL = re.compile(r"(write|writev|pwrite64|fsync|fdatasync|rename|renameat2?)\((.*)")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: apt-get install strace)")
def test_nothing_is_named_before_it_is_on_disk(tmp_path: Path) -> None:
    place, log = tmp_path / "w", tmp_path / "calls"
    Workspace.create(place, People())
    mbox = tmp_path / "m.mbox"
    mbox.write_text("From x Mon Mar  7 10:00:00 2011\nFrom: a@b.example\nSubject: x\n\nhello\n\n" * 500)
    command = [sys.executable, "-m", "spamtide", "--workspace", str(place), "import", str(mbox), "--feed", "f"]
    traced = [
        "strace",
        "-f",
        "-y",
        "-s",
        "4096",
        "-o",
        str(log),
        "-e",
        "trace=write,writev,pwrite64,fsync,fdatasync,rename,renameat,renameat2",
    ]
    ran = subprocess.run([*traced, *command], capture_output=True, text=True)
    if "ptrace" in ran.stderr.lower():
        pytest.skip("this machine does not allow tracing")
    assert ran.returncode == 0, ran.stderr
    dirty: dict[str, int] = {}
    folders: set[str] = set()
    named = 0
    for number, line in enumerate(log.read_text(errors="replace").splitlines()):
        found = CALL.search(line)
        if not found:
            continue
        call, rest = found.groups()
        if call.startswith("rename"):
            old, new = re.findall(r'"([^"]+)"', rest)[:2]
            assert old not in dirty, f"call {number}: {line}"
            if new.endswith("root.json"):
                named += 1
                left = [p for p in dirty if "/archive/segments/" in p or "/archive/tables/" in p]
                assert not left, f"named at call {number} while not on disk: {left}"
                folders.discard(str(Path(new).parent))
                assert not folders, f"named at call {number} while these folders are not on disk: {folders}"
            folders.add(str(Path(new).parent))
            continue
        path = re.match(r"\d+<([^>]+)>", rest)
        if path and "/archive/" in path[1] and not path[1].endswith(".lock"):
            if call in ("fsync", "fdatasync"):
                dirty.pop(path[1], None)
                folders.discard(path[1])
            else:
                dirty[path[1]] = number
    assert named
    assert not dirty
    assert not folders
