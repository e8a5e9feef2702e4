"""What instruments can see of the convection pass, and what final elements do to it; names of the line's signals."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plc_sim.process.convection import Passed
from plc_sim.process.fouling import BANKS

Floats = npt.NDArray[np.float64]

GAS_NAMES = ("convection.gas_in", *(f"convection.gas_before_{bank}" for bank in BANKS[1:]), "economiser.gas_out")
STEAM_NAMES = (
    "superheater.sh1_out",
    "superheater.sh2_in",
    "superheater.sh2_out",
    "superheater.sh3_in",
    "steam.temperature",
)
TUBE_NAMES = tuple(f"superheater.metal_{letter}" for letter in "abcdefgh")
FOULING_NAMES = tuple(f"fouling.{bank}" for bank in BANKS)
LINE_SIGNALS = (
    *STEAM_NAMES,
    *TUBE_NAMES,
    *GAS_NAMES,
    *FOULING_NAMES,
    "spray.sp1_flow",
    "spray.sp2_flow",
    "convection.gas_dp",
    "economiser.gas_flow",
    "economiser.gas_o2",
    "economiser.gas_h2o",
    "economiser.gas_hcl",
    "economiser.gas_so2",
    "economiser.water_in",
    "economiser.water_out",
    "cleaning.active",
    "cleaning.steam",
)
LINE_INPUTS = (
    "spray.sp1_valve",
    "spray.sp2_valve",
    "spray.sp1_block",
    "spray.sp2_block",
    "cleaning.blower",
)
LEAST_NM3_S = 1e-3  # dry gas: with less a concentration means nothing


def sprays(inputs: Mapping[str, Floats]) -> Floats:
    """Return the openings of SP1 and SP2 with their block valves (2, lines, batch)."""
    return np.stack(
        [
            inputs["spray.sp1_valve"] * inputs["spray.sp1_block"],
            inputs["spray.sp2_valve"] * inputs["spray.sp2_block"],
        ]
    )


def blower(inputs: Mapping[str, Floats], count: int) -> Floats:
    """Return the number of the soot blower or rapper ordered, 0 none; the input is its share of ``count``, them all."""
    return np.rint(inputs["cleaning.blower"] * count)


def publish(signal: Mapping[str, Floats], passed: Passed, at_work: Floats, water_in_k: Floats) -> None:
    """Write all of ``LINE_SIGNALS``; each is (lines, batch). ``at_work`` is the number of the blower, 0 none."""
    groups = (STEAM_NAMES, passed.steam_k), (TUBE_NAMES, passed.tube_k), (GAS_NAMES, passed.gas_k)
    for names, values in (*groups, (FOULING_NAMES, passed.heat_transfer)):
        for name, value in zip(names, values, strict=True):
            signal[name][...] = value
    gas = passed.gas
    dry = np.maximum(gas.flow * (1.0 - gas.h2o), LEAST_NM3_S)
    signal["spray.sp1_flow"][...] = passed.spray_kg_s[0]
    signal["spray.sp2_flow"][...] = passed.spray_kg_s[1]
    signal["convection.gas_dp"][...] = passed.gas_dp_pa
    signal["economiser.gas_flow"][...] = gas.flow
    signal["economiser.gas_o2"][...] = gas.o2
    signal["economiser.gas_h2o"][...] = gas.h2o
    signal["economiser.gas_hcl"][...] = gas.hcl / dry
    signal["economiser.gas_so2"][...] = gas.so2 / dry
    signal["economiser.water_in"][...] = water_in_k
    signal["economiser.water_out"][...] = passed.water_k
    signal["cleaning.active"][...] = at_work
    signal["cleaning.steam"][...] = passed.blower_kg_s
