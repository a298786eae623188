"""The one file of this room that opens the kernel's door: its sockets."""

from spamtide._kernel import SwarmPlayer, check_loopback

__all__ = ["SwarmPlayer", "check_loopback"]
