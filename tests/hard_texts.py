"""Hard cases of grouping, made: what is not one campaign and looks like one. Each row is (subject, text, true campaign)."""

from __future__ import annotations

import random

from campaign_texts import b_cubed, sentence, word

Rows = list[tuple[str, str, str]]


def _lexicon(rng: random.Random) -> list[str]:
    return [word(rng) for _ in range(4_000)]


def _sentences(rng: random.Random, lexicon: list[str], n: int) -> list[str]:
    return [sentence(rng, lexicon) for _ in range(n)]


def _title(rng: random.Random, lexicon: list[str]) -> str:
    return " ".join(rng.choice(lexicon) for _ in range(4))


def one_footer(
    seed: int, *, own: int, footer: int, campaigns: int = 2, members: int = 20, alone: int = 0, subjects: bool = True
) -> Rows:
    """Campaigns of ``own`` sentences, of which one changes, above a footer that all have; ``alone``: single messages above it."""
    rng = random.Random(seed)
    lexicon = _lexicon(rng)
    shared = _sentences(rng, lexicon, footer)
    rows: Rows = []
    for number in range(campaigns):
        body, title = _sentences(rng, lexicon, own), _title(rng, lexicon)
        for i in range(members):
            lines = list(body)
            at = rng.randrange(own)
            lines[at] = sentence(rng, lexicon) if own > 2 else f"{lines[at]} {word(rng)}"
            rows.append((f"{title} {i}" if subjects else "", "\n".join(lines + shared), f"campaign {number}"))
    for i in range(alone):
        title = _title(rng, lexicon) if subjects else ""
        rows.append((title, "\n".join(_sentences(rng, lexicon, own) + shared), f"alone {i}"))
    return rows


def newsletters(seed: int, *, layout: int, own: int, issues: int = 30, one_title: bool = False) -> Rows:
    """Issues of a newsletter: ``layout`` sentences that stand in each, around ``own`` that stand in none but it."""
    rng = random.Random(seed)
    lexicon = _lexicon(rng)
    frame, half = _sentences(rng, lexicon, layout), layout // 2
    rows: Rows = []
    for i in range(issues):
        text = "\n".join(frame[:half] + _sentences(rng, lexicon, own) + frame[half:])
        rows.append((f"The weekly letter no {i}" if one_title else _title(rng, lexicon), text, f"issue {i}"))
    return rows


def replies(seed: int, *, own: int, quoted: int = 8, members: int = 15, answered: bool = True) -> Rows:
    """A spam campaign, and people who answer it in ``own`` sentences above all of it; ``answered``: by its subject."""
    rng = random.Random(seed)
    lexicon = _lexicon(rng)
    spam, title = _sentences(rng, lexicon, quoted), _title(rng, lexicon)
    rows: Rows = [(f"{title} {i}", "\n".join([*spam, f"http://x{i}.example/"]), "spam") for i in range(members)]
    for i in range(members):
        lines = [*_sentences(rng, lexicon, own), "On monday somebody wrote:", *(f"> {line}" for line in spam)]
        subject = f"Re: {title} {i}" if answered else _title(rng, lexicon)
        rows.append((subject, "\n".join(lines), f"reply {i}"))
    return rows


def judged(rows: Rows) -> tuple[float, float, float]:
    """B-cubed precision, recall and F1 of ``spamtide.campaign.group``."""
    from spamtide.campaign import group

    found = group([text for _, text, _ in rows], subjects=[subject for subject, _, _ in rows]).tolist()
    return b_cubed([truth for _, _, truth in rows], found)


# Name -> rows, and whether the grouping gets them right. Those it does not are written down in docs/explanation/campaigns.md.
CASES: dict[str, tuple[Rows, bool]] = {
    "two campaigns, the footer a third of the text": (one_footer(1, own=6, footer=3), True),
    "the same without subjects": (one_footer(1, own=6, footer=3, subjects=False), True),
    "two campaigns, the footer half of the text": (one_footer(1, own=4, footer=4), True),
    "the same without subjects, half": (one_footer(37, own=4, footer=4, subjects=False), False),
    "two campaigns, the footer two thirds": (one_footer(1, own=3, footer=6), True),
    "two campaigns and twenty single messages, a third": (one_footer(1, own=6, footer=3, alone=20), True),
    "newsletters, a thirteenth of the text is layout": (newsletters(2, layout=2, own=24), True),
    "newsletters, a sixth of the text is layout": (newsletters(2, layout=2, own=10), True),
    "newsletters, a third": (newsletters(2, layout=4, own=8), True),
    "newsletters, two thirds": (newsletters(2, layout=8, own=4), False),
    "replies of 2 sentences that quote 8 of spam": (replies(3, own=2), True),
    "replies of 32 sentences that quote 8 of spam": (replies(3, own=32), True),
    "the same, under subjects of their own": (replies(3, own=32, answered=False), True),
    "replies of 80 sentences, own subjects": (replies(3, own=80, answered=False), True),
}
