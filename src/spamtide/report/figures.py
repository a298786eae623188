"""Figures as SVG: the effect chart with its forest plot. The same values give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from spamtide.measure import DAY_US, Effect, Interval
from spamtide.report.sentences import day_words, measure_words, percent

INK, QUIET, GROUND, LINE = "#1b1f24", "#5c6672", "#ffffff", "#d8dee6"
OBSERVED, COUNTERFACTUAL, EVENT, CONTROLS = "#1f4e79", "#8a6d3b", "#b3261e", "#4f7f5f"
_TICKS = {0.1: "−90 %", 0.25: "−75 %", 0.5: "−50 %", 0.75: "−25 %", 1.0: "0", 1.5: "+50 %", 2.0: "+100 %"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the forest plot; ``kind``: headline, opinion, neighbour, planted, claim."""

    label: str
    ratio: Interval | None
    kind: str


def _moment(instant: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def _setup() -> Any:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "spamtide", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10,
            "font.sans-serif": ["system-ui", "DejaVu Sans"], "axes.edgecolor": LINE, "axes.labelcolor": QUIET,
            "xtick.color": QUIET, "ytick.color": QUIET, "text.color": INK, "axes.spines.top": False,
            "axes.spines.right": False, "figure.facecolor": "none", "axes.facecolor": "none", "hatch.linewidth": 0.6,
        }
    )  # fmt: skip
    from matplotlib import pyplot

    return pyplot


def effect_title(effect: Effect) -> str:
    """The finding, as the title of its chart."""
    what = measure_words(effect.measure)
    if effect.ratio is None:
        return f"{what[0].upper()}{what[1:]}: no figure"
    i = effect.ratio
    if i.low <= 1 <= i.high:
        return f"{what[0].upper()}{what[1:]}: no change that can be told from chance"
    return f"{what[0].upper()}{what[1:]}: {'down' if i.value < 1 else 'up'} {percent(i.value)} %"


def effect_alt(effect: Effect) -> str:
    """The chart's numbers in words."""
    b, a = effect.counted_before, effect.counted_after
    text = (
        f"{effect_title(effect)}. Counted per live day: {b.count / max(b.live_days, 1e-9):.1f} before, "
        f"{a.count / max(a.live_days, 1e-9):.1f} after {day_words(effect.cut)}."
    )
    if effect.ratio is not None:
        text += f" Ratio {effect.ratio.value:.2f}, 95 % interval {effect.ratio.low:.2f} to {effect.ratio.high:.2f}."
    return text


def effect_chart(effect: Effect, label: str, days_shown: int = 75) -> str:
    """Observed rate per live day, what was expected without the event with its band, the event, windows, exposure."""
    plt = _setup()
    path = effect.path
    assert path is not None
    show = path.starts >= effect.cut - days_shown * DAY_US
    starts, live = path.starts[show], (path.exposures[show] > 0) & ~path.missing[show]
    middles = [_moment(int(s) + DAY_US // 2) for s in starts]
    exposure = np.where(live, path.exposures[show], np.nan)
    post = path.post[show]
    observed = path.observed[show] / exposure
    expected, low, high = (x[show] / exposure for x in (path.expected, path.expected_low, path.expected_high))
    figure, (axes, strip) = plt.subplots(
        2, 1, figsize=(9, 4.1), sharex=True, gridspec_kw={"height_ratios": [14, 1], "hspace": 0.05}
    )
    top = float(np.nanmax(np.concatenate([observed, high[post]]))) * 1.15
    join = np.flatnonzero(post)[0] if post.any() else len(post)
    after = slice(join, None)
    axes.fill_between(
        middles[after], low[after], np.minimum(high[after], top), color=COUNTERFACTUAL, alpha=0.18, linewidth=0
    )
    axes.plot(middles[after], expected[after], color=COUNTERFACTUAL, linestyle=(0, (5, 3)), linewidth=1.6)
    axes.plot(middles, observed, color=OBSERVED, linewidth=1.6, marker="o", markersize=2.6)
    cut = _moment(effect.cut)
    axes.axvline(cut, color=EVENT, linewidth=1.3)
    axes.annotate(label, (cut, top), xytext=(-6, -2), textcoords="offset points", ha="right", va="top", color=EVENT)
    axes.annotate(
        "observed",
        (middles[join // 2], observed[join // 2]),
        xytext=(0, 16),
        textcoords="offset points",
        color=OBSERVED,
    )
    if len(middles[after]):
        axes.annotate(
            "expected\nwithout\nthe event", (middles[-1], expected[-1]), xytext=(8, 0), textcoords="offset points",
            color=COUNTERFACTUAL, va="center", annotation_clip=False,
        )  # fmt: skip
    dead = ~live
    for i in np.flatnonzero(dead):
        axes.axvspan(
            _moment(int(starts[i])), _moment(int(starts[i]) + DAY_US), facecolor="none", edgecolor=LINE, hatch="////"
        )
    axes.set_ylim(0, top)
    axes.set_ylabel("messages per live day")
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(length=0)
    # Exposure strip with the two windows as brackets.
    for s, e in zip(starts, path.exposures[show], strict=True):
        strip.axvspan(
            _moment(int(s)), _moment(int(s) + DAY_US), ymin=0.35, ymax=1, facecolor=CONTROLS if e > 0 else "none",
            alpha=0.25 + 0.5 * float(e) if e > 0 else 1.0, edgecolor="none" if e > 0 else LINE, hatch=None if e > 0 else "////",
            linewidth=0,
        )  # fmt: skip
    first = max(int(starts[0]), effect.before.start)
    for begin, end, name in ((first, effect.before.end, "before"), (effect.after.start, effect.after.end, "after")):
        strip.annotate(
            "",
            (_moment(begin), 0.12),
            (_moment(end), 0.12),
            arrowprops={"arrowstyle": "|-|,widthA=0.25,widthB=0.25", "color": QUIET, "lw": 0.8},
        )
        strip.annotate(
            name,
            (_moment((begin + end) // 2), -0.35),
            ha="center",
            va="top",
            color=QUIET,
            annotation_clip=False,
            fontsize=9,
        )
    strip.set_ylim(0, 1)
    strip.set_yticks([])
    strip.set_ylabel("exposure", rotation=0, ha="right", va="center", fontsize=9)
    strip.spines["left"].set_visible(False)
    from matplotlib import dates

    strip.xaxis.set_major_locator(dates.WeekdayLocator(byweekday=dates.MO, interval=2))  # type: ignore[no-untyped-call]
    strip.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))  # type: ignore[no-untyped-call]
    strip.tick_params(axis="x", length=0, pad=14)
    text = _svg(figure)
    plt.close(figure)
    return text


def forest_plot(marks: Sequence[Mark]) -> str:
    """All answers to one question on one ratio axis: headline bold, others quiet, claims of others as hollow diamonds."""
    plt = _setup()
    figure, axes = plt.subplots(figsize=(9, 0.6 + 0.3 * len(marks)))
    lows = [m.ratio.low for m in marks if m.ratio is not None]
    highs = [m.ratio.high for m in marks if m.ratio is not None]
    left, right = min([0.2, *lows]) * 0.9, max([1.25, *highs]) * 1.1
    left, right = max(left, 0.02), min(right, 8.0)
    style = {
        "headline": (OBSERVED, "o", 7, 2.4), "opinion": (QUIET, "s", 5, 1.2), "neighbour": (QUIET, "o", 4, 1.0),
        "planted": (CONTROLS, "*", 10, 1.0), "claim": (EVENT, "D", 6, 1.0),
    }  # fmt: skip
    for row, mark in enumerate(marks):
        y = -row
        colour, shape, size, width = style[mark.kind]
        axes.annotate(mark.label, (left, y), xytext=(-8, 0), textcoords="offset points", ha="right", va="center", annotation_clip=False,
                      color=INK if mark.kind == "headline" else QUIET, fontweight="bold" if mark.kind == "headline" else "normal")  # fmt: skip
        if mark.ratio is None:
            axes.annotate("no figure", (1, y), ha="center", va="center", color=QUIET, fontsize=9)
            continue
        i = mark.ratio
        if i.low != i.high:
            axes.plot(
                [max(i.low, left), min(i.high, right)], [y, y], color=colour, linewidth=width, solid_capstyle="butt"
            )
        axes.plot(
            i.value,
            y,
            marker=shape,
            markersize=size,
            color=colour,
            markerfacecolor="none" if mark.kind == "claim" else colour,
        )
        change = f"{(i.value - 1) * 100:+.0f} %"
        if i.low != i.high:
            change += f"  ({(i.low - 1) * 100:+.0f} to {(i.high - 1) * 100:+.0f})"
        axes.annotate(change.replace("-", "−"), (right, y), xytext=(8, 0), textcoords="offset points", va="center", annotation_clip=False,
                      color=INK if mark.kind == "headline" else QUIET, fontsize=9)  # fmt: skip
    axes.axvline(1, color=LINE, linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.set_ylim(-len(marks) + 0.4, 0.6)
    ticks = [t for t in _TICKS if left <= t <= right]
    axes.set_xticks(ticks, [_TICKS[t] for t in ticks])
    axes.minorticks_off()
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    text = _svg(figure)
    plt.close(figure)
    return text
