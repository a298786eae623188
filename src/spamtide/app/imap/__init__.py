"""IMAP: mail that lies on a server, read without changing it there.

``address``   imap://user@host:port/MAILBOX, taken apart and written down again
``wire``      the only socket of this package, with bounds on what a server may send, and how long it may take
``answers``   what a server answers, as values
``session``   one connection after the login: mailboxes, UIDs, messages
``source``    the mailboxes of one account that an import was asked for, and its tries
``reading``   a mailbox into a feed: what the feed holds is left out, what breaks is tried again, what lacks is named
``moving``    messages that are confirmed in the archive, moved on the server when the operator says so
"""

from spamtide.app.imap.address import ImapAddress, is_imap, parse_address
from spamtide.app.imap.reading import read_mailboxes
from spamtide.app.imap.source import ImapOptions, ImapOutcome, ImapSource

__all__ = ["ImapAddress", "ImapOptions", "ImapOutcome", "ImapSource", "is_imap", "parse_address", "read_mailboxes"]
