"""A question is answered from all that is stored: what is not read yet is read first, by whoever gets the lock."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from spamtide.archive import Tables


def test_a_question_reads_what_is_stored_and_waits_for_another_reader(spamtide, tmp_path: Path) -> None:
    place, mail = tmp_path / "w", tmp_path / "m.mbox"
    mail.write_text("From x Mon Mar  7 10:00:00 2011\nSubject: first\n\nhello\n\n")
    use = ("--workspace", place)
    assert spamtide("init", place).code == 0
    assert spamtide(*use, "import", mail, "--feed", "f", "--no-digest").code == 0
    assert [m["subject"] for m in spamtide(*use, "search", "", "--jsonl").rows] == ["first"]
    mail.write_text("From x Mon Mar  7 10:00:00 2011\nSubject: second\n\nhello\n\n")
    assert spamtide(*use, "import", mail, "--feed", "f", "--no-digest").code == 0
    held, done = threading.Event(), []

    def other() -> None:
        with Tables(place / "archive").lock():
            held.set()
            # Longer than a slow machine takes to come to the lock.
            time.sleep(3)
            done.append(time.monotonic())

    thread = threading.Thread(target=other)
    thread.start()
    held.wait()
    ran = spamtide(*use, "series", "volume", "--feed", "f", "--by", "day", "--json")
    thread.join()
    assert time.monotonic() > done[0]
    assert "waiting" in ran.err
    assert [m["subject"] for m in spamtide(*use, "search", "", "--jsonl").rows] == ["first", "second"]
    quiet = spamtide(*use, "search", "", "--jsonl")
    assert quiet.err == ""
