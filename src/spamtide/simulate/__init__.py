"""simulate: a world with known truth. Turns a written scenario into captures and the truth about them."""

from spamtide.simulate.scenario import BadScenario, Scenario, load_scenario, shipped_scenarios
from spamtide.simulate.world import SimulatedFeed, World, generate

__all__ = ["BadScenario", "Scenario", "SimulatedFeed", "World", "generate", "load_scenario", "shipped_scenarios"]
