"""The texts of a campaign that are read: each once, in an order that belongs to their content, cut into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from spamtide.campaign.template.tokens import MAX_CHARS, Tokens, tokenise
from spamtide.campaign.template.values import Text

SIZE = 200


@dataclass(frozen=True, slots=True)
class Read:
    """A text in lower case with its words."""

    text: Text
    subject: Tokens
    body: Tokens


def sample(members: Sequence[Text]) -> list[Read]:
    """The 200 distinct texts with the lowest digests, in that order, with their counts."""
    counts: dict[tuple[str, str], int] = {}
    for text in members:
        key = (_clean(text.subject)[:1000], _clean(text.body)[:MAX_CHARS])
        counts[key] = counts.get(key, 0) + text.count
    ordered = sorted(counts.items(), key=lambda pair: blake2b("\0".join(pair[0]).encode()).digest())
    return [Read(Text(*key, n), tokenise(key[0]), tokenise(key[1])) for key, n in ordered[:SIZE]]


def _clean(text: str) -> str:
    return text.lower().encode("utf-8", "replace").decode()
