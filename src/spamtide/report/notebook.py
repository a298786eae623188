"""How values look in a notebook: the sentence first, a small figure, a table. Every text passes the gate of a report and is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from spamtide.measure import Duplicates, Effect, Series
from spamtide.message import PublicText
from spamtide.report.effectchart import effect_chart
from spamtide.report.public import public
from spamtide.report.sentences import duplicates_sentence, effect_sentence, note_text
from spamtide.report.sizes import size_rows
from spamtide.report.svg import Canvas
from spamtide.report.words import (  # fmt: skip
    change_span,
    change_words,
    day_words,
    interval_of,
    measure_words,
    share_span,
    share_words,
    thousands,
)

ROWS = 25
_WIDTH, _HEIGHT = 720.0, 150.0


def _text(value: object) -> str:
    return escape(public(str(value)))


def _paragraph(text: str, *, bold: bool = False) -> str:
    return f"<p>{'<b>' if bold else ''}{_text(text)}{'</b>' if bold else ''}</p>"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{_text(h)}</th>" for h in header)
    body = "".join("<tr>" + "".join(f"<td>{_text(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def effect_html(effect: Effect) -> str:
    """Sentence, chart, confidence with what is not met."""
    html = _paragraph(effect_sentence(effect), bold=True)
    if effect.path is not None and effect.ratio is not None:
        html += effect_chart(effect, effect.event or day_words(effect.cut), "notebook")
    unmet = " ".join(note_text(n) for n in effect.confidence.unmet)
    return f"<div>{html}{_paragraph(f'Confidence {effect.confidence.level} of 5. {unmet}')}</div>"


def series_html(series: Series) -> str:
    """The counts as a line (gaps where nothing could be seen), and the first rows."""
    live = series.live
    where = f"{measure_words(series.measure)} at {series.name}"
    said = f"{where}: {thousands(float(series.counts[live].sum()))} {series.unit}s in {int(live.sum())} live bins of {len(series.starts)}."
    rows = [
        [day_words(int(t)), "missing" if m else f"{c:.6g}", f"{e:.3g}"]
        for t, c, e, m in zip(series.starts[:ROWS], series.counts, series.exposures, series.missing, strict=False)
    ]
    more = f"{len(series.starts) - ROWS} more rows: to_arrow() has them all." if len(series.starts) > ROWS else ""
    return (
        f"<div>{_paragraph(said, bold=True)}{_line(series, where)}{_table(['bin', series.unit + 's', 'exposure'], rows)}"
        f"{_paragraph(more) if more else ''}</div>"
    )


def _line(series: Series, title: str) -> str:
    canvas = Canvas("notebook-series", _WIDTH, title, title)
    if len(series.starts):
        top = max(float(series.counts[series.live].max()) if series.live.any() else 1.0, 1e-9)
        step = (_WIDTH - 60) / max(len(series.starts), 1)
        run: list[tuple[float, float]] = []
        for i in range(len(series.starts) + 1):
            if i < len(series.starts) and series.live[i]:
                run.append((50 + step * (i + 0.5), _HEIGHT - 22 - (_HEIGHT - 34) * float(series.counts[i]) / top))
            elif run:
                canvas.line(run if len(run) > 1 else [run[0], (run[0][0] + 1, run[0][1])], "observed", 1.5)
                run = []
        canvas.line([(50, _HEIGHT - 22), (_WIDTH - 10, _HEIGHT - 22)], "quiet")
        canvas.text(44, 16, f"{top:.6g}", anchor="end")
        canvas.text(44, _HEIGHT - 18, "0", anchor="end")
        canvas.text(50, _HEIGHT - 5, day_words(int(series.starts[0])))
        canvas.text(_WIDTH - 10, _HEIGHT - 5, day_words(int(series.starts[-1])), anchor="end")
    return canvas.render(_HEIGHT)


def duplicates_html(duplicates: Duplicates) -> str:
    """Sentence and both shares of each window, as counted and at equal n."""
    rows: list[list[str]] = [
        ["as counted", day_words(w.window.start), thousands(w.messages), _share(w.in_group), _share(w.repeat)]
        for w in duplicates.windows
    ]
    equal = duplicates.equal_n
    if equal is not None:
        for i, window in enumerate(duplicates.windows):
            repeat = None if equal.repeat is None else equal.repeat[i]
            rows.append(
                [
                    "at equal n",
                    day_words(window.window.start),
                    thousands(equal.n),
                    _share(equal.in_group[i]),
                    _share(repeat),
                ]
            )
    header = ["compared", "from", "messages", "in a group", "repeat of an earlier one"]
    return f"<div>{_paragraph(duplicates_sentence(duplicates), bold=True)}{_table(header, rows)}</div>"


def _share(value: Any) -> str:
    span = share_span(value)
    return f"{share_words(value)} ({span})" if span else share_words(value)


def campaigns_html(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    """The largest campaigns; subjects are masked, as for whatever leaves."""
    shown = [
        [
            r["campaign"], thousands(r["messages"]), day_words(int(r["first_seen"])), day_words(int(r["last_seen"])),
            PublicText.of(r.get("subject_0") or "", 100).text,
        ]
        for r in rows[:ROWS]
    ]  # fmt: skip
    said = f"{thousands(total)} campaign{'' if total == 1 else 's'}, the largest first."
    return f"<div>{_paragraph(said, bold=True)}{_table(['campaign', 'messages', 'first seen', 'last seen', 'subject, masked'], shown)}</div>"


def agreement_html(document: Mapping[str, Any]) -> str:
    """The document of ``corroborate``: sentence, a row a feed."""
    rows = []
    for e in document["effects"]:
        ratio = interval_of(e["ratio"])
        rows.append(
            [
                e["feed"],
                e["independence_group"],
                "refused" if ratio is None else change_words(ratio),
                change_span(ratio),
                e["confidence"],
            ]
        )
    header = ["feed", "independence group", "change", "95 % interval", "confidence"]
    return f"<div>{_paragraph(document['sentence'], bold=True)}{_table(header, rows)}</div>"


def population_html(document: Mapping[str, Any]) -> str:
    """The document of ``size``: sentence, a row a quantity."""
    header = ["quantity", "95 % interval", "unit", "family", "of"]
    return f"<div>{_paragraph(document['sentence'], bold=True)}{_table(header, size_rows(document))}</div>"
