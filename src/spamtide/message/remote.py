"""What HTML of a message would fetch or send if it could: named beside the message, never followed.

A list for the eye, not a filter: the viewer's content policy is what keeps the browser from the network.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

# Characters of HTML and places in it that are looked at, and references that are named.
MOST_CHARACTERS, MOST_PLACES, MOST_NAMED = 2 << 20, 20_000, 200

_PLACE = re.compile(
    r"""(?P<name>src|srcset|href|background|action|formaction|poster|data|ping|lowsrc|dynsrc|xlink:href|content)\s{0,20}=\s{0,20}
        (?:"(?P<double>[^"]{0,800})"|'(?P<single>[^']{0,800})'|(?P<bare>[^\s>"']{1,800}))
      | (?P<css>url\(\s{0,10}["']?(?P<url>[^"')\s]{1,800})|@import\s{0,10}["'](?P<sheet>[^"']{1,800}))""",
    re.I | re.X,
)
_TAG = re.compile(r"<\s{0,5}([a-zA-Z][\w:-]{0,30})")
_REMOTE = re.compile(r"\s{0,20}(?:(?:https?|ftp|wss?):|//|\\\\)", re.I)
_REFRESH = re.compile(r"\s{0,20}\d{1,9}\s{0,20}[;,]\s{0,20}(?:url\s{0,5}=)?\s{0,5}['\"]?(.{1,800})", re.I | re.S)
_ONE_PIXEL = re.compile(r"(?:width|height)\s{0,5}[=:]\s{0,5}[\"']?\s{0,5}[01](?:px)?\b", re.I)
_KINDS = {
    "img": "picture", "image": "picture", "input": "picture", "script": "script", "link": "style sheet or hint", "iframe": "frame",
    "frame": "frame", "object": "object", "embed": "object", "form": "form", "button": "form", "meta": "refresh", "a": "link",
    "area": "link", "base": "base address", "video": "film", "audio": "sound", "source": "film", "use": "picture",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RemoteReference:
    """One address that HTML names, and as what: ``link``, ``picture``, ``tracking pixel``, ``style``, ``form``, ``refresh``, ..."""

    kind: str
    url: str


def remote_references(text: str) -> list[RemoteReference]:
    """Addresses that the HTML would go to, by itself or at a click, in their order, each once."""
    text = text[:MOST_CHARACTERS]
    found: dict[RemoteReference, None] = {}
    for number, place in enumerate(_PLACE.finditer(text)):
        if number >= MOST_PLACES or len(found) >= MOST_NAMED:
            break
        if place["css"] is not None:
            kind, url = "style", place["url"] or place["sheet"]
        else:
            url = next(v for v in (place["double"], place["single"], place["bare"], "") if v is not None)
            kind = _kind(text, place)
            if kind == "refresh":
                goes = _REFRESH.match(html.unescape(url))
                if goes is None:
                    continue
                url = goes[1].rstrip("'\"")
        url = html.unescape(url).strip()
        if _REMOTE.match(url) or kind in ("refresh", "form"):
            found[RemoteReference(kind, url)] = None
    return list(found)


def _kind(text: str, place: re.Match[str]) -> str:
    """By the tag that the attribute stands in."""
    at = text.rfind("<", max(0, place.start() - 1_000), place.start())
    tag = _TAG.match(text, at) if at >= 0 else None
    name = tag[1].lower() if tag else ""
    if place["name"].lower() == "background":
        return "picture"
    kind = _KINDS.get(name, "address")
    if kind == "picture" and _ONE_PIXEL.search(text, at, min(len(text), place.end() + 300)) is not None:
        return "tracking pixel"
    return kind
