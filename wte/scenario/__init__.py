"""Scenarios: a story of the plant as YAML, played in lockstep far faster than real time, and judged.

The same file and seed give the same result on every run.
"""

from wte.scenario.judge import Verdict
from wte.scenario.model import Scenario, load_scenario
from wte.scenario.play import Result, play

__all__ = ["Result", "Scenario", "Verdict", "load_scenario", "play"]
