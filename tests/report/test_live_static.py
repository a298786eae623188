"""What the dashboard sends to a browser beside its pages: programs of others unchanged, our own without eval, colours that can be read."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest

from spamtide.report.svg import DARK, LIGHT

STATIC = resources.files("spamtide.report") / "live" / "static"
CSS = (STATIC / "dashboard.css").read_text("utf-8")


def test_programs_of_others_are_the_ones_that_were_taken() -> None:
    listed = dict(reversed(line.split("  ")) for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines())
    there = {p.name for p in (STATIC / "vendor").iterdir()} - {"SHA256SUMS"}
    assert set(listed) == there
    for name, wanted in listed.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == wanted, name


@pytest.mark.parametrize("word", ["eval(", "new Function", "innerHTML", "insertAdjacentHTML", "document.write", "http:", "https:"])  # fmt: skip
def test_our_script_makes_no_markup_of_text_and_names_no_other_server(word: str) -> None:
    assert word not in (STATIC / "dashboard.js").read_text("utf-8")


def test_our_sheet_loads_nothing() -> None:
    assert "url(" not in CSS and "@import" not in CSS


def tokens(block: str) -> dict[str, str]:
    """The colours that a block of custom properties names."""
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))


def schemes() -> dict[str, dict[str, str]]:
    """Colours of the two schemes."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.S)
    return {"light": tokens(light), "dark": tokens(dark)}


def test_the_colours_are_those_of_the_figures() -> None:
    found = schemes()
    for name, wanted in (("light", LIGHT), ("dark", DARK)):
        assert {k: found[name][k] for k in wanted} == wanted


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out_from_their_ground(scheme: str) -> None:
    colours = schemes()[scheme]
    ground = luminance(colours["ground"])

    def contrast(name: str) -> float:
        other = luminance(colours[name])
        return (max(other, ground) + 0.05) / (min(other, ground) + 0.05)

    for text in ("ink", "quiet", "observed", "counterfactual", "event", "controls"):
        assert contrast(text) >= 4.5, text
    assert contrast("edge") >= 3
