"""An engine that holds some campaigns in memory: their messages are read once, and a dozen questions about them are asked of few rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.archive.engine import Engine

_KEYS = "feed, writer, segment, ordinal"


def narrow_to_campaigns(engine: Engine, campaigns: Sequence[str], *, at_most: int, links: bool = False) -> bool:
    """Put the rows of ``campaign_message``, and with ``links`` those of ``link``, that are of these campaigns in front of all, in this engine or
    cursor; whether that was done.

    Not done where there are none, or where they have more than ``at_most`` messages. Every other table is whole.
    """
    marks = ", ".join("?" for _ in campaigns)
    known = engine.ask(f"SELECT sum(messages)::BIGINT AS n FROM campaign WHERE campaign IN ({marks})", list(campaigns))
    if not known[0]["n"] or known[0]["n"] > at_most:
        return False
    engine.change(
        f"CREATE TEMP TABLE campaign_message AS SELECT * FROM memory.main.campaign_message WHERE campaign IN ({marks})",
        campaigns,
    )
    if links:
        found = engine.ask("SELECT min(received_at) AS first, max(received_at) AS last FROM temp.campaign_message")[0]
        # Between the first and the last message: days before and after are not opened.
        engine.change(
            "CREATE TEMP TABLE link AS SELECT l.* FROM memory.main.link AS l SEMI JOIN temp.campaign_message AS m "
            f"USING ({_KEYS}) WHERE l.received_at BETWEEN ? AND ?",
            [found["first"], found["last"]],
        )
    return True
