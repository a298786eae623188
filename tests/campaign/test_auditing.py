"""An audit says of a grouping how right it is: planted mistakes are found, and the interval covers the truth."""

from __future__ import annotations

import random

import numpy as np
import pytest

from campaign_texts import made, sentence, word
from spamtide.campaign import Draw, Likeness, draw_pairs, estimate_share, tally
from spamtide.campaign.auditing import STRATA, TOGETHER
from spamtide.fingerprint import fingerprint_texts


class Planted:
    """A set of texts with its true campaigns, and a grouping of them that is wrong in a known share."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        texts = made(seed, campaigns=30, members=14, alone=80)
        # Two texts of one long footer are near each other, and no campaign's.
        lexicon = [word(rng) for _ in range(400)]
        footer = " ".join(sentence(rng, lexicon) for _ in range(4))
        footed = [(f"{word(rng)} {word(rng)}", f"{sentence(rng, lexicon)} {footer}") for _ in range(30)]
        rows = [
            (m.subject, m.text, m.campaign if m.campaign is not None else f"alone {i}") for i, m in enumerate(texts)
        ]
        rows += [(s, t, f"footed {i}") for i, (s, t) in enumerate(footed)]
        table = fingerprint_texts([t for _, t, _ in rows], [s for s, _, _ in rows])
        _, first = np.unique(np.asarray(table["exact"].combine_chunks()).astype("S32"), return_index=True)
        self.likeness = Likeness(table.take(first).to_batches())
        self.truth = [str(rows[i][2]) for i in first.tolist()]
        # Wrong on purpose: campaigns 0 and 1 put together, 2 and 3, and all with that footer; and campaign 9 torn in two.
        wrong = {"1": "0", "3": "2", "9": "9"}
        self.said = ["footed" if t.startswith("footed") else wrong.get(t, t) for t in self.truth]
        torn = [i for i, t in enumerate(self.truth) if t == "9"]
        for i in torn[: len(torn) // 2]:
            self.said[i] = "9 too"
        self.messages = [rng.choice([1, 1, 1, 2, 9]) for _ in self.truth]

    def precision(self) -> float:
        """A message of a campaign of two wordings, another of it in other words: how often both are of one true campaign."""
        said, truth, n = np.array(self.said), np.array(self.truth), np.array(self.messages, float)
        good = whole = 0.0
        for i in range(len(said)):
            others = (said == said[i]) & (np.arange(len(said)) != i)
            if others.any():
                whole += n[i]
                good += n[i] * n[others & (truth == truth[i])].sum() / n[others].sum()
        return good / whole

    def draw(self, seed: int, sample: int = 120) -> Draw:
        return draw_pairs(self.likeness, self.said, self.messages, sample=sample, seed=seed)

    def verdicts(self, draw: Draw) -> dict[str, str]:
        row = self.likeness.row_of
        return {p.id: "same" if self.truth[row[p.one]] == self.truth[row[p.other]] else "different" for p in draw.pairs}


@pytest.fixture(scope="module")
def planted() -> Planted:
    return Planted(4)


def estimated(planted: Planted, seed: int):
    draw = planted.draw(seed)
    strata = tally(draw.pairs, planted.verdicts(draw))
    same, told = ({n: f(t) for n, t in strata.items()} for f in (lambda t: t.same, lambda t: t.same + t.different))
    return (
        estimate_share(same, told, draw.weight, seed=seed),
        estimate_share(same, told, {"apart": draw.near}, seed=seed),
    )


def test_the_interval_covers_a_planted_precision(planted: Planted) -> None:
    truth = planted.precision()
    assert 0.5 < truth < 0.95
    shares = [estimated(planted, seed)[0] for seed in range(100, 116)]
    covered = sum(s.low <= truth <= s.high for s in shares)
    assert covered >= 14, (covered, truth)
    assert abs(np.mean([s.value for s in shares]) - truth) < 0.035, "no bias: strata have their weight"
    assert np.mean([s.high - s.low for s in shares]) < 0.25, "an interval of everything covers too"


def test_what_was_torn_apart_is_found_among_the_near(planted: Planted) -> None:
    missed = [estimated(planted, seed)[1] for seed in range(5)]
    assert all(m is not None and m.value > 0.3 for m in missed), missed


def test_a_draw_is_a_function_of_set_and_seed(planted: Planted) -> None:
    one = planted.draw(3)
    assert one == planted.draw(3) and {p.id for p in one.pairs} != {p.id for p in planted.draw(4).pairs}
    assert sum(p.times for p in one.pairs) == 120
    near = sum(p.times for p in one.pairs if p.stratum != "clear")
    assert near >= 80, "most are near the threshold"
    for p in one.pairs:
        margin = p.similarity - p.needed
        together = planted.said[planted.likeness.row_of[p.one]] == planted.said[planted.likeness.row_of[p.other]]
        assert together == (p.stratum in TOGETHER)
        assert p.stratum in STRATA and p.one < p.other
        assert {"chained": margin < 0, "doubtful": 0 <= margin < 150, "clear": margin >= 150, "apart": margin > -150}[
            p.stratum
        ]


def test_without_an_answer_in_a_stratum_that_weighs_nothing_is_said() -> None:
    weight = {"chained": 100, "doubtful": 0, "clear": 900}
    assert estimate_share({"clear": 9}, {"clear": 9}, weight, seed=1) is None
    found = estimate_share({"clear": 9, "chained": 1}, {"clear": 9, "chained": 2}, weight, seed=1)
    assert found is not None and found.value == 0.95 and found.low < 0.9 and found.high > 0.97


def test_where_nothing_is_alike_there_is_no_pair() -> None:
    table = fingerprint_texts(["some words that stand here and nowhere else", "others entirely"], ["", ""])
    likeness = Likeness(table.sort_by("exact").to_batches())
    draw = draw_pairs(likeness, ["a", "b"], [1, 1], sample=10, seed=1)
    assert draw.pairs == () and draw.near == 0 and sum(draw.weight.values()) == 0


@pytest.mark.proof
def test_the_interval_covers_shares_near_one() -> None:
    """800 made audits at each of four truths, phase one drawn anew each time."""
    rng = np.random.default_rng(7)
    worlds = [
        ({"chained": 0.9, "doubtful": 0.95, "clear": 0.999}, (0.3, 0.2, 0.5)),
        ({"chained": 0.99, "doubtful": 0.99, "clear": 1.0}, (0.1, 0.1, 0.8)),
        ({"chained": 0.5, "doubtful": 0.7, "clear": 0.97}, (0.3, 0.2, 0.5)),
        ({"chained": 0.98, "doubtful": 0.98, "clear": 0.98}, (0.3, 0.2, 0.5)),
    ]
    for shares, weights in worlds:
        truth = sum(w * shares[n] for w, n in zip(weights, TOGETHER, strict=True))
        covered = 0
        for trial in range(800):
            weight = dict(zip(TOGETHER, rng.multinomial(6_000, weights).tolist(), strict=True))
            same = {n: int(rng.binomial(50, shares[n])) for n in TOGETHER}
            found = estimate_share(same, dict.fromkeys(TOGETHER, 50), weight, seed=trial)
            assert found is not None
            covered += found.low <= truth <= found.high
        assert covered / 800 >= 0.945, (truth, covered / 800)
