"""The emission calculation: what the permit is judged by, from the analysers' readings to the counters of the year.

Reading -> status and plausibility -> calibration function -> reference state -> means -> state of the line -> validated
means -> limits, clock and counters -> forecast. One call per scan; pure, on arrays (n, batch), time is an argument.
"""

from controller.logic.emissions.engine import evaluate, prepare, show

__all__ = ["evaluate", "prepare", "show"]
