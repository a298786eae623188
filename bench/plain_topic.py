"""Plain Python's reading of the topic rules: the same file, the same sums, terms found by their first token."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files

PLACES = ("subject", "text", "link", "attachment")


class Rules:
    """The terms of ``topics.toml`` as what must stand in a folded text, with their points by place."""

    def __init__(self, words: Callable[[str], str]) -> None:
        document = tomllib.loads(files("spamtide.message").joinpath("topics.toml").read_text("utf-8"))
        self.topics: list[str] = document["topics"]
        self.least: int = document["least"]
        self.lead: int = document["lead"]
        self.least_words: int = document["least_words"]
        self.text_bytes: int = document["text_bytes"]
        self.points: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for rule in document["rule"]:
            points = tuple(rule.get(place, 0) for place in PLACES)
            for term in rule["terms"]:
                needle = words(term.strip("*")).strip(" ")
                needle = ("" if term.startswith("*") else " ") + needle + ("" if term.endswith("*") else " ")
                self.points.setdefault(needle, []).append((self.topics.index(rule["topic"]), points))
        self.first: dict[str, list[str]] = {}
        self.prefixes: set[str] = set()
        self.inner: list[str] = []
        for needle in self.points:
            if needle[0] != " ":
                self.inner.append(needle)
            elif " " in needle[1:]:
                self.first.setdefault(needle.split()[0], []).append(needle)
            else:
                self.prefixes.add(needle[1:])
        self.lengths = sorted({len(prefix) for prefix in self.prefixes})

    def found(self, said: str) -> Iterator[str]:
        """The needles that stand in a folded text, each once."""
        tokens = set(said.split())
        for token in tokens & self.first.keys():
            yield from (needle for needle in self.first[token] if needle in said)
        heads = {token[:n] for token in tokens for n in self.lengths if n <= len(token)}
        yield from (f" {prefix}" for prefix in heads & self.prefixes)
        ascii_only = said.isascii()
        yield from (n for n in self.inner if (not ascii_only or n.isascii()) and n in said)

    def topic(self, subject: str, text: str, links: str, attachments: str) -> tuple[str, list[int]]:
        """The topic of four folded texts, and the points of each topic."""
        head = text.encode()[: self.text_bytes].decode(errors="ignore")
        by_place = [[0] * len(self.topics) for _ in PLACES]
        for scores, place, said in zip(by_place, range(4), (subject, head, links, attachments), strict=True):
            for needle in self.found(said):
                for topic, points in self.points[needle]:
                    scores[topic] += points[place]
        scores = [sum(column) for column in zip(*by_place, strict=True)]
        if scores[-1]:
            # Over an image, what is said outside the text decides, if anything is.
            outside = [all_of_it - text for all_of_it, text in zip(scores[:-1], by_place[1], strict=False)]
            if max(outside) >= self.least:
                scores = [*outside, 0]
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
        best, second = order[0], order[1]
        if scores[best] < self.least:
            told = (subject.partition("  ")[0] + head.partition("  ")[0]).split()
            words = sum(1 for w in told if len(w) >= 3 and not (w.isascii() and w.isdigit()))
            return ("other" if words >= self.least_words else "unknown"), scores
        return (self.topics[best] if scores[best] - scores[second] >= self.lead else "other"), scores
