"""A text as tokens: where each word stands, and a key under which its disguises are the same word.

A token is a word, a number, a link, an address, a sign, or one character of a script that writes no spaces. The key of a
word undoes what a sender does to its letters (``v1agra``, ``vіagra``, ``v.i.a.g.r.a``, zero-width characters), letter by
letter, so that a word and its disguise can be laid on each other; the kernel's fold knows the letters. Links, addresses and
numbers have one key each, whatever they say: what varies in them is for the slots.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from spamtide.message import fold_words

# Work is bounded in characters, never in seconds.
MAX_CHARS = 20_000
URL, ADDRESS, NUMBER = "\x01url", "\x01address", "\x01number"
KINDS = {URL: "url", ADDRESS: "address", NUMBER: "number"}

# Scripts written without spaces: Han, kana, Thai, Lao, Khmer, Myanmar. Hangul has spaces.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_PART = re.compile(
    r"(?P<url>(?:https?://|ftp://|www\.)[^\s<>\"]+)"
    r"|(?P<address>[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6})"
    r"|(?P<spaced>(?<!\S)[^\W\d_](?P<gap>[._*-])(?:[^\W_](?P=gap)){1,40}[^\W_](?=[.,;:!?)]*$))"
    rf"|(?P<one>[{_SPACELESS}])"
    rf"|(?P<word>(?:(?!https?://)[^\s{_SPACELESS}])+)"
)
UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_CHUNK = re.compile(r"\S+")
_LEADING = re.compile(r"[\"'(\[{<>*_=+~#%&/\\:;,.?!`´‘’“”«»¿¡–—…•·$€£¥-]*")
_TRAILING = re.compile(r"[\"')\]}<>*_=~#%&/\\:;,.?!`´‘’“”«»–—…•·€£¥-]*$")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"}
_SIGNS = {"|": "i", "!": "i", "$": "s", "@": "a"}
_BETWEEN = frozenset("._-*' ’")


@dataclass(frozen=True, slots=True)
class Tokens:
    """``text`` cut into tokens: the key of each, and where it begins and ends (characters of ``text``)."""

    text: str
    keys: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def literal(self, i: int) -> str:
        """Token ``i`` as it stands in the text."""
        return self.text[self.starts[i] : self.ends[i]]


@lru_cache(maxsize=65_536)
def letter(c: str) -> str:
    """What ``c`` is read as within a word, '' for what is not seen. ``l`` and ``i`` are one letter, as in the fold."""
    if c in _LEET:
        return _LEET[c]
    if c in _SIGNS:
        return _SIGNS[c]
    if c in _BETWEEN:
        return ""
    if c.isascii():
        return "i" if c == "l" else c
    if unicodedata.category(c) in ("Cf", "Mn", "Me", "Cc"):
        return ""
    folded = fold_words(c).strip()
    return folded.replace("l", "i") if folded and " " not in folded else c


@lru_cache(maxsize=65_536)
def _key(core: str) -> str:
    if not any(c.isalpha() for c in core):
        return core
    return "".join(map(letter, core)) or core


def tokenise(text: str) -> Tokens:
    """``text`` (its first 20,000 characters) cut into tokens."""
    text = text[:MAX_CHARS]
    keys: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for m in _CHUNK.finditer(text):
        at = m.start()
        for key, start, end in _chunk(m.group()):
            keys.append(key)
            starts.append(at + start)
            ends.append(at + end)
    return _respaced(Tokens(text, tuple(keys), tuple(starts), tuple(ends)))


@lru_cache(maxsize=65_536)
def _chunk(chunk: str) -> tuple[tuple[str, int, int], ...]:
    """Tokens of a run without spaces: key, begin, end."""
    found: list[tuple[str, int, int]] = []
    for m in _PART.finditer(chunk):
        start, end = m.span()
        if m["url"]:
            stop = start + len(m.group().rstrip(".,;:!?)]}'"))
            found += [(URL, start, stop), *((chunk[i], i, i + 1) for i in range(stop, end))]
        elif m["address"]:
            found.append((ADDRESS, start, end))
        elif m["word"]:
            found += _word(chunk, start, end)
        else:
            found.append((_key(m.group()), start, end))
    return tuple(found)


def _word(chunk: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """The signs around a word are tokens of their own; what is left is a word or a number."""
    head = _LEADING.match(chunk, start, end)
    first = head.end() if head else start
    # "$id3" is a word in disguise, "$450" a sum.
    while start < first < end and chunk[first - 1] == "$" and not chunk[first].isdigit():
        first -= 1
    tail = _TRAILING.search(chunk[:end], first)
    stop = max(first, tail.start() if tail else end)
    if chunk[stop - 1] == "$" and _NUMBER.fullmatch(chunk, first, stop - 1):
        stop -= 1
    found = [(chunk[i], i, i + 1) for i in range(start, first)]
    if first < stop:
        core = chunk[first:stop]
        found.append((NUMBER if _NUMBER.fullmatch(core.strip(UNSEEN)) else _key(core), first, stop))
    return found + [(chunk[i], i, i + 1) for i in range(stop, end)]


def _respaced(tokens: Tokens) -> Tokens:
    """``v i a g r a`` as one token: three single letters or more with one space between each two."""
    keys, starts, ends = tokens.keys, tokens.starts, tokens.ends
    single = [
        e - s == 1 and len(k) == 1 and k.isalpha() and ord(k) < 0x250
        for k, s, e in zip(keys, starts, ends, strict=True)
    ]
    if sum(single) < 3:
        return tokens
    out: list[tuple[str, int, int]] = []
    i = 0
    while i < len(keys):
        j = i
        while j + 1 < len(keys) and single[i] and single[j + 1] and starts[j + 1] == ends[j] + 1:
            j += 1
        if j - i >= 2:
            out.append(("".join(keys[i : j + 1]), starts[i], ends[j]))
        else:
            j = i
            out.append((keys[i], starts[i], ends[i]))
        i = j + 1
    return Tokens(tokens.text, tuple(o[0] for o in out), tuple(o[1] for o in out), tuple(o[2] for o in out))
