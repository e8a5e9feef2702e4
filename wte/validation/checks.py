"""All checks, in the order of the page. Checks of the fault programs join here as a module with ``CHECKS``."""

from wte.validation import (
    drum,
    dynamics,
    interplay_fire,
    interplay_gas,
    interplay_steam,
    load_cases,
    numerics,
    properties,
    speed,
    start_up,
)
from wte.validation.check import Check

ALL: tuple[Check, ...] = (
    *load_cases.CHECKS,
    *interplay_fire.CHECKS,
    *interplay_steam.CHECKS,
    *interplay_gas.CHECKS,
    *dynamics.CHECKS,
    *drum.CHECKS,
    *properties.CHECKS,
    *numerics.CHECKS,
    *start_up.CHECKS,
    *speed.CHECKS,
)
