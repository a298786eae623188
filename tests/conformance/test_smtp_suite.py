"""The conformance suite passes on our trap, and finds the flaws of a receiver that has them."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from trap_process import TrapProcess, make_workspace

SUITE = Path(__file__).parent / "smtp" / "suite.py"


def suite(port: int, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and the result of each check by name."""
    line = [sys.executable, "-I", str(SUITE), f"127.0.0.1:{port}", "--rcpt", "x@trap.example", "--json", *more]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, {r["check"]: r for r in map(json.loads, done.stdout.splitlines())}


def test_every_check_passes_on_the_trap(tmp_path: Path) -> None:
    place = make_workspace(tmp_path / "w", connections_per_address=1000)
    with (place / "spamtide.toml").open("a") as file:
        file.write('[feeds.f]\naddresses = ["x@trap.example"]\n')
    with TrapProcess(place) as trap:
        code, results = suite(trap.address[1], "--stranger", "nobody@trap.example")
    failed = {name: r["detail"] for name, r in results.items() if r["verdict"] == "fail"}
    assert (code, failed) == (0, {})
    assert [name for name, r in results.items() if r["verdict"] == "not offered"] == []
    assert len(results) > 45


class Flawed(socketserver.StreamRequestHandler):
    """A receiver that ends data at LF.LF, and takes the octets of a chunk for commands."""

    def handle(self) -> None:
        self.wfile.write(b"220 flawed\r\n")
        for line in self.rfile:
            verb = line[:4].upper().strip()
            if verb == b"EHLO":
                self.wfile.write(b"250-flawed\r\n250 CHUNKING\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                for text in self.rfile:
                    if text.rstrip(b"\r\n") == b".":
                        break
                self.wfile.write(b"250 ok\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


def test_a_receiver_that_splits_messages_is_found_out() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flawed) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, results = suite(server.server_address[1])
        server.shutdown()
    failed = {name for name, r in results.items() if r["verdict"] == "fail"}
    assert code == 1
    for found in ("LF.LF does not end data", "LF.CRLF does not end data", "CRLF.LF does not end data"):
        assert f"{found}, however it is cut" in failed
    assert "the octets of a chunk out of order are no commands" in failed
    assert "CRLF.CRLF ends data, however it is cut" not in failed
