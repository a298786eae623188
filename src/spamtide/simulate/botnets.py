"""The botnets of a scenario as they are drawn: named ones, and for a group without one a plain one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from spamtide.simulate.scenario import BotnetPlan, Dialect, GroupPlan, Scenario

# Hours ahead of UTC, of the countries that a scenario may name. "xx" is nowhere: UTC.
COUNTRIES = {
    "xx": 0, "ar": -3, "br": -3, "cn": 8, "co": -5, "de": 1, "es": 1, "fr": 1, "gb": 0, "id": 7, "in": 5, "it": 1, "jp": 9,
    "kr": 9, "mx": -6, "pk": 5, "pl": 1, "ru": 3, "sa": 3, "th": 7, "tr": 2, "ua": 2, "us": -6, "vn": 7,
}  # fmt: skip
# By local hour: machines are on when people are.
DIURNAL = 1.0 + 0.5 * np.cos((np.arange(24) - 20) / 24 * 2 * np.pi)
# By UTC hour, for groups whose botnet has no countries: spam sleeps less than people do.
HOURS = 1.0 + 0.25 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi)
# Hosts in one network of 254 addresses, at most and by choice.
CROWDED, USUAL = 200, 24
# Networks in each space of addresses.
SPACE = {"benchmark": 512, "loopback": 64_000, "ipv6": 65_536}


@dataclass(frozen=True, slots=True)
class DrawnBotnet:
    """A botnet with its place among the networks of its space."""

    plan: BotnetPlan
    networks: int
    first_network: int


def own_botnet(group: GroupPlan) -> BotnetPlan:
    """The botnet of a group that names none: as many hosts, each with one address for ever."""
    dialect = cast(Dialect, group.engine if group.engine in get_args(Dialect) else "plain")
    return BotnetPlan(name=group.name, dialect=dialect, hosts=group.bots or 1, helo="random")


def all_botnets(scenario: Scenario) -> list[BotnetPlan]:
    """Named botnets in order, then those of groups without one."""
    own = [own_botnet(g) for g in scenario.groups if g.botnet is None]
    return [*scenario.botnets, *own]


def placed(scenario: Scenario) -> list[DrawnBotnet]:
    """All botnets, each with networks of its own as long as its space has room."""
    plans = all_botnets(scenario)
    drawn = []
    used = dict.fromkeys(SPACE, 0)
    for plan in plans:
        same = [p for p in plans if p.space == plan.space]
        wished = sum(p.networks or -(-p.hosts // USUAL) for p in same)
        networks = plan.networks or -(-plan.hosts // USUAL)
        if wished > SPACE[plan.space] and not plan.networks:
            networks = max(1, networks * SPACE[plan.space] // wished)
        drawn.append(DrawnBotnet(plan, networks, used[plan.space]))
        used[plan.space] = (used[plan.space] + networks) % SPACE[plan.space]
    return drawn


def hour_shape(plan: BotnetPlan) -> NDArray[np.float64]:
    """Relative output by hour of the UTC day; the mean is 1."""
    if not plan.countries:
        return HOURS
    shape = np.zeros(24)
    for country, share in plan.countries.items():
        shape += share * DIURNAL[(np.arange(24) + COUNTRIES[country]) % 24]
    return np.asarray(shape / shape.mean(), dtype=np.float64)
