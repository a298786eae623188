"""Scores of intervals against the planted truth, as the tables of docs/explanation/calibration.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIRST, FIRST_END = "<!-- headline: python bench/calibration/run.py --headline --page -->", "<!-- end of headline -->"
BEGIN, END = "<!-- tables: python bench/calibration/run.py --page -->", "<!-- end of tables -->"
HEADLINE, PEER = "latent-ar1", "statsmodels"
# The headline in those worlds of which the peer was asked.
PAIRED = "latent-ar1, the peer's worlds"


@dataclass(frozen=True)
class Score:
    """Of one method in one kind: share refused, coverage, share called changed, median log width, mean Winkler score; ``each``: that of each world, nan where refused."""

    worlds: int
    refused: float
    coverage: float
    changed: float
    width: float
    winkler: float
    each: tuple[float, ...] = ()


Scores = dict[str, dict[str, Score]]


def winkler(low: float, high: float, truth: float) -> float:
    """Winkler's interval score on the log scale at 95 %: width, plus 40 times what the interval missed by; one that begins at 0 begins at a thousandth."""
    ends = np.log([max(low, 1e-3), high, truth])
    return float(ends[1] - ends[0] + 40 * (max(0.0, ends[0] - ends[2]) + max(0.0, ends[2] - ends[1])))


def score(rows: list[dict[str, Any]]) -> dict[str, Score]:
    """Scores by method; a method that was not asked of a world is not scored there."""
    found = {}
    rows = [{**r, "said": {**r["said"], PAIRED: r["said"].get(HEADLINE)}} if PEER in r["said"] else r for r in rows]
    for name in dict.fromkeys(m for r in rows for m in r["said"]):
        asked = [(r["said"][name], r["planted"]) for r in rows if name in r["said"]]
        given = [(a, truth) for a, truth in asked if a is not None]
        if not given:
            found[name] = Score(len(asked), 1.0, *[float("nan")] * 4)
            continue
        found[name] = Score(
            len(asked),
            1 - len(given) / len(asked),
            float(np.mean([low <= truth <= high for (_, low, high), truth in given])),
            float(np.mean([not low <= 1 <= high for (_, low, high), _ in given])),
            float(np.median([np.log(high / max(low, 1e-3)) for (_, low, high), _ in given])),
            float(np.mean([winkler(low, high, truth) for (_, low, high), truth in given])),
            tuple(winkler(a[1], a[2], truth) if a is not None else float("nan") for a, truth in asked),
        )
    return found


def ratio_error(own: Score, peer: Score) -> float:
    """Standard error of the ratio of two mean Winkler scores in the same worlds, by the delta method."""
    pairs = np.array([own.each, peer.each])
    a, b = pairs[:, np.isfinite(pairs).all(axis=0)]
    return float(np.std(a - a.mean() / b.mean() * b) / b.mean() / np.sqrt(len(a)))


def shown(value: float) -> str:
    """Three decimals without the leading zero."""
    return "-" if not np.isfinite(value) else f"{value:.3f}".replace("0.", ".", 1) if value < 1 else f"{value:.3f}"


def headline(scores: Scores) -> str:
    """The default estimator in each kind, beside the peer."""
    lines = [
        "| kind | worlds | coverage | standard error | called changed | refused | width | Winkler | width / peer | Winkler / peer | standard error |"
    ]
    lines.append("|" + "---|" * 11)
    ratios = []
    for kind, by in scores.items():
        own, peer, paired = by[HEADLINE], by.get(PEER), by.get(PAIRED)
        beside = ["-", "-", "-"]
        if peer is not None and paired is not None:
            ratios.append(paired.winkler / peer.winkler)
            beside = [shown(x) for x in (paired.width / peer.width, ratios[-1], ratio_error(paired, peer))]
        error = float(np.sqrt(own.coverage * (1 - own.coverage) / own.worlds))
        cells = [shown(x) for x in (own.coverage, error, own.changed, own.refused, own.width, own.winkler)]
        lines.append(f"| {kind} | {own.worlds:,} | {' | '.join(cells + beside)} |")
    if ratios and len(ratios) == len(scores):
        lines.append(f"| *median kind* | | | | | | | | | {shown(float(np.median(ratios)))} | |")
    return "\n".join(lines)


def tables(scores: Scores) -> str:
    """One table a question: each method in each kind."""
    lines = []
    names = [m for m in dict.fromkeys(m for by in scores.values() for m in by) if m != PAIRED]
    for title, pick in (("coverage", "coverage"), ("width, log of high/low, median", "width"), ("Winkler score", "winkler"),
                        ("refused", "refused")):  # fmt: skip
        lines += ["", f"**{title[0].upper()}{title[1:]}**, by method", ""]
        lines += [f"| kind | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1)]
        for kind, by in scores.items():
            cells = [shown(getattr(by[n], pick)) if n in by else "" for n in names]
            lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines[1:])


def write_page(page: Path, scores: Scores, *, headline_alone: bool = False) -> None:
    """Put the tables where the page keeps them; the words around them stay."""
    text = page.read_text("utf-8")
    for begin, end, made in ((FIRST, FIRST_END, headline), (BEGIN, END, tables)):
        if not headline_alone or begin == FIRST:
            text = f"{text[: text.index(begin)]}{begin}\n\n{made(scores)}\n\n{text[text.index(end) :]}"
    page.write_text(text, "utf-8")
