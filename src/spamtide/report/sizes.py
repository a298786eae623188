"""Sizes in documents and words: of the senders that reached these traps, never of the world."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.measure import Estimate, Factor, Interval, Population
from spamtide.report.catalogue import SENTENCES
from spamtide.report.documents import interval, note, number, refusal, window
from spamtide.report.sentences import refusal_text
from spamtide.report.words import capital, day_words, digits, listed, measure_words, quoted, thousands

_UNITS = {"host": "hosts", "address": "addresses", "message": "messages"}


def size_document(
    populations: Sequence[Population], *, target: str | None, feeds: Sequence[str], parts: Sequence[tuple[str, Population]] = (),
    factor: Factor | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The document ``spamtide.size/1``: one population a family of addresses, never added; ``parts``: the same by country, week or feed.

    ``factor``: that of the populations whose output was multiplied by one.
    """
    main = populations[0]
    return {
        "schema": "spamtide.size/1",
        "target": target,
        "feeds": list(feeds),
        "window": window(main.window),
        "sightings": sum(p.sightings for p in populations),
        "estimates": [_estimate(e, p) for p in populations for e in p.estimates],
        "refused": refusal(main.refused),
        "at_least": main.at_least,
        "sessions_end_after_hours": None if main.decay is None else max(main.decay.first_gap, 0),
        "address_lasts_hours": _lasting(main),
        "day_and_night": None if main.decay is None else number(main.decay.night),
        "activity_shape": None if main.marks is None else number(main.marks.shape),
        "parts": [
            {
                "part": name, "window": window(p.window), "sightings": p.sightings,
                "estimates": [_estimate(e, p) for e in p.estimates], "refused": refusal(p.refused),
            }
            for name, p in parts
        ],
        "warnings": [note(w) for p in populations for w in p.warnings],
        "factor": None if factor is None else {"times": interval(factor.times), "stated_by": factor.stated_by},
        "sentence": " ".join(
            part for p in populations for part in (size_sentence(p, target, feeds), _factor_sentence(p, factor)) if part
        ),
    }  # fmt: skip


def _estimate(estimate: Estimate, of: Population) -> dict[str, Any]:
    shown = interval(estimate.interval) or {}
    return {
        "quantity": estimate.quantity, **shown, "unit": estimate.unit, "family": of.family,
        "population": estimate.population, "window": window(of.window), "method": estimate.method,
        "assumptions": list(estimate.assumptions), "warning": estimate.warning,
    }  # fmt: skip


def _lasting(population: Population) -> float | int | None:
    """The gap at which half of the addresses are still held by who held them; null where that lies beyond the window."""
    if population.decay is None:
        return None
    over = (population.decay.survival < 0.5).nonzero()[0]
    return number(float(over[0])) if len(over) else None


def rounded_words(value: Interval) -> str:
    """``1 510 (1 440 to 1 590)``: digits follow the width."""
    step = max(digits(value.high - value.low)[0], 1.0)
    shown = [thousands(round(v / step) * step) for v in (value.value, value.low, value.high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def rate_words(value: Interval) -> str:
    """``0.027 (0.016 to 0.045)``: a figure that need not be whole, in the decimals of the largest power of ten that is at most a sixth of its width."""
    width = value.high - value.low
    decimals = min(max(math.ceil(-math.log10(width / 6)), 0), 6)
    return f"{value.value:.{decimals}f} ({value.low:.{decimals}f} to {value.high:.{decimals}f})"


def size_sentence(population: Population, target: str | None, feeds: Sequence[str]) -> str:
    """The sentence of the definitions, or why there is none."""
    of = (
        ""
        if target is None
        else f" of {measure_words(target) if ':' in target and not target.startswith('template:') else quoted(target)}"
    )
    at = f"at the traps {listed(list(feeds)).replace(' or ', ' and ')}" if feeds else "at these traps"
    span = f"between {day_words(population.window.start)} and {day_words(population.window.end)}"
    found = population.estimate("hosts_lower_bound")
    if found is None:
        assert population.refused is not None
        return capital(SENTENCES["size_refused"].format(of=of, at=at, span=span, why=refusal_text(population.refused)))
    family = "" if population.family == "IPv4" else f" ({population.family})"
    head = "at least " if population.at_least else ""
    text = SENTENCES["size"].format(
        at_least=head, hosts=rounded_words(found.interval), of=of, family=family, at=at, span=span
    )
    live = population.estimate("hosts")
    if live is not None:
        text += SENTENCES["size_marked"].format(hosts=rounded_words(live.interval))
    return capital(text)


def _factor_sentence(population: Population, factor: Factor | None) -> str:
    """What the stated factor makes of the output; empty without one, or where nothing was counted."""
    found = None if factor is None else population.estimate("output_per_day_by_factor")
    if factor is None or found is None:
        return ""
    each = population.estimate("output_per_host_per_day_by_factor")
    family = "" if population.family == "IPv4" else f" ({population.family})"
    return SENTENCES["size_factor"].format(
        by=quoted(factor.stated_by), times=thousands(factor.times.value) if factor.exact else rounded_words(factor.times), family=family,
        output=rounded_words(found.interval), each="" if each is None else SENTENCES["size_factor_each"].format(output=rounded_words(each.interval)),
        exact=SENTENCES["size_factor_exact"] if factor.exact else "",
    )  # fmt: skip


def size_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """Quantity, figure with interval, unit, and what it is of: the rows of a table."""
    rows = []
    for e in document["estimates"]:
        value = Interval(e["value"], e["low"], e["high"])
        shown = thousands(value.value)
        if value.high > value.low:
            shown = rate_words(value) if value.high - value.low < 12 else rounded_words(value)
        name = e["quantity"].replace("_", " ")
        said = "what the textbook says; addresses that change hands make it wrong" if e["warning"] else e["population"]
        rows.append([name, shown, _UNITS[e["unit"]], e["family"], said])
    return rows


def part_rows(document: Mapping[str, Any]) -> list[list[str]]:
    """One row a part: its name, since when, sightings, the effective size."""
    rows = []
    for part in document["parts"]:
        size = next((e for e in part["estimates"] if e["quantity"] == "hosts_lower_bound"), None)
        shown = "refused" if size is None else rounded_words(Interval(size["value"], size["low"], size["high"]))
        rows.append([part["part"], part["window"]["start"][:10], thousands(part["sightings"]), shown])
    return rows
