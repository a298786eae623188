"""Who read which message, and why: in the journal before anything of it is sent. What cannot be journaled is not shown."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from spamtide.archive import Journal
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

# Entries are written under a name of their own; a page's answers do not depend on them.
WRITER = "reading"
# So long a reason holds for who gave it and the message it was given for; so many are remembered; so long it may be.
HOLDS_US = 30 * 60 * 1_000_000
_REMEMBERED = 1_000
SHORTEST_REASON, LONGEST_REASON = 8, 400


class ReadingBook:
    """The book of readings of one workspace. ``clock``: microseconds since 1970."""

    def __init__(self, workspace: Workspace, clock: Callable[[], int]) -> None:
        self._journal = Journal(workspace.archive.root, WRITER)
        self._clock = clock
        self._lock = threading.Lock()
        self._reasons: OrderedDict[tuple[str, str], int] = OrderedDict()

    def note(self, who: str, message_id: str, what: str) -> None:
        """Write down that somebody reads: ``what`` is ``page``, ``html``, ``raw`` or ``download``. Raises what the journal raises."""
        self._write({"who": who, "message": message_id, "what": what})

    def unveil(self, who: str, message_id: str, reason: str) -> None:
        """Write down why somebody needs to read personal mail, and let that person read that message for half an hour.

        Raises WrongUse ``bad_reason`` for one that says nothing.
        """
        said = " ".join(reason.split())
        if not SHORTEST_REASON <= len(said) <= LONGEST_REASON:
            raise WrongUse(
                "bad_reason", "A reason has 8 to 400 characters.", "Say what the message is needed for.", id=message_id
            )
        self._write({"who": who, "message": message_id, "what": "reason", "reason": said})
        with self._lock:
            self._reasons[(who, message_id)] = self._clock() + HOLDS_US
            self._reasons.move_to_end((who, message_id))
            while len(self._reasons) > _REMEMBERED:
                self._reasons.popitem(last=False)

    def may_read(self, who: str, message_id: str) -> bool:
        """Whether this person gave a reason for this message that still holds."""
        with self._lock:
            return self._clock() < self._reasons.get((who, message_id), 0)

    def _write(self, body: dict[str, str]) -> None:
        with self._lock:
            self._journal.append("reading", body, self._clock())
