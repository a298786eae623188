"""Mail of made campaigns with known truth: templates filled in, disguised and broken up, each from its own seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

_VOWELS, _CONSONANTS = "aeiou", "bcdfghklmnprstvz"


def word(rng: random.Random) -> str:
    """A pronounceable word that no language has."""
    return "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4)))


@dataclass(frozen=True)
class Made:
    """One message: subject, visible text, and the campaign it was made for (None: alone)."""

    subject: str
    text: str
    campaign: int | None


def sentence(rng: random.Random, lexicon: list[str]) -> str:
    return " ".join(rng.choice(lexicon) for _ in range(rng.randint(6, 14))).capitalize() + "."


def made(seed: int, campaigns: int, members: int, alone: int) -> list[Made]:
    """``campaigns`` of up to ``members`` messages each, and ``alone`` that are like no other; shuffled."""
    rng = random.Random(seed)
    lexicon = [word(rng) for _ in range(4_000)]
    out: list[Made] = []
    for number in range(campaigns):
        body = [sentence(rng, lexicon) for _ in range(rng.randint(3, 12))]
        choices = {i: [word(rng) for _ in range(4)] for i in rng.sample(range(len(body)), len(body) // 3)}
        subject = [rng.choice(lexicon) for _ in range(5)]
        buster = rng.choice([0, 0, 1, 3])
        for _ in range(rng.randint(2, members)):
            lines = list(body)
            for i, values in choices.items():
                lines[i] = f"{rng.choice(values)} {lines[i]}"
            for _ in range(buster):
                lines.insert(rng.randrange(len(lines) + 1), " ".join(word(rng) for _ in range(8)))
            lines.append(f"http://{word(rng)}.example/{rng.randrange(10**6)}")
            title = " ".join([*subject, str(rng.randrange(1000))])
            out.append(Made(title, "\n".join(lines), number))
    for _ in range(alone):
        lines = [sentence(rng, lexicon) for _ in range(rng.randint(2, 10))]
        out.append(Made(" ".join(rng.choice(lexicon) for _ in range(5)), "\n".join(lines), None))
    rng.shuffle(out)
    return out


def b_cubed(truth: list[object], found: list[object]) -> tuple[float, float, float]:
    """B-cubed precision, recall and their harmonic mean (Bagga and Baldwin, 1998)."""
    from collections import Counter

    both, true, said = Counter(zip(truth, found, strict=True)), Counter(truth), Counter(found)
    n = len(truth)
    precision = sum(v * v / said[k[1]] for k, v in both.items()) / n
    recall = sum(v * v / true[k[0]] for k, v in both.items()) / n
    return precision, recall, 2 * precision * recall / (precision + recall)
