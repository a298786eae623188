"""Libraries for Python."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import platform
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

from real_clients.base import Client, Refused, Target, ended
from torture_mail import Job

# A session takes so many messages at most (limits.md, `messages`); a library opens a new one by itself only when told.
A_SESSION = 500


def trusting() -> ssl.SSLContext:
    """A client's side that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def sessions(jobs: Sequence[Job], alone: bool = False) -> Iterator[Sequence[Job]]:
    """The jobs of one session after the other; ``alone``: those with several recipients have one each.

    smtplib reads one reply after the data, where LMTP has one for each recipient, and is out of step from then on
    (python/cpython issue 76984).
    """
    several = [job for job in jobs if alone and len(job.to) > 1]
    others = [job for job in jobs if not alone or len(job.to) == 1]
    for start in range(0, len(others), A_SESSION):
        yield others[start : start + A_SESSION]
    for job in several:
        yield [job]


def options(job: Job) -> list[str]:
    """Parameters of MAIL that the caller is to give."""
    return [] if "".join((job.sender, *job.to)).isascii() else ["SMTPUTF8"]


class Smtplib(Client):
    """Python's own."""

    name = "smtplib"
    install = "it comes with Python"
    light = True

    def version(self) -> str:
        return platform.python_version()

    def makes(self, raw: bytes) -> bytes:
        # Bytes go as they are, but a dot after a bare LF is doubled too.
        return ended(re.sub(rb"(?<!\r)\n\.", b"\n..", raw))

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        refused: Refused = {}
        kind = smtplib.LMTP if target.transport == "lmtp" else smtplib.SMTP
        for some in sessions(jobs, alone=target.transport == "lmtp"):
            with kind(target.host, target.port, local_hostname="client.example", timeout=60) as client:
                if target.transport == "starttls":
                    client.starttls(context=trusting())
                for job in some:
                    try:
                        client.sendmail(job.sender, list(job.to), job.raw, mail_options=options(job))
                    except (smtplib.SMTPException, UnicodeError, ValueError) as e:
                        refused[job.number] = repr(e)
                        client.rset()
                if target.transport == "lmtp" and len(some[0].to) > 1:
                    client.close()
        return refused


class Aiosmtplib(Client):
    """The asyncio library."""

    name = "aiosmtplib"
    install = "uv sync"
    transports = ("smtp", "starttls")
    light = True

    def version(self) -> str | None:
        return importlib.metadata.version("aiosmtplib") if importlib.util.find_spec("aiosmtplib") else None

    def makes(self, raw: bytes) -> bytes:
        # Each CR, LF and CRLF is a line end.
        return ended(re.sub(rb"\r\n|\r|\n", b"\r\n", raw))

    def send(self, jobs: Sequence[Job], target: Target) -> Refused:
        return asyncio.run(self._send(jobs, target))

    async def _send(self, jobs: Sequence[Job], target: Target) -> Refused:
        import aiosmtplib

        refused: Refused = {}
        for some in sessions(jobs):
            tls: dict[str, Any] = {"start_tls": False}
            if target.transport == "starttls":
                tls = {"start_tls": True, "tls_context": trusting()}
            client = aiosmtplib.SMTP(
                hostname=target.host, port=target.port, local_hostname="client.example", timeout=60, **tls
            )
            async with client:
                for job in some:
                    try:
                        await client.sendmail(job.sender, list(job.to), job.raw, mail_options=options(job))
                    except (aiosmtplib.SMTPException, UnicodeError, ValueError) as e:
                        refused[job.number] = repr(e)
                        await client.rset()
        return refused
