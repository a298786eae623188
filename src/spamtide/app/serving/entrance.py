"""Who may look: tokens, and the cookie that a browser gets for one. A token is never in a URL, a log line or a page."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from spamtide.errors import BrokenWorld, WrongUse

COOKIE = "spamtide"
# So long a browser stays logged in, and so many do.
LASTS_SECONDS = 12 * 3600
_SESSIONS = 1_000
SHORTEST = 24


def read_tokens(path: Path) -> list[str]:
    """The tokens of a file, one a line; lines that begin with # are notes. Raises BrokenWorld ``tokens_unreadable``, WrongUse ``bad_token``."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenWorld("tokens_unreadable", f"{path} cannot be read: {error}.", "Check its permissions.") from None
    tokens = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    short = [i + 1 for i, token in enumerate(tokens) if len(token) < SHORTEST or not token.isascii()]
    if short or not tokens:
        what = f"token {short[0]} is shorter than {SHORTEST} characters, or not ASCII" if short else "there is no token"
        raise WrongUse(
            "bad_token", f"{path}: {what}.",
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'", path=str(path),
        )  # fmt: skip
    if path.stat().st_mode & 0o077:
        raise WrongUse(
            "bad_token", f"{path} can be read by others on this machine.", f"chmod 600 {path}", path=str(path)
        )
    return tokens


class Entrance:
    """Lets in who has a token. Without tokens it stands open. ``clock``: seconds, any zero."""

    def __init__(self, tokens: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._digests = [_digest(token) for token in tokens]
        self._clock = clock
        self._sessions: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    @property
    def closed(self) -> bool:
        """Whether a token is needed."""
        return bool(self._digests)

    def knows(self, token: str) -> bool:
        """Whether it is one of ours; takes as long for any."""
        given = _digest(token)
        return sum(hmac.compare_digest(given, digest) for digest in self._digests) > 0

    def lets_in(self, authorization: str, cookie: str) -> bool:
        """Whether the headers of a request carry a token, or the cookie of a login that still lasts."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() == "bearer" and self.knows(token.strip()):
            return True
        return self._logged_in(cookie) is not None

    def who(self, authorization: str, cookie: str) -> str:
        """Who asks, for the book of readings: the first digits of the hash of a token, or who runs the server where none is needed."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() == "bearer" and self.knows(token.strip()):
            return _mark(token.strip())
        return self._logged_in(cookie) or f"user {_user()}"

    def _logged_in(self, cookie: str) -> str | None:
        until, mark = self._sessions.get(_digest(session_of(cookie)), (0.0, ""))
        return mark if self._clock() < until else None

    def log_in(self, token: str) -> str | None:
        """The value of a new cookie for who has a token, else None."""
        if not self.knows(token):
            return None
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = (self._clock() + LASTS_SECONDS, _mark(token))
        while len(self._sessions) > _SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def log_out(self, cookie: str) -> None:
        """End the login of a cookie."""
        self._sessions.pop(_digest(session_of(cookie)), None)


def session_of(cookie: str) -> str:
    """The value of our cookie in a Cookie header, '' where there is none."""
    try:
        held = SimpleCookie(cookie).get(COOKIE)
    except CookieError:
        return ""
    return "" if held is None else held.value


def _mark(token: str) -> str:
    return f"token {_digest(token).hex()[:12]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "without a name"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
