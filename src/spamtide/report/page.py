"""The page: one self-contained HTML file from a template, with autoescape; it reads without script."""

from __future__ import annotations

from importlib import resources
from typing import Any

from spamtide.report.svg import DARK, LIGHT
from spamtide.report.words import THIN, change_span, change_words, ratio_words, share_span, share_words


def _no_break(text: str) -> str:
    """Keeps a figure with its percent sign, its thousands and its month together."""
    return text.replace(" %", "\u00a0%").replace(THIN, "\u202f")


def _style(tokens: dict[str, str]) -> str:
    return " ".join(f"--{name}:{value};" for name, value in tokens.items())


def render_page(**values: Any) -> str:
    """The HTML of a report."""
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = resources.files("spamtide.report") / "templates"
    files = {name: (folder / name).read_text("utf-8") for name in ("report.html", "finding.html", "report.css")}
    environment = Environment(
        loader=DictLoader(files), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["nb"] = lambda text: _no_break(str(text))
    page = environment.get_template("report.html").render(
        css=Markup(files["report.css"]), light=_style(LIGHT), dark=_style(DARK), tokens=list(LIGHT),
        share=_share, ratio=ratio_words, share_span=_share_span, change=_change, **values,
    )  # fmt: skip
    return page.rstrip() + "\n"


def _interval(document: dict[str, Any] | None) -> Any:
    from spamtide.measure import Interval

    return None if document is None else Interval(document["value"], document["low"], document["high"])


def _share(document: dict[str, Any] | None) -> str:
    return share_words(_interval(document))


def _share_span(document: dict[str, Any] | None) -> str:
    return share_span(_interval(document))


def _change(document: dict[str, Any] | None) -> str:
    ratio = _interval(document)
    return "–" if ratio is None else f"{change_words(ratio)} ({change_span(ratio)})"
