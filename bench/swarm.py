"""The swarm against Postfix's smtp-sink: messages a second, from how many addresses, in how many dialects.

Beside it, in the same minute: how many of 256-byte blocks this machine hashes (calibration), and what Postfix's own
smtp-source gets into the same sink (one dialect, one address, one text), which is the sink's ceiling.

python bench/swarm.py [--messages 40000] [--connections 2000]
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, calibrate

sys.path.insert(0, str(ROOT / "tests"))
from swarm_worlds import write_scenario

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin"


class Sink:
    """An smtp-sink on a port of its own; counts what it took."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("smtp-sink", path=SBIN)
        if program is None:
            print("skipped: no smtp-sink (apt-get install postfix)")
            raise SystemExit(0)
        # A port of its own: smtp-sink shares one with another that was left there.
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = int(s.getsockname()[1])
        who = ["-u", "nobody"] if os.geteuid() == 0 else []
        self.target = f"127.0.0.1:{port}"
        self._said = (folder / f"sink-{port}").open("wb+")
        self._process = subprocess.Popen([program, "-c", "-m", "4000", *who, self.target, "4000"], stdout=self._said)
        atexit.register(self._process.kill)
        time.sleep(0.5)

    def end(self) -> int:
        """Stops it; messages it took."""
        time.sleep(1.5)
        self._process.terminate()
        self._process.wait()
        self._said.seek(0)
        counts = re.findall(rb"mesg=(\d+)", self._said.read())
        return int(counts[-1]) if counts else 0


def main() -> None:
    """Both, each with a sink of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--connections", type=int, default=2_000)
    given = parser.parse_args()
    print(f"calibration: {calibrate():.2f} million SHA-256 compressions/s on one core; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="swarm-bench-") as name:
        folder = Path(name)
        scenario = write_scenario(folder / "w.toml", given.messages, bots=11_000)
        sink = Sink(folder)
        command = [
            sys.executable, "-m", "spamtide", "simulate", str(scenario), "--smtp", sink.target, "--speed", "max",
            "--rate", "100000", "--connections", str(given.connections), "--out", str(folder / "o"), "--json",
        ]  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(command, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode not in (0, 3):
            raise SystemExit(ran.stderr)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        document = json.loads(ran.stdout)
        play, seconds = document["swarm"], document["seconds"]
        taken = sink.end()
        ends = {k: n for k, n in play["outcomes"].items() if n}
        print(
            f"swarm: {play['envelopes']} messages in {seconds:.1f} s: {play['envelopes'] / seconds:,.0f}/s, from {play['addresses']} addresses, "
            f"{len(play['dialects'])} dialects, {play['peak_connections']} connections at once; {cpu / play['envelopes'] * 1e6:.0f} us of CPU a message"
        )
        print(f"       {ends}; the sink counted {taken}")
        # lost ones may be among them.
        low, high = ends.get("acknowledged", 0), sum(ends.get(k, 0) for k in ("acknowledged", "unheard", "lost"))
        print(
            f"       reconciled: {'yes' if low <= taken <= high else 'NO'} ({low} acknowledged to {high} that may be held)"
        )
        source = shutil.which("smtp-source", path=SBIN)
        if source is not None:
            sink = Sink(folder)
            started = time.perf_counter()
            subprocess.run(
                [source, "-s", "100", "-m", "20000", "-l", "700", sink.target], check=True, capture_output=True
            )
            pace = 20_000 / (time.perf_counter() - started)
            sink.end()
            print(
                f"smtp-source: {pace:,.0f}/s, one address, one dialect, one text; ratio {play['envelopes'] / seconds / pace:.2f}"
            )


if __name__ == "__main__":
    main()
