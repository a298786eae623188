"""The one file of this room that opens the kernel's door: its sockets."""

from spamtide._kernel import (
    TRAP_COUNTS,
    TREATMENTS,
    SwarmPlayer,
    Trap,
    check_certificate,
    check_loopback,
    make_certificate,
    probe_value,
)

__all__ = [
    "TRAP_COUNTS",
    "TREATMENTS",
    "SwarmPlayer",
    "Trap",
    "check_certificate",
    "check_loopback",
    "make_certificate",
    "probe_value",
]
