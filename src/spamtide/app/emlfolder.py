"""A folder of messages as .eml files: bytes as captured, names of our own making, nothing there is ever overwritten.

A name is the message's id with dashes, so no part of it comes from the message. ``manifest.jsonl`` has a line for each file
that was written whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.archive import parse_id
from spamtide.errors import BrokenWorld, WrongUse

if TYPE_CHECKING:
    from spamtide.archive import Archive

MANIFEST = "manifest.jsonl"
# What comes in the mail may be malware and is somebody's: for the owner's eyes, and not to be run.
_MODE = 0o600


@dataclass(slots=True)
class Written:
    """Messages and bytes written; ``erased``: found in the tables but erased from the archive meanwhile."""

    messages: int = 0
    bytes: int = 0
    erased: int = 0
    thinned: int = 0


def open_eml_folder(path: Path) -> int:
    """A handle on the folder, made now or empty until now. Raises WrongUse ``not_empty``, ``bad_folder``."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except NotADirectoryError:
        raise WrongUse("bad_folder", f"{path} lies below something that is no folder.", "Choose another.") from None
    # By handle from here on: who swaps the folder for a link meanwhile gains nothing.
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno is not None and error.strerror and not path.is_symlink() and path.is_dir():
            raise
        what = "a link" if path.is_symlink() else "no folder"
        raise WrongUse("bad_folder", f"{path} is {what}.", "Name a new or an empty folder.", path=str(path)) from None
    if os.listdir(handle):
        os.close(handle)
        raise WrongUse(
            "not_empty", f"{path} is not empty; nothing was written.", "Name a new or an empty folder.", path=str(path)
        )
    return handle


def write_eml_folder(handle: int, archive: Archive, rows: Iterable[dict[str, Any]]) -> Written:
    """Write each message of ``rows`` (with ``id`` and ``sha256``) into the folder of ``handle``, which is closed.

    Raises BrokenWorld ``hash_differs`` when the archive gives other bytes than the tables state, and OSError.
    """
    done = Written()
    try:
        with os.fdopen(_create(handle, MANIFEST), "w", encoding="utf-8") as manifest:
            for row in rows:
                place = parse_id(row["id"])
                stored = archive.read(row["id"])
                if stored.erased:
                    done.erased += 1
                    continue
                if stored.thinned:
                    done.thinned += 1
                    continue
                digest = hashlib.sha256(stored.raw).hexdigest()
                if digest != row["sha256"]:
                    raise BrokenWorld(
                        "hash_differs", f"{row['id']} is not what the tables say.", "Run 'spamtide archive verify'."
                    )
                name = f"{place.feed}-{place.writer}-{place.segment:06d}-{place.ordinal}.eml"
                with os.fdopen(_create(handle, name), "wb") as file:
                    file.write(stored.raw)
                size = len(stored.raw)
                line = {
                    "file": name,
                    "id": row["id"],
                    "received_at": row["received_at"],
                    "sha256": digest,
                    "bytes": size,
                }
                manifest.write(json.dumps(line) + "\n")
                manifest.flush()
                done.messages += 1
                done.bytes += size
    finally:
        os.close(handle)
    return done


def _create(folder: int, name: str) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE, dir_fd=folder)
