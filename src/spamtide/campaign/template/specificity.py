"""How unlikely it is that an expression meets a text it was not made for, in bits.

A model on purpose simple and stingy: a common word of mail carries four bits, another by its length up to thirteen; seven
tenths of that count, since words predict each other. An expression of b bits is met at a given place of unrelated text
with chance 2^-b. Boilerplate breaks any such model: words that mail repeats word for word ("to unsubscribe click here").
So the bits decide only whether an expression is worth trying; what it must never meet is tried (``others.py``).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Bits that an expression needs, when nothing was tried on and when it met none of two thousand other texts or more.
UNTRIED = 44.0
TRIED = 32.0
_PREDICTED = 0.7

_COMMON = frozenset(
    """a about account after again all also always am an and any are as ask at available back be because been before best
    better between business buy by call can check click come company contact copyright could customer date day days dear
    detail details did do does down each email even ever every few find first for form found free friend from full further
    get give go good great group had has have he hello help her here hi high him his home hope hour hours how i if in
    info information internet into is it its just keep know last learn less let like line link list live long look made
    mail mailing make many may me mean message money month more most much must my name need never new news next no not
    note now number of offer on once one online only open or order other our out over page part people per please point
    policy price privacy product products program provide read receive received regards remove removed reply report request
    right rights reserved said sale same save say see send sent service services set she should since site size so some
    special start still stop store subject subscribe support sure system take team tell than thank thanks that the their
    them then there these they thing think this those through time to today too top total try two under unsubscribe until
    up update us use used user using very view visit want was way we web website week well were what when where which while
    who why will wish with within without work world would write wrote year years yes you your""".split()  # noqa: SIM905
)


@lru_cache(maxsize=65_536)
def word_bits(word: str) -> float:
    """Bits of one token as it stands in a text."""
    if not any(c.isalnum() for c in word):
        return 0.5
    if word in _COMMON:
        return 4 * _PREDICTED
    if word.isascii():
        return _PREDICTED * (min(13.0, 3.0 + len(word)) if word.isalpha() else min(13.0, 2.0 + 2.0 * len(word)))
    if len(word) == 1:
        return _PREDICTED * (6.0 if unicodedata.category(word) == "Lo" else 2.0)
    return _PREDICTED * min(14.0, 3.0 + 1.5 * len(word))


def chance(bits: float, places: float = 1e12) -> float:
    """Matches to be expected in a thousand million unrelated messages of a thousand places each."""
    return float(min(places, places * 2.0**-bits))
