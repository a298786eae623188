"""Public values: the only ones that a report can render. Each is made from a local one by masking or by coarsening."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from spamtide.message.kernel import mask, peer_units


@dataclass(frozen=True, slots=True)
class PublicText:
    """Attacker's text that may leave: masked, control and direction characters by name, length-capped."""

    text: str

    @staticmethod
    def of(local: str, limit: int = 200) -> PublicText:
        """Make ``local`` fit to leave."""
        return PublicText(_inert(mask(local), limit, len(local) > limit))

    @staticmethod
    def stated(text: str, limit: int = 400) -> PublicText:
        """What the operator or the registry stated: its figures stay, mail addresses do not; inert and length-capped all the same."""
        return PublicText(_inert(_ADDRESS.sub("⟨address⟩", text), limit, len(text) > limit))


# Anything that mail could be sent to: whoever stated it may have meant it, and it may be a trap's.
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'“”«»|]+@[^\s<>()\[\],;:\"'“”«»|@]*[\w-]\.[^\W\d_]{2,}")


def _inert(text: str, limit: int, cut: bool) -> str:
    shown = []
    for c in text[:limit]:
        if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"):
            shown.append(f"⟨{unicodedata.name(c, f'U+{ord(c):04X}').lower()}⟩")
        else:
            shown.append(c)
    return "".join(shown) + ("…" if cut else "")


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """A peer's network: /24 or /48, never the address."""

    network: str

    @staticmethod
    def of(address: str) -> PublicNetwork | None:
        """The network of an address; None when it is none."""
        units = peer_units(address)
        return None if units is None else PublicNetwork(units[1])
