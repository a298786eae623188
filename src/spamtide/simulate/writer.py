"""Writes the messages of one sender group at one feed as RFC 5322 bytes, and what is true of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.scenario import FeedPlan, GroupPlan
from spamtide.simulate.texts import FOUND, MISSED, encode_subject, noise_text, variant_text

DAY_US = 86_400_000_000


def stream(purpose: str, *keys: object) -> np.random.Generator:
    """A Philox generator keyed by a stable hash of purpose and keys."""
    digest = hashlib.sha256("\0".join([purpose, *map(str, keys)]).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


@dataclass(frozen=True, slots=True)
class Truth:
    """Who sent a message, and its group by each rule of duplicates; ``near`` is the campaign."""

    group: str
    bot: int
    near: str
    exact: str
    identical: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of a campaign."""

    subject: str
    body: str


def variants_of(seed: int, group: GroupPlan, campaign: int) -> list[Variant]:
    """The wordings of a campaign, the most frequent first."""
    rng = stream("campaign", seed, group.name, campaign)
    return [Variant(*variant_text(rng, group.topic)) for _ in range(group.variants)]


def _key(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


class Writer:
    """Writes the messages of one group at one feed, in order of time."""

    def __init__(
        self, scenario: str, seed: int, start: int, feed: FeedPlan, group: GroupPlan, weights: NDArray[np.float64]
    ) -> None:
        self.scenario, self.seed, self.start, self.feed, self.group = scenario, seed, start, feed, group
        self.rng = stream("messages", seed, feed.name, group.name)
        self.weights = np.cumsum(weights)
        self.campaign = -1
        self.variants: list[Variant] = []

    def message(self, at: int) -> tuple[bytes, bytes, Truth]:
        """(meta, raw, truth) of one message received at ``at``."""
        rng, group = self.rng, self.group
        u = rng.random(6)
        k = rng.integers(0, 2**31, 8)
        campaign = (at - self.start) // (group.campaign_days * DAY_US)
        if campaign != self.campaign:
            self.campaign = int(campaign)
            self.variants = variants_of(self.seed, group, self.campaign)
        variant = self.variants[min(int(np.searchsorted(self.weights, u[0])), len(self.variants) - 1)]
        who = f"decoy{int(k[0]) % self.feed.addresses}"
        bot = int(k[1]) % group.bots
        peer = f"198.{18 + bot % 2}.{(bot // 2) % 256}.{(bot // 512 * 37 + bot) % 254 + 1}"
        subject, found = variant.subject, u[1] < group.words
        spelling = int(np.searchsorted(self.weights, u[0]))
        if "{w}" in subject:
            # A variant keeps its spelling, so that copies of a variant are copies.
            if found:
                subject = subject.format(w=FOUND[(spelling + self.campaign) % len(FOUND)])
            elif u[1] < group.words + group.missed:
                subject = subject.format(w=MISSED[(spelling + self.campaign) % len(MISSED)])
            else:
                subject = subject.format(w="Pills")
        url = f"http://{_name(k[2])}.example/{_name(k[3])}?id={int(k[4])}"
        body = variant.body.format(who=who, url=url, n=int(k[5]) % 90 + 10)
        noise = noise_text(rng, 12) if u[2] < group.unique else ""
        body += noise + "\n" if noise else ""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
        date = moment.strftime("%a, %d %b %Y %H:%M:%S +0000")
        sender = f"{_name(k[6])}@{_name(k[7])}.example"
        reverse = sender
        kind = 'Content-Type: text/plain; charset="utf-8"\r\n'
        extra = ""
        if group.topic == "noise":
            if u[3] < 0.6:
                reverse, sender, subject = (
                    "",
                    f"MAILER-DAEMON@{_name(k[7])}.example",
                    "Undelivered Mail Returned to Sender",
                )
                extra = "Auto-Submitted: auto-replied\r\n"
            else:
                extra = "List-Id: <gardeners.lists.example>\r\n"
        if u[4] < 0.35:
            paragraphs = "".join(f"<p>{line}</p>" for line in body.splitlines() if line)
            body = f"<html><body>{paragraphs}</body></html>\n".replace(url, f'<a href="{url}">{url}</a>')
            kind = 'Content-Type: text/html; charset="utf-8"\r\n'
        exact = _key(subject, variant.body, noise)
        truth = Truth(group.name, bot, f"{group.name}/{self.campaign}", exact, _key(exact, kind, body))
        raw = (
            f"Received: from {_name(k[6])} ([{peer}])\r\n\tby mx.{self.feed.domain} with SMTP; {date}\r\n"
            f"From: {sender}\r\nTo: {who}@{self.feed.domain}\r\nSubject: {encode_subject(subject, int(k[0]))}\r\n"
            f"Date: {date}\r\nMessage-ID: <{int(k[4]):08x}.{int(k[5]):08x}@{_name(k[7])}.example>\r\n{extra}"
            f"X-Simulated: spamtide {self.scenario}\r\nMIME-Version: 1.0\r\n{kind}\r\n" + body.replace("\n", "\r\n")
        )
        meta = {
            "v": 1, "from": reverse, "to": [f"{who}@{self.feed.domain}"], "peer": peer, "helo": _name(k[6]),
            "time_origin": "simulated", "persona": self.feed.persona, "marks": ["simulated"],
        }  # fmt: skip
        return json.dumps(meta).encode(), raw.encode(), truth


_SYLLABLES = [
    "ba",
    "be",
    "bo",
    "da",
    "de",
    "di",
    "do",
    "fa",
    "fi",
    "ga",
    "go",
    "ha",
    "ka",
    "ko",
    "la",
    "le",
    "li",
    "lo",
    "ma",
    "mi",
    "mo",
    "na",
    "ne",
    "no",
    "pa",
    "pe",
    "ra",
    "re",
    "ri",
    "ro",
    "sa",
    "se",
    "ta",
    "te",
    "to",
    "va",
    "vi",
]


def _name(value: int) -> str:
    n, out = int(value), ""
    for _ in range(4):
        n, i = divmod(n, len(_SYLLABLES))
        out += _SYLLABLES[i]
    return out
