"""Networks of peers: the operator's table of the settings, opened once, and queries by network resolved against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamtide.errors import BrokenWorld
from spamtide.measure import And, Not, Or, PeersAmong, Term, Tree
from spamtide.message import BadNetworks, Network, NetworkTable, read_networks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from spamtide.app.workspace import Workspace

FIELDS = ("network", "country")
_NEXT = "docs/howto/networks.md shows how to name one."


@dataclass(frozen=True, slots=True)
class Networks:
    """The table in use, or none: then a network is a /24 or a /48."""

    table: NetworkTable | None
    path: Path | None = None

    def of(self, unit: str | None) -> Network | None:
        """What the table says of a peer unit (an IPv4 address, an IPv6 /64); None without a table or an entry."""
        return None if self.table is None or unit is None else self.table.of(unit.partition("/")[0])

    def document(self) -> dict[str, Any] | None:
        """What results name the table by."""
        if self.table is None:
            return None
        return {"kind": self.table.kind, "date": self.table.as_of.isoformat(), "sha256": self.table.sha256}

    def resolve(self, tree: Tree, units: Callable[[], Iterable[str]]) -> Tree:
        """The query with each term on ``network`` or ``country`` replaced by the peer units that it names.

        ``units``: all peer units that the tables hold, asked for only where they are needed. Raises BadNetworks ``no_networks``.
        """
        match tree:
            case Term() if tree.field == "network" and "/" in tree.value:
                return tree
            case Term() if tree.field in FIELDS:
                if self.table is None:
                    raise BadNetworks("no_networks", f"{tree} needs a table of networks, and there is none.", _NEXT)
                wanted = tree.value.upper()
                named = (u for u in units() if (n := self.of(u)) is not None and wanted in _names(n, tree.field))
                return PeersAmong(tree, tuple(sorted(named)))
            case Not():
                return Not(self.resolve(tree.inner, units))
            case And():
                return And(tuple(self.resolve(p, units) for p in tree.parts))
            case Or():
                return Or(tuple(self.resolve(p, units) for p in tree.parts))
        return tree


def _names(network: Network, field: str) -> tuple[str | None, ...]:
    if field == "country":
        return (network.country,)
    return (f"AS{network.asn}", str(network.asn)) if network.asn is not None else ()


def open_networks(workspace: Workspace) -> Networks:
    """The table that ``[networks]`` names. Raises BrokenWorld ``networks_unreadable``, BadNetworks ``bad_networks``."""
    settings = workspace.settings.networks
    if not settings.table:
        return Networks(None)
    path = workspace.root / Path(settings.table).expanduser()
    try:
        as_of = date.fromisoformat(settings.date) if settings.date else None
    except ValueError:
        raise BadNetworks(
            "bad_networks", f"networks.date is {settings.date!r}, which is no day.", "Write it as 2011-03-16."
        ) from None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenWorld(
            "networks_unreadable", f"The table of networks {path} cannot be read: {error.strerror}.",
            "Correct networks.table in spamtide.toml, or its permissions.", path=str(path),
        ) from None  # fmt: skip
    return Networks(read_networks(data, as_of), path)
