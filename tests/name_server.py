"""A small DNS server on loopback: it answers what it was told, over UDP, from a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# (name, type) -> records as text; a name that is in no key does not exist.
Zone = Mapping[tuple[str, str], Sequence[str]]


class NameServer:
    """Use it in a ``with`` block. ``mute``: names whose questions it leaves unanswered. ``asked`` holds every question."""

    def __init__(self, zone: Zone, mute: Sequence[str] = ()) -> None:
        self.zone, self.mute = zone, mute
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            if not data:
                return
            answer = self._answer(dns.message.from_wire(data))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.mute:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if name not in {n for n, _ in self.zone}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif records := self.zone.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        return answer

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A datagram to itself ends the wait; closing alone does not on every kernel.
        host, _, port = self.place.rpartition(":")
        self._socket.sendto(b"", (host, int(port)))
        self._thread.join(5)
        self._socket.close()
