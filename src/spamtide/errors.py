"""The one base error of the package. Each room derives its own; each says what happened, to what, and what to do next.

    SpamtideError
    ├── WrongUse          the caller's mistake: wrong argument, unknown feed, naive instant        exit 2
    ├── Unanswerable      the answer is no: nothing found, verification failed                      exit 1
    └── BrokenWorld       unreadable input, disk full, corrupt archive, with what was kept          exit 3

Lack of data is a ``Refusal`` value, not an error.
"""

from __future__ import annotations


class SpamtideError(Exception):
    """Base of every error that spamtide raises on purpose.

    ``code`` is a stable word of docs/reference/codes.md, ``next_step`` what the user can do, ``facts`` the things
    concerned (plain values), ``exit_code`` what a program that stops on it returns.
    """

    exit_code = 4

    def __init__(self, code: str, message: str, next_step: str, **facts: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.message, self.next_step, self.facts))


def _rebuild(
    kind: type[SpamtideError], code: str, message: str, next_step: str, facts: dict[str, object]
) -> SpamtideError:
    error = kind.__new__(kind)
    SpamtideError.__init__(error, code, message, next_step, **facts)
    return error


class WrongUse(SpamtideError):
    """A mistake of the caller: nothing was done."""

    exit_code = 2


class Unanswerable(SpamtideError):
    """The question was understood and the answer is no."""

    exit_code = 1


class BrokenWorld(SpamtideError):
    """The world failed in part or whole; the message says what was kept."""

    exit_code = 3
