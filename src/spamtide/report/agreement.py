"""One event at several feeds: the document of ``corroborate`` and its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.measure import Agreement, Effect, Heterogeneity, Pooled, Tasting
from spamtide.report.documents import instant, interval, number, refusal, window
from spamtide.report.sentences import effect_sentence
from spamtide.report.words import change_words, quoted

CAVEAT = "A mean over feeds is no headline: name the feeds and their range."


def corroborate_document(
    agreement: Agreement,
    effects: Sequence[Effect],
    vantages: Mapping[str, Sequence[str]],
    tasting: Tasting | None,
    without_items: Sequence[str],
) -> dict[str, Any]:
    """The document ``spamtide.corroborate/1``; ``without_items``: feeds of counts, which hold no items to compare."""
    first = effects[0]
    return {
        "schema": "spamtide.corroborate/1",
        "event": first.event,
        "at": instant(first.cut),
        "target": first.target,
        "measure": first.measure,
        "effects": [
            {
                "feed": stated.feed,
                "independence_group": stated.group,
                "vantages": list(vantages.get(stated.feed, ())),
                "measure": stated.measure,
                "ratio": interval(stated.ratio),
                "refused": refusal(stated.refused),
                "windows": {"before": window(e.before), "after": window(e.after)},
                "confidence": e.confidence.level,
                "sentence": effect_sentence(e),
            }
            for stated, e in zip(agreement.effects, effects, strict=True)
        ],
        "range": None if agreement.lowest is None else {"lowest": number(agreement.lowest), "highest": number(agreement.highest)},
        "pooled": _pooled(agreement.pooled),
        "not_pooled": refusal(agreement.not_pooled),
        "heterogeneity": _heterogeneity(agreement.heterogeneity),
        "leave_one_out": [
            {
                "without": w.feed, "lowest": number(w.lowest), "highest": number(w.highest),
                "heterogeneity": _heterogeneity(w.heterogeneity), "pooled": _pooled(w.pooled),
            }
            for w in agreement.leave_one_out
        ],
        "replications": [{"feeds": list(r.feeds), "kind": r.kind, "overlap": r.overlap} for r in agreement.replications],
        "feeds": _feeds(tasting, without_items),
        "sentence": corroborate_sentence(agreement),
    }  # fmt: skip


def _pooled(value: Pooled | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "ratio": interval(value.ratio), "prediction": interval(value.prediction), "groups": list(value.groups), "tau2": number(value.tau2),
        "method": "reml-hartung-knapp/1", "caveat": CAVEAT,
    }  # fmt: skip


def _heterogeneity(value: Heterogeneity | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "k": value.k, "q": number(value.q), "df": value.df, "p": number(value.p), "i2": number(value.i2), "tau2": number(value.tau2),
    }  # fmt: skip


def _feeds(tasting: Tasting | None, without_items: Sequence[str]) -> dict[str, Any]:
    """Coverage, proportionality and lag; null where fewer than two feeds hold messages or they were never there together."""
    empty = {"item": "campaign", "window": None, "coverage": None, "proportionality": None, "lag": None}
    if tasting is None:
        return {**empty, "without_items": list(without_items)}
    return {
        "item": "campaign",
        "window": window(tasting.window),
        "coverage": {
            "feeds": [
                {
                    "feed": f.feed, "messages": f.messages, "items": f.items, "exclusive": f.exclusive,
                    "exclusive_share": number(f.exclusive / f.items) if f.items else None,
                }
                for f in tasting.feeds
            ],
            "pairs": [
                {"feeds": [p.one, p.other], "common": p.common, "of_first": number(p.of_one), "of_second": number(p.of_other)}
                for p in tasting.pairs
            ],
        },
        "proportionality": [
            {"feeds": [p.one, p.other], "distance": number(p.distance), "kendall_tau_b": number(p.rank)} for p in tasting.pairs
        ],
        "lag": [
            {"feed": f.feed, "shared": f.shared, "median_hours": number(None if f.lag_us is None else f.lag_us / 3.6e9), "first_share": number(f.first)}
            for f in tasting.feeds
        ],
        "without_items": list(without_items),
    }  # fmt: skip


def corroborate_sentence(agreement: Agreement) -> str:
    """How the effects stand to one another: their range, how many witnesses they are, and the pooled figure last if there is one."""
    known = [e for e in agreement.effects if e.ratio is not None]
    if not known:
        return "No feed gives a figure."
    if len(known) == 1:
        return f"One feed gives a figure, {quoted(known[0].feed)}: {change_words(known[0].ratio)}. One witness corroborates nothing."
    ordered = sorted(known, key=lambda e: e.ratio.value if e.ratio else 0.0)
    low, high = ordered[0], ordered[-1]
    text = f"At {len(known)} feeds the changes run from {change_words(low.ratio)} ({quoted(low.feed)}) to {change_words(high.ratio)} ({quoted(high.feed)})"
    h = agreement.heterogeneity
    if h is not None:
        text += f"; {h.i2:.0%} of their spread is more than their own errors make (Q = {h.q:.3g} on {h.df}, p = {h.p:.2g})".replace(
            "%", " %"
        )
    if agreement.pooled is None:
        groups = len({e.group for e in known if e.group != "unknown"})
        return f"{text}. Independence groups that somebody stated: {groups}; below three there is a table and a range, and no mean."
    p = agreement.pooled
    span = f"{change_words(_point(p.ratio.low))} to {change_words(_point(p.ratio.high))}"
    return f"{text}. Over {len(p.groups)} independence groups the mean is {change_words(p.ratio)} (95 % interval: {span}). {CAVEAT}"


def _point(value: float) -> Any:
    from spamtide.measure import Interval

    return Interval(value, value, value)
