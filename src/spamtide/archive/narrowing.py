"""An engine that holds one campaign in memory: its messages are looked for once, and a dozen questions about them are asked of few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spamtide.archive.engine import Engine

# Of so many messages the texts are held too; those of more could fill the memory.
_TEXTS = 10_000
_KEYS = "feed, writer, segment, ordinal"


def narrow_to_campaign(engine: Engine, campaign: str, *, at_most: int) -> bool:
    """Put tables of this campaign alone in front of those of everything, in this engine or cursor; whether that was done.

    Not done where no such campaign is, or where it has more than ``at_most`` messages.
    """
    known = engine.ask("SELECT messages, first_seen, last_seen FROM campaign WHERE campaign = ?", [campaign])
    if len(known) != 1 or known[0]["messages"] > at_most:
        return False
    first, last = known[0]["first_seen"], known[0]["last_seen"]
    engine.ask(
        "CREATE TEMP TABLE campaign_member AS SELECT * FROM memory.main.campaign_member WHERE campaign = ?", [campaign]
    )
    # Between its first and its last message: days before and after are not opened.
    engine.ask(
        "CREATE TEMP TABLE message AS SELECT * FROM memory.main.message WHERE received_at BETWEEN ? AND ? "
        "AND exact IN (SELECT exact FROM temp.campaign_member)",
        [first, last],
    )
    engine.ask(
        f"CREATE TEMP TABLE link AS SELECT l.* FROM memory.main.link AS l SEMI JOIN temp.message AS m USING ({_KEYS})"
    )
    if known[0]["messages"] <= _TEXTS:
        engine.ask(
            f"CREATE TEMP TABLE text AS SELECT t.* FROM memory.main.text AS t SEMI JOIN temp.message AS m USING ({_KEYS})"
        )
    return True
