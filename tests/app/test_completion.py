"""Completion in a shell: a real bash on a terminal of its own, and the tab key."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Spamtide

BASH = shutil.which("bash")


@pytest.fixture(scope="module")
def place(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two feeds and a saved search."""
    folder: Path = tmp_path_factory.mktemp("completion")
    (folder / "m.mbox").write_text("From x Mon Mar  7 10:00:00 2011\nSubject: one\n\nx\n\n")
    use = ("--workspace", folder / "w")
    assert spamtide("init", folder / "w").code == 0
    for feed in ("trapfeed", "second"):
        assert spamtide(*use, "import", folder / "m.mbox", "--feed", feed).code == 0
    assert spamtide(*use, "search", "--save", "drugs", "subject:viagra").code == 0
    return folder / "w"


def offered(place: Path, line: str, shell: str = "bash") -> list[str]:
    """What the program offers for a line whose last word is being typed, by the protocol of the shell's script."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "SPAMTIDE_WORKSPACE": str(place),
        "_SPAMTIDE_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line if shell == "bash" else " ".join(words[:-1]) if shell == "fish" else line,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "spamtide"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [o.partition(",")[2] for o in done.stdout.splitlines() if o] if shell == "bash" else done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("spamtide sea", ["search"]),
        ("spamtide search --feed tr", ["trapfeed"]),
        ("spamtide series volume --feed second,tr", ["second,trapfeed"]),
        ("spamtide search --saved ", ["drugs"]),
        ("spamtide search subj", ["subject:", "subject-literal:"]),
        ("spamtide search 'subject:x AND fee", ["subject:x AND feed:"]),
        ("spamtide search 'subject:x AND (feed:tr", ["subject:x AND (feed:trapfeed"]),
        ("spamtide search origin:bou", ["origin:bounce"]),
        ("spamtide search botne", []),
        ("spamtide series subject-", ["subject-literal:"]),
        ("spamtide series messages:dom", ["messages:domain:"]),
        ("spamtide series volume@s", ["volume@session"]),
        ("spamtide effect --event rustock-2011", ["rustock-2011"]),
        ("spamtide effect --measure vol", ["volume"]),
        ("spamtide event show spam", ["spamit-2010"]),
        ("spamtide serv", ["serve"]),
        ("spamtide filt", []),
    ],
)
def test_what_is_offered(place: Path, line: str, wanted: list[str]) -> None:
    assert offered(place, line) == wanted


def test_without_a_workspace_nothing_is_offered_and_nothing_said(tmp_path: Path) -> None:
    assert offered(tmp_path, "spamtide search --feed ") == []
    assert offered(tmp_path, "spamtide effect --event rustock-2011") == ["rustock-2011"]


def test_zsh_and_fish_are_offered_the_same(place: Path) -> None:
    assert "trapfeed" in offered(place, "spamtide search --feed tr", "zsh")
    assert any("trapfeed" in line for line in offered(place, "spamtide search --feed tr", "fish"))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_for_other_shells_are_printed(spamtide: Spamtide, shell: str) -> None:
    script = spamtide("completion", shell)
    assert script.code == 0 and f"_SPAMTIDE_COMPLETE={shell}_complete" in script.out
    if program := shutil.which(shell):
        assert subprocess.run([program, "-n"], input=script.out, text=True).returncode == 0


class Terminal:
    """An interactive bash with the completion in it."""

    def __init__(self, place: Path, folder: Path) -> None:
        (folder / "spamtide").write_text(f'#!/bin/sh\nexec {sys.executable} -m spamtide "$@"\n')
        (folder / "spamtide").chmod(0o755)
        environment = {
            **os.environ, "SPAMTIDE_WORKSPACE": str(place), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "TERM": "dumb", "PS1": "$ ", "HOME": str(folder), "INPUTRC": "/dev/null",
        }  # fmt: skip
        self.main, side = pty.openpty()
        assert BASH is not None
        self.process = subprocess.Popen(
            [BASH, "--norc", "--noprofile", "-i"], stdin=side, stdout=side, stderr=side, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(side)
        self.type('eval "$(spamtide completion bash)"; printf "now %s\\n" ready\n')
        self.read_until("now ready")

    def type(self, keys: str) -> None:
        os.write(self.main, keys.encode())

    def read_until(self, pattern: str) -> str:
        """What appears until a pattern does."""
        seen, end = "", time.monotonic() + 60
        while not re.search(pattern, seen):
            ready, _, _ = select.select([self.main], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{pattern!r} did not appear in {seen!r}"
            seen += os.read(self.main, 4096).decode()
        return seen

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.main)


@pytest.fixture
def terminal(place: Path, tmp_path: Path) -> Iterator[Terminal]:
    if BASH is None:
        pytest.skip("no bash")
    opened = Terminal(place, tmp_path)
    yield opened
    opened.close()


def test_the_tab_key_completes_in_bash(terminal: Terminal) -> None:
    for typed, appears in (
        ("spamtide sea\t", "spamtide search "),
        ("spamtide search --feed tr\t", "trapfeed "),
        ("spamtide search --saved d\t", "drugs "),
        ("spamtide search subject-\t", "subject-literal:"),
        ("spamtide search feed:tr\t", "feed:trapfeed"),
        ("spamtide search 'subject:x AND fee\t", "AND feed:"),
        ("spamtide search 'subject:x AND feed:tr\t", "AND feed:trapfeed"),
        ("spamtide effect --event rustock-2\t", "rustock-2011"),
    ):
        terminal.type(typed)
        shown = terminal.read_until(re.escape(appears))
        assert "rror" not in shown
        terminal.type("\x15")  # take the line back
