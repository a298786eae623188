"""The conformance suite on other receivers: how many checks each passes, and which it fails.

    python bench/trap_peers.py [--names]

Runs tests/conformance/smtp/suite.py against aiosmtpd, against Haraka (`npm install --prefix bench/out/haraka Haraka@3`), against a
server of a few lines on Go's go-smtp (built from bench/peers/gosmtp if `go` is there) and against the trap. A flaw in somebody's program
goes to its maintainers first: without --names the columns are called peer A, B and C, in an order that is none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from trap_speed import PEERS, Server, quiet, running, start_aiosmtpd, start_haraka, start_trap

from measure import OUT, ROOT

SUITE = ROOT / "tests" / "conformance" / "smtp" / "suite.py"
Rows = dict[str, tuple[str, str, str]]


def start_gosmtp(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The server of ``peers/gosmtp``, built here."""
    program = OUT / "gosmtp"
    if not program.exists():
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=PEERS / "gosmtp", check=True)
    return quiet([str(program), f"127.0.0.1:{port}"])


def judged(server: Server) -> Rows:
    """Check to (kind, verdict, detail)."""
    found: Rows = {}

    def work(port: int, _: int) -> None:
        line = [sys.executable, "-I", str(SUITE), f"127.0.0.1:{port}", "--rcpt", "x@trap.example", "--json"]
        said = subprocess.run(line, capture_output=True, text=True).stdout
        for row in map(json.loads, said.splitlines()):
            found[row["check"]] = (row["kind"], row["verdict"], row["detail"])

    running(server, work)
    return found


def main() -> None:
    """Everybody who is here, as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--names", action="store_true", help="call the peers by their names; what fails, with its detail"
    )
    given = parser.parse_args()
    peers: list[tuple[str, Callable[[Path, int], subprocess.Popen[bytes]]]] = [("aiosmtpd", start_aiosmtpd)]
    if (OUT / "haraka" / "node_modules" / ".bin" / "haraka").exists():
        peers.append(("Haraka", start_haraka))
    if (OUT / "gosmtp").exists() or shutil.which("go"):
        peers.append(("go-smtp", start_gosmtp))
    OUT.mkdir(parents=True, exist_ok=True)
    results = {"spamtide trap": judged(Server("", start_trap, Path(tempfile.gettempdir())))}
    peers.sort(key=lambda p: hashlib.sha256(p[0].encode()).digest())
    for i, (name, start) in enumerate(peers):
        label = name if given.names else f"peer {'ABC'[i]}"
        results[label] = judged(Server(name, start, OUT))
        if given.names:
            for check, (kind, verdict, detail) in results[label].items():
                if verdict == "fail":
                    print(f"{label}: {kind}: {check}: {detail}", file=sys.stderr)
    sign = {"pass": "yes", "fail": "**no**", "not offered": "-"}
    print("| check | kind |", " | ".join(results), "|")
    print("|---|---|" + "---|" * len(results))
    for check, (kind, _, _) in results["spamtide trap"].items():
        cells = [sign[rows[check][1]] if check in rows else "-" for rows in results.values()]
        print(f"| {check} | {kind} |", " | ".join(cells), "|")
    for label, rows in results.items():
        count = {v: sum(1 for r in rows.values() if r[1] == v) for v in sign}
        must = sum(1 for r in rows.values() if r[0] == "must" and r[1] == "fail")
        print(
            f"\n{label}: {count['pass']} passed, {count['fail']} failed ({must} of kind must), {count['not offered']} not offered"
        )


if __name__ == "__main__":
    main()
