"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spamtide.event import Claim
from spamtide.measure import Duplicates, Effect


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

    @property
    def simulated(self) -> bool:
        """Whether any of the feeds is made."""
        return any(card.get("simulated") for card in self.cards)
