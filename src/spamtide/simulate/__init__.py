"""simulate: a world with known truth. Turns a written scenario into captures and the truth about them."""

from spamtide.simulate.counts import write_worlds
from spamtide.simulate.live import DIALECT_NAMES, LiveBatch, live_batches
from spamtide.simulate.scenario import BadScenario, Scenario, load_scenario, shipped_scenarios
from spamtide.simulate.world import SimulatedFeed, World, generate

__all__ = [
    "DIALECT_NAMES",
    "BadScenario",
    "LiveBatch",
    "Scenario",
    "SimulatedFeed",
    "World",
    "generate",
    "live_batches",
    "load_scenario",
    "shipped_scenarios",
    "write_worlds",
]
