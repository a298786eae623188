"""Texts of our own making: what simulated campaigns say. Reserved names only; nothing here was ever sent by anyone."""

from __future__ import annotations

import base64

import numpy as np

# Spellings of the two words: those that folding finds, and those it does not (missed on purpose: the literal
# measure and the folded one both lose them, as an analyst's search did).
FOUND = (
    "Viagra", "VIAGRA", "V1agra", "V.i.a.g.r.a", "Vi@gra", "Vιаgrа", "v-i-a-g-r-a", "Viаgra",
    "Cialis", "CIALIS", "C1alis", "Ci@lis", "C.i.a.l.i.s", "Сialis", "ClALIS", "c-i-a-l-i-s",
)  # fmt: skip
MISSED = ("Vaigra", "Viagrra", "Ciallis", "Cia1lis pro", "Vigara", "Calis")
PHARMA = (
    "{w} at half the usual price", "Order {w} today", "Your {w} is waiting", "{w} without questions", "Doctors agree on {w}",
    "Best offer on {w} this week", "{w} - delivered discreetly", "Men choose {w}", "Save on {w} now", "Only here: {w}",
)  # fmt: skip
REPLICA = (
    "Elegant watches for less",
    "A watch he will never forget",
    "Time pieces, Swiss look",
    "Luxury at your wrist",
)
CASINO = (
    "Your welcome chips are here",
    "Play tonight, win tonight",
    "A lucky seat for you",
    "Double your first deposit",
)
LOAN = ("Your application was looked at", "Money before the weekend", "Lower your rate", "Debt free by summer")
WORDS = [
    "amber",
    "anchor",
    "apple",
    "autumn",
    "basket",
    "beacon",
    "bridge",
    "candle",
    "canyon",
    "cedar",
    "cobalt",
    "copper",
    "cotton",
    "crystal",
    "dolphin",
    "ember",
    "fabric",
    "falcon",
    "feather",
    "forest",
    "fountain",
    "garden",
    "glacier",
    "granite",
    "harvest",
    "hazel",
    "island",
    "jasmine",
    "ladder",
    "lagoon",
    "lantern",
    "lemon",
    "linen",
    "maple",
    "marble",
    "meadow",
    "melody",
    "mirror",
    "mountain",
    "nectar",
    "oasis",
    "olive",
    "orchard",
    "paper",
    "pebble",
    "pepper",
    "pilgrim",
    "planet",
    "prairie",
    "quartz",
    "raven",
    "ribbon",
    "river",
    "saddle",
    "sapphire",
    "shadow",
    "silver",
    "spruce",
    "summer",
    "sunset",
    "thunder",
    "timber",
    "topaz",
    "tulip",
    "tunnel",
    "valley",
    "velvet",
    "violet",
    "walnut",
    "willow",
    "window",
    "winter",
    "yellow",
    "zephyr",
]
LINES = (
    "We ship from our own store within {n} days.", "No forms, no waiting room, no questions.", "Thousands of happy customers.",
    "Prices start at ${n}.{n}.", "Offer ends on the {n}th.", "Reply to nobody, just visit the page.", "Your privacy is our promise.",
    "Made for people like you.", "Look here before you decide.", "A second item for free today.", "Trusted since {n}.",
)  # fmt: skip


def variant_text(rng: np.random.Generator, topic: str) -> tuple[str, str]:
    """A campaign's variant: a subject (``{w}`` where a word goes) and a body (``{who}``, ``{url}``, ``{n}``)."""
    subjects = {"pharma": PHARMA, "replica": REPLICA, "casino": CASINO, "loan": LOAN, "noise": LOAN}[topic]
    subject = subjects[int(rng.integers(len(subjects)))]
    lines = [LINES[int(i)] for i in rng.choice(len(LINES), 4, replace=False)]
    tag = " ".join(WORDS[int(i)] for i in rng.integers(0, len(WORDS), 3))
    return subject, "Dear {who},\n\n" + "\n".join(lines) + f"\n{tag.capitalize()}.\n\n{{url}}\n"


def noise_text(rng: np.random.Generator, n: int) -> str:
    """A hash-buster: words that make a text like no other."""
    return " ".join(WORDS[int(i)] for i in rng.integers(0, len(WORDS), n))


def encode_subject(subject: str, how: int) -> str:
    """As sent: plain where ASCII allows and ``how`` is even, else an encoded word."""
    if subject.isascii() and how % 2 == 0:
        return subject
    return "=?utf-8?B?" + base64.b64encode(subject.encode()).decode() + "?="
