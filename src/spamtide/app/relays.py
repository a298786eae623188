"""Relays of the operator's own before the trap: whose word on the client is taken, and who must give it by a PROXY header.

Nobody's word is taken unless his network is listed: everybody else could name any client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from spamtide.app.config import TrapSettings
from spamtide.errors import WrongUse

LISTENERS = ("smtp", "lmtp", "smtps")
FAMILIES = ("ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Relays:
    """``trusted``: networks as CIDR. ``proxy``: listeners at which one of them must begin with a PROXY header.
    ``families``: of the peers that can reach the trap; empty: those of its listeners."""

    trusted: tuple[str, ...] = ()
    proxy: tuple[str, ...] = ()
    families: tuple[str, ...] = ()


def read_relays(settings: TrapSettings, trusted: Sequence[str] = (), proxy: Sequence[str] = ()) -> Relays:
    """The relays of the settings; what the command line gives stands in place of theirs. Raises WrongUse ``bad_relays``."""
    networks = tuple(_network(text) for text in trusted or settings.trusted)
    listeners = tuple(_known(name, LISTENERS, "proxy") for name in proxy or settings.proxy)
    if listeners and not networks:
        raise WrongUse(
            "bad_relays",
            "A PROXY header is asked for, and nobody is listed whose header would be believed.",
            "List your load balancer: --trusted 192.0.2.10, or trap.trusted in spamtide.toml.",
        )
    return Relays(networks, listeners, tuple(_known(name, FAMILIES, "families") for name in settings.families))


def _known(name: str, known: Sequence[str], key: str) -> str:
    if name not in known:
        raise WrongUse(
            "bad_relays", f"trap.{key} has {name!r}.", f"It is a list of some of {', '.join(known)}.", given=name
        )
    return name


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise WrongUse(
            "bad_relays",
            f"{text!r} is no network: {error}.",
            "Write an address or a network in CIDR, as 192.0.2.10 or 2001:db8:5::/64, without bits behind its length.",
            given=text,
        ) from None
    if network.prefixlen == 0:
        raise WrongUse(
            "bad_relays",
            f"{text!r} is everybody: any sender could name any client.",
            "List the addresses of your own load balancers and mail servers alone.",
            given=text,
        )
    return str(network)
