"""capture: what arrived. Turns byte streams (mbox, Maildir, .eml, archives) into captures, raw bytes unchanged."""

from spamtide.capture.counts import DECIMALS, ORDERS, BadCounts, CountOptions, CountRow, NotOpened, read_counts
from spamtide.capture.items import LeftOut, Refused, SourceOptions
from spamtide.capture.kernel import CaptureBatch, capture_message
from spamtide.capture.sightings import Sighting, read_sightings
from spamtide.capture.sources import TIMES, read_source

__all__ = [
    "DECIMALS", "ORDERS", "TIMES", "BadCounts", "CaptureBatch", "CountOptions", "CountRow", "LeftOut", "NotOpened", "Refused",
    "Sighting", "SourceOptions", "capture_message", "read_counts", "read_sightings", "read_source",
]  # fmt: skip
