"""Makes ``disguises.tsv``: spellings of twenty words that spam sells, disguised in nineteen ways. Own making, no mail.

    python tests/message/fold_list/make.py

A row: trick, word, where it stands (``subject`` or ``html``), and what is sent, as a JSON string in ASCII. Choices are
drawn from SHA-256, so that the file is the same on any machine. The signs are written down here and not taken from the fold's
table: letters of other scripts are single-letter rows of UTS #39 (confusables.txt) and what reads so to the eye.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("disguises.tsv")
WORDS = (
    "viagra", "cialis", "levitra", "xanax", "valium", "ambien", "tramadol", "phentermine", "vicodin", "rolex",
    "replica", "casino", "poker", "lottery", "bitcoin", "mortgage", "pharmacy", "paypal", "pills", "loan",
)  # fmt: skip
EACH = 10
CARRIERS = ("{}", "{} today", "Buy {} now", "Your {}", "Re: {} - last chance", "Save 50 % on {}", "{} and more")

LEET = {
    "a": "4@", "b": "8", "c": "¢", "e": "3€", "g": "69", "i": "1!|l", "l": "1|I", "o": "0", "s": "5$§", "t": "7+", "y": "¥",
}  # fmt: skip
PAIRS = {"v": "\\/", "a": "/\\"}
CYRILLIC = {
    "a": "аА", "b": "ЬВв", "c": "сС", "d": "ԁ", "e": "еЕё", "g": "Ԍԍ", "h": "һНн", "i": "іІӏї", "k": "Кк", "l": "ӏӀ",
    "m": "Мм", "n": "п", "o": "оО", "p": "рР", "r": "гГ", "s": "ѕЅ", "t": "Тт", "u": "ц", "v": "ѵѴ", "x": "хХ", "y": "уУү",
}  # fmt: skip
GREEK = {
    "a": "αΑ", "b": "Ββ", "c": "ϲϹ", "e": "εΕ", "h": "Η", "i": "ιΙ", "k": "κΚ", "l": "Ι", "m": "ΜϺ", "n": "ηΝ", "o": "οΟσ",
    "p": "ρΡ", "t": "τΤ", "u": "υ", "v": "ν", "x": "χΧ", "y": "γΥ", "r": "ᴦ",
}  # fmt: skip
ARMENIAN = {"g": "ց", "h": "հ", "n": "ոռ", "o": "օՕ", "s": "Տ", "u": "սՍ"}
CHEROKEE = {
    "a": "Ꭺ", "b": "ᏏᏴ", "c": "Ꮯꮯ", "d": "ᎠᏧ", "e": "Ꭼ", "g": "ᏀᏳ", "h": "ᎻᏂ", "i": "Ꭵꭵ", "k": "Ꮶ", "l": "Ꮮ", "m": "Ꮇ",
    "p": "Ꮲ", "r": "ᎡᏒꮁ", "s": "ᏚꮪᏕ", "t": "Ꭲ", "v": "Ꮩꮩ", "y": "ᎩᎽ",
}  # fmt: skip
LATIN = {
    "a": "ɑᴀ", "b": "ʙƅƀ", "c": "ᴄ", "d": "ᴅđ", "e": "ᴇ", "g": "ɡɢ", "h": "ʜħ", "i": "ıɩɪɨ", "k": "ᴋ", "l": "ʟłǀ", "m": "ᴍ",
    "n": "ɴ", "o": "ᴏøɵ", "p": "ᴘ", "r": "ʀɍ", "s": "ꜱ", "t": "ᴛŧ", "u": "ᴜʋ", "v": "ᴠ", "y": "ʏ",
}  # fmt: skip
RARE = {  # Lisu, Canadian syllabics, Coptic, Deseret
    "a": "ꓮᗅ", "b": "ꓐᑲ", "c": "ꓚⲥ𐐕", "d": "ꓓᗞᑯ", "e": "ꓰ", "g": "ꓖ", "h": "ꓧⲎ", "i": "Ⲓ", "k": "ꓗⲔ", "l": "ꓡᒪ",
    "m": "ꓟᗰⲘ", "n": "ꓠⲚ", "o": "ꓳⲞ𐐄", "p": "ꓑᑭⲢ", "r": "ꓣᖇ", "s": "ꓢ𐐠", "t": "ꓔⲦ", "u": "ꓴᑌ", "v": "ꓦᐯ", "x": "ꓫⲬ",
    "y": "ꓬⲨ",
}  # fmt: skip
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u200e\u200f\u2061\u2063\ufe0f"
SEPARATORS = ".-_*/~^'·•:,= "
JOINTS = ".-_*'~^·"
MARKS = "\u0300\u0301\u0302\u0303\u0308\u030a\u0327\u0328\u0336\u0338\u0332\u034a\u035b\u0363"
STYLES = (
    "MATHEMATICAL BOLD", "MATHEMATICAL BOLD ITALIC", "MATHEMATICAL SANS-SERIF", "MATHEMATICAL SANS-SERIF BOLD",
    "MATHEMATICAL SANS-SERIF ITALIC", "MATHEMATICAL MONOSPACE", "MATHEMATICAL BOLD SCRIPT", "MATHEMATICAL BOLD FRAKTUR",
    "MATHEMATICAL DOUBLE-STRUCK",
)  # fmt: skip
NAMED = {
    "a": "aacute",
    "c": "ccedil",
    "e": "eacute",
    "i": "iuml",
    "n": "ntilde",
    "o": "oslash",
    "u": "uuml",
    "y": "yacute",
}
BESIDE = ("buy", "cheap", "online", "store", "best", "free", "shop", "now")


class Draw:
    """Choices that a name decides."""

    def __init__(self, name: str) -> None:
        self._name, self._n = name, 0

    def below(self, n: int) -> int:
        """A number from 0 to ``n`` - 1."""
        self._n += 1
        digest = hashlib.sha256(f"spamtide fold 1 {self._name} {self._n}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % n

    def one(self, items: Sequence[Any]) -> Any:
        """One of them."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[int], at_least: int = 1) -> set[int]:
        """Some of them, at least ``at_least`` where there are so many."""
        rest, wanted = list(items), min(len(items), at_least + self.below(max(1, len(items) - at_least + 1)))
        return {rest.pop(self.below(len(rest))) for _ in range(wanted)}


def cased(word: str, draw: Draw) -> str:
    """The word as it may stand: viagra, Viagra, VIAGRA."""
    return draw.one((word, word.capitalize(), word.upper()))


def swapped(word: str, table: dict[str, str], draw: Draw, at_most: int = 99) -> str | None:
    """Some letters replaced by signs of the table; None where no letter has one."""
    places = [i for i, c in enumerate(word) if c.lower() in table]
    chosen = sorted(draw.some(places))[:at_most] if places else []
    return "".join(draw.one(table[c.lower()]) if i in chosen else c for i, c in enumerate(word)) if chosen else None


def leetspeak(word: str, draw: Draw) -> str:
    """Digits and signs for letters; two letters at least are left."""
    if draw.below(6) == 0 and (pairs := [i for i, c in enumerate(word) if c in PAIRS]):
        at = draw.one(pairs)
        return word[:at] + PAIRS[word[at]] + word[at + 1 :]
    made = swapped(cased(word, draw), LEET, draw, max(1, len(word) - 2))
    assert made
    return made


def separators(word: str, draw: Draw) -> str:
    """A sign between all letters."""
    sign = draw.one(SEPARATORS)
    return (f" {sign} " if sign != " " and draw.below(6) == 0 else sign).join(cased(word, draw))


def separator_inside(word: str, draw: Draw) -> str:
    """One or two signs within the word."""
    text = cased(word, draw)
    cuts = draw.some(range(1, len(word)))
    cuts = set(sorted(cuts)[: 1 + draw.below(2)])
    sign = draw.one(JOINTS)
    return "".join((sign if i in cuts else "") + c for i, c in enumerate(text))


def script(table: dict[str, str]) -> Callable[[str, Draw], str | None]:
    """Letters of one other script."""
    return lambda word, draw: swapped(cased(word, draw), table, draw)


def zero_width(word: str, draw: Draw) -> str:
    """Characters without width between letters."""
    places = draw.some(range(1, len(word)))
    return "".join((draw.one(ZERO_WIDTH) if i in places else "") + c for i, c in enumerate(cased(word, draw)))


def full_width(word: str, draw: Draw) -> str:
    """Full-width letters, all or some."""
    places = set(range(len(word))) if draw.below(2) else draw.some(range(len(word)))
    return "".join(chr(ord(c) + 0xFEE0) if i in places else c for i, c in enumerate(cased(word, draw)))


def mathematical(word: str, draw: Draw) -> str:
    """Letters of the mathematical alphabets."""
    style, places = draw.one(STYLES), draw.some(range(len(word)), 2)
    text = cased(word, draw)
    made = ""
    for i, c in enumerate(text):
        name = f"{style} {'CAPITAL' if c.isupper() else 'SMALL'} {c.upper()}"
        try:
            made += unicodedata.lookup(name) if i in places else c
        except KeyError:  # the double-struck C, N, P, R stand elsewhere
            made += unicodedata.lookup(f"DOUBLE-STRUCK CAPITAL {c.upper()}")
    return made


def enclosed(word: str, draw: Draw) -> str:
    """Letters in circles, brackets, squares."""
    start = draw.one((0x24B6, 0x24D0, 0x249C, 0x1F130, 0x1F150, 0x1F170))
    return "".join(chr(start + ord(c) - 97) for c in word)


def combining(word: str, draw: Draw) -> str:
    """Accents and strokes over, under and through letters."""
    places = draw.some(range(len(word)))
    marked = "".join(
        c + "".join(draw.one(MARKS) for _ in range(1 + draw.below(3))) if i in places else c
        for i, c in enumerate(cased(word, draw))
    )
    return unicodedata.normalize("NFC", marked) if draw.below(2) else marked


def encoded_words(text: str, draw: Draw) -> str:
    """A subject as UTF-8 encoded words, each cut falling within a character of several bytes."""
    data = text.encode()
    inside = [i for i in range(1, len(data)) if data[i] & 0xC0 == 0x80]
    cuts = sorted(draw.some(inside))[:3]
    sent = []
    for piece in (data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)):
        if draw.below(2):
            sent.append(f"=?utf-8?B?{base64.b64encode(piece).decode()}?=")
        else:
            sent.append("=?UTF-8?Q?" + "".join(f"={b:02X}" for b in piece) + "?=")
    return draw.one((" ", "\n ", "\n\t")).join(sent)


def entities(word: str, draw: Draw) -> str:
    """Letters as HTML entities: numbers in either base, padded, names; soft hyphens."""
    places = draw.some(range(len(word)), 2)
    made = ""
    for i, c in enumerate(cased(word, draw)):
        forms = [f"&#{ord(c)};", f"&#x{ord(c):x};", f"&#X{ord(c):X};", f"&#{ord(c):07d};", f"&shy;{c}", f"&#8203;{c}"]
        if c.lower() in NAMED and c.islower():
            forms.append(f"&{NAMED[c]};")
        made += draw.one(forms) if i in places else html.escape(c)
    return made


def markup_inside(word: str, draw: Draw) -> str:
    """Tags and comments within the word."""
    places = draw.some(range(1, len(word)))
    forms = ("<b></b>", "<!-- x -->", "<i></i>", "</span><span>", "<wbr>", "<font size=3></font>", "<xq>")
    made = "".join((draw.one(forms) if i in places else "") + c for i, c in enumerate(cased(word, draw)))
    return f"<span>{made}</span>"


def mixed(word: str, draw: Draw) -> str:
    """Two or three disguises at once."""
    table = draw.one((CYRILLIC, GREEK, LEET, LATIN))
    made = swapped(cased(word, draw), table, draw, max(1, len(word) - 3)) or word
    match draw.below(5):
        case 0:
            sign = draw.one(ZERO_WIDTH)
            return made[:2] + sign + made[2:]
        case 1:
            return draw.one(".-_*").join(swapped(word, draw.one((CYRILLIC, GREEK)), draw) or made)
        case 2:
            return "".join(c + draw.one(MARKS) if c.isascii() and c.isalpha() and draw.below(2) else c for c in made)
        case 3:
            return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() and draw.below(2) else c for c in made)
    at = draw.below(len(made))
    return made[: at + 1] + made[at:]


def doubled(word: str, draw: Draw) -> str:
    """A letter twice or three times, or all letters twice."""
    kind = draw.below(6)
    places = set(range(len(word))) if kind == 0 else {draw.below(len(word)) for _ in range(1 + kind % 2)}
    times = 3 if kind == 1 else 2
    return "".join(c * (times if i in places else 1) for i, c in enumerate(cased(word, draw)))


def reversed_by_marks(word: str, draw: Draw) -> str:
    """Sent backwards, shown forwards: U+202E around all or the end of the word."""
    text = cased(word, draw)
    cut = draw.one((0, 0, 0, 1, 2))
    tail = draw.one(("\u202c", "\u202c", "\u202d\u202c\u202c"))
    return text[:cut] + "\u202e" + text[cut:][::-1] + tail


def transposed(word: str, draw: Draw) -> str | None:
    """Two inner neighbours in each other's place."""
    places = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    at = draw.one(places)
    return cased(word[:at] + word[at + 1] + word[at] + word[at + 2 :], draw)


def run_together(word: str, draw: Draw) -> str:
    """Written as one with another word."""
    other = draw.one(BESIDE)
    return draw.one((other + word, word + other, other.capitalize() + word.capitalize()))


TRICKS: dict[str, Callable[[str, Draw], str | None]] = {
    "leetspeak": leetspeak,
    "separators": separators,
    "a separator inside": separator_inside,
    "Cyrillic letters": script(CYRILLIC),
    "Greek letters": script(GREEK),
    "Armenian letters": script(ARMENIAN),
    "Cherokee letters": script(CHEROKEE),
    "Latin look-alikes": script(LATIN),
    "rarer scripts": script(RARE),
    "zero-width": zero_width,
    "full-width": full_width,
    "mathematical letters": mathematical,
    "enclosed letters": enclosed,
    "combining marks": combining,
    "encoded words cut in mid-character": lambda word, draw: (
        combining(word, draw) if draw.below(2) else swapped(cased(word, draw), draw.one((CYRILLIC, GREEK)), draw)
    ),
    "HTML entities": entities,
    "markup inside": markup_inside,
    "mixed": mixed,
    "doubled letters": doubled,
    "reversed by direction marks": reversed_by_marks,
    "transposed letters": transposed,
    "run together": run_together,
}
HTML = ("HTML entities", "markup inside")
CUT = "encoded words cut in mid-character"


def rows() -> list[tuple[str, str, str, str]]:
    """``(trick, word, where, sent)``; no two alike, none that spells the word as it is."""
    made: dict[tuple[str, str, str, str], None] = {}
    for trick, disguise in TRICKS.items():
        for word in WORDS:
            for n in range(EACH):
                draw = Draw(f"{trick} {word} {n}")
                spelling = disguise(word, draw)
                if spelling is None or spelling.lower() == word:
                    continue
                if trick == CUT and spelling.isascii():
                    continue
                text = draw.one(CARRIERS).format(spelling)
                where = "html" if trick in HTML else "subject"
                made[trick, word, where, encoded_words(text, draw) if trick == CUT else text] = None
    return list(made)


if __name__ == "__main__":
    FILE.write_text("".join("\t".join([*row[:3], json.dumps(row[3])]) + "\n" for row in rows()), "ascii")
