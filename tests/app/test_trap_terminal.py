"""What a person sees of a running trap: counters at the foot of a terminal, plain lines where there is none."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from spamtide.app.livecounters import counter_lines
from trap_process import Client, deliver, greeted, make_workspace

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """A trap whose terminal we are: all three streams, or standard error alone."""

    def __init__(self, place: Path, *arguments: str) -> None:
        self.shown = ""
        ours, theirs = pty.openpty()
        self._fd = ours
        line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "f", "--no-digest"]
        self.process = subprocess.Popen(
            [*line, "--smtp", "127.0.0.1:0", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", "LINES": "24"},
        )  # fmt: skip
        os.close(theirs)

    def until(self, pattern: str, patience: float = 60) -> re.Match[str]:
        """What is shown until it matches, escapes left out."""
        end = time.monotonic() + patience
        while True:
            if match := re.search(pattern, ESCAPE.sub("", self.shown)):
                return match
            assert time.monotonic() < end and self.process.poll() is None, self.shown[-2000:]
            self._read()

    def _read(self) -> bool:
        if not select.select([self._fd], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.shown += data.decode()
        return bool(data)

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        while self.process.poll() is None:
            self._read()
        while select.select([self._fd], [], [], 0)[0] and self._read():
            pass
        os.close(self._fd)
        return self.process.returncode


def test_on_a_terminal_the_counters_go_on_and_lines_stand_above(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    terminal = Terminal(place)
    port = int(terminal.until(r"trap\.ready: smtp 127\.0\.0\.1:(\d+)")[1])
    terminal.until(r"messages  0 \(0\.0 MB\), 0 a minute")
    # Drawn anew each second although nothing happens.
    seen = terminal.shown.count("messages  0")
    terminal.until(rf"(?s)(messages  0.*){{{seen + 2},}}", 15)
    with greeted(("127.0.0.1", port)) as client, Client(("127.0.0.1", port)) as other:
        for _ in range(3):
            assert deliver(client, b"x\r\n") == 250
        assert client.say(b"nonsense [bold]\x1b[31m") == 500 and other.reply() == 220
        terminal.until(
            r"messages  3 \(0\.0 MB\), \d+ a minute, the last .* ago\s+sessions  2 open, 0 ended; 0 messages"
        )
        terminal.until(r"replies   12 2xx, 3 3xx, 0 4xx, 1 5xx\s+refused   nobody; up \d+")
    terminal.until(r"sessions  0 open, 2 ended")
    assert terminal.stop(signal.SIGTERM) == 0
    text = ESCAPE.sub("", terminal.shown)
    assert re.search(r"trap\.draining: signal SIGTERM", text) and "trap.stopped" in text
    assert text.rstrip().splitlines()[-1].startswith("refused   nobody")
    # The cursor is hidden while it runs, and there again at the end.
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")


def test_ctrl_c_at_the_terminal_drains_and_leaves_the_counters(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    terminal = Terminal(place)
    terminal.until(r"messages  0")
    assert terminal.stop(signal.SIGINT) == 130
    assert "trap.draining: signal SIGINT" in ESCAPE.sub("", terminal.shown) and "Traceback" not in terminal.shown


def test_json_on_a_terminal_is_json_and_nothing_else(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    terminal = Terminal(place, "--log", "json")
    terminal.until(r'"event": "trap.ready"')
    assert terminal.stop(signal.SIGTERM) == 0
    assert "\x1b" not in terminal.shown and "messages  0" not in terminal.shown


def test_without_a_terminal_there_are_lines_without_escapes(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", counts_seconds=0.2)
    line = [sys.executable, "-m", "spamtide", "--workspace", str(place), "trap", "--feed", "f", "--no-digest", "--smtp", "127.0.0.1:0"]  # fmt: skip
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        counted = process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(60) == 0
    assert " trap.ready: smtp 127.0.0.1:" in first
    assert (
        counted == "0 messages, 0 sessions, 0 answered 452, 0 answered 451\n" and "\x1b" not in first + counted + rest
    )


def test_what_was_refused_is_named_by_reason() -> None:
    counts = {
        "messages": 1234, "bytes": 5_600_000, "last_message_at": 40_000_000, "connected": 12, "sessions": 3400, "waiting": 2, "replies_2xx": 1,
        "replies_3xx": 2, "replies_4xx": 3, "replies_5xx": 4, "put_off_full": 5, "put_off_failed": 0, "refused_per_address": 6, "refused_total": 0,
        "shed": 0, "timed_out": 7, "unproxied": 0,
    }  # fmt: skip
    assert counter_lines(counts, 7200.0, 12.4, 100.0) == [
        "messages  1,234 (5.6 MB), 12 a minute, the last 60 s ago",
        "sessions  12 open, 3,400 ended; 2 messages on their way to disk",
        "replies   1 2xx, 2 3xx, 3 4xx, 4 5xx",
        "refused   5 no room, 6 too many from one address, 7 slow; up 2 h",
    ]
