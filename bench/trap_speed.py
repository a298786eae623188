"""The trap under load, beside others: messages a second, time to 250, processor time, bandwidth.

    python bench/trap_speed.py [--rounds 5] [--messages 20000] [--large-mib 2048]

In one run on one machine, the servers in turn in every round: the trap on disk, the trap on a memory disk (where fdatasync costs
nothing), aiosmtpd with a handler that writes and fsyncs in a thread pool, Postfix's smtp-sink, which keeps nothing; Haraka with a
queue plugin that fsyncs and Mailpit, where they are found. The load is Postfix's smtp-source: messages of 4 KB, sessions that
go on. The median of the rounds counts. The 99th percentile from the end of data to its 250 is measured by a client of ours in
Python, the same for all: what it says of a fast server holds the client's own wait too. Needs smtp-source and smtp-sink
(apt-get install postfix). Haraka: `npm install --prefix bench/out/haraka Haraka@3`; Mailpit: `mailpit` on the PATH or in bench/out.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from measure import OUT, ROOT, calibrate

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin:{OUT}"
PEERS = ROOT / "bench" / "peers"
LETTER_BYTES = 4096


@dataclass
class Server:
    """A receiver: how it is started in a folder at a port."""

    name: str
    start: Callable[[Path, int], subprocess.Popen[bytes]]
    place: Path
    rates: dict[int, list[float]] = field(default_factory=dict)
    cpu_us: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def quiet(command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process whose words nobody reads."""
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)


def start_trap(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """``spamtide trap`` as its users start it, one address allowed what the whole load needs."""
    program = [sys.executable, "-m", "spamtide", "--workspace", str(folder)]
    subprocess.run([*program, "init", str(folder)], check=True, stdout=subprocess.DEVNULL)
    with (folder / "spamtide.toml").open("a") as file:
        file.write("[trap]\nconnections_per_address = 2000\nlow_water_mib = 1\n")
    return quiet([*program, "trap", "--feed", "f", "--smtp", f"127.0.0.1:{port}", *no_digest()])


def no_digest() -> list[str]:
    """The option that keeps the digest out of the measurement, where there is one."""
    text = subprocess.run([sys.executable, "-m", "spamtide", "trap", "--help"], capture_output=True, text=True).stdout
    return ["--no-digest"] if "--no-digest" in text else []


def start_aiosmtpd(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The handler of ``peers/aiosmtpd_fsync.py``."""
    return quiet([sys.executable, str(PEERS / "aiosmtpd_fsync.py"), str(port), str(folder)])


def start_sink(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Postfix's sink; it keeps nothing."""
    who = ["-u", "nobody"] if os.geteuid() == 0 else []
    return quiet([shutil.which("smtp-sink", path=SBIN) or "", "-m", "2000", *who, f"127.0.0.1:{port}", "2000"])


def start_haraka(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Haraka with the plugin of ``peers/haraka``."""
    place = folder / "config-and-plugins"
    shutil.copytree(PEERS / "haraka", place)
    (place / "config" / "smtp.ini").write_text(f"listen=127.0.0.1:{port}\n")
    (place / "config" / "me").write_text("mx.peer.example\n")
    (place / "config" / "loglevel").write_text("LOGCRIT\n")
    (folder / "mail").mkdir()
    program = OUT / "haraka" / "node_modules" / ".bin" / "haraka"
    return quiet([str(program), "-c", str(place)], env={**os.environ, "PEER_FOLDER": str(folder / "mail")})


def start_mailpit(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Mailpit, its database in the folder, nothing deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("mailpit", path=SBIN) or ""
    listen = [f"--smtp=127.0.0.1:{port}", f"--listen=127.0.0.1:{free_port()}"]
    return quiet([program, *listen, "--database", str(folder / "m.db"), "--max", "0", "--disable-version-check"])


def wait_for(port: int, name: str) -> None:
    """Until somebody greets."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as s:
                if s.recv(100).startswith(b"220"):
                    s.sendall(b"QUIT\r\n")
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nobody greets at port {port}: {name}")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children so far."""
    pids, total = [pid], 0.0
    while pids:
        one = pids.pop()
        try:
            text = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            for task in os.listdir(f"/proc/{one}/task"):
                pids += [int(p) for p in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
        except OSError:
            continue
        total += (int(text[11]) + int(text[12])) / os.sysconf("SC_CLK_TCK")
    return total


def source(port: int, connections: int, messages: int, size: int) -> float:
    """Seconds that smtp-source takes to hand over so many messages."""
    program = shutil.which("smtp-source", path=SBIN) or ""
    load = ["-d", "-s", str(connections), "-m", str(messages), "-l", str(size)]
    addresses = ["-f", "a@sender.example", "-t", "x@trap.example", "-M", "client.example"]
    started = time.perf_counter()
    subprocess.run([program, *load, *addresses, f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


class Waiter:
    """One of our client's connections: sends message after message and notes the wait from end of data to 250."""

    START, MAIL, DATA, END = range(4)

    def __init__(self, port: int, letter: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.letter, self.state, self.ended, self.pending = letter, self.START, 0.0, b""

    def step(self, waits: list[float]) -> bool:
        """Read one reply and say the next thing; whether a message was acknowledged."""
        more = self.socket.recv(65536)
        if not more:
            raise SystemExit("a server ended a session")
        return self.answer(more, waits)

    def answer(self, more: bytes, waits: list[float]) -> bool:
        """Take what came, perhaps nothing new, and answer each whole reply."""
        self.pending += more
        done = False
        while b"\n" in self.pending:
            line, _, self.pending = self.pending.partition(b"\n")
            if line[3:4] == b"-":
                continue
            if line[:1] not in b"23":
                raise SystemExit(f"a server said {line!r}")
            if self.state == self.START:
                self.state = self.MAIL
                self.socket.sendall(b"MAIL FROM:<a@sender.example>\r\n")
            elif self.state == self.MAIL:
                self.state = self.DATA
                self.socket.sendall(b"RCPT TO:<x@trap.example>\r\n")
            elif self.state == self.DATA and line.startswith(b"354"):
                self.socket.sendall(self.letter)
                self.state, self.ended = self.END, time.perf_counter()
            elif self.state == self.DATA:
                self.socket.sendall(b"DATA\r\n")
            else:
                waits.append(time.perf_counter() - self.ended)
                self.state, done = self.MAIL, True
                self.socket.sendall(b"MAIL FROM:<a@sender.example>\r\n")
        return done


def time_to_250(port: int, connections: int, messages: int) -> list[float]:
    """Seconds from the end of data to its reply, for so many messages over so many connections at once."""
    letter = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 57 + b".\r\n"
    waits: list[float] = []
    selector = selectors.DefaultSelector()
    clients = [Waiter(port, letter) for _ in range(connections)]
    for client in clients:
        client.socket.sendall(b"HELO client.example\r\n")
        # The greeting and the answer to HELO are two replies; the first moves nothing.
        while b"220" not in client.pending:
            client.pending += client.socket.recv(4096)
        client.pending = client.pending.partition(b"\n")[2]
        # The answer to HELO may have come with the greeting.
        client.answer(b"", waits)
        selector.register(client.socket, selectors.EVENT_READ, client)
    done = 0
    while done < messages:
        for key, _ in selector.select():
            done += key.data.step(waits)
    for client in clients:
        client.socket.close()
    return waits[connections:]


def running(server: Server, work: Callable[[int, int], None]) -> None:
    """Start a server in a fresh folder, do the work with its port and process, stop it."""
    folder = Path(tempfile.mkdtemp(prefix="trap-speed-", dir=server.place))
    port = free_port()
    process = server.start(folder / "w", port)
    try:
        wait_for(port, server.name)
        work(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def one_round(server: Server, messages: int) -> None:
    """100 connections, 10 connections, the waits."""

    def work(port: int, pid: int) -> None:
        for connections in (100, 10):
            # The trap takes 1,000 messages a session.
            n = min(messages, 800 * connections)
            before = cpu_seconds(pid)
            server.rates.setdefault(connections, []).append(n / source(port, connections, n, LETTER_BYTES))
            if connections == 100:
                server.cpu_us.append((cpu_seconds(pid) - before) / n * 1e6)
        waits = sorted(time_to_250(port, 100, messages // 4))
        server.waits.append(waits[len(waits) * 99 // 100])

    running(server, work)


def dd_rate(place: Path, total: int) -> float:
    """Bytes a second of dd in pieces of 1 MiB with one fdatasync at its end."""
    path = place / "dd.out"
    started = time.perf_counter()
    command = ["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={total >> 20}", "conv=fdatasync", "status=none"]
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - started
    path.unlink()
    return total / seconds


def large(server: Server, mib: int) -> tuple[float, float]:
    """MiB/s of messages of 1 MiB, and of dd before and after."""
    rates = [dd_rate(OUT, mib << 20)]
    taken = 0.0

    def work(port: int, _: int) -> None:
        nonlocal taken
        taken = mib / source(port, 10, mib, 1 << 20)

    if shutil.disk_usage(OUT).free < (3 * mib << 20):
        raise SystemExit("too little free disk for the large messages: --large-mib")
    running(server, work)
    rates.append(dd_rate(OUT, mib << 20))
    return taken, statistics.mean(rates) / 2**20


def servers() -> list[Server]:
    """Those that are here."""
    memory = Path("/dev/shm")
    found = [
        Server("spamtide trap", start_trap, OUT),
        Server("spamtide trap, memory disk", start_trap, memory),
        Server("aiosmtpd, write and fsync in threads", start_aiosmtpd, OUT),
        Server("smtp-sink, keeps nothing", start_sink, OUT),
    ]
    if (OUT / "haraka" / "node_modules" / ".bin" / "haraka").exists():
        found.append(Server("Haraka, queue plugin that fsyncs", start_haraka, OUT))
    if shutil.which("mailpit", path=SBIN):
        found.append(Server("Mailpit", start_mailpit, OUT))
    return found


def main() -> None:
    """Rounds, then the table, then what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--large-mib", type=int, default=2048)
    given = parser.parse_args()
    if not (shutil.which("smtp-source", path=SBIN) and shutil.which("smtp-sink", path=SBIN)):
        print("skipped: no smtp-source, no smtp-sink (apt-get install postfix)")
        return
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s; load {os.getloadavg()[0]:.1f}")
    all_servers = servers()
    for _ in range(given.rounds):
        for server in all_servers:
            few = given.messages if server.start in (start_trap, start_sink) else given.messages // 4
            one_round(server, few)
    print(f"{'':<40}{'100 conn./s':>12}{'10 conn./s':>12}{'p99 ms':>9}{'CPU us':>8}")
    for server in all_servers:
        rates = [statistics.median(server.rates[c]) for c in (100, 10)]
        p99, cpu = statistics.median(server.waits) * 1e3, statistics.median(server.cpu_us)
        print(f"{server.name:<40}{rates[0]:>12,.0f}{rates[1]:>12,.0f}{p99:>9.1f}{cpu:>8.0f}")
    trap, memory, aio, sink = all_servers[:4]

    def ratio(one: Server, other: Server, connections: int) -> float:
        return statistics.median(a / b for a, b in zip(one.rates[connections], other.rates[connections], strict=True))

    p99 = statistics.median(a / b for a, b in zip(trap.waits, aio.waits, strict=True))
    taken, disk = large(trap, given.large_mib)
    held = {
        "of aiosmtpd, 100 connections": (ratio(trap, aio, 100), 6.0, True),
        "of aiosmtpd, 10 connections": (ratio(trap, aio, 10), 1.3, True),
        "of smtp-sink, 100 connections": (ratio(trap, sink, 100), 0.6, True),
        "fsync on, of fsync off": (ratio(trap, memory, 100), 0.85, True),
        "p99 to 250, of aiosmtpd's": (p99, 0.5, False),
        "processor us a message": (statistics.median(trap.cpu_us), 60.0, False),
        f"1 MiB messages ({taken:.0f} MiB/s), of dd ({disk:.0f} MiB/s)": (taken / disk, 0.8, True),
    }
    for what, (value, bound, at_least) in held.items():
        good = value >= bound if at_least else value <= bound
        sign = "at least" if at_least else "at most"
        print(f"{what:<56}{value:>8.2f}  {sign} {bound}: {'held' if good else 'NOT HELD'}")
    rows = [{"name": s.name, "rates": s.rates, "cpu_us": s.cpu_us, "p99_s": s.waits} for s in all_servers]
    (OUT / "trap_speed.json").write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
