"""One connection to a mailbox server after the login: mailboxes, UIDs, messages, and a move.

What the server does is one of three things: it answers; it refuses (``Denied``: trying again changes nothing); or the
connection is of no more use (``Dropped``: ended, silent, too slow, garbled, or sending what was not asked for).
"""

from __future__ import annotations

import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from imapclient.exceptions import LoginError, ProtocolError

from spamtide.app.imap.address import ImapAddress
from spamtide.app.imap.answers import (
    Denied,
    Dropped,
    Fetched,
    Opened,
    Row,
    SaysNo,
    date_of,
    rows_of,
    size_of,
    uid_of,
    uid_set,
    words_of,
)
from spamtide.app.imap.wire import ENDED, SMALL_BYTES, Client

# Messages listed with one command. Windows end at UIDs that the server names, so none is left out however sparse they are.
WINDOW = 1000
LISTING_BYTES = 1024 * 1024
MAILBOXES_BYTES = 8 * 1024 * 1024
_LATER = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN)\]", re.IGNORECASE)
# Mailboxes that cannot be opened, and those that only show messages of others (RFC 6154).
_CLOSED = {b"\\noselect", b"\\nonexistent"}
_SHOWN_AGAIN = {b"\\all", b"\\flagged"}


def local(peer: str) -> bool:
    """Whether an address is of this machine."""
    try:
        return ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False


class Session:
    """A connection, logged in. ``tls``: auto (STARTTLS unless the server is this machine), starttls, or none.

    Raises Denied ``no_tls``, ``bad_certificate``, ``login_refused``; Dropped ``unreachable`` and the like.
    """

    def __init__(self, address: ImapAddress, password: str, tls: str, timeout: float) -> None:
        self.address, self._timeout = address, timeout
        self._source = address.account
        secure = ssl.create_default_context()
        with self._guard("was being connected", SMALL_BYTES):
            try:
                self._client = Client(
                    address.host, address.port, timeout, secure if address.scheme == "imaps" else None
                )
            except (TimeoutError, ssl.SSLError, imaplib.IMAP4.abort):
                raise
            except imaplib.IMAP4.error as error:
                raise Dropped(self._source, f"does not greet: {words_of(error)}", "unreachable") from None
            except OSError as error:
                raise Dropped(self._source, f"cannot be reached: {error.strerror or error}", "unreachable") from None
        self._wire = self._client.wire
        try:
            if address.scheme == "imap":
                self._secure(tls, secure)
            if self._wire.state != "AUTH":  # PREAUTH
                self._log_in(password)
        except BaseException:
            self.close(politely=False)
            raise

    @contextmanager
    def _guard(self, doing: str, allowance: int, source: str | None = None) -> Iterator[None]:
        """Whatever the library makes of the server's bytes becomes SaysNo, Denied or Dropped."""
        source = source or self._source
        if hasattr(self, "_wire"):
            self._wire.allow(allowance)
        try:
            yield
        except (Denied, Dropped, SaysNo):
            raise
        except ssl.SSLCertVerificationError as error:
            raise Denied(source, f"its certificate is not trusted: {error.verify_message}", "bad_certificate") from None
        except TimeoutError:
            raise Dropped(source, f"sent nothing of use for {self._timeout:g} s while it {doing}", "stalled") from None
        except imaplib.IMAP4.abort as error:
            if hasattr(self, "_wire") and self._wire.too_much:
                raise Dropped(source, f"{words_of(error)} while it {doing}", "garbled", too_much=True) from None
            said = words_of(error)
            said = "" if said == ENDED else f": {said}"
            raise Dropped(source, f"ended the connection while it {doing}{said}", "dropped") from None
        except OSError as error:
            reason = f"the connection broke while it {doing}: {error.strerror or type(error).__name__}"
            raise Dropped(source, reason, "dropped") from None
        except ProtocolError:
            raise Dropped(source, f"sent what is no IMAP while it {doing}", "garbled") from None
        except imaplib.IMAP4.error as error:
            if _LATER.search(str(error)):
                raise Dropped(source, f"could not just now: {words_of(error)}", "dropped") from None
            raise SaysNo(words_of(error)) from None
        except Exception as error:
            # The libraries were written for servers that mean well: an answer that is no IMAP ends in any error.
            raise Dropped(
                source, f"sent what is no IMAP ({type(error).__name__}) while it {doing}", "garbled"
            ) from None

    def _secure(self, tls: str, secure: ssl.SSLContext) -> None:
        if tls == "none" or (tls == "auto" and local(self._wire.sock.getpeername()[0])):
            return
        with self._guard("was asked for TLS", SMALL_BYTES):
            if self._wire.state == "NONAUTH" and self._client.has_capability("STARTTLS"):
                with suppress_no():
                    self._client.starttls(secure)
                    return
        raise Denied(
            self._source,
            "offers no TLS, and without it others read mail and password; --tls none allows that",
            "no_tls",
        )

    def _log_in(self, password: str) -> None:
        user = self.address.user
        with self._guard("was logging in", SMALL_BYTES):
            try:
                if self._client.has_capability("AUTH=PLAIN"):
                    self._client.plain_login(user, password)
                else:
                    # imaplib quotes the password only.
                    self._client.login('"' + user.replace("\\", "\\\\").replace('"', '\\"') + '"', password)
            except LoginError as error:
                # A connection that ends here is no refusal.
                if isinstance(error.__context__, imaplib.IMAP4.abort):
                    raise error.__context__ from None
                if _LATER.search(str(error)):
                    raise
                raise Denied(self._source, f"refuses the login: {words_of(error)}", "login_refused") from None

    @property
    def received(self) -> int:
        """Bytes received on this connection."""
        return self._wire.received

    def can(self, capability: str) -> bool:
        """Whether the server has a capability."""
        with self._guard("said what it can do", SMALL_BYTES):
            return bool(self._client.has_capability(capability))

    def mailboxes(self) -> tuple[list[bytes], list[bytes]]:
        """Names of the mailboxes that can be opened, in order; and of those that only show what others hold."""
        with self._guard("listed its mailboxes", MAILBOXES_BYTES):
            found: set[bytes] = set()
            again: set[bytes] = set()
            for flags, _, name in self._client.list_folders("", "*"):
                kinds = {flag.lower() for flag in flags if isinstance(flag, bytes)}
                if kinds & _CLOSED or name is None:
                    continue
                (again if kinds & _SHOWN_AGAIN else found).add(name.encode() if isinstance(name, str) else bytes(name))
            return sorted(found), sorted(again)

    def open(self, mailbox: bytes, *, read_only: bool = True) -> Opened:
        """Open a mailbox with EXAMINE, or to change it with SELECT. Raises Denied ``no_mailbox``."""
        source = self.address.place(mailbox)
        if any(b < 32 or b > 126 for b in mailbox):
            raise Denied(source, "its name has characters that no mailbox may have", "no_mailbox")
        with self._guard("opened the mailbox", SMALL_BYTES, source):
            try:
                stated = self._client.select_folder(mailbox, readonly=read_only)
            except imaplib.IMAP4.readonly:
                raise Denied(source, "may be read only, not changed", "not_moved") from None
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                if _LATER.search(str(error)):
                    raise
                raise Denied(source, f"cannot be opened: {words_of(error)}", "no_mailbox") from None
            lasting = b"UIDNOTSTICKY" not in stated
            return Opened(mailbox, int(stated[b"EXISTS"]), int(stated.get(b"UIDVALIDITY", 0)) if lasting else 0)

    def _rows(self, uids: str, items: str, *, by_place: bool = False) -> list[Row]:
        # What the server said unasked, or before a NO, is not the answer to this.
        self._wire.untagged_responses.pop("FETCH", None)
        kind, data = self._wire.fetch(uids, items) if by_place else self._wire.uid("FETCH", uids, items)
        if kind != "OK":
            raise imaplib.IMAP4.error(f"failed: {data[0]!r}")
        return rows_of(data)

    def windows(self, opened: Opened) -> Iterator[list[tuple[int, int | None]]]:
        """(UID, stated size) of every message, ascending, in windows; each UID as often as the server says it."""
        low, place, strikes = 1, 0, 0
        while opened.messages:
            place += WINDOW
            high = self._uid_at(place) if place < opened.messages else None
            if high is not None and high < low:
                strikes += 1
                if strikes > 3:
                    raise Dropped(self._source, "gives UIDs that do not ascend", "garbled")
                continue
            with self._guard("listed its messages", LISTING_BYTES):
                end = "*" if high is None else str(high)
                rows = self._rows(f"{low}:{end}", "(UID RFC822.SIZE)")
            listed = [
                (uid, size_of(row)) for row in rows if (uid := uid_of(row)) and uid >= low and uid <= (high or uid)
            ]
            yield sorted(listed, key=lambda entry: entry[0])
            if high is None:
                return
            low = high + 1

    def _uid_at(self, place: int) -> int | None:
        with self._guard("listed its messages", SMALL_BYTES):
            try:
                rows = self._rows(str(place), "(UID)", by_place=True)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                return None  # so many there are no more
        return max((uid for row in rows if (uid := uid_of(row))), default=None)

    def there(self, uids: Sequence[int]) -> set[int]:
        """Those of the UIDs that the mailbox still has."""
        with self._guard("listed its messages", LISTING_BYTES):
            rows = self._rows(uid_set(uids), "(UID)")
        return {uid for row in rows if (uid := uid_of(row))} & set(uids)

    def fetch(self, uids: Sequence[int], allowance: int) -> list[Fetched]:
        """Messages by UID, without marking them as read; whatever else the server sends is left out."""
        with self._guard("sent messages", allowance):
            rows = self._rows(uid_set(uids), "(UID INTERNALDATE BODY.PEEK[])")
            bodies = [(uid_of(row), row.get(b"BODY[]"), date_of(row)) for row in rows]
        return [Fetched(uid, raw, at) for uid, raw, at in bodies if uid and isinstance(raw, bytes)]

    def move(self, uids: Sequence[int], mailbox: bytes) -> None:
        """Move messages with MOVE, or by copy and an expunge of these UIDs alone. Raises SaysNo."""
        whole = self.can("MOVE")
        try:
            with self._guard("moved messages", LISTING_BYTES):
                if whole:
                    self._client.move(uids, mailbox)
                else:
                    self._client.copy(uids, mailbox)
                    self._client.add_flags(uids, [b"\\Deleted"], silent=True)
                    self._client.uid_expunge(uids)
        except Dropped as drop:
            drop.resumable = whole
            raise

    def close(self, *, politely: bool = True) -> None:
        """End the connection; with LOGOUT where the server may still answer."""
        if politely:
            with suppress(Exception):
                self._wire.sock.settimeout(min(2.0, self._timeout))
                self._wire.allow(SMALL_BYTES)
                self._client.logout()
        with suppress(Exception):
            self._client.shutdown()


@contextmanager
def suppress_no() -> Iterator[None]:
    """A NO is passed over; the end of the connection is not."""
    try:
        yield
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        return
