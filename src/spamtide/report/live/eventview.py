"""The figures of one effect as a live page draws them: those of the report, wide and narrow, with their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.event import Claim
from spamtide.measure import Effect
from spamtide.report.claims import claims_beside
from spamtide.report.effectchart import effect_alt, effect_chart, rate
from spamtide.report.forestplot import forest_alt, forest_marks, forest_plot, forest_title
from spamtide.report.sentences import effect_title
from spamtide.report.words import change_span, change_words


def effect_figures(
    effect: Effect, others: Sequence[Effect], claims: Sequence[Claim], witnesses: Mapping[str, str], label: str
) -> dict[str, Any]:
    """``title``, ``change``, ``span``, rates, and where there is a path ``chart`` and ``forest``, each SVG ``wide`` and ``narrow`` with ``alt``."""
    b, a = effect.counted_before, effect.counted_after
    found: dict[str, Any] = {
        "title": effect_title(effect), "change": change_words(effect.ratio), "span": change_span(effect.ratio),
        "rates": [rate(b.count, b.live_days), rate(a.count, a.live_days)], "chart": None, "forest": None,
    }  # fmt: skip
    if effect.path is None:
        return found
    marks = forest_marks(effect, None, others, claims_beside(effect, claims), witnesses)
    found["chart"] = {
        "wide": effect_chart(effect, label, "effect"), "narrow": effect_chart(effect, label, "effect-narrow", narrow=True),
        "alt": effect_alt(effect),
    }  # fmt: skip
    found["forest"] = {
        "wide": forest_plot(effect, marks, "forest"), "narrow": forest_plot(effect, marks, "forest-narrow", narrow=True),
        "alt": forest_alt(effect, marks), "title": forest_title(effect, marks),
        "rows": [
            {"label": m.label, "kind": m.kind, "change": change_words(m.ratio), "span": "" if m.kind == "claim" else change_span(m.ratio)}
            for m in marks
        ],
    }  # fmt: skip
    return found
