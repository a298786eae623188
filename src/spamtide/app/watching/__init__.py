"""Watches of a workspace: kept in the journal, stepped forward, told of when one raises an alarm."""

from spamtide.app.watching.book import Watch, WatchBook
from spamtide.app.watching.given import status_of_file
from spamtide.app.watching.rounds import Round, document_of, run_round
from spamtide.app.watching.running import Stepped, run_watches, status_of_watch
from spamtide.app.watching.telling import tell_alarms
from spamtide.app.watching.tracing import trace_watch

__all__ = [
    "Round",
    "Stepped",
    "Watch",
    "WatchBook",
    "document_of",
    "run_round",
    "run_watches",
    "status_of_file",
    "status_of_watch",
    "tell_alarms",
    "trace_watch",
]
