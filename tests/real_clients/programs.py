"""Libraries of other languages, each with a program of a few lines beside it in ``tests/peers``, built when it is needed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from real_clients.base import Client, Refused, Target, ended
from torture_mail import Job

PEERS = Path(__file__).parents[1] / "peers"
BUILT = Path(__file__).parents[2] / "bench" / "out" / "clients"


class Program(Client):
    """Reads a list of files and envelopes, sends each, and prints those that its library refused."""

    def command(self) -> list[str]:
        """How to call it, built first where it is not."""
        raise NotImplementedError

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        listed = target.folder / "jobs.tsv"
        rows = ("\t".join((str(j.number), str(target.file(j)), j.sender, *j.to)) for j in jobs)
        listed.write_text("".join(f"{row}\n" for row in rows), "utf-8")
        line = [*self.command(), target.host, str(target.port), target.transport, str(listed)]
        ran = subprocess.run(line, capture_output=True, text=True, errors="replace")
        assert ran.returncode == 0, ran.stderr[-2000:]
        return {int(n): why for n, _, why in (row.partition("\t") for row in ran.stdout.splitlines())}


class Nodemailer(Program):
    """The library for Node.js."""

    name = "nodemailer"
    install = "Node.js and npm: https://nodejs.org; the test runs npm install"

    def version(self) -> str | None:
        if not (shutil.which("node") and shutil.which("npm")):
            return None
        wanted = json.loads((PEERS / "nodemailer" / "package.json").read_text("utf-8"))["dependencies"]
        return str(wanted["nodemailer"])

    def makes(self, raw: bytes) -> bytes:
        # Each CR, LF and CRLF is a line end.
        return ended(re.sub(rb"\r\n|\r|\n", b"\r\n", raw))

    def command(self) -> list[str]:
        place = BUILT / "nodemailer"
        shutil.copytree(PEERS / "nodemailer", place, dirs_exist_ok=True)
        if not (place / "node_modules").exists():
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, check=True, capture_output=True
            )
        return ["node", str(place / "send.js")]


class Lettre(Program):
    """The library for Rust."""

    name = "lettre"
    install = "cargo: https://rustup.rs; the test runs cargo build"
    transports = ("smtp", "starttls")

    def version(self) -> str | None:
        wanted = re.search(
            r'^lettre = .*version = "=?([\d.]+)"', (PEERS / "lettre" / "Cargo.toml").read_text("utf-8"), re.M
        )
        assert wanted
        return wanted[1] if shutil.which("cargo") else None

    def makes(self, raw: bytes) -> bytes:
        # It ends every message with CRLF.CRLF, whatever its last line ends in.
        return raw + b"\r\n"

    def command(self) -> list[str]:
        manifest, target = PEERS / "lettre" / "Cargo.toml", BUILT / "lettre"
        subprocess.run(
            ["cargo", "build", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", target], check=True
        )
        return [str(target / "debug" / "peer")]


class GoMail(Program):
    """wneessen/go-mail: its SMTP client, which began as Go's net/smtp."""

    name = "go-mail"
    install = "Go: https://go.dev/dl; the test runs go build"
    transports = ("smtp", "starttls")

    def version(self) -> str | None:
        wanted = re.search(r"wneessen/go-mail v(\S+)", (PEERS / "gomail" / "go.mod").read_text("utf-8"))
        assert wanted
        return wanted[1] if shutil.which("go") else None

    def makes(self, raw: bytes) -> bytes:
        # A LF becomes CRLF unless a CR is before it that is not itself behind a CR (net/textproto, DotWriter).
        carried = re.sub(rb"\r[\s\S]|\n", lambda found: found[0] if found[0] != b"\n" else b"\r\n", raw)
        bare = len(re.search(rb"\r*\Z", raw)[0]) % 2  # type: ignore[index]
        return carried + b"\n" if bare else ended(carried)

    def command(self) -> list[str]:
        BUILT.mkdir(parents=True, exist_ok=True)
        program = BUILT / "gomail"
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=PEERS / "gomail", check=True, capture_output=True)
        return [str(program)]
