"""Messages that the archive holds for certain, moved to another mailbox of their server.

Certain means: the bytes that the server gave under a UID are in a segment, made durable, and were read from the disk
again with every hash checked, one copy for each message that is to move. Nothing else on the server is changed.
"""

from __future__ import annotations

from collections.abc import Callable

from spamtide.app.imap.answers import Denied, Dropped, SaysNo
from spamtide.app.imap.source import ImapSource, Mailbox
from spamtide.archive import Archive, confirmed_copies
from spamtide.capture import Refused
from spamtide.errors import WrongUse

MOVED_AT_ONCE = 200


def check_target(source: ImapSource) -> None:
    """Look before anything is fetched whether a move could be made. Raises WrongUse ``bad_move``.

    A server that cannot be asked now is left to the import to name.
    """
    target = source.options.move_to
    assert target is not None
    try:
        session = source.session()
        names, again = session.mailboxes()
        able = session.can("MOVE") or session.can("UIDPLUS")
    except (Denied, Dropped, SaysNo):
        source.close()
        return
    place = source.address.place(target)
    if target in source.names:
        raise WrongUse("bad_move", f"{place} is to be read and moved to.", "Name another mailbox with --move-to.")
    if target not in names or target in again:
        there = ", ".join(source.address.place(name) for name in names[:10])
        raise WrongUse("bad_move", f"There is no mailbox {place}.", f"Make it first. There are: {there}.")
    if not able:
        raise WrongUse(
            "bad_move",
            "This server has neither MOVE nor UIDPLUS: a move could remove messages that others have marked.",
            "Import without --move-to.",
        )


def move_confirmed(
    source: ImapSource, archive: Archive, feed: str, agree: Callable[[int, str], bool], refused: list[Refused]
) -> None:
    """Move what is certain, after ``agree(messages, target)`` said yes. What cannot be moved is in ``refused``."""
    target = source.options.move_to
    assert target is not None
    copies = confirmed_copies(archive, feed)
    certain: list[tuple[Mailbox, list[int]]] = []
    for mailbox in source.mailboxes:
        uids = [uid for uid, digest in mailbox.held if copies.use_up(digest)]
        if len(uids) < len(mailbox.held):
            missing = len(mailbox.held) - len(uids)
            refused.append(
                Refused(mailbox.source, f"{missing} messages are not in the archive; not moved", "not_moved")
            )
        if uids:
            certain.append((mailbox, uids))
    count = sum(len(uids) for _, uids in certain)
    if not count or not agree(count, source.address.place(target)):
        return
    try:
        for mailbox, uids in certain:
            for at in range(0, len(uids), MOVED_AT_ONCE):
                _move(source, mailbox, uids[at : at + MOVED_AT_ONCE], target, refused)
    except (Denied, Dropped) as error:
        reason = f"{error.reason}; {count - source.outcome.moved} messages were not moved, or it is not known"
        refused.append(Refused(error.source, reason, "not_moved"))
    finally:
        source.close()


def _move(source: ImapSource, mailbox: Mailbox, uids: list[int], target: bytes, refused: list[Refused]) -> None:
    left = set(uids)
    for report in source.trying(lambda: source.outcome.moved):
        try:
            session = source.session()
            opened = session.open(mailbox.name, read_only=False)
            if opened.uidvalidity != mailbox.uidvalidity:
                raise Denied(mailbox.source, "UIDVALIDITY changed since it was read", "not_moved")
            # What a lost answer moved is gone already; a copy that was lost midway is not made twice.
            left = session.there(sorted(left))
            if left:
                session.move(sorted(left), target)
                left = session.there(sorted(left))
            break
        except SaysNo as error:
            raise Denied(mailbox.source, f"the server does not move them: {error}", "not_moved") from None
        except Dropped as drop:
            if not drop.resumable:
                raise
            report(drop)
    source.outcome.moved += len(uids) - len(left)
    if left:
        refused.append(Refused(mailbox.source, f"{len(left)} messages are still there after the move", "not_moved"))
