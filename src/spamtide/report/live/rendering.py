"""HTML of the live pages, by templates with autoescape, and the files beside them, each known by its hash."""

from __future__ import annotations

import functools
import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from spamtide.report.live.areas import areas_svg
from spamtide.report.live.charts import count_chart, days_chart, series_chart, watch_chart
from spamtide.report.live.hostile import hostile, slots
from spamtide.report.live.ladder import ladder_svg
from spamtide.report.live.storyboard import storyboard_svg
from spamtide.report.words import THIN, thousands

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# In this order: what others made first.
STYLES = ("vendor/uPlot.min.css", "dashboard.css")
SCRIPTS = ("vendor/htmx.min.js", "vendor/uPlot.iife.min.js", "dashboard.js", "live.js")
_KINDS = {
    "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8", "png": "image/png", "ico": "image/x-icon", "woff2": "font/woff2",
}  # fmt: skip
_FOLDER = "spamtide.report.live"


@functools.cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    found: dict[str, tuple[bytes, str, str]] = {}

    def gather(folder: Any, prefix: str) -> None:
        for entry in folder.iterdir():
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                gather(entry, f"{name}/")
            elif (kind := _KINDS.get(entry.name.rpartition(".")[2])) is not None:
                body = entry.read_bytes()
                found[name] = (body, kind, hashlib.sha256(body).hexdigest()[:16])

    folder = resources.files(_FOLDER) / "static"
    if folder.is_dir():
        gather(folder, "")
    return found


def live_static(name: str) -> tuple[bytes, str, str] | None:
    """A static file by its name: bytes, content type, hash. None where there is none of that name."""
    return _files().get(name)


def static_url(name: str) -> str:
    """Where a static file is served, with its hash, so that it can be kept for ever."""
    return f"/static/{name}?v={_files()[name][2]}"


def inert(text: object, limit: int = 400) -> str:
    """A sender's text for a page: control and direction characters as their names, length-capped."""
    shown = []
    whole = str(text)
    for c in whole[:limit]:
        if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and c not in "\n\t":
            shown.append(f"⟨{unicodedata.name(c, f'U+{ord(c):04X}').lower()}⟩")
        else:
            shown.append(c)
    return "".join(shown) + ("…" if len(whole) > limit else "")


def moment(text: str | None) -> str:
    """An RFC 3339 instant as a table has it, on one line: 2011-03-16 14:45."""
    from markupsafe import Markup

    return Markup('<time datetime="{}">{} {}</time>').format(text, text[:10], text[11:16]) if text else ""


def said(text: str | None) -> str:
    """An RFC 3339 instant as a sentence has it: 16 March 2011, 14:45 UTC."""
    if not text:
        return "never"
    at = datetime.fromisoformat(text)
    return f"{at.day} {at:%B %Y}, {at:%H:%M} UTC"


def number(value: float | None) -> str:
    """A number with thin spaces between thousands; '' where there is none."""
    if value is None:
        return ""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.6g}"
    return thousands(int(value)).replace(THIN, "\u202f")


_BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float]) -> Markup:
    """Counts as one line of bars, the last of 48 spans; screen readers are told the extremes instead."""
    from markupsafe import Markup

    step = max(1, len(values) // 48)
    spans = [sum(values[i : i + step]) for i in range(0, len(values), step)]
    top = max(spans, default=0) or 1
    bars = "".join(_BARS[round(v / top * (len(_BARS) - 1))] for v in spans)
    said = f"from {number(min(spans, default=0))} to {number(max(spans, default=0))} in {step} hours"
    return Markup('<span class="spark" role="img" aria-label="{}">{}</span>').format(said, bars)


def svg(text: str) -> Markup:
    """A figure that a room of ours drew: every text in it went through escaping."""
    from markupsafe import Markup

    return Markup(text)


def data(value: object) -> str:
    """A value as JSON for a data attribute, which the template escapes."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@functools.cache
def environment() -> Environment:
    """The templates, compiled once."""
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = resources.files(_FOLDER) / "templates"
    sources = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".html")}
    made = Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(
        inert=inert,
        moment=moment,
        spark=spark,
        said=said,
        number=number,
        data=data,
        hostile=hostile,
        slots=slots,
        svg=svg,
    )
    present = _files()
    made.globals.update(
        static_url=static_url,
        series_chart=series_chart,
        days_chart=days_chart,
        count_chart=count_chart,
        watch_chart=watch_chart,
        storyboard_svg=storyboard_svg,
        areas_svg=areas_svg,
        ladder_svg=ladder_svg,
        styles=[s for s in STYLES if s in present],
        scripts=[s for s in SCRIPTS if s in present],
    )
    return made


def render_live(template: str, page: Mapping[str, Any], frame: Mapping[str, Any]) -> str:
    """The HTML of a live page: ``page`` is its document, ``frame`` what stands around it."""
    return environment().get_template(template).render(page=page, frame=frame).rstrip() + "\n"
