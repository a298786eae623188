"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spamtide.event import Claim
from spamtide.measure import Duplicates, Effect

# The traffic light protocol, version 2.0: to whom a report may be given on.
TLP = ("clear", "green", "amber", "red")


@dataclass(frozen=True, slots=True)
class Finding:
    """An effect with its document (which may carry ``planted``)."""

    effect: Effect
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SharesFinding:
    """Duplicate shares by one rule with their document (which may carry ``planted``)."""

    duplicates: Duplicates
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that a report is made of; it reads nothing else.

    ``witnesses``: names of the claims' witnesses; ``reproduce``: the commands that give the report again; ``version``
    and ``facts_version``: of the program and of what it reads from a message. ``reconciled``: the claims' own document.
    ``sizes``, ``watches`` and ``agreements``: documents of ``size``, ``watch`` and ``corroborate``. ``audience``: of
    ``AUDIENCES``, voice and depth; ``tlp``: of ``TLP``; ``supersedes``: the id of the report that this one replaces.
    """

    title: str
    event_id: str
    cut: int
    findings: tuple[Finding, ...]
    duplicates: tuple[SharesFinding, ...]
    claims: tuple[Claim, ...]
    cards: tuple[Mapping[str, Any], ...]
    controller: str
    interest: str
    cautions: tuple[str, ...] = ()
    summary: str = ""
    witnesses: Mapping[str, str] = field(default_factory=dict)
    reproduce: tuple[str, ...] = ()
    version: str = ""
    facts_version: int = 0
    reconciled: Mapping[str, Any] | None = None
    sizes: tuple[Mapping[str, Any], ...] = ()
    watches: tuple[Mapping[str, Any], ...] = ()
    agreements: tuple[Mapping[str, Any], ...] = ()
    purpose: str = ""
    legal_ground: str = ""
    audience: str = "technical"
    tlp: str = "clear"
    supersedes: str | None = None
    folder: str = "report"

    @property
    def technical(self) -> bool:
        """Whether the page goes into its full depth."""
        return self.audience == "technical"

    @property
    def simulated(self) -> bool:
        """Whether any of the feeds is made."""
        return any(card.get("simulated") for card in self.cards)
