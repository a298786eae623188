"""A sender's text on a page: escaped, control and direction characters by their names, length-capped, never markup of its own."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

# What is neither printable ASCII nor an ordinary letter of the Latin alphabets gets a closer look.
_CLOSER = re.compile(r"[^ -~¡-¬®-˿]")
_NAMED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
# A pile of marks on one letter covers the lines around it.
_MARKS = 3


@functools.lru_cache(maxsize=4096)
def character_name(character: str) -> str:
    """``U+202E right-to-left override``: how a character is shown that must not act."""
    known = unicodedata.name(character, _CONTROLS.get(ord(character), ""))
    return f"U+{ord(character):04X} {known.lower()}".rstrip()


_CONTROLS = {0: "null", 7: "bell", 8: "backspace", 9: "tab", 10: "line feed", 11: "line tabulation", 12: "form feed", 13: "carriage return", 27: "escape", 127: "delete"}  # fmt: skip


def pieces(text: str, *, lines: bool) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is the name of a character that is shown in its place.

    ``lines``: line ends and tabs stay what they are.
    """
    start, marks = 0, 0
    last_mark = -1
    for found in _CLOSER.finditer(text):
        at, c = found.start(), found[0]
        if lines and c in "\n\t":
            continue
        category = unicodedata.category(c)
        if category in ("Mn", "Me"):
            marks = marks + 1 if at == last_mark + 1 else 1
            last_mark = at
            if marks <= _MARKS:
                continue
            name = "mark"
        elif category in _NAMED:
            name = character_name(c)
        else:
            continue
        if at > start:
            yield text[start:at], False
        yield name, True
        start = at + 1
    if start < len(text):
        yield text[start:], False


def hostile(text: str | None, limit: int = 400, *, lines: bool = False) -> Markup:
    """A sender's text as HTML that cannot act. With ``limit`` 0 all of it; ``lines`` keeps line ends and tabs."""
    from markupsafe import Markup

    if text is None:
        return Markup("")
    if lines:
        text = text.replace("\r\n", "\n")
    shown = text if not limit else text[:limit]
    parts = [f'<span class="control">{p}</span>' if named else escape(p) for p, named in pieces(shown, lines=lines)]
    # Every piece went through escaping.
    return Markup("".join(parts) + ("…" if len(shown) < len(text) else ""))


_SLOT = re.compile(r"\{([a-z_]{1,40})\}")


def slots(text: str) -> Markup:
    """The text of a template, its slots as marks; all else as ``hostile`` has it."""
    from markupsafe import Markup

    found, at = [], 0
    for slot in _SLOT.finditer(text):
        found += [
            hostile(text[at : slot.start()], 0, lines=True),
            Markup('<span class="slot">{}</span>').format(slot[1]),
        ]
        at = slot.end()
    return Markup("").join([*found, hostile(text[at:], 0, lines=True)])
