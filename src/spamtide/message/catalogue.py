"""What a message may be, and what may be wrong with it: the words of docs/reference/definitions.md."""

from __future__ import annotations

from spamtide.message.kernel import DEFECTS as KERNEL_DEFECTS
from spamtide.message.kernel import LANGUAGES as KERNEL_LANGUAGES
from spamtide.message.kernel import TOPICS as KERNEL_TOPICS

ORIGINS: tuple[str, ...] = (
    "unsolicited", "bounce", "auto-reply", "challenge", "report", "confirmation", "list", "relay-probe", "own-test", "personal",
)  # fmt: skip

# The kernel names defects, so it holds the list; docs/reference/defects.md is compared with it.
DEFECTS: dict[str, str] = dict(KERNEL_DEFECTS)

# ISO 639-1; "und" where none can be told (BCP 47).
LANGUAGES: tuple[str, ...] = (*KERNEL_LANGUAGES, "und")

# In the order that decides a tie: that of docs/explanation/topics.md and of topics.toml.
TOPICS: tuple[str, ...] = tuple(KERNEL_TOPICS)
