"""A small SVG canvas: text stays text, the same calls give the same bytes, colours are tokens that a page can restyle.

Each mark carries its light colour as an attribute and the token as a class (``f-observed`` fills, ``s-observed``
strokes), so that a file on its own looks right and a page in dark mode can set the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from spamtide.report.public import public

LIGHT = {
    "ink": "#1b1f24", "quiet": "#5c6672", "ground": "#ffffff", "line": "#d8dee6", "observed": "#1f4e79",
    "counterfactual": "#8a6d3b", "event": "#b3261e", "controls": "#4f7f5f",
}  # fmt: skip
DARK = {
    "ink": "#e6e9ee", "quiet": "#9aa5b1", "ground": "#101418", "line": "#2a323b", "observed": "#7fb4e6",
    "counterfactual": "#d1b077", "event": "#ff8a80", "controls": "#8fc2a0",
}  # fmt: skip
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
# Width of an average character as a share of the type size: text, and digits with their signs, in a wide system font.
CHARACTER, DIGIT = 0.6, 0.7

Point = tuple[float, float]


def text_width(text: str, size: float) -> float:
    """About how wide a text is."""
    return len(text) * size * CHARACTER


def number_width(text: str, size: float) -> float:
    """About how wide a label of digits is."""
    return len(text) * size * DIGIT


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines that fit a width, broken at spaces."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _n(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}"


class Canvas:
    """Marks in drawing order. ``name`` keeps ids of several figures on one page apart."""

    def __init__(self, name: str, width: float, title: str, description: str) -> None:
        self.name = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in name)
        self.width = width
        self._title, self._description = title, description
        self._marks: list[str] = []

    def text(
        self, x: float, y: float, text: str, colour: str = "quiet", *, anchor: str = "start", size: float = 12,
        bold: bool = False, halo: bool = False,
    ) -> None:  # fmt: skip
        """A line of text; ``y`` is its baseline. ``halo``: lines behind it keep a little away."""
        if not text:
            return
        weight = ' font-weight="600"' if bold else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        clear = (
            f' stroke="{LIGHT["ground"]}" stroke-width="4" paint-order="stroke" stroke-linejoin="round"' if halo else ""
        )
        self._marks.append(
            f'<text class="f-{colour}{" s-ground" if halo else ""}"{clear} fill="{LIGHT[colour]}" x="{_n(x)}" y="{_n(y)}" font-size="{size:g}"{place}{weight}>'
            f"{escape(public(text))}</text>"
        )

    def line(self, points: Sequence[Point], colour: str, width: float = 1, dash: str = "") -> None:
        """A line through points; dashed where ``dash`` says how."""
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._marks.append(
            f'<path class="s-{colour}" stroke="{LIGHT[colour]}" fill="none" stroke-width="{width:g}" stroke-linejoin="round"{dashed} d="{path}"/>'
        )

    def area(self, points: Sequence[Point], colour: str, opacity: float = 0.22) -> None:
        """A filled band."""
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "Z"
        self._marks.append(f'<path class="f-{colour}" fill="{LIGHT[colour]}" fill-opacity="{opacity:g}" d="{path}"/>')

    def box(self, x: float, y: float, width: float, height: float, colour: str | None) -> None:
        """A filled box; None: hatched."""
        paint = f'fill="url(#{self.name}-hatch)"' if colour is None else f'class="f-{colour}" fill="{LIGHT[colour]}"'
        self._marks.append(f'<rect {paint} x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"/>')

    def mark(self, x: float, y: float, shape: str, colour: str, size: float = 4, *, hollow: bool = False) -> None:
        """A dot, square, diamond or star around a point; hollow ones are filled with the ground."""
        fill = "ground" if hollow else colour
        look = f'class="f-{fill} s-{colour}" fill="{LIGHT[fill]}" stroke="{LIGHT[colour]}" stroke-width="{1.5 if hollow else 0:g}"'
        if shape == "dot":
            self._marks.append(f'<circle {look} cx="{_n(x)}" cy="{_n(y)}" r="{size:g}"/>')
            return
        corners = {
            "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
            "star": [(0, -1.6), (0.4, -0.5), (1.6, -0.5), (0.6, 0.2), (1, 1.4), (0, 0.65), (-1, 1.4), (-0.6, 0.2), (-1.6, -0.5), (-0.4, -0.5)],
            "left": [(-1.2, 0), (0.8, -1.1), (0.8, 1.1)],
            "right": [(1.2, 0), (-0.8, -1.1), (-0.8, 1.1)],
        }[shape]  # fmt: skip
        path = "M" + "L".join(f"{_n(x + dx * size)} {_n(y + dy * size)}" for dx, dy in corners) + "Z"
        self._marks.append(f'<path {look} d="{path}"/>')

    def render(self, height: float, *, alone: bool = False) -> str:
        """The SVG; ``alone`` adds the ground, for a file that is opened by itself."""
        ground = f'<rect fill="{LIGHT["ground"]}" width="{self.width:g}" height="{_n(height)}"/>' if alone else ""
        hatch = (
            f'<defs><pattern id="{self.name}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            f'<path class="s-quiet" stroke="{LIGHT["quiet"]}" stroke-width="1.4" d="M1 0V5"/></pattern></defs>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {_n(height)}" width="{self.width:g}" '
            f'height="{_n(height)}" role="img" aria-labelledby="{self.name}-title {self.name}-desc" font-family="{FONT}">'
            f'<title id="{self.name}-title">{escape(public(self._title))}</title><desc id="{self.name}-desc">{escape(public(self._description))}</desc>'
            f"{hatch}{ground}{''.join(self._marks)}</svg>\n"
        )
