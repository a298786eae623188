"""How a trap answers, and for whom: what the kernel is told at the start and at each reload, by settings and journal.

A feed is one kind of panel for its whole life: one that measures, one that is treated, or a relay bait. Each counts something
else, so that one never becomes another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spamtide.app.config import FeedSettings
from spamtide.app.kernel import TREATMENTS
from spamtide.app.lives import read_lives
from spamtide.app.relays import Relays
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

BAIT = "relay-bait"
BAIT_WORDS = (
    "I take mail for strangers, I pass none of it on, and I know that this counts those who test for open relays."
)


def trap_manner(workspace: Workspace, feed: str, relays: Relays | None = None) -> dict[str, Any]:
    """The manner of a feed's trap as the kernel takes it.

    Raises WrongUse ``bad_treatment``, ``bait_unacknowledged``, ``other_panel``.
    """
    settings = workspace.settings.feeds.get(feed) or FeedSettings()
    kind = panel_kind(settings, feed)
    _check_history(workspace, feed, kind)
    lives = read_lives(workspace, feed)
    listed = [{"address": life.address, "state": life.state, "until": life.live_from or 0} for life in lives.values()]
    treatment = settings.treatment
    return {
        "persona": workspace.settings.trap.persona,
        "addresses": listed if lives else None,
        "treatment": None if treatment is None else {
            "arms": treatment.arms, "retry_seconds": treatment.retry_seconds, "greeting_seconds": treatment.greeting_seconds,
        },
        "relay_bait": kind == BAIT,
        "trusted": [] if relays is None else list(relays.trusted),
    }  # fmt: skip


def panel_kind(settings: FeedSettings, feed: str) -> str:
    """``measuring``, ``treated`` or ``relay-bait``. Raises WrongUse ``bad_treatment``, ``bait_unacknowledged``."""
    if settings.relay_bait and settings.relay_bait != BAIT_WORDS:
        raise WrongUse(
            "bait_unacknowledged",
            f"The feed {feed} is not acknowledged as a relay bait: the sentence differs.",
            f'Write in [feeds.{feed}]: relay_bait = "{BAIT_WORDS}"',
            feed=feed,
        )
    if settings.treatment is None:
        return BAIT if settings.relay_bait else "measuring"
    known = [name for name, _ in TREATMENTS]
    unknown = [arm for arm in settings.treatment.arms if arm not in known]
    if settings.relay_bait or unknown or not settings.treatment.arms:
        raise WrongUse(
            "bad_treatment",
            f"The feed {feed} is treated in a way that cannot be: "
            + ("a relay bait has no treatment." if settings.relay_bait else f"arms {settings.treatment.arms}."),
            f"Arms: {', '.join(known)}. A relay bait is a feed of its own.",
            feed=feed,
        )
    return "treated"


def _check_history(workspace: Workspace, feed: str, kind: str) -> None:
    """Raises WrongUse ``other_panel`` where the feed was another kind of panel before."""
    stated = [r.body for r in workspace.archive.journal.read("feed") if r.body.get("feed") == feed]
    kinds = [body["panel"] for body in stated if body.get("panel")]
    before = kinds[-1] if kinds else None
    if before is None and (stated or workspace.archive.segments(feed)):
        before = "measuring"
    if before is not None and before != kind:
        raise WrongUse(
            "other_panel",
            f"The feed {feed} has been a {before} panel; it cannot become a {kind} one.",
            "Give the other one a feed of its own: what it counts is something else.",
            feed=feed,
        )
