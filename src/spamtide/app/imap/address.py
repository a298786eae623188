"""Addresses of mailboxes: ``imap://user@host:port/MAILBOX``, after RFC 5092, in percent-encoding.

Names of mailboxes are another's text: they are shown and stored percent-encoded only.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.imap_utf7 import encode as encode_utf7

from spamtide.errors import WrongUse

PORTS = {"imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """One account on one server. ``mailbox``: its name as IMAP writes it (modified UTF-7), or None for every mailbox."""

    scheme: str
    user: str
    host: str
    port: int
    mailbox: bytes | None

    @property
    def account(self) -> str:
        """The address without a mailbox."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{quote(self.user, safe='')}@{host}:{self.port}/"

    def place(self, mailbox: bytes, uidvalidity: int | None = None) -> str:
        """The address of a mailbox, with its UIDVALIDITY where known. Printable ASCII whatever its name is."""
        try:
            shown = quote(decode_utf7(mailbox), safe="/")
        except (UnicodeError, ValueError):
            shown = quote(mailbox, safe="/")
        return self.account + shown + ("" if uidvalidity is None else f";UIDVALIDITY={uidvalidity}")


def is_imap(path: str) -> bool:
    """Whether an argument of import is the address of a mailbox, not a path."""
    return path.partition("://")[0].lower() in PORTS and "://" in path


def mailbox_name(text: str) -> bytes:
    """A mailbox's name as IMAP writes it. INBOX is the same in any case."""
    name: bytes = encode_utf7(text)
    return b"INBOX" if name.upper() == b"INBOX" else name


def parse_address(text: str) -> ImapAddress:
    """Take an address apart. Raises WrongUse ``bad_address`` or ``password_in_address``, which does not repeat it."""
    how = "Write imap://user@host:port/MAILBOX, with other characters as %XX."
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise WrongUse("bad_address", "That is no address of a mailbox.", how) from None
    if parts.password is not None:
        raise WrongUse(
            "password_in_address",
            "A password in an address can be read by others, in the list of processes and in the shell's history.",
            "Leave it out: it is asked for, or read from --password-file or SPAMTIDE_IMAP_PASSWORD. Change it if it is real.",
        )
    user = unquote(parts.username or "")
    if not user or not parts.hostname:
        raise WrongUse("bad_address", f"{text} names no user or no host.", how)
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise WrongUse("bad_address", f"{text} has a ? or a #.", "Write %3F or %23 where they belong to the name.")
    mailbox = unquote(parts.path[1:])
    if any(ord(c) < 32 or ord(c) == 127 for c in user + mailbox):
        raise WrongUse("bad_address", "A control character stands in that address.", how)
    every = mailbox in ("", "*")
    scheme = parts.scheme.lower()
    return ImapAddress(scheme, user, parts.hostname, port or PORTS[scheme], None if every else mailbox_name(mailbox))
