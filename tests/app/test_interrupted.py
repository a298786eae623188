"""An import that is killed, stopped, or runs out of disk: run again, it ends with the content of the undisturbed one."""

from __future__ import annotations

import json
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import spamtide as package
from segment_sizes import written
from spamtide.app.config import People
from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive

MESSAGES = 20_000


@pytest.fixture(scope="module")
def mbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mail") / "big.mbox"
    with path.open("w") as file:
        for n in range(MESSAGES):
            file.write(
                f"From x Mon Mar  7 10:00:00 2011\nReceived: from x ([192.0.2.{n % 250 + 1}]) by y;"
                f" Mon, 7 Mar 2011 10:{n % 60:02d}:00 +0000\nFrom: a{n}@b.example\nSubject: Order {n}\n\n"
                + f"hello {n} words that go on and on\n" * (n % 40 + 1)
                + "\n"
            )
    return path


def importing(place: Path, mbox: Path) -> list[str]:
    return [sys.executable, "-m", "spamtide", "--workspace", str(place), "import", str(mbox), "--feed", "f", "--json"]


def finished(place: Path, mbox: Path) -> str:
    """The content after the same command ran to its end; every message is in the tables, none twice."""
    subprocess.run(importing(place, mbox), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    assert found.messages == MESSAGES
    assert sum(package.open(place).series("volume", ["f"]).counts) == MESSAGES
    return found.content


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, mbox: Path) -> tuple[str, float]:
    """Content, and seconds that the import takes."""
    place = tmp_path_factory.mktemp("whole") / "w"
    Workspace.create(place, People())
    started = time.monotonic()
    subprocess.run(importing(place, mbox), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    return finished(place, mbox), seconds


def kill_after(place: Path, mbox: Path, pause: float) -> None:
    """Run an import that gets SIGKILL after ``pause`` seconds."""
    process = subprocess.Popen(importing(place, mbox), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(pause)
    process.kill()
    process.wait()


def kill_at(place: Path, mbox: Path, part: float) -> None:
    """Run an import that gets SIGKILL when ``part`` of the mail, by bytes, stands in the open segment."""
    wanted = part * mbox.stat().st_size
    process = subprocess.Popen(importing(place, mbox), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while written(place) < wanted and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()


def test_killed_five_times_in_one_workspace(tmp_path: Path, mbox: Path, undisturbed: tuple[str, float]) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    for part in (0.3, 0.45, 0.6, 0.75, 0.9):
        kill_after(place, mbox, part * undisturbed[1])
    assert finished(place, mbox) == undisturbed[0]


@pytest.mark.proof
def test_killed_at_fifty_random_moments(tmp_path: Path, mbox: Path, undisturbed: tuple[str, float]) -> None:
    moments = random.Random(20110316)
    done = []
    for i in range(50):
        place = tmp_path / str(i)
        Workspace.create(place, People())
        # Half by the clock, which mostly falls into start and digest; half while the mail is being written.
        if i % 2:
            kill_after(place, mbox, moments.uniform(0.35, 1.0) * undisturbed[1])
        else:
            kill_at(place, mbox, moments.uniform(0, 0.95))
        segments = Workspace(place).archive.segments()
        done.append(sum(s.records for s in segments))
        assert finished(place, mbox) == undisturbed[0], f"kill {i}"
    cut = sum(0 < n < MESSAGES for n in done)
    assert cut >= 5, done
    print(f"\n50 kills: {done.count(0)} before the first message, {cut} midway, {done.count(MESSAGES)} after the last")


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(tmp_path: Path, mbox: Path, undisturbed: tuple[str, float]) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    process = subprocess.Popen(
        importing(place, mbox), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        # A shell that runs the tests in the background has them ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not written(place):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "again" in err
    assert finished(place, mbox) == undisturbed[0]


def limited(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("room", [20_000, 900_000, 3_000_000])
def test_a_disk_that_takes_no_more_is_named_and_the_import_goes_on_later(
    tmp_path: Path, mbox: Path, undisturbed: tuple[str, float], room: int
) -> None:
    place = tmp_path / "w"
    Workspace.create(place, People())
    # No file may grow beyond this: what a write finds is an error, as on a full disk.
    ran = subprocess.run(importing(place, mbox), preexec_fn=limited(room), capture_output=True, text=True)
    assert ran.returncode == 3, ran.stderr
    assert "Traceback" not in ran.stderr
    assert json.loads(ran.stdout)["next"]
    assert finished(place, mbox) == undisturbed[0]
