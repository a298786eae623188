"""Campaigns made from templates that the tests know: every macro of ``docs/explanation/templates.md`` once.

All words are our own; hosts are reserved names. Randomness is Philox, keyed by the name of the campaign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from spamtide.campaign.template import Text

LINES = (
    "our orchard sells quinces to anyone who sends a letter before harvest begins",
    "every basket travels by mule across the northern ridge within nine evenings",
    "the parish clerk has certified that no quince was ever bruised on arrival",
    "should your cellar already be full we gladly store the fruit until midsummer",
    "neighbours of the mill receive one jar of marmalade with the second basket",
    "write to the orchard office and mention the sparrow printed on the envelope",
)
LOOKS = {"a": "а@", "e": "е3", "o": "о0", "i": "і1", "s": "ѕ5", "t": "т7"}
NOISE = [
    "lamp",
    "coral",
    "wicket",
    "thunder",
    "velvet",
    "pocket",
    "anchor",
    "maple",
    "sundial",
    "ferry",
    "granite",
    "plum",
    "cobalt",
    "otter",
    "ribbon",
    "tundra",
]

Random = np.random.Generator


def random(name: str) -> Random:
    """The random numbers of one campaign."""
    return np.random.Generator(
        np.random.Philox(key=int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()))
    )


def pick(rng: Random, values: Sequence[str]) -> str:
    """One of the values."""
    return values[int(rng.integers(len(values)))]


def word(rng: Random, low: int = 5, high: int = 12, letters: str = "abcdefghijklmnopqrstuvwxyz0123456789") -> str:
    """An opaque word."""
    return "".join(pick(rng, letters) for _ in range(int(rng.integers(low, high + 1))))


def busters(rng: Random, low: int, high: int) -> str:
    """Words that mean nothing."""
    return " ".join(pick(rng, NOISE) + word(rng, 1, 4) for _ in range(int(rng.integers(low, high + 1))))


def disguised(rng: Random, text: str, share: float) -> str:
    """Words of ``text`` with letters replaced by look-alikes."""
    out = []
    for one in text.split(" "):
        if rng.random() < share:
            one = "".join(pick(rng, LOOKS[c]) if c in LOOKS and rng.random() < 0.6 else c for c in one)
        if rng.random() < share / 3 and len(one) > 3:
            one = one[:2] + "\u200b" + one[2:]
        out.append(one)
    return " ".join(out)


def plain(rng: Random) -> Text:
    """Anchors with each kind of macro between them."""
    name = pick(rng, ("Ada", "Boris", "Chiara", "Dong"))
    body = (
        f"Dear {name},\n{LINES[0]}.\nYour code is {word(rng, 8, 8)} and costs {int(rng.integers(10, 999))} crowns.\n"
        f"{LINES[1]}.\nhttp://quince.example/buy?id={word(rng)}\n{busters(rng, 3, 12)}"
    )
    return Text(f"Quinces for {name} at {int(rng.integers(5, 95))} percent", body)


def spintax(rng: Random) -> Text:
    """Words with synonyms, several in a line."""
    body = (
        f"{pick(rng, ('buy', 'order', 'get'))} the {pick(rng, ('finest', 'sweetest'))} quinces of the northern ridge "
        f"{pick(rng, ('today', 'tonight', 'now'))} and the parish clerk sends {pick(rng, ('a jar', 'two jars', 'a barrel'))} "
        "of marmalade to your cellar"
    )
    return Text("marmalade", body)


def shuffled(rng: Random) -> Text:
    """Lines in any order, some left out, nonsense between them."""
    lines = [line for line in LINES if rng.random() > 0.12]
    lines.insert(int(rng.integers(len(lines) + 1)), busters(rng, 4, 20))
    order = rng.permutation(len(lines))
    return Text(busters(rng, 2, 4), "\n".join(lines[i] for i in order))


def leet(rng: Random) -> Text:
    """Letters replaced by look-alikes, zero-width characters within words."""
    return Text("the orchard", disguised(rng, " ".join(LINES[:3]), 0.25))


def bare(rng: Random) -> Text:
    """A subject and a link, nothing else."""
    return Text(
        f"marmalade and quinces certified by the parish clerk {int(rng.integers(10, 99))}",
        f"http://{word(rng)}.example/{word(rng)}",
    )


def empty(rng: Random) -> Text:
    """No body at all."""
    return Text(f"the northern ridge sells quinces and marmalade before midsummer {word(rng)}", "")


def chinese(rng: Random) -> Text:
    """A script that writes no spaces."""
    return Text(
        "代开发票",
        f"您好{pick(rng, ('经理', '财务', '老板'))}我公司可代开各类正规增值税专用发票及普通发票税点优惠验证后付款{int(rng.integers(1000, 9999))}"
        f"联系人{pick(rng, ('张先生', '李小姐'))}欢迎来电咨询合作愉快",
    )


def campaign(name: str, make: Callable[[Random], Text], count: int) -> list[Text]:
    """``count`` messages."""
    rng = random(name)
    return [make(rng) for _ in range(count)]
