"""Plain Python's fold, mask and HTML reader: the rules of docs/reference, written as one would without a kernel."""

from __future__ import annotations

import contextlib
import html.parser
import ipaddress
import re
import unicodedata

IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
TOKEN = re.compile(r"(?:[^\W_]|[$!|@])+")
RUN_WITH_AT = re.compile(r"\S*@\S*")
LEET = {ord(a): b for a, b in zip("01!|l34@5$7", "oiiiieaasst", strict=True)}
URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s\x00-\x1f\x7f-\x9f<>\"'`{}|\\^]+", re.I)
SPACE = re.compile(r"\s+")


def confusables() -> dict[int, str]:
    """The kernel's table of letters that look like an ASCII letter, asked letter by letter before any clock starts."""
    from spamtide.message import fold as kernel_fold

    table = {}
    for point in range(0x80, 0x10000):
        c = chr(point)
        if c.isalpha() and len(unicodedata.normalize("NFKD", c)) == 1:
            seen = kernel_fold(c)[1:-1]
            if seen and seen.isascii() and seen != c:
                table[point] = seen
    return table


CONFUSABLE = confusables()


def _address(match: re.Match[str]) -> str:
    run = match[0]
    first = run.index("@")
    return run.replace("@", " ") if "." in run[first + 1 :] else run


def fold(text: str) -> str:
    """Folded tokens, each between single spaces."""
    if "@" in text:
        text = RUN_WITH_AT.sub(_address, text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", IGNORABLE.sub("", text))
        text = "".join([c for c in text if not unicodedata.combining(c)])
        text = text.translate(CONFUSABLE).lower().translate(CONFUSABLE)
    else:
        text = text.lower()
    out: list[str] = []
    singles: list[str] = []

    def join() -> None:
        if len(singles) >= 3 and any(c.isalpha() for c in singles):
            out.append("".join(singles).translate(LEET))
        else:
            out.extend(singles)
        singles.clear()

    for raw in TOKEN.findall(text):
        trimmed = raw.rstrip("!|@$").lstrip("!|@")
        letters = sum(map(str.isalpha, trimmed))
        if letters >= 2 or (letters == 1 and any(c in "@$|!" for c in trimmed)):
            token = trimmed.translate(LEET)
        else:
            token = "".join([c for c in trimmed if c.isalnum()]).replace("l", "i")
        if not token:
            continue
        if letters <= 1 and len(token) == 1:
            singles.append(token)
        else:
            join()
            out.append(token)
    join()
    return " " + " ".join(out) + " " if out else ""


WORD = re.compile(r"(?:[^\W_]|[._%+-])+")
DOMAIN = re.compile(r"(?:[^\W_]|[-.])+")
DIGITS = re.compile(r"\d+")
OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{12,}\Z")


def _opaque(token: str) -> bool:
    if not OPAQUE.match(token):
        return False
    digits = sum(c.isdigit() for c in token)
    uppers, lowers = sum(c.isupper() for c in token[1:]), sum(c.islower() for c in token)
    return (3 <= digits < len(token)) or (len(token) >= 24 and uppers >= 4 and lowers >= 4)


def mask(text: str, recipients: list[str]) -> str:
    """Recipients, addresses, URLs, digit runs and opaque tokens replaced by their kind; white space as one space."""
    text = SPACE.sub(" ", IGNORABLE.sub("", text)).strip()
    out: list[str] = []
    at = 0
    for match in WORD.finditer(text):
        start, end = match.span()
        if start < at:
            if end <= at:
                continue
            start = at
        out.append(text[at:start])
        word = text[start:end]
        if word[0] in "hHwWfF" and (url := URL.match(text, start)):
            shown = url[0].rstrip(".,)];:!?")
            out.append("<url>")
            at = start + max(len(shown), 4)
            continue
        if text[end : end + 1] == "@" and (domain := DOMAIN.match(text, end + 1)):
            out.append("<addr>")
            at = domain.end()
            continue
        core = word.strip(".%+-_")
        if len(core) >= 3 and core.lower() in recipients:
            out.append(word.replace(core, "<rcpt>", 1))
        elif _opaque(core):
            out.append("<blob>")
        else:
            out.append(DIGITS.sub("<n>", word))
        at = end
    out.append(text[at:])
    return "".join(out)


BLOCK = frozenset(
    [
        "p",
        "div",
        "br",
        "tr",
        "td",
        "th",
        "li",
        "ul",
        "ol",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "center",
        "blockquote",
        "pre",
        "form",
        "option",
        "title",
        "dt",
        "dd",
        "section",
        "article",
    ]
)
CODE = frozenset({"script", "style", "template", "noframes"})
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
SIZE = re.compile(r"([\d.]+)\s*(px|pt)?")


def _colour(value: str) -> str:
    v = "".join(value.lower().split())
    return {"white": "#ffffff", "#fff": "#ffffff", "rgb(255,255,255)": "#ffffff", "ffffff": "#ffffff",
            "black": "#000000", "#000": "#000000", "rgb(0,0,0)": "#000000", "000000": "#000000"}.get(v, v)  # fmt: skip


class Seen(html.parser.HTMLParser):
    """Visible text, hidden text and links of an HTML part."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.visible: list[str] = []
        self.hidden: list[str] = []
        self.links: list[str] = []
        self.open: list[tuple[str, bool, bool]] = []
        self.hiding = self.code = 0
        self.ground = "#ffffff"

    def _style(self, style: str) -> tuple[bool, str | None, str | None]:
        hides, ink, ground = False, None, None
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            name, value = name.strip().lower(), value.strip().lower()
            if name == "display":
                hides |= value.startswith("none")
            elif name == "visibility":
                hides |= value.startswith("hidden")
            elif name == "opacity":
                with contextlib.suppress(ValueError):
                    hides |= float(value) < 0.05
            elif name == "font-size" and (size := SIZE.match(value)):
                with contextlib.suppress(ValueError):
                    number = float(size[1])
                    hides |= number == 0 or (number <= 1 and bool(size[2]))
            elif name == "color":
                ink = _colour(value)
            elif name in ("background", "background-color"):
                ground = _colour(value)
        return hides, ink, ground

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {k: v or "" for k, v in reversed(attrs)}
        for name in ("href", "src", "action", "background"):
            value = values.get(name)
            if value is not None and tag != "base" and (name != "background" or "://" in value):
                self.links.append(value.strip())
        if tag in BLOCK:
            self.handle_data("\n")
        code = tag in CODE
        hides = code or tag == "head" or "hidden" in values
        if attrs or hides:
            styled, ink, ground = self._style(values["style"]) if "style" in values else (False, None, None)
            ground = _colour(values["bgcolor"]) if "bgcolor" in values else ground
            if ink is None and tag == "font" and "color" in values:
                ink = _colour(values["color"])
            self.ground = ground or self.ground
            hides |= styled or ink == self.ground or (tag == "font" and values.get("size", "").strip() == "0")
        if tag not in VOID:
            self.open.append((tag, hides, code))
            self.hiding += hides
            self.code += code
            if hides:
                self.hidden.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _, _ in self.open):
            while True:
                name, hides, code = self.open.pop()
                self.hiding -= hides
                self.code -= code
                if name == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.code:
            (self.hidden if self.hiding else self.visible).append(data)


def peer_units(address: str) -> tuple[str, str] | None:
    """What ``peers`` counts, and the network."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return peer_units(str(ip.ipv4_mapped))
        unit = ipaddress.ip_network((ip, 64), strict=False)
        return str(unit), str(ipaddress.ip_network((ip, 48), strict=False))
    return str(ip), str(ipaddress.ip_network((ip, 24), strict=False))
