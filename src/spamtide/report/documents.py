"""Values as the documents of the contract: plain JSON, six significant digits, RFC 3339 instants, stable keys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from spamtide.measure import (
    Attribution,
    Check,
    Displacement,
    Duplicates,
    DuplicateShare,
    Effect,
    GroupShare,
    Interval,
    Note,
    Plan,
    Refusal,
    Series,
    Window,
    WindowCount,
    WithoutGroup,
)
from spamtide.message import PublicText
from spamtide.report.sentences import duplicates_sentence, effect_sentence, note_text, refusal_text


def instant(value: int) -> str:
    """RFC 3339 UTC."""
    seconds, micros = divmod(value, 1_000_000)
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{micros:06d}Z" if micros else f"{text}Z"


def number(value: float | None) -> float | int | None:
    """Six significant digits; whole numbers as integers; None for what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def interval(value: Interval | None) -> dict[str, Any] | None:
    """``{value, low, high, level}``."""
    if value is None:
        return None
    return {"value": number(value.value), "low": number(value.low), "high": number(value.high), "level": value.level}


def window(value: Window) -> dict[str, str]:
    """``{start, end}``, end excluded."""
    return {"start": instant(value.start), "end": instant(value.end)}


def refusal(value: Refusal | None) -> dict[str, Any] | None:
    """``{reason, needed, have, text}``."""
    if value is None:
        return None
    return {"reason": value.reason, "needed": dict(value.needed), "have": dict(value.have), "text": refusal_text(value)}


def note(value: Note) -> dict[str, Any]:
    """``{code, text, ...facts}``."""
    facts = {k: number(v) if isinstance(v, float) else v for k, v in value.facts.items() if k not in ("code", "text")}
    return {"code": value.code, "text": note_text(value), **facts}


def _counted(value: WindowCount) -> dict[str, Any]:
    return {"count": number(value.count), "live_days": number(value.live_days), "bins": value.bins}


def effect_document(effect: Effect) -> dict[str, Any]:
    """The document ``spamtide.effect/1``."""
    return {
        "schema": "spamtide.effect/1",
        "target": effect.target,
        "measure": effect.measure,
        "unit": effect.unit,
        "feed": effect.feed,
        "population": effect.population,
        "event": effect.event,
        "at": instant(effect.cut),
        "windows": {
            "before": window(effect.before),
            "after": window(effect.after),
            "excluded": [window(w) for w in effect.excluded],
        },
        "counts": {"before": _counted(effect.counted_before), "after": _counted(effect.counted_after)},
        "ratio": interval(effect.ratio),
        "refused": refusal(effect.refused),
        "method": effect.method,
        "shape": {
            "asked": effect.shape,
            "weights": [{"shape": name, "weight": number(weight)} for name, weight in effect.shapes],
        },
        "second_opinions": [
            {"method": o.method, "ratio": interval(o.ratio), "refused": refusal(o.refused)} for o in effect.second_opinions
        ],
        "also_at": [
            {
                "at": instant(at),
                "ratio": interval(r) if isinstance(r, Interval) else None,
                "refused": refusal(r) if isinstance(r, Refusal) else None,
            }
            for at, r in effect.also_at
        ],
        "minimum_detectable": number(effect.minimum_detectable),
        "diagnostics": {
            "exposure_basis": effect.basis,
            "placebo_p": number(effect.placebo_p),
            "pre_trend": None if effect.pre_trend is None else note(effect.pre_trend),
            "neighbours": [
                {
                    "kind": n.kind, "at": instant(n.cut), "before": window(n.before), "after": window(n.after),
                    "ratio": interval(n.ratio),
                }
                for n in effect.neighbours
            ],
            "checks": [_check(c) for c in effect.checks],
        },
        "displacement": _displacement(effect.displacement),
        "contributions": None,
        "attribution": None if effect.attribution is None else _attribution(effect.attribution),
        "plan": None if effect.plan is None else _plan(effect.plan),
        "warnings": [note(w) for w in effect.warnings],
        "confidence": {"level": effect.confidence.level, "reasons": [note(n) for n in effect.confidence.unmet]},
        "sentence": effect_sentence(effect),
    }  # fmt: skip


def _displacement(value: Displacement | Refusal | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, Refusal):
        return {"refused": refusal(value), "parts": [], "correlation": None, "live_days": 0}
    parts = [
        {
            "part": p.name, "counted": number(p.counted), "expected": interval(p.expected), "ratio": interval(p.ratio),
            "moved": interval(p.moved),
        }
        for p in value.parts
    ]  # fmt: skip
    return {"refused": None, "parts": parts, "correlation": number(value.correlation), "live_days": value.days}


def _attribution(said: Attribution) -> dict[str, Any]:
    return {
        "word": said.word,
        "rules": [{"rule": rule.name, "met": rule.met, **note(rule.note)} for rule in said.rules],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id, "frozen_at": instant(plan.frozen_at), "before_data": plan.before_data,
        "followed": not plan.departures, "departures": list(plan.departures),
    }  # fmt: skip


def _check(check: Check) -> dict[str, Any]:
    rows = [{"label": PublicText.stated(label, 120).text, "ratio": interval(ratio)} for label, ratio in check.rows]
    return {**note(check.note), "verdict": check.verdict, "rows": rows}


def _share(value: DuplicateShare) -> dict[str, Any]:
    return {
        **window(value.window),
        "messages": value.messages,
        "in_group": interval(value.in_group),
        "repeat": interval(value.repeat),
    }


def duplicates_document(
    duplicates: Duplicates, senders: tuple[Sequence[Sequence[GroupShare]], WithoutGroup | None] | None = None
) -> dict[str, Any]:
    """The document ``spamtide.duplicates/1``; ``senders``: each window's shares by sender group, and the parts of the change."""
    equal = duplicates.equal_n
    by_group = [] if senders is None else senders[0]
    without = None if senders is None else senders[1]
    return {
        "schema": "spamtide.duplicates/1",
        "feed": duplicates.feed,
        "rule": duplicates.rule,
        "definition": {
            "identical": "equal bytes of every part after transfer decoding, and equal masked subject and text",
            "exact": "equal masked subject, masked visible text and attachments",
            "near": "the same campaign, by the generation that is named",
        }[duplicates.rule],
        "lookback_days": number(duplicates.lookback_us / 86_400_000_000),
        "unit": duplicates.unit,
        "windows": [_share(s) for s in duplicates.windows],
        "equal_n": None
        if equal is None
        else {
            "n": equal.n,
            "days": equal.days,
            "in_group": [interval(i) for i in equal.in_group],
            "repeat": [interval(i) for i in equal.repeat] if equal.repeat else [],
            "difference": {
                "in_group": interval(equal.difference_in_group),
                "repeat": interval(equal.difference_repeat),
            },
        },
        "by_group": [
            {
                "window": place,
                "group": row.group,
                "messages": row.share.messages,
                "in_group": interval(row.share.in_group),
                "repeat": interval(row.share.repeat),
            }
            for place, rows in enumerate(by_group)
            for row in rows
        ],
        "without": None
        if without is None
        else {
            "group": without.group,
            "messages": list(without.messages),
            "change": interval(without.change),
            "removal": interval(without.removal),
            "sample_size": interval(without.sample_size),
            "unexplained": interval(without.unexplained),
        },
        "refused": refusal(duplicates.refused),
        "warnings": [note(w) for w in duplicates.warnings],
        "sentence": duplicates_sentence(duplicates),
    }


def sender_lines(document: Mapping[str, Any]) -> list[str]:
    """What a duplicates document says of sender groups, a line each."""
    lines = []
    for row in document["by_group"]:
        share = row["in_group"]
        said = "no share" if share is None else f"{share['value']:.1%} of its own messages repeat within the window"
        lines.append(f"Window {row['window'] + 1}, {row['group']}: {row['messages']:,} messages, {said}.")
    parts = document["without"]
    if parts is not None:
        points = {k: f"{100 * parts[k]['value']:+.1f}" for k in ("change", "removal", "sample_size", "unexplained")}
        lines.append(
            f"Of the change of {points['change']} points, {points['removal']} are the removal of {parts['group']}, "
            f"{points['sample_size']} the smaller sample, {points['unexplained']} neither."
        )
    return lines


def series_document(series: Series) -> dict[str, Any]:
    """The document ``spamtide.series/1``: ``rows: [{time, count, exposure}]``; a missing count is null."""
    rows = [
        {"time": instant(int(t)), "count": None if m else number(float(c)), "exposure": number(float(e))}
        for t, c, e, m in zip(series.starts, series.counts, series.exposures, series.missing, strict=True)
    ]
    return {
        "schema": "spamtide.series/1",
        "measure": series.measure,
        "unit": series.unit,
        "feed": series.name,
        "exposure_unit": "share of bin",
        "exposure_basis": series.basis,
        "warnings": [note(w) for w in series.warnings],
        "rows": rows,
    }
