"""Starts a program as systemd starts a service: listening sockets from descriptor 3 on, and what it may do taken away.

python handed_over.py '{"names": "smtp:lmtp", "fds": [7, 8], "confined": true}' PROGRAM ARGUMENT...
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys

_NO_NEW_PRIVS, _SECCOMP, _MDWE = 38, 22, 65
_FILTER_MODE = 2
# How many a system call is, and on which machine: struct seccomp_data.
_NUMBER, _MACHINE = 0, 4
_X86_64, _CONNECT = 0xC000003E, 42
_ALLOW, _EPERM = 0x7FFF0000, 0x00050001


def confine() -> None:
    """No new privileges, no memory that is written and run, and connect(2) is EPERM. Exits with 77 where the kernel cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(_MDWE, 1, 0, 0, 0) != 0:
        sys.exit(77)
    load, jump_if, give = 0x20, 0x15, 0x06
    steps = [(load, 0, 0, _MACHINE), (jump_if, 0, 3, _X86_64), (load, 0, 0, _NUMBER), (jump_if, 0, 1, _CONNECT),
             (give, 0, 0, _EPERM), (give, 0, 0, _ALLOW)]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code)))
    if libc.prctl(_SECCOMP, _FILTER_MODE, ctypes.c_ulong(ctypes.addressof(program)), 0, 0) != 0:
        sys.exit(77)


def main() -> None:
    """Become the program."""
    told = json.loads(sys.argv[1])
    fds = told["fds"]
    # Out of the way first: a socket may lie where another must go.
    for place, fd in enumerate([os.dup2(fd, 100 + n) for n, fd in enumerate(fds)]):
        os.dup2(fd, 3 + place, inheritable=True)
    os.environ |= {
        "LISTEN_PID": str(told.get("pid", os.getpid())),
        "LISTEN_FDS": str(len(fds)),
        "LISTEN_FDNAMES": told["names"],
    }
    if told.get("confined"):
        confine()
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
