"""The HTML of a message as the sandboxed frame gets it.

What keeps it harmless is the frame (no script, no form, no way out) and the content policy of its response (nothing is loaded at
all). Beside that, tags that load, move or connect by themselves lose their names here, in the text before any parser
sees it: a hint to connect is no load in the eyes of a content policy, and a link in a frame leads the frame away.
"""

from __future__ import annotations

import re

# Scripts, styles of others, hints, frames, plug-ins, forms, pictures, links. A name counts as the parser counts it: up to a space, slash or bracket.
_NAMES = (
    "a|area|link|meta|base|script|iframe|frame|frameset|object|embed|applet|portal|fencedframe|form|input|button|select|textarea|img|image|"
    "picture|source|video|audio|track|svg|math|template|noscript|dialog|marquee|use|animate|set|foreignobject"
)
_TAGS = re.compile(rf"<(/?)({_NAMES})(?=[\s/>\0]|$)", re.I)

# A picture behind a table is an attribute; the policy stops it, but the browser would complain aloud.
_BACKGROUND = re.compile(r"(?<=[\s\"'/])background(?=\s{0,20}=)", re.I)

# The policy of the response: an origin of its own without rights, and nothing loaded from anywhere.
POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

_FRAME = """<!doctype html><html lang="und"><head><meta charset="utf-8"><title>HTML of the message</title><style>
html { background: #fff; color: #1b1f24; font: 14px/1.4 system-ui, sans-serif; }
x-img::before { content: "[picture: " attr(alt) "]"; color: #5c6672; border: 1px dashed #5c6672; padding: 0 4px; }
x-a { color: #1f4e79; text-decoration: underline; }
</style></head><body>"""


def inert_html(text: str) -> str:
    """A document that shows what the HTML says, with nothing in it that loads, moves or can be clicked."""
    return _FRAME + _BACKGROUND.sub("x-background", _TAGS.sub(r"<\1x-\2", text))
