"""What can go wrong in the process, by name: every disturbance that a fault may set, and no other.

Each is an array of the state registry, ``disturbance.<name>``, with a row for each thing it can act on. Its kind says
where it stands when nothing is wrong and what several faults on one row make together: flags hold as long as one fault
wants them, factors multiply, amounts add.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np


class Kind(Enum):
    """How faults on one thing combine."""

    FLAG = "flag"
    FACTOR = "factor"
    AMOUNT = "amount"

    @property
    def neutral(self) -> float:
        """The value at which nothing is wrong."""
        return 1.0 if self is Kind.FACTOR else 0.0

    @property
    def combine(self) -> Callable[..., Any]:
        """The function of two values that makes one."""
        return {Kind.FLAG: np.maximum, Kind.FACTOR: np.multiply, Kind.AMOUNT: np.add}[self]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One disturbance; faults may set it from ``lo`` to ``hi``."""

    kind: Kind
    meaning: str
    hi: float = 1.0
    unit: str = ""
    lo: float = 0.0


def _flag(meaning: str) -> Disturbance:
    return Disturbance(Kind.FLAG, meaning)


def _factor(meaning: str, hi: float = 1.0, lo: float = 0.0) -> Disturbance:
    return Disturbance(Kind.FACTOR, meaning, hi, "", lo)


def _amount(meaning: str, hi: float, unit: str, lo: float = 0.0) -> Disturbance:
    return Disturbance(Kind.AMOUNT, meaning, hi, unit, lo)


DISTURBANCES: dict[str, Disturbance] = {
    # waste, feed and grate
    "bridge": _flag("waste hangs in the chute"),
    "bulk_density": _factor("density of the waste that the crane drops", 3.0, 0.1),
    "ram_moisture": _amount("moisture added to the waste at the ram outlet", 0.4, "share", -0.3),
    "slug": _factor("rate at which the waste on the grate burns", 3.0),
    "hydraulics": _flag("the hydraulic station gives no pressure"),
    "pusher_stuck": _flag("the pushers do not move"),
    "oil_leak": _amount("hydraulic oil lost, share of the tank", 0.01, "1/s"),
    "crane_stopped": _flag("the crane drops nothing into the hopper"),
    "ash_extractor_jammed": _flag("the ash extractor stands"),
    "ash_water_leak": _amount("water lost from the ash extractor", 50.0, "kg/s"),
    "air_box": _amount("part of an air box that is blocked", 1.0, "share"),
    "air_fan_tripped": _flag("an air fan stands"),
    "chlorine": _factor("chlorine in the waste", 20.0),
    "sulphur": _factor("sulphur in the waste", 20.0),
    "mercury": _factor("mercury in the waste", 100.0),
    "chute_fire": _amount("heat of a fire at the chute's wall", 500.0, "K"),
    # furnace and burners
    "co_peak": _amount("carbon monoxide of badly mixed gas", 0.01, "kg/Nm3"),
    "burner_out": _flag("the flame of a burner goes out"),
    "wall_deposit": _factor("heat transfer of the furnace walls", 1.5, 0.3),
    # boiler
    "wall_leak": _amount("water lost into the furnace, at full drum pressure", 30.0, "kg/s"),
    "bundle_leak": _amount("water lost into the gas at the protective bundle, at full drum pressure", 30.0, "kg/s"),
    "superheater_leak": _amount("steam lost into the gas before the last superheater", 10.0, "kg/s"),
    "deposit": _factor("heat transfer of a tube bank", 1.5, 0.1),
    "valve_shut": _flag("no feedwater passes the valves of a line, whatever they show"),
    "pump_tripped": _flag("a feedwater pump stands"),
    # flue-gas cleaning
    "dosing": _factor("what reaches the process of a reagent or water"),
    "atomiser_tripped": _flag("the atomiser stands"),
    "atomiser_vibration": _amount("vibration of the atomiser", 0.05, "m/s"),
    "torn_bags": _amount("torn bags of a compartment", 100.0, ""),
    "id_fan_tripped": _flag("the ID fan stands"),
    "id_fan_heat": _amount("bearing or winding of the ID fan is hotter", 200.0, "K"),
    "id_fan_vibration": _amount("vibration of the ID fan", 0.05, "m/s"),
    "cems_failed": _flag("the analysers of a stack fail"),
    "cems_calibration": _flag("the analysers of a stack are being calibrated"),
    "cems_drift": _amount("an analyser drifts, share of its range", 1e-3, "1/s", -1e-3),
    "reagent_delivery": _amount("a store is filled", 50.0, "kg/s"),
    "carbon_hot_spot": _amount("carbon monoxide of a smouldering spot in the carbon silo", 0.01, "share"),
    "ammonia_leak": _amount("ammonia at a detector", 0.01, "share"),
    # turbine island
    "generator_lock_out": _flag("the generator protection has acted"),
    "grid_lost": _flag("the grid is gone"),
    "grid_speed": _factor("frequency of the grid", 1.2, 0.8),
    "bypass_stuck": _flag("a bypass station stays shut"),
    "motor_tripped": _flag("a motor of the turbine island stands"),
    "turbine_valve_stuck": _flag("a valve of the turbine does not move"),
    "turbine_oil_loss": _amount("part of an oil pressure that is lost", 1.0, "share"),
    "turbine_oil_leak": _amount("level the oil tank loses", 0.01, "1/s"),
    "unbalance": _factor("vibration of a turbine bearing", 20.0),
    "thrust_wear": _amount("wear of the thrust bearing", 0.003, "m"),
    "bearing": _amount("a turbine bearing is hotter", 150.0, "K"),
    "tube_leak": _amount("cooling water lost into the condensate", 20.0, "kg/s"),
    "condenser_fouling": _factor("heat transfer of a condenser", 1.0, 0.05),
    "condenser_air_leak": _amount("air drawn into a condenser", 5.0, "kg/s"),
    "demin_supply": _factor("flow of the water treatment"),
    "house_voltage": _factor("voltage of the house bus", 1.2),
    "diesel_blocked": _flag("the diesel does not start"),
    # motors
    "motor_fault": _flag("the protection of a motor trips"),
    "motor_local": _flag("a motor is switched to local control"),
    "motor_isolated": _flag("a motor is locked off for work"),
    "motor_bearing": _amount("the bearings of a motor are hotter", 150.0, "K"),
    "motor_vibration": _amount("vibration of a motor at full speed", 0.05, "m/s"),
    # services
    "waste_delivery": _factor("waste brought to the bunker", 5.0),
    "bunker_fire": _amount("heat of a fire in the bunker", 800.0, "K"),
    "bunker_doors": _factor("leaks of the bunker hall", 20.0, 0.1),
    "instrument_air_leak": _amount("instrument air lost", 20.0, "Nm3/s"),
    "gas_pressure": _factor("gas pressure behind the reducer", 3.0),
    "gas_leak": _amount("gas at a detector, share of the lower explosion limit", 1.0, "share"),
    "emergency_stop": _flag("an emergency stop is pressed"),
}
