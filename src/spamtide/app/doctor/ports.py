"""Ports: where a trap listens it answers, and where one is to listen nobody else does."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem, trap_runs
from spamtide.app.live import read_note, trap_note_path

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

NAME = "doctor.spamtide.invalid"
_PATIENCE = 8.0
_PROTOCOLS = ("smtp", "lmtp", "smtps")


def look_at_ports(workspace: Workspace, listen: Sequence[str]) -> tuple[list[dict[str, Any]], list[HealthProblem]]:
    """One row a place: of each trap that runs, that ran last, and those of ``listen``. Raises WrongUse ``bad_listen``."""
    from spamtide.app.trapping import parse_address

    seen: list[dict[str, Any]] = []
    problems: list[HealthProblem] = []
    for text in listen:
        place = parse_address(text)
        _add(seen, problems, {"feed": None, "protocol": None, "address": place}, _may_listen(place))
    for feed in workspace.archive.feeds():
        note = read_note(trap_note_path(workspace.archive.root, feed)) or {}
        runs = trap_runs(workspace, feed)
        if note.get("state") == "running" and not runs:
            text = f"The trap of {feed} ended without a word: it was killed, or the machine went down."
            problems.append(HealthProblem("trap_gone", text, "Start it again; what it acknowledged is kept."))
        for protocol in _PROTOCOLS:
            address = note.get(protocol)
            if not address:
                continue
            if runs:
                state = _answer(address, protocol, note)
            else:
                state = "held" if note.get("inherited") else _may_listen(address)
            _add(seen, problems, {"feed": feed, "protocol": protocol, "address": address}, state)
    return seen, problems


def _add(seen: list[dict[str, Any]], problems: list[HealthProblem], row: dict[str, Any], state: str) -> None:
    seen.append({**row, "state": state})
    where = row["address"]
    if state == "silent":
        text = f"The trap of {row['feed']} runs, but nobody answers at {where}."
        problems.append(HealthProblem("port_silent", text, "Look at its log and at the firewall of this machine."))
    elif state == "taken":
        text = f"Another program listens at {where}."
        problems.append(HealthProblem("port_taken", text, f"'ss -ltnp' says which; stop it or choose another port than {where}."))  # fmt: skip
    elif state == "not_allowed":
        text = f"You may not listen at {where}: ports below 1024 want a right."
        problems.append(
            HealthProblem("port_not_allowed", text, "Let systemd hand the socket over: docs/howto/run-as-a-service.md.")
        )
    elif state == "not_here":
        text = f"{where} is no address of this machine."
        problems.append(HealthProblem("address_not_here", text, "'ip address' shows those it has."))


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _may_listen(address: str) -> str:
    """``free``, ``taken``, ``not_allowed``, ``not_here``: what binding a socket there says. It never listens."""
    host, port = _split(address)
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            names = {errno.EADDRINUSE: "taken", errno.EACCES: "not_allowed", errno.EPERM: "not_allowed"}
            return names.get(error.errno or 0, "not_here")
    return "free"


def _answer(address: str, protocol: str, note: Mapping[str, Any]) -> str:
    """``answers`` where a greeting with our name came, ``taken`` where another one did, ``silent`` where none."""
    host, port = _split(address)
    # Who listens at every address is visited on loopback.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    name = str(note.get("host", ""))
    # From a trusted address such a listener waits for a PROXY header; this one names nobody.
    trusted = (ipaddress.ip_network(n) for n in note.get("trusted", ()))
    proxied = protocol in note.get("proxy", ()) and any(ipaddress.ip_address(host) in n for n in trusted)
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as plain:
            if proxied:
                plain.sendall(b"PROXY UNKNOWN\r\n")
            if protocol != "smtps":
                return _greet(plain, protocol, name)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as wrapped:
                return _greet(wrapped, protocol, name)
    except OSError:
        return "silent"


def _greet(peer: socket.socket, protocol: str, name: str) -> str:
    line = peer.recv(1024)
    hello = "LHLO" if protocol == "lmtp" else "HELO"
    peer.sendall(f"{hello} {NAME}\r\n".encode())
    peer.recv(1024)
    peer.sendall(b"QUIT\r\n")
    peer.recv(1024)
    if not line:
        return "silent"
    return "answers" if line.startswith(b"220") and name.encode() in line else "taken"
