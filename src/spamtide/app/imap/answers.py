"""What a mailbox server answers, as values: messages, mailboxes, and the three ways in which it does not answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imapclient.datetime_util import parse_to_datetime
from imapclient.exceptions import ProtocolError
from imapclient.response_parser import parse_response

Row = dict[bytes, object]


class Denied(Exception):
    """The server, or a rule of ours, says no. ``code`` is one of docs/reference/codes.md, Refused sources."""

    def __init__(self, source: str, reason: str, code: str) -> None:
        super().__init__(reason)
        self.source, self.reason, self.code = source, reason, code


class Dropped(Exception):
    """This connection is of no more use; another may be. ``too_much``: the server sent more than was asked for.

    ``resumable``: the same may be asked again, nothing would be done twice.
    """

    def __init__(self, source: str, reason: str, code: str, *, too_much: bool = False) -> None:
        super().__init__(reason)
        self.source, self.reason, self.code, self.too_much = source, reason, code, too_much
        self.resumable = True


class SaysNo(Exception):
    """A command was answered with NO or BAD; the server's words."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A mailbox as the server describes it. ``uidvalidity`` 0: it gives none, its UIDs mean nothing tomorrow."""

    name: bytes
    messages: int
    uidvalidity: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message as the server gave it. ``internal_date`` in microseconds UTC."""

    uid: int
    raw: bytes
    internal_date: int | None


def words_of(error: BaseException) -> str:
    """What a server said, on one line, at most 200 characters."""
    text = str(error)
    text = re.sub(r"^(?:command: \w+ => )+", "", text)
    text = re.sub(r"""^.*?(?:error: (?:BAD|NO) \[b['"]|failed: (?:b['"])?|^b['"])""", "", text).rstrip("'\"]")
    return " ".join(text.split())[:200] or type(error).__name__


def rows_of(data: Sequence[object]) -> list[Row]:
    """The items of each line of an answer to FETCH. Raises ProtocolError, and what the parser raises."""
    rows: list[Row] = []
    for items in parse_response(data)[1::2]:
        if not isinstance(items, tuple) or len(items) % 2:
            raise ProtocolError("no pairs")
        rows.append({bytes(k).upper(): v for k, v in zip(items[::2], items[1::2], strict=True)})
    return rows


def uid_set(uids: Iterable[int]) -> str:
    """UIDs as IMAP writes a set: 1:3,7."""
    parts: list[list[int]] = []
    for uid in sorted(uids):
        if parts and uid == parts[-1][1] + 1:
            parts[-1][1] = uid
        else:
            parts.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in parts)


def uid_of(row: Row) -> int | None:
    """The UID of a line, if it is one."""
    uid = row.get(b"UID")
    return uid if isinstance(uid, int) and 0 < uid < 2**32 else None


def size_of(row: Row) -> int | None:
    """The size that the server states."""
    size = row.get(b"RFC822.SIZE")
    return size if isinstance(size, int) and size >= 0 else None


def date_of(row: Row) -> int | None:
    """INTERNALDATE in microseconds UTC."""
    text = row.get(b"INTERNALDATE")
    if not isinstance(text, bytes):
        return None
    try:
        at = parse_to_datetime(text, normalise=False)
        if at.tzinfo is None:
            return None
        return int(at.timestamp()) * 1_000_000
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None
