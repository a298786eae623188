"""Claims of an event, reconciled with one another and with effects that were measured here or come in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spamtide.app.instants import parse_instant
from spamtide.errors import BrokenWorld, WrongUse
from spamtide.event import Claim, Event, Registry
from spamtide.measure import MeasuredChange, MeasuredShare, reconcile, subject_of
from spamtide.report import claims_document

# Figures of no event stand beside an event's own when their time touches these days before and after it.
NEAR_DAYS = 120
EFFECT, DUPLICATES = "spamtide.effect/1", "spamtide.duplicates/1"


def claims_about(registry: Registry, event: Event) -> tuple[Claim, ...]:
    """The event's claims and the published figures of its time."""
    return (*event.claims, *registry.figures_near(event, NEAR_DAYS))


def reconciled(registry: Registry, event: Event, documents: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The document ``spamtide.claims/1`` of an event beside documents of effects and duplicates; refused ones pass by."""
    claims = claims_about(registry, event)
    names = {m.witness: m.name for m in registry.memberships}
    found = reconcile(event, claims, measured_changes(documents), measured_shares(documents))
    return claims_document(event, claims, found, names)


def measured_shares(documents: Iterable[Mapping[str, Any]]) -> tuple[MeasuredShare, ...]:
    """The in-group shares of duplicate documents, as counted, window by window."""
    return tuple(
        MeasuredShare(
            d["rule"], d["feed"], w["messages"], share["value"], share["low"], share["high"], parse_instant(w["start"]), parse_instant(w["end"]),
        )
        for d in documents if d["schema"] == DUPLICATES and d["refused"] is None
        for w in d["windows"] if (share := w["in_group"]) is not None
    )  # fmt: skip


def measured_changes(documents: Iterable[Mapping[str, Any]]) -> tuple[MeasuredChange, ...]:
    """Those effects that claims can speak of, as changes: their ratio less one."""
    found = []
    for effect in documents:
        if effect["schema"] != EFFECT:
            continue
        subject, ratio = subject_of(effect["measure"]), effect["ratio"]
        if subject is None or ratio is None:
            continue
        after = effect["windows"]["after"]
        found.append(
            MeasuredChange(
                effect["measure"], effect.get("feed"), *subject, ratio["value"] - 1, ratio["low"] - 1, ratio["high"] - 1,
                parse_instant(after["start"]), parse_instant(after["end"]),
            )
        )  # fmt: skip
    return tuple(found)


def read_measured(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Documents of effects and duplicates in files: one each, or those of a report.

    Raises BrokenWorld ``unreadable`` for a file and WrongUse ``bad_measured`` for one that holds neither.
    """
    found: list[dict[str, Any]] = []
    for path in paths:
        try:
            given = json.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BrokenWorld("unreadable", f"{path} cannot be read: {reason}.", "Check the path.") from None
        except ValueError:
            given = None
        documents = [given]
        if isinstance(given, dict) and "effects" in given:
            documents = [*given["effects"], *given.get("duplicates", [])]
        for document in documents:
            if not isinstance(document, dict) or document.get("schema") not in (EFFECT, DUPLICATES):
                raise WrongUse(
                    "bad_measured",
                    f"{path} holds no document of an effect or of duplicates.",
                    "Save one: spamtide effect --event E --measure M --feed F --json > FILE.json; a report.json will do too.",
                    path=str(path),
                )
            found.append(document)
    return found
