"""Plain Python's fold, mask and HTML reader: the rules of docs/reference, written as one would without a kernel."""

from __future__ import annotations

import contextlib
import functools
import html.parser
import ipaddress
import itertools
import re
import unicodedata
from collections.abc import Callable

IGNORABLE = re.compile(
    "[\u00ad\u034f\u0488\u0489\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20dd-\u20e0\u20e2-\u20e4\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
WHITE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Stands for what shows nothing: part of a word, but not of a picture.
NOTHING = "\u200b"
JOINTS = ".\\-_*'~^`+\u00b7\u2018\u2019\u2010\u2022\u2219\u22c5"
LEET_SIGNS = {"€": "e", "¢": "c", "©": "c", "§": "s", "¥": "y", "£": "l", "®": "r", "×": "x"}
PICTURES = {"|\\/|": "m", "/\\/\\": "m", "\\/\\/": "w", "|_|": "u", "/\\": "a", "\\/": "v", "()": "o"}
PICTURE = re.compile("|".join(map(re.escape, PICTURES)))
TOKEN = re.compile(rf"(?:[^\W_]|[$!|@{NOTHING}])+")
RUN = re.compile(rf"(?:[^\W_]|[$!|@{NOTHING}{JOINTS}{''.join(LEET_SIGNS)}]|/\\|\\/|\(\))+")
RUN_WITH_AT = re.compile(rf"[^{WHITE}]*@[^{WHITE}]*")
LEET = {ord(a): b for a, b in zip("01!|l234@5$697+8", "oiiiizeaassggttb", strict=True)}
URL = re.compile(r"(?:https?://|ftp://|www\.)[^\s\x00-\x1f\x7f-\x9f<>\"'`{}|\\^]+", re.I)
SPACE = re.compile(r"\s+")


def confusables() -> dict[str, str]:
    """The kernel's table of letters that look like an ASCII letter, asked letter by letter before any clock starts."""
    from spamtide.message import fold_words

    table = {}
    for point in (*range(0x80, 0x20000),):
        c = chr(point)
        if c.isalpha() or 0x1F150 <= point <= 0x1F189:
            seen = fold_words(c)[1:-1]
            plain = "".join(d for d in unicodedata.normalize("NFKD", c) if not unicodedata.combining(d)).lower()
            if len(seen) == 1 and seen.isascii() and seen != plain.replace("l", "i"):
                table[c] = seen
    return table


CONFUSABLE = confusables()


def shown(text: str) -> str:
    """Text in the order in which it is shown, where U+202D and U+202E force one."""
    lines = re.split("([\n\r\u2029])", text)
    return "".join(_shown_line(line) for line in lines)


def _shown_line(line: str) -> str:
    levels: list[tuple[str, int]] = []
    open_: list[tuple[int, bool]] = []
    beyond = 0
    for c in line:
        level = open_[-1][0] if open_ else 0
        odd, even = level + 1 + level % 2, level + 2 - level % 2
        if c in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068":
            if len(open_) < 8 and not beyond:
                open_.append((odd if c == "\u202e" else even, c >= "\u2066"))
            else:
                beyond += 1
        elif c in "\u202c\u2069":
            isolates = [i for i, o in enumerate(open_) if o[1]]
            if beyond:
                beyond -= 1
            elif c == "\u2069" and isolates:
                del open_[isolates[-1] :]
            elif c == "\u202c" and open_ and not open_[-1][1]:
                open_.pop()
        else:
            levels.append((c, level))
    for level in range(max((at for _, at in levels), default=0), 0, -1):
        turned: list[tuple[str, int]] = []
        at = 0
        while at < len(levels):
            end = at
            while end < len(levels) and (levels[end][1] >= level) == (levels[at][1] >= level):
                end += 1
            run = levels[at:end]
            turned += reversed(run) if run[0][1] >= level else run
            at = end
        levels = turned
    return "".join(c for c, _ in levels)


def _address(match: re.Match[str]) -> str:
    run = match[0]
    first = run.index("@")
    parted = "".join("\0" if c in "@\uff20\ufe6b" else c for c in run[first:])
    return run[:first] + parted if "." in run[first + 1 :] else run


@functools.cache
def _look_alike(c: str) -> str:
    if IGNORABLE.match(c):
        return NOTHING
    if c in "™℠":
        return " "
    if c in CONFUSABLE:
        return CONFUSABLE[c]
    made = ""
    for d in unicodedata.normalize("NFKD", c):
        if not unicodedata.combining(d) and not IGNORABLE.match(d):
            made += CONFUSABLE.get(d) or "".join(CONFUSABLE.get(x, x) for x in d.lower())
    if not c.isascii() and not RUN.fullmatch(made):
        return f"\0{made}\0" if made else NOTHING
    return made


def _undoubled(raw: str) -> list[str]:
    runs = [(c, len(list(run))) for c, run in itertools.groupby(raw)]
    places = [i for i, (_, n) in enumerate(runs) if n > 1]
    if not places:
        return []

    def written(lengths: Callable[[int, int], int]) -> str:
        return "".join(c * (lengths(i, n) if n > 1 else 1) for i, (c, n) in enumerate(runs))

    if len(places) <= 3:
        made = [
            written(lambda i, n, chosen=chosen: 1 if chosen >> places.index(i) & 1 else min(n, 2))  # type: ignore[misc]
            for chosen in range(2 ** len(places))
        ]
    else:
        made = [written(lambda i, n: 1), written(lambda i, n: n // 2), written(lambda i, n: 1 if n > 2 else 2)]
        made = [one for one, _ in itertools.groupby(made)]
    return [one for one in made if one != raw and len(one) >= 4]


def _reading(run: str) -> str | None:
    trick = bool(PICTURE.search(run))
    raw = PICTURE.sub(lambda match: PICTURES[match[0]], run)
    trick |= any(sign in raw for sign in LEET_SIGNS)
    raw = "".join(LEET_SIGNS.get(c, c) for c in raw).replace(NOTHING, "")
    joined = re.sub(f"[{JOINTS.replace('+', '')}]+", " ", raw).strip(" ").replace("+ ", "+")
    trick |= " " in joined.strip("+ !")
    raw = joined.replace(" ", "").rstrip("!+").lstrip("!")
    trick |= "+" in raw or raw.startswith(("@", "|")) or raw.endswith(("@", "|", "$"))
    return raw if trick and sum(map(str.isalpha, raw)) >= 2 and 4 <= len(raw) <= 24 else None


def fold(text: str) -> str:
    """Folded words, each between single spaces, and behind one more space what else may be read."""
    if "\u202d" in text or "\u202e" in text:
        text = shown(text)
    most = len(text.encode()) + 64
    if "@" in text:
        text = RUN_WITH_AT.sub(_address, text)
    text = text.lower() if text.isascii() else "".join(map(_look_alike, text))
    out: list[str] = []
    singles: list[str] = []
    readings: list[str] = []
    size = 0

    def join() -> None:
        if len(singles) >= 3 and any(c.isalpha() for c in singles):
            out.append("".join(singles).translate(LEET))
        else:
            out.extend(singles)
        singles.clear()

    def read(raw: str) -> None:
        nonlocal size
        if size < most:
            readings.append(raw.translate(LEET))
            size += len(readings[-1].encode()) + (1 if size else 2)

    for run in RUN.findall(text):
        tokens = TOKEN.findall(run)
        for raw in tokens:
            trimmed = raw.replace(NOTHING, "").rstrip("!|@$").lstrip("!|@")
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
            if letters >= 2 and 4 < len(trimmed.encode()) <= 48:
                for once in _undoubled(trimmed):
                    read(once)
        if not run.isalnum():
            whole = _reading(run)
            if whole is not None and any(c.isalnum() for c in run):
                read(whole)
                if len(whole.encode()) <= 48:
                    for once in _undoubled(whole):
                        read(once)
    join()
    words = " " + " ".join(out) + " " if out else ""
    return words + (" " + " ".join(readings) + " " if readings else "")


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
