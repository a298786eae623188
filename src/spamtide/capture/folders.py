"""Folders: plain ones, MH and Maildir, walked while others may write to them. Each file comes open, or its trouble named.

Only regular files are opened: a FIFO would wait for ever, a device may do anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spamtide.capture.items import LeftOut, Refused, shown_name

# Folders in folders: more than any mail program makes.
FOLDERS = 64
# A file of a Maildir is renamed when it is seen or flagged: it is looked for under its new name this often.
TRIES = 5
_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip
# Files that mail servers keep in a Maildir beside the mail.
_SERVERS = re.compile(r"dovecot|maildirsize$|maildirfolder$|subscriptions$|courier|cyrus\.")
_MH_REMOVED = re.compile(r"[,#+]\d+$")


def server_file(name: str) -> bool:
    """Whether a mail server keeps a file of this name beside the mail."""
    return _SERVERS.match(name) is not None


@dataclass(frozen=True, slots=True)
class Opened:
    """A regular file, open for reading; whoever gets it closes it."""

    name: str
    file: IO[bytes]
    status: os.stat_result

    @property
    def changed(self) -> bool:
        """Whether it has been written to since it was opened."""
        now = os.fstat(self.file.fileno())
        return (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns)


Found = Opened | Refused | LeftOut


def _trouble(name: str, error: OSError) -> Refused:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Refused(name, "not there", "absent")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(name, "permission denied", "no_permission")
    if error.errno == errno.ELOOP:
        return Refused(name, "a link that leads to itself", "link")
    return Refused(name, error.strerror or str(error))


def _special(name: str, mode: int) -> Refused:
    if stat.S_ISDIR(mode):
        return Refused(name, "a directory, where a file is wanted", "special_file")
    kind = next((words for test, words in _SPECIAL if test(mode)), "neither a file nor a folder")
    return Refused(name, f"{kind}; not opened. Write what it gives to a file first", "special_file")


def open_file(path: Path) -> Opened | Refused:
    """A regular file, open; anything else is named and not opened."""
    name = shown_name(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return _special(name, mode)
        # Should another kind of file have taken its place meanwhile, opening it must not wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            os.close(descriptor)
            return Refused(name, "empty file", "empty") if status.st_size == 0 else _special(name, status.st_mode)
        return Opened(name, open(descriptor, "rb"), status)
    except OSError as error:
        return _trouble(name, error)
    except ValueError:  # a NUL in the name
        return Refused(name, "not there", "absent")


def walk(path: Path, depth: int = 0) -> Iterator[Found]:
    """Every file at or under ``path``, open, in order of name (numbers as numbers), with what could not be opened."""
    name = shown_name(path)
    try:
        if not path.is_dir():
            yield open_file(path)
            return
        if depth > FOLDERS:
            yield Refused(name, f"more than {FOLDERS} folders deep", "too_deep")
            return
        names = os.listdir(path)
    except OSError as error:
        yield _trouble(name, error)
        return
    if "cur" in names and not {"new", "tmp"}.isdisjoint(names):
        yield from _maildir(path, names, depth)
        return
    hidden = [n for n in names if n.startswith(".")]
    removed: list[str] = []
    if ".mh_sequences" in names or any(n.isdigit() for n in names):
        removed = [n for n in names if _MH_REMOVED.match(n)]
    if removed:
        yield left_out(path, "removed messages of an MH folder", "mh_removed", removed)
    if hidden:
        yield left_out(path, "names that begin with a dot", "hidden", hidden)
    for entry in sorted(set(names).difference(hidden, removed), key=_order):
        yield from _entry(path / entry, depth)


def _order(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isascii() and name.isdigit() and len(name) < 19 else (1, 0, name)


def left_out(path: Path, what: str, code: str, names: list[str]) -> LeftOut:
    """Names in a folder that are not read on purpose, in one line."""
    first = shown_name(min(names, key=_order))
    more = f"{first} and {len(names) - 1} more" if len(names) > 1 else first
    return LeftOut(shown_name(path), f"{what}: {more}", code, len(names))


def _entry(path: Path, depth: int) -> Iterator[Found]:
    if path.is_symlink() and not os.path.isfile(path):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            loop = error.errno == errno.ELOOP
            words = "a link that leads to itself" if loop else "a link to nothing"
            yield Refused(shown_name(path), words, "link")
            return
        name = shown_name(path)
        yield Refused(name, "a link to a folder; not followed", "link") if stat.S_ISDIR(mode) else _special(name, mode)
        return
    yield from walk(path, depth + 1)


def _maildir(path: Path, names: list[str], depth: int) -> Iterator[Found]:
    """A Maildir that others use meanwhile: each message once, under whatever name it has when its turn comes.

    Messages go from ``new`` to ``cur``, never back, so ``new`` is listed first; the part of the name before the colon stays.
    """
    folders: list[str] = [n for n in ("new", "cur") if n in names]
    for folder in list(folders):
        try:
            os.listdir(path / folder)
        except OSError as error:
            yield _trouble(shown_name(path / folder), error)
            folders.remove(folder)
    seen: set[str] = set()
    for _ in range(2):  # again, since a listing may miss what is renamed at that moment
        present = _present(path, folders)
        for base in sorted(present.keys() - seen):
            yield from _delivered(path, folders, base, present, depth)
        seen |= present.keys()
    if "tmp" in names:
        try:
            unfinished = os.listdir(path / "tmp")
        except OSError as error:
            yield _trouble(shown_name(path / "tmp"), error)
        else:
            if unfinished:
                yield left_out(path / "tmp", "mail still being delivered", "undelivered", unfinished)
    servers = [n for n in names if server_file(n) or (n.startswith(".") and not (path / n).is_dir())]
    if servers:
        yield left_out(path, "files of the mail server", "server_file", servers)
    for entry in sorted(set(names).difference(("new", "cur", "tmp"), servers), key=_order):
        yield from _entry(path / entry, depth)


def _present(maildir: Path, folders: list[str]) -> dict[str, Path]:
    """Where each message is now, by the part of its name that stays."""
    present: dict[str, Path] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            for name in os.listdir(maildir / folder):
                if not name.startswith("."):
                    present[name.partition(":")[0]] = maildir / folder / name
    return present


def _delivered(maildir: Path, folders: list[str], base: str, present: dict[str, Path], depth: int) -> Iterator[Found]:
    for _ in range(TRIES):
        place = present[base]
        found = open_file(place)
        if isinstance(found, Opened) or found.code != "absent" or place.is_symlink():
            break
        now = _present(maildir, folders)
        if base not in now:
            found = Refused(shown_name(place), "gone before it was read", "absent")
            break
        # One look serves all whose turn is still to come: many are renamed at once.
        present.update({b: now[b] for b in present.keys() & now.keys()})
    if isinstance(found, Refused) and place.is_dir():
        yield from _entry(place, depth)
    else:
        yield found
