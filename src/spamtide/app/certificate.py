"""The certificate that the trap shows: the operator's, or one that it made for itself and keeps in the workspace."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from spamtide.app.kernel import check_certificate, make_certificate
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

FOLDER = "tls"


def tls_files(workspace: Workspace, host: str, now: int) -> dict[str, str]:
    """Paths of ``certificate`` and ``private_key`` in PEM; where none is set, of those in ``tls/``, made when they are not there.

    Raises WrongUse ``bad_certificate``: only one of the two is set, or they are not what they should be.
    """
    settings = workspace.settings.trap
    if bool(settings.certificate) != bool(settings.private_key):
        raise _bad("trap.certificate and trap.private_key go together, and one is not set")
    if settings.certificate:
        certificate, key = workspace.root / settings.certificate, workspace.root / settings.private_key
    else:
        certificate, key = _own(workspace.root / FOLDER, host, now)
    try:
        check_certificate(certificate, key)
    except ValueError as error:
        raise _bad(str(error)) from None
    return {"certificate": str(certificate), "private_key": str(key)}


def _bad(why: str) -> WrongUse:
    return WrongUse(
        "bad_certificate",
        f"The trap's certificate cannot be used: {why}.",
        "Give certificate and key as PEM files; or set neither, and the trap makes its own.",
    )


def _own(folder: Path, host: str, now: int) -> tuple[Path, Path]:
    """Certificate and key that are made once; the key is its owner's alone."""
    certificate, key = folder / "certificate.pem", folder / "private_key.pem"
    if not (certificate.exists() and key.exists()):
        at = datetime.fromtimestamp(now / 1e6, UTC)
        try:
            texts = make_certificate(host, at.year, at.month)
        except ValueError as error:
            raise _bad(f"{host!r} is no name for one ({error})") from None
        folder.mkdir(mode=0o700, exist_ok=True)
        for path, text in zip((certificate, key), texts, strict=True):
            _write(path, text)
    return certificate, key


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
