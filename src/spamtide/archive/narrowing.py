"""An engine that holds one campaign in memory: its messages are read once, and a dozen questions about them are asked of few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.archive.engine import Engine

_KEYS = "feed, writer, segment, ordinal"


def narrow_to_campaign(engine: Engine, campaign: str, *, at_most: int) -> bool:
    """Put the rows of ``campaign_message`` and ``link`` that are of this campaign in front of all, in this engine or cursor; whether that was done.

    Not done where no such campaign is, or where it has more than ``at_most`` messages. Every other table is whole.
    """
    known = engine.ask("SELECT messages FROM campaign WHERE campaign = ?", [campaign])
    if len(known) != 1 or known[0]["messages"] > at_most:
        return False
    engine.ask(
        "CREATE TEMP TABLE campaign_message AS SELECT * FROM memory.main.campaign_message WHERE campaign = ?",
        [campaign],
    )
    found = engine.ask("SELECT min(received_at) AS first, max(received_at) AS last FROM temp.campaign_message")[0]
    # Between its first and its last message: days before and after are not opened.
    engine.ask(
        "CREATE TEMP TABLE link AS SELECT l.* FROM memory.main.link AS l SEMI JOIN temp.campaign_message AS m "
        f"USING ({_KEYS}) WHERE l.received_at BETWEEN ? AND ?",
        [found["first"], found["last"]],
    )
    return True
