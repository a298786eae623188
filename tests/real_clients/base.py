"""What every client has, and how a command is run once for each of many jobs."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torture_mail import Job

Transport = Literal["smtp", "lmtp", "starttls"]
Refused = dict[int, str]

# Folders into which packages that cannot be installed beside each other were unpacked: dpkg -x FILE.deb FOLDER.
UNPACKED = [Path(p) for p in os.environ.get("SPAMTIDE_CLIENTS", "").split(":") if p]
FOLDERS = ["usr/sbin", "usr/bin", "usr/lib/nullmailer", "usr/libexec"]


@dataclass(frozen=True)
class Target:
    """Where to send, and over what; messages lie in ``folder`` as ``NUMBER.eml``."""

    host: str
    port: int
    transport: Transport
    folder: Path

    def file(self, job: Job) -> Path:
        """The message of a job."""
        return self.folder / f"{job.number}.eml"


class Client:
    """One client. ``own``: what it writes anew each time that it sends, in the head of a message."""

    name: str
    install: str
    transports: tuple[Transport, ...] = ("smtp", "lmtp", "starttls")
    own: re.Pattern[bytes] | None = None
    # So light that it runs with every change.
    light = False

    def version(self) -> str | None:
        """The version that is here."""
        raise NotImplementedError

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        """Hand all of them over; what the client did not want to send."""
        raise NotImplementedError

    def makes(self, raw: bytes) -> bytes | None:
        """What arrives of a message, where that can be said beforehand to the byte."""
        return None

    def settled(self, raw: bytes) -> bytes:
        """A message as it arrived, without what the client writes anew each time."""
        head, blank, rest = raw.partition(b"\r\n\r\n")
        return raw if self.own is None else self.own.sub(b"", head + b"\r\n") + blank + rest


def find(program: str) -> str | None:
    """The path of a program: unpacked, on PATH, or where Debian puts daemons."""
    for place in UNPACKED:
        for folder in FOLDERS:
            if (found := place / folder / program).is_file():
                return str(found)
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/nullmailer")


def said(*line: str) -> str:
    """What a command prints, wherever it prints it."""
    ran = subprocess.run(line, capture_output=True, text=True, errors="replace")
    return ran.stdout + ran.stderr


def ended(raw: bytes) -> bytes:
    """With an end of its last line."""
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def number(text: str) -> str:
    """The first version number in a text."""
    found = re.search(r"\d+(\.\w+)+", text)
    return found[0] if found else text[:20]


def packaged(package: str, program: str) -> str:
    """The version of Debian's package to which a program belongs that does not say its own."""
    log = Path(program).parents[2 if "/sbin/" in program else 3] / "usr/share/doc" / package / "changelog.Debian.gz"
    if not log.is_file():
        return "of unknown version"
    with gzip.open(log, "rt", encoding="utf-8") as file:
        found = re.search(r"\((?:\d+:)?([^)]+)\)", file.readline())
    return found[1] if found else "of unknown version"


def each(jobs: Sequence[Job], run: Callable[[Job], subprocess.CompletedProcess[bytes]], at_once: int = 4) -> Refused:
    """Runs a command for every job, some at once; those that end badly are refused."""

    def one(job: Job) -> tuple[int, str] | None:
        ran = run(job)
        text = (ran.stderr or ran.stdout or b"").decode("utf-8", "replace").strip()
        return (job.number, text[-200:] or f"exit {ran.returncode}") if ran.returncode else None

    with ThreadPoolExecutor(at_once) as pool:
        return dict(found for found in pool.map(one, jobs) if found is not None)
