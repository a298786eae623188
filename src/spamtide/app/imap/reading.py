"""Mailboxes of one account into a feed.

What the feed holds of a mailbox is told by its resume point and left on the server. The rest is fetched in small groups,
made durable, and only then noted. A connection that is of no more use is replaced, a bounded number of times without
gain; a message that a group cannot bring is fetched alone; what cannot be had is named, and the next import tries again.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from spamtide.app.imap.answers import Denied, Dropped, Fetched, Opened, SaysNo
from spamtide.app.imap.session import Session
from spamtide.app.imap.source import ImapSource, Mailbox
from spamtide.archive import ResumePoint
from spamtide.capture import Refused, SourceOptions, capture_message

if TYPE_CHECKING:
    from spamtide.app.importing import Importer

# Bytes asked for with one command, and messages; a larger message comes alone.
GROUP_BYTES = 2 * 1024 * 1024
GROUP_MESSAGES = 200
# As for files: no mail system would have carried a larger message.
MESSAGE_BYTES = 256 * 1024 * 1024
# How much more than it stated a server may send for a group, and for a message alone.
SLACK_BYTES = 1024 * 1024
# A message is given up when it ended the connection so often, in a group or alone.
MESSAGE_TRIES = 3
# What was fetched is made durable at least so often.
FLUSH_SECONDS = 5.0
# Which line ends a message came with, a server does not tell: Dovecot, for one, gives bare LF as CRLF.
MARKS = ["line_ends_not_evidence"]


def read_mailboxes(
    source: ImapSource,
    importer: Importer,
    options: SourceOptions,
    progress: Callable[[float, float | None], None] | None,
) -> None:
    """Bring every message of the source that the feed lacks. What cannot be had is in the importer's ``refused``."""
    importer.outcome.imap = source.outcome
    refused = importer.outcome.refused
    lost = 0
    try:
        names = source.wanted()
        for at, name in enumerate(names):
            try:
                MailboxReader(source, importer, options, progress, name).read()
                lost = 0
            except Dropped as drop:
                # One mailbox may be at fault; two in a row are the server's.
                lost += 1
                refused.append(Refused(drop.source, drop.reason, drop.code))
                if lost == 2:
                    reason = "not tried, since the server was lost before"
                    refused += [Refused(source.address.place(n), reason, "unreachable") for n in names[at + 1 :]]
                    return
    except (Denied, Dropped) as error:
        refused.append(Refused(error.source, error.reason, error.code))
    finally:
        source.close()


class MailboxReader:
    """Reads one mailbox into the feed, over as many connections as it takes."""

    def __init__(
        self,
        source: ImapSource,
        importer: Importer,
        options: SourceOptions,
        progress: Callable[[float, float | None], None] | None,
        name: bytes,
    ) -> None:
        self.source, self.importer, self.options, self.progress, self.name = source, importer, options, progress, name
        self.place = source.address.place(name)
        self.mailbox: Mailbox | None = None
        self.resume: ResumePoint | None = None
        self.pending: list[tuple[int, bytes]] = []
        self.flushed_at = time.monotonic()
        self.drops: Counter[int] = Counter()
        self.gained = 0
        self.erased = 0

    def refuse(self, source: str, reason: str, code: str) -> None:
        """Name what could not be had."""
        self.importer.outcome.refused.append(Refused(source, reason, code))

    def read(self) -> None:
        """The whole mailbox. Raises Denied and Dropped only for what concerns the account as a whole."""
        try:
            for report in self.source.trying(lambda: self.gained):
                try:
                    self._pass()
                    break
                except Dropped as drop:
                    self.flush()
                    report(drop)
            self.flush()
        except Denied as error:
            self.flush()
            if error.source == self.source.address.account:
                raise
            self.refuse(error.source, error.reason, error.code)
        except Dropped as drop:
            done = 0 if self.mailbox is None else len(self.mailbox.handled)
            reason = f"{drop.reason}; given up after {done} of its messages, the next import goes on from there"
            raise Dropped(self.place, reason, drop.code) from None
        # Not in a finally: after a failed write nothing may be written again.
        if self.erased:
            self.refuse(f"{self.erased} messages", "were erased from this archive", "erased")

    def flush(self) -> None:
        """Make durable what was fetched, then note it in the resume point."""
        self.importer.put()
        if self.resume is not None:
            self.resume.add(self.pending)
        self.pending = []
        self.flushed_at = time.monotonic()

    def _pass(self) -> None:
        session = self.source.session()
        opened = session.open(self.name)
        mailbox = self._begin(opened)
        listed = self._pass_windows(session, opened, mailbox)
        if listed < opened.messages:
            self._count_again(session, opened.messages)

    def _begin(self, opened: Opened) -> Mailbox:
        if self.mailbox is not None:
            if self.mailbox.uidvalidity != opened.uidvalidity:
                raise Denied(
                    self.place,
                    f"UIDVALIDITY changed from {self.mailbox.uidvalidity} to {opened.uidvalidity} while it was read; "
                    "import again, which starts over",
                    "uidvalidity_changed",
                )
            return self.mailbox
        source = self.source.address.place(opened.name, opened.uidvalidity)
        self.mailbox = Mailbox(opened.name, source, opened.uidvalidity)
        self.source.mailboxes.append(self.mailbox)
        self.source.outcome.mailboxes += 1
        copies = self.importer.copies
        if copies is not None and opened.uidvalidity:
            feed = self.importer.outcome.feed
            self.resume = ResumePoint(self.importer.archive, feed, self.place, opened.uidvalidity)
            self.resume.match(feed, self.importer.erased)
            if self.resume.previous is not None:
                self.source.outcome.noticed["uidvalidity_changed"] += 1
                self.source.tell(
                    f"{self.place}: UIDVALIDITY changed from {self.resume.previous} to {opened.uidvalidity}: the server "
                    "numbers its messages anew. All are read again; nothing is added twice."
                )
        return self.mailbox

    def _pass_windows(self, session: Session, opened: Opened, mailbox: Mailbox) -> int:
        """Go through the mailbox once; the number of UIDs that the server lists."""
        total = float(self.importer.outcome.messages - len(mailbox.handled) + opened.messages)
        listed = 0
        try:
            for window in session.windows(opened):
                sizes: dict[int, int | None] = {}
                for uid, size in window:
                    if uid in sizes:
                        self.source.outcome.noticed["uid_listed_twice"] += 1
                    sizes[uid] = size
                listed += len(sizes)
                wanted = [uid for uid in sizes if uid not in mailbox.handled and not self._is_held(uid, sizes[uid])]
                for group in self._groups(wanted, sizes):
                    self._fetch(session, group, sizes)
                    if time.monotonic() - self.flushed_at > FLUSH_SECONDS:
                        self.flush()
                    if self.progress is not None:
                        self.progress(self.importer.outcome.messages, total)
                self.flush()
        except SaysNo as error:
            raise Denied(self.place, f"does not list its messages: {error}", "no_mailbox") from None
        return listed

    def _is_held(self, uid: int, size: int | None) -> bool:
        if self.resume is None or self.importer.copies is None or self.mailbox is None:
            return False
        claimed = self.resume.claim(uid, self.importer.copies)
        if not claimed:
            if not self.resume.was_erased(uid):
                return False
            self.erased += 1
        self.mailbox.handled.add(uid)
        self.gained += 1
        if len(claimed) == 1 and self.source.options.move_to is not None:
            self.mailbox.held.append((uid, claimed[0]))
        self.source.outcome.held += 1
        self.importer.outcome.messages += 1
        self.importer.outcome.bytes += size or 0
        return True

    def _groups(self, wanted: list[int], sizes: dict[int, int | None]) -> Iterator[list[int]]:
        group: list[int] = []
        size_bytes = 0
        for uid in wanted:
            size = sizes[uid]
            if size is not None and size > MESSAGE_BYTES:
                self._give_up(
                    uid, f"has {size} bytes, more than {MESSAGE_BYTES // 2**20} MiB, which no mail has", "too_large"
                )
                continue
            alone = size is None or size > GROUP_BYTES or self.drops[uid] > 0
            if group and (alone or size_bytes + (size or 0) > GROUP_BYTES or len(group) >= GROUP_MESSAGES):
                yield group
                group, size_bytes = [], 0
            if alone:
                yield [uid]
            else:
                group.append(uid)
                size_bytes += size or 0
        if group:
            yield group

    def _give_up(self, uid: int, reason: str, code: str) -> None:
        if self.mailbox is not None:
            self.refuse(f"{self.mailbox.source}/;UID={uid}", reason, code)
            self.mailbox.handled.add(uid)

    def _fetch(self, session: Session, group: list[int], sizes: dict[int, int | None]) -> None:
        """Fetch a group; what is missing or short afterwards is fetched once more, alone."""
        expected = sum(sizes[uid] or MESSAGE_BYTES for uid in group)
        allowance = SLACK_BYTES + (2 * expected if len(group) > 1 else max(2 * expected, MESSAGE_BYTES))
        try:
            found = self._sorted(session.fetch(group, allowance), group)
        except SaysNo as error:
            if len(group) == 1:
                self._give_up(group[0], f"the server does not give it: {error}", "not_given")
                return
            found = {}
        except Dropped as drop:
            self._blame(group, drop)
            raise
        for uid in group:
            bodies, size = found.get(uid, []), sizes[uid]
            bodies = [body for body in bodies if body.raw]
            if not bodies or (size is not None and max(len(b.raw) for b in bodies) < size):
                if len(group) > 1:
                    self._fetch(session, [uid], sizes)
                    continue
                if not bodies:
                    self._lacks(session, uid)
                    continue
            self._take(uid, bodies, size)

    def _blame(self, group: list[int], drop: Dropped) -> None:
        self.drops.update(group)
        if len(group) > 1:
            return
        (uid,) = group
        if drop.too_much:
            self._give_up(uid, f"the server sends more than {MESSAGE_BYTES // 2**20} MiB for it", "too_large")
        elif self.drops[uid] >= MESSAGE_TRIES:
            reason = (
                f"the connection ended {self.drops[uid]} times when it was fetched, the last time so: {drop.reason}"
            )
            self._give_up(uid, reason, "not_given")

    def _lacks(self, session: Session, uid: int) -> None:
        """A message that was listed and did not come: removed meanwhile, or withheld."""
        if uid in session.there([uid]):
            self._give_up(uid, "the server lists it and gives nothing for it", "not_given")
        else:
            self.source.outcome.noticed["removed_meanwhile"] += 1
            if self.mailbox is not None:
                self.mailbox.handled.add(uid)

    def _sorted(self, answer: list[Fetched], asked: list[int]) -> dict[int, list[Fetched]]:
        """The answer by UID, equal bytes once."""
        found: dict[int, list[Fetched]] = {}
        for message in answer:
            if message.uid not in asked:
                self.source.outcome.noticed["not_asked_for"] += 1
            elif any(message.raw == other.raw for other in found.get(message.uid, [])):
                self.source.outcome.noticed["uid_given_twice"] += 1
            else:
                found.setdefault(message.uid, []).append(message)
        return found

    def _take(self, uid: int, bodies: list[Fetched], size: int | None) -> None:
        """Hand what came under one UID to the importer."""
        mailbox = self.mailbox
        assert mailbox is not None
        place = f"{mailbox.source}/;UID={uid}"
        if len(bodies) > 1:
            self.refuse(
                place,
                f"the server gave {len(bodies)} different messages under this UID; all are kept",
                "uid_not_unique",
            )
        whole = len(bodies) == 1
        for body in bodies:
            if size is not None and len(body.raw) < size:
                whole = False
                self.refuse(
                    place, f"the server states {size} bytes and gave {len(body.raw)}; kept as it came", "cut_short"
                )
            elif size is not None and len(body.raw) > size:
                self.source.outcome.noticed["larger_than_stated"] += 1
            batch = capture_message(
                body.raw, mailbox.source, uid, self.options.time, body.internal_date, self.options.now, MARKS
            )
            if not len(batch):
                self.refuse(place, "no plausible receive time; choose another with --time", "no_time")
                continue
            digest = hashlib.sha256(body.raw).digest()
            self.pending.append((uid, digest))
            if whole and self.source.options.move_to is not None:
                mailbox.held.append((uid, digest))
            self.importer.take(batch)
            self.source.outcome.fetched += 1
        mailbox.handled.add(uid)
        self.gained += 1

    def _count_again(self, session: Session, stated: int) -> None:
        """Fewer messages were listed than stated: were they removed meanwhile, or does the server count wrongly?"""
        opened = session.open(self.name)
        listed = sum(len({uid for uid, _ in window}) for window in session.windows(opened))
        if listed < opened.messages:
            self.refuse(
                self.place,
                f"the server says it holds {opened.messages} messages and lists {listed}; the others could not be asked for",
                "count_differs",
            )
        else:
            self.source.outcome.noticed["removed_meanwhile"] += stated - listed if stated > listed else 0
