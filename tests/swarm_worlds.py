"""A scenario for the swarm's tests: one group for each engine of the catalogue."""

from __future__ import annotations

from pathlib import Path

ENGINES = ("plain", "rustock", "grum", "cutwail", "lethic", "mega-d", "storm", "waledac", "emotet")
HEAD = """\
schema = 1
name = "engines"
title = "One group for each engine"
start = 2026-01-01T00:00:00Z
end = 2026-01-02T00:00:00Z

[[feeds]]
name = "trap"
vantage = "planted"
addresses = 50
domain = "trap.example"
persona = "plain-1"
messages_per_day = {half}

[[feeds]]
name = "second"
vantage = "planted"
addresses = 50
domain = "second.example"
persona = "plain-1"
messages_per_day = {half}
"""
GROUP = """
[[groups]]
name = "{name}"
topic = "replica"
share = {{ trap = {share}, second = {share} }}
words = 0.0
missed = 0.0
unique = 0.5
variants = 30
campaign_days = 5
bots = {bots}
day_sd = 0.0
day_ar = 0.0
engine = "{name}"
"""


def write_scenario(path: Path, messages: int, *, engines: tuple[str, ...] = ENGINES, bots: int = 500) -> Path:
    """A world of about so many messages, in two feeds, within a day."""
    groups = "".join(GROUP.format(name=e, share=round(1 / len(engines), 6), bots=bots) for e in engines)
    path.write_text(HEAD.format(half=float(messages) / 2) + groups, "utf-8")
    return path
