"""Letters in disguise: which characters stand for which letter in one campaign.

Learnt from the anchors: the same word, plain in one message and disguised in another, laid letter on letter. Senders draw
their look-alikes from few alphabets, so that a character seen for one letter lets in the alphabet's characters for all
letters: a message to come may show a pair not seen yet.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache

from spamtide.campaign.template.tokens import UNSEEN, letter

# Alphabets that stand for Latin letters, as code points; the characters of one are let in together.
_ALPHABETS: tuple[tuple[int, int], ...] = (
    (0x21, 0x7E),  # digits and signs
    (0xC0, 0x17F),  # letters with accents
    (0x250, 0x2AF),  # phonetic letters
    (0x370, 0x3FF),  # Greek
    (0x400, 0x52F),  # Cyrillic
    (0x1E00, 0x1EFF),  # more accents
    (0x2170, 0x217F),  # Roman numerals
    (0xFF41, 0xFF5A),  # full width
    (0x1D400, 0x1D433),  # mathematical bold
)


@lru_cache(maxsize=16)
def _alphabet(first: int, last: int) -> dict[str, str]:
    """For each Latin letter, the characters of an alphabet that are read as it."""
    found: dict[str, str] = defaultdict(str)
    for point in range(first, last + 1):
        c = chr(point)
        if (
            not (c.isascii() and c.isalpha())
            and c == c.lower()
            and (read := letter(c))
            and len(read) == 1
            and read != c
        ):
            found[read] += c
    return dict(found)


class Looks:
    """What stands for each letter, and what may stand between two letters of a word."""

    def __init__(self) -> None:
        self._seen: dict[str, Counter[str]] = defaultdict(Counter)
        self._between: Counter[str] = Counter()
        self._accents = False
        self.words = 0
        self.disguised = 0

    def learn(self, variants: Counter[str]) -> None:
        """One place of an anchor: the ways in which it is written, all with one key."""
        self.words += variants.total()
        if len(variants) < 2:
            return
        plain = plainest(variants)
        base = [c for c in plain if letter(c)]
        for variant, count in variants.items():
            if variant == plain:
                continue
            self.disguised += count
            shown = [c for c in variant if letter(c)]
            if len(shown) == len(base):
                for b, c in zip(base, shown, strict=True):
                    if b != c:
                        self._seen[b][c] += count
            self._between.update(c for c in variant if not letter(c) and c not in plain)

    @property
    def share(self) -> float:
        """Share of the anchors' words that were written otherwise than plainly."""
        return self.disguised / max(1, self.words)

    def freeze(self) -> Alike:
        """What has been learnt, with the alphabets it comes from let in."""
        letters: dict[str, set[str]] = {b: set(seen) for b, seen in self._seen.items()}
        seen_points = {ord(c) for seen in self._seen.values() for c in seen if not (c.isascii() and c.isalpha())}
        for first, last in _ALPHABETS:
            if any(first <= p <= last for p in seen_points):
                for b in "abcdefghijklmnopqrstuvwxyz":
                    letters.setdefault(b, set()).update(_alphabet(first, last).get(letter(b), ""))
        between = set(self._between)
        if between & set(UNSEEN):
            between |= set(UNSEEN)
        if between & set("._- "):
            between |= set("._- ")
        return Alike({b: "".join(sorted(s - {b})) for b, s in letters.items() if s - {b}}, "".join(sorted(between)))


class Alike:
    """Disguised words as expressions: one class of characters a letter."""

    def __init__(self, letters: dict[str, str], between: str) -> None:
        self._classes = {c: f"[{escape_class(c + others)}]" for c, others in letters.items()}
        self._gap = f"[{escape_class(between)}]{{0,2}}" if between else ""
        unseen = "".join(c for c in between if c in UNSEEN)
        # What may stand before a token and is not seen.
        self.unseen = f"[{unseen}]{{0,2}}" if unseen else ""
        self._words: dict[str, str] = {}

    def expression(self, plain: str) -> str:
        """An expression of ``plain`` and of its disguises."""
        if plain not in self._words:
            self._words[plain] = self._gap.join(map(self._character, plain))
        return self._words[plain]

    def _character(self, c: str) -> str:
        if not letter(c):
            return f"{escape(c)}?" if c in "._-*'’" else escape(c)
        return self._classes.get(c) or escape(c)


def plainest(variants: Iterable[str]) -> str:
    """The way of writing with most ASCII letters in it and least besides."""
    counts = variants if isinstance(variants, Counter) else Counter(variants)
    return min(counts, key=lambda v: (sum(not ("a" <= c.lower() <= "z") for c in v), -counts[v], v))


_META = re.compile(r"([\\.+*?()|\[\]{}^$])")


def escape(text: str) -> str:
    """``text`` as an expression that matches it alone, in RE2, Rust and Python alike."""
    return _META.sub(r"\\\1", text)


def escape_class(characters: str) -> str:
    """``characters`` as they may stand within brackets, each once; a hyphen goes last."""
    kept = sorted(set(characters) - {"-"})
    return "".join("\\" + c if c in "\\]^[&~" else c for c in kept) + ("-" if "-" in characters else "")
