"""The message catalogue: every sentence of a report, in English, by its code.

``sentences``: those made of a value (an effect, a share, a size, a watch), refusals too. ``notes``: warnings, unmet rules and
checks. ``claims``: what claims say together. ``page``: headings and paragraphs, where a text may have two voices, ``press`` and
``technical``. Words of figures, days and measures are made in ``words.py``. Templates hold no prose: a test says so.
"""

from __future__ import annotations

from spamtide.report.catalogue.claims import TEXTS, VERDICTS, WAYS_OUT
from spamtide.report.catalogue.notes import NOTES
from spamtide.report.catalogue.page import PAGE
from spamtide.report.catalogue.sentences import NEEDED, SENTENCES

AUDIENCES = ("press", "technical")

__all__ = ["AUDIENCES", "NEEDED", "NOTES", "PAGE", "SENTENCES", "TEXTS", "VERDICTS", "WAYS_OUT", "say"]


def say(code: str, audience: str = "technical", **facts: object) -> str:
    """The text of the page by its code, in the voice of ``audience``; ``facts`` fill its braces. Raises KeyError for a code there is not."""
    text = PAGE[code]
    if not isinstance(text, str):
        text = text[audience]
    return text.format(**facts) if facts else text
