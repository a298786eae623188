"""The page: one self-contained HTML file from a template, with autoescape; it reads without script."""

from __future__ import annotations

from importlib import resources
from typing import Any

from spamtide.report.catalogue import say
from spamtide.report.public import public
from spamtide.report.svg import DARK, LIGHT
from spamtide.report.words import THIN, interval_of, ratio_words, share_span, share_words, thousands


def _no_break(text: str) -> str:
    """Keeps a figure with its percent sign, its thousands and its month together."""
    return text.replace(" %", "\u00a0%").replace(THIN, "\u202f")


def _style(tokens: dict[str, str]) -> str:
    return " ".join(f"--{name}:{value};" for name, value in tokens.items())


def render_page(audience: str, **values: Any) -> str:
    """The HTML of a report in the voice of ``audience``. Texts are inert: what no catalogue and no figure holds was made public before."""
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = resources.files("spamtide.report") / "templates"
    files = {name: (folder / name).read_text("utf-8") for name in ("report.html", "finding.html", "report.css")}
    environment = Environment(
        loader=DictLoader(files), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        # Markup is our own figures and style; any other text passes the gate, wherever a template puts it.
        finalize=lambda value: value if isinstance(value, Markup) else public(str(value)),
    )  # fmt: skip
    environment.filters["nb"] = lambda text: _no_break(str(text))
    environment.globals["t"] = lambda code, **facts: say(code, audience, **facts)
    page = environment.get_template("report.html").render(
        css=Markup(files["report.css"]), light=_style(LIGHT), dark=_style(DARK), tokens=list(LIGHT),
        share=_share, ratio=ratio_words, share_span=_share_span, thousands=thousands, audience=audience,
        technical=audience == "technical", **values,
    )  # fmt: skip
    return page.rstrip() + "\n"


def _share(document: dict[str, Any] | None) -> str:
    return share_words(interval_of(document))


def _share_span(document: dict[str, Any] | None) -> str:
    return share_span(interval_of(document))
