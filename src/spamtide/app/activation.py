"""What whoever starts a trap hands over and hears from it: listening sockets and readiness, as systemd does both.

The environment says how many sockets there are and for which process (sd_listen_fds(3)); each is a file from number 3 on. Where to tell that
the trap takes connections is in NOTIFY_SOCKET (sd_notify(3)). Neither needs a library, and neither is there on a terminal.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from spamtide.errors import WrongUse

PROTOCOLS = ("smtp", "lmtp", "smtps")


def inherited_sockets(environment: Mapping[str, str], pid: int) -> list[str]:
    """What is spoken at each socket that was handed over to process ``pid``, in their order; none where none was.

    By the names that ``FileDescriptorName=`` gave them; a single socket without such a name is for SMTP. Raises WrongUse ``bad_sockets``.
    """
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID") != str(pid) or not count.isascii() or not count.isdigit() or int(count) == 0:
        return []
    names = environment.get("LISTEN_FDNAMES", "").split(":") if environment.get("LISTEN_FDNAMES") else []
    if int(count) == 1 and (not names or names[0] not in PROTOCOLS):
        return ["smtp"]
    if len(names) != int(count) or len(set(names)) != len(names) or not set(names) <= set(PROTOCOLS):
        raise WrongUse(
            "bad_sockets",
            f"{count} sockets were handed over, named {', '.join(names) or 'nothing'}; one each of {', '.join(PROTOCOLS)} can be.",
            "Give each .socket unit FileDescriptorName=smtp, lmtp or smtps, and one ListenStream= ([::]:25 takes IPv4 too).",
        )
    return names


def notify(text: str) -> bool:
    """Tell the service manager (``READY=1``, ``STOPPING=1``); whether there is one that heard it."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            # Without connect(2): a trap that is confined may be denied it, since it opens no connection.
            line.sendto(text.encode(), "\0" + place[1:] if place.startswith("@") else place)
    except OSError:
        # A trap that cannot say that it is ready is ready all the same.
        return False
    return True
