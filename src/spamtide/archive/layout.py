"""Where things are in ``archive/``, and what their names may be. Attacker's text never forms a file name.

archive/key                          32 random bytes and their hash
archive/segments/FEED/W-NNNNNN.open  an open segment; .seg .idx .seal once sealed
archive/journal/W-NNNNNN.*           the journal, the same format
archive/tables/...                   Parquet parts and manifests
archive/resume/...                   which messages of a mailbox on a server a feed holds; can be deleted
archive/locks/...                    lock files, empty
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from spamtide.errors import WrongUse

_FEED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WRITER = re.compile(r"[a-z0-9]{1,32}")
_ID = re.compile(r"([^/]+)/([a-z0-9]+)-(\d+)/(\d+)")

JOURNAL_FEED = "journal"


def check_feed(name: str) -> str:
    """``name`` if it may be a feed's. Raises WrongUse ``bad_feed_name``."""
    # A feed called "journal" would write its mail among the entries that say what happened to the archive.
    if not _FEED.fullmatch(name) or name.endswith(".") or name == JOURNAL_FEED:
        raise WrongUse(
            "bad_feed_name",
            f"{name!r} cannot be the name of a feed.",
            "Use letters, digits, dot, dash and underscore, at most 64, starting with a letter or digit; not 'journal'.",
            feed=name,
        )
    return name


def check_writer(name: str) -> str:
    """``name`` if it may be a writer's. Raises WrongUse ``bad_writer_name``."""
    if not _WRITER.fullmatch(name):
        raise WrongUse("bad_writer_name", f"{name!r} cannot be a writer.", "Use small letters and digits.", writer=name)
    return name


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A message's place, which is its id: FEED/WRITER-SEGMENT/ORDINAL, valid for ever."""

    feed: str
    writer: str
    segment: int
    ordinal: int

    def __str__(self) -> str:
        return format_id(self.feed, self.writer, self.segment, self.ordinal)


def format_id(feed: str, writer: str, segment: int, ordinal: int) -> str:
    """The id of a message."""
    return f"{segment_name(feed, writer, segment)}/{ordinal}"


def segment_name(feed: str, writer: str, segment: int) -> str:
    """The segment's part of the ids of its messages."""
    return f"{feed}/{writer}-{segment:06d}"


def segment_of(name: str) -> tuple[str, str, int]:
    """Feed, writer and number of a segment by its name, as ``segment_name`` writes it."""
    feed, _, rest = name.partition("/")
    writer, _, number = rest.rpartition("-")
    return feed, writer, int(number)


def parse_id(text: str) -> Place:
    """The place that an id names. Raises WrongUse ``bad_message_id``."""
    match = _ID.fullmatch(text)
    if match is None:
        raise WrongUse("bad_message_id", f"{text!r} is no message id.", "Ids look like FEED/import-000001/42.", id=text)
    return Place(check_feed(match[1]), match[2], int(match[3]), int(match[4]))


def segment_base(root: Path, feed: str, writer: str, number: int) -> Path:
    """Path of a segment without its ending."""
    folder = root / "journal" if feed == JOURNAL_FEED else root / "segments" / check_feed(feed)
    return folder / f"{check_writer(writer)}-{number:06d}"


def file_stamp(path: Path) -> tuple[int, int, int]:
    """Equal as long as the file is the same; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
