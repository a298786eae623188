"""Commands that send one message each time that they are called."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

from real_clients.base import Client, Refused, Target, each, ended, find, number, packaged, said
from torture_mail import Job

PATIENCE = 120


class Swaks(Client):
    """The Swiss army knife for SMTP."""

    name = "swaks"
    install = "apt-get install swaks libnet-ssleay-perl"

    def version(self) -> str | None:
        return number(said("swaks", "--version")) if find("swaks") else None

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        how = {"smtp": [], "lmtp": ["--protocol", "LMTP"], "starttls": ["-tls"]}[target.transport]

        def run(job: Job) -> subprocess.CompletedProcess[bytes]:
            line = ["swaks", "--server", target.host, "--port", str(target.port), "--helo", "client.example", *how]
            line += [
                "--from",
                job.sender or "<>",
                "--to",
                ",".join(job.to),
                "--data",
                f"@{target.file(job)}",
                "--hide-all",
            ]
            return subprocess.run(line, capture_output=True, timeout=PATIENCE)

        return each(jobs, run)


class Msmtp(Client):
    """msmtp, as sendmail(1) would be called."""

    name = "msmtp"
    install = "apt-get install msmtp"
    own = re.compile(rb"^(Date|Message-ID): [^\r]*\r\n", re.MULTILINE)
    light = True

    def version(self) -> str | None:
        return number(said("msmtp", "--version")) if find("msmtp") else None

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        how = {"smtp": [], "lmtp": ["--protocol=lmtp"], "starttls": ["--tls", "--tls-starttls", "--tls-certcheck=off"]}

        def run(job: Job) -> subprocess.CompletedProcess[bytes]:
            line = [
                "msmtp",
                "--file=/dev/null",
                f"--host={target.host}",
                f"--port={target.port}",
                *how[target.transport],
            ]
            line += ["--domain=client.example", f"--from={job.sender or '<>'}", "--", *job.to]
            return subprocess.run(line, input=job.raw, capture_output=True, timeout=PATIENCE)

        return each(jobs, run)


class Nullmailer(Client):
    """nullmailer's program for SMTP, given what its queue holds."""

    name = "nullmailer"
    install = "apt-get download nullmailer; dpkg -x nullmailer_*.deb FOLDER; SPAMTIDE_CLIENTS=FOLDER"
    transports = ("smtp", "starttls")

    def _program(self) -> str | None:
        # Another program is called smtp too: it is the one beside qmqp.
        found = find("qmqp")
        return found and found.removesuffix("qmqp") + "smtp"

    def version(self) -> str | None:
        program = self._program()
        return packaged("nullmailer", program) if program else None

    def makes(self, raw: bytes) -> bytes:
        # Each LF becomes CRLF, also behind a CR; nothing stays nothing.
        return ended(raw.replace(b"\n", b"\r\n")) if raw else raw

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        program = self._program()
        assert program
        options = f"host={target.host}\nport={target.port}\n"
        options += "starttls\ninsecure\n" if target.transport == "starttls" else ""
        environment = {**os.environ, "HELOHOST": "client.example"}

        def run(job: Job) -> subprocess.CompletedProcess[bytes]:
            queued = target.file(job).with_suffix(".queued")
            queued.write_bytes("".join(f"{a}\n" for a in (job.sender, *job.to, "")).encode() + job.raw)
            # It reads the message from descriptor 3.
            line = ["sh", "-c", 'exec "$0" 3<"$1"', program, queued]
            given = f"{options}\n".encode()
            return subprocess.run(line, input=given, env=environment, capture_output=True, timeout=PATIENCE)

        return each(jobs, run)
