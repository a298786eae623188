"""The page as PDF, by WeasyPrint: the same HTML, printed. The same page gives the same bytes; there is no date in it."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path

NEEDED = "WeasyPrint needs Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


# WeasyPrint clips the first letter of a text that is set to the left of its point: a space takes its place.
_ANCHORED = re.compile(r'<text [^>]*text-anchor="(end|middle)"[^>]*>')

# It paints a text's halo over the text: there is none on paper.
_HALO = re.compile(r' stroke="#[0-9a-f]{6}" stroke-width="4" paint-order="stroke" stroke-linejoin="round"')


def write_pdf(out: Path) -> str | None:
    """Write ``report.pdf`` beside ``report.html``. None when it was written, else what is missing on this machine."""
    try:
        import weasyprint
    except (ImportError, OSError):
        # OSError: the package is there, and the library it loads is not.
        return NEEDED
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    page = (out / "report.html").read_text("utf-8")
    # No base address: links to files beside the page are no links on paper, and no path of this machine gets in.
    page = _ANCHORED.sub(lambda m: m[0] + ("\u2002" if m[1] == "end" else "\u2009"), page)
    page = _HALO.sub("", page).replace(' s-ground"', '"')
    identifier = hashlib.sha256(page.encode()).digest()[:16]
    data = weasyprint.HTML(string=page, url_fetcher=_nothing).write_pdf(pdf_identifier=identifier, full_fonts=False)
    (out / "report.pdf").write_bytes(data)
    return None


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    """What a page asks to be fetched: nothing is."""
    raise ValueError(f"a report fetches nothing: {url[:60]}")
