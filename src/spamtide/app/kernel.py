"""The one file of this room that opens the kernel's door: its sockets."""

from spamtide._kernel import TRAP_COUNTS, SwarmPlayer, Trap, check_loopback

__all__ = ["TRAP_COUNTS", "SwarmPlayer", "Trap", "check_loopback"]
