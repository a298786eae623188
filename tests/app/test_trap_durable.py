"""Nothing acknowledged is ever lost: kills under load, the order of write, fdatasync and 250, disks that fail or fill up."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from spamtide.app.workspace import Workspace
from spamtide.archive import verify_archive
from trap_faults import faulty
from trap_process import TrapProcess, deliver, greeted, make_workspace, stored

SENDERS = 24


def body(rng: random.Random, key: str) -> bytes:
    """A message of hostile bytes, as it is to be kept; its first line names it."""
    lines = [
        rng.choice(
            [
                b".",
                b"..x",
                b"",
                b"\x00\xff",
                b"a\nb",
                b"c\rd",
                rng.randbytes(60).replace(b"\r", b"").replace(b"\n", b""),
            ]
        )
        for _ in range(rng.randint(1, 300))
    ]
    return b"X-Key: " + key.encode() + b"\r\n\r\n" + b"".join(line + b"\r\n" for line in lines)


def stuffed(raw: bytes) -> bytes:
    """What goes over the wire."""
    return b"\r\n".join(b"." + x if x.startswith(b".") else x for x in raw.split(b"\r\n"))


class Load:
    """Senders that never send the same message twice, and remember what was acknowledged."""

    def __init__(self, address: tuple[str, int], seed: int) -> None:
        self.address, self.seed = address, seed
        self.sent: dict[str, bytes] = {}
        self.acknowledged: set[str] = set()
        self.enough = threading.Event()

    async def one(self, number: int) -> None:
        rng = random.Random(f"{self.seed}.{number}")
        try:
            reader, writer = await asyncio.open_connection(*self.address)
            await reader.readline()
            for n in range(10_000):
                key = f"{self.seed}.{number}.{n}"
                raw = body(rng, key)
                self.sent[key] = raw
                # MAIL, RCPT and DATA in one piece, as real senders pipeline them.
                writer.write(
                    b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@trap.example>\r\nDATA\r\n" + stuffed(raw) + b".\r\n"
                )
                replies = [await reader.readline() for _ in range(4)]
                if replies[3].startswith(b"250"):
                    self.acknowledged.add(key)
                elif not replies[3]:
                    return
        except OSError:
            return

    def run(self) -> None:
        """Send until the trap is gone."""

        async def all_of_them() -> None:
            await asyncio.gather(*(self.one(n) for n in range(SENDERS)))

        asyncio.run(all_of_them())


def kill_rounds(place: Path, rounds: int, seed: int) -> Counter[str]:
    """Kill the trap ``rounds`` times at random moments under load; what was sent, acknowledged and kept agree each time."""
    rng = random.Random(seed)
    sent: dict[str, bytes] = {}
    acknowledged: set[str] = set()
    for n in range(rounds):
        trap = TrapProcess(place)
        load = Load(trap.address, seed * 1000 + n)
        thread = threading.Thread(target=load.run)
        thread.start()
        while len(load.acknowledged) < rng.randint(1, 60):
            time.sleep(0.005)
        time.sleep(rng.random() * 0.5)
        trap.process.send_signal(signal.SIGKILL)
        trap.process.wait()
        thread.join()
        sent |= load.sent
        acknowledged |= load.acknowledged
    with TrapProcess(place) as trap, greeted(trap.address) as client:
        assert deliver(client, b"X-Key: last\r\n\r\n") == 250
    sent["last"] = b"X-Key: last\r\n\r\n"
    acknowledged.add("last")
    kept = Counter[str]()
    for meta, raw in stored(place):
        key = raw[7 : raw.index(b"\r\n")].decode()
        if meta.get("marks"):
            continue
        assert raw == sent[key], key
        kept[key] += 1
    assert acknowledged - set(kept) == set()
    assert [key for key, times in kept.items() if times > 1] == []
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    print(f"\n{rounds} kills: {len(acknowledged)} acknowledged, {len(kept)} kept, {len(sent)} sent")
    return kept


def test_killed_three_times_under_load_nothing_acknowledged_is_lost_or_doubled(spamtide, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", segment_mib=1)
    kept = kill_rounds(place, 3, 1)
    assert len(kept) > 3
    spamtide("--workspace", place, "digest")
    assert spamtide("--workspace", place, "search", "", "--by", "day", "--json").json["total"] == len(stored(place))


@pytest.mark.proof
def test_killed_many_times_under_load_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", segment_mib=2)
    kill_rounds(place, int(os.environ.get("SPAMTIDE_KILLS", "20")), 7)


def test_write_fdatasync_and_250_come_in_this_order(tmp_path: Path) -> None:
    if (
        shutil.which("strace") is None
        or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode
    ):
        pytest.skip("strace is not here, or may not trace")
    place, log = make_workspace(tmp_path / "w"), tmp_path / "strace.log"
    before = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-s",
        "200",
        "-e",
        "trace=pwrite64,fdatasync,sendto,write,writev",
        "-o",
        str(log),
    ]
    with TrapProcess(place, before=before) as trap, greeted(trap.address) as client:
        for n in range(3):
            assert deliver(client, b"X-Number: %d\r\n" % n) == 250
    order = []
    for line in log.read_text(errors="replace").splitlines():
        # A call that another thread interrupts is two lines; it counts where it ends, but a write where it begins.
        if "/journal/" in line or "/live/" in line:
            continue
        if "pwrite64" in line and "resumed" not in line:
            order.append("write")
        elif "fdatasync" in line and ("= 0" in line):
            order.append("fdatasync")
        elif "250 2.0.0 OK" in line:
            order.append("250")
    assert order == ["write", "fdatasync", "250"] * 3


def test_after_a_failed_fdatasync_451_a_fresh_segment_and_nothing_of_the_batch(shim: Path, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap, fault = faulty(shim, place, tmp_path)
    with trap, greeted(trap.address) as client:
        assert deliver(client, b"before\r\n") == 250
        fault.write_text("sync")
        assert deliver(client, b"doubtful\r\n") == 451
        # The fresh segment fails as well, and is left for another.
        assert deliver(client, b"doubtful too\r\n") == 451
        fault.unlink()
        assert deliver(client, b"after\r\n") == 250
        assert trap.wait_for("store.failed")["messages"] == 1
        trap.wait_for("segment.sealed", 2)
    assert [raw for _, raw in stored(place)] == [b"before\r\n", b"after\r\n"]
    found = verify_archive(Workspace(place).archive)
    assert found.ok, found.problems
    assert [s.number for s in Workspace(place).archive.segments("f")] == [1, 2, 3]


def test_a_full_disk_is_452_and_the_trap_recovers_by_itself(shim: Path, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap, fault = faulty(shim, place, tmp_path)
    with trap, greeted(trap.address) as client:
        assert deliver(client, b"before\r\n") == 250
        fault.write_text("full")
        assert deliver(client, b"x" * 900 + b"\r\n") == 452
        trap.wait_for("store.full")
        assert client.say(b"MAIL FROM:<>") in (250, 452) and client.say(b"RSET") == 250
        fault.unlink()
        trap.wait_for("store.recovered")
        assert deliver(client, b"after\r\n") == 250
    assert [raw for _, raw in stored(place)] == [b"before\r\n", b"after\r\n"]
    (segment,) = Workspace(place).archive.segments("f")
    assert segment.number == 1 and verify_archive(Workspace(place).archive).ok


def test_half_a_record_that_cannot_be_cut_off_ends_its_segment(shim: Path, tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w")
    trap, fault = faulty(shim, place, tmp_path)
    with trap, greeted(trap.address) as client:
        assert deliver(client, b"before\r\n") == 250
        fault.write_text("full cut")
        assert deliver(client, b"x" * 900 + b"\r\n") == 452
        fault.unlink()
        trap.wait_for("segment.sealed")
        end = time.monotonic() + 30
        while (code := deliver(client, b"after\r\n")) == 452 and time.monotonic() < end:
            time.sleep(0.2)
        assert code == 250
    assert [raw for _, raw in stored(place)] == [b"before\r\n", b"after\r\n"]
    assert verify_archive(Workspace(place).archive).ok


def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        place = make_workspace(disk / "w")
        with TrapProcess(place) as trap, greeted(trap.address) as client:
            kept, codes = [], []
            for n in range(40):
                raw = b"%04d\r\n" % n + b"x" * 998 * 500 + b"\r\n"
                codes.append(deliver(client, raw))
                kept += [raw] if codes[-1] == 250 else []
                if len(codes) > 2 and codes[-2:] == [452, 452]:
                    break
            assert codes.count(250) > 5 and codes[-1] == 452
            # Somebody frees room.
            subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
            trap.wait_for("store.recovered")
            assert deliver(client, b"after\r\n") == 250
        assert [raw for _, raw in stored(place)] == [*kept, b"after\r\n"]
        assert verify_archive(Workspace(place).archive).ok
    finally:
        subprocess.run(["umount", str(disk)], check=True)
