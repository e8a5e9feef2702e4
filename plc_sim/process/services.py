"""What all parts of the plant share besides the turbine island: bunker, instrument air, natural gas, emergency stops.

A few lags and balances, as much as alarms and protection of these systems need. Inputs and signals are blocks of rows
in the order of the names below; arrays are (1, batch) unless said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.first_order import lag
from plc_sim.process.motors import lettered
from plc_sim.process.services_parameters import BunkerParameters, GasSupplyParameters, InstrumentAirParameters

Floats = npt.NDArray[np.float64]

LINE_SIGNALS = ("emergency_stop.line",)  # 1: pressed


class ServicesParameters(NamedTuple):
    """All areas; the field names are those of the configuration."""

    bunker: BunkerParameters
    instrument_air: InstrumentAirParameters
    gas_supply: GasSupplyParameters


class Boundary(NamedTuple):
    """What the rest of the plant gives."""

    waste_kg_s: Floats  # taken from the bunker, all lines
    primary_air_nm3_s: Floats  # drawn from the bunker hall, all lines
    bus: Floats  # 1: the house bus feeds its motors
    ambient_pa: float


class Served(NamedTuple):
    """One step's results."""

    gas_share: Floats  # gas pressure at the burners' valves, share of normal
    is_line_stopped: Floats  # (lines, batch) 1: a button has cut fans, feed and burners of the line by wire
    is_turbine_stopped: Floats  # 1: a button has tripped the turbine by wire


def input_names(p: ServicesParameters) -> tuple[str, ...]:
    """Return the inputs of the common part."""
    return ("bunker.odour_fan", "gas.main_valve", *lettered("air.compressor", p.instrument_air.compressors))


def signal_names(p: ServicesParameters) -> tuple[str, ...]:
    """Return the signals of the common part."""
    return (
        "bunker.level",
        "bunker.hottest",
        "bunker.pressure",
        "air.pressure",
        "gas.pressure",
        *lettered("gas_leak.detector", p.gas_supply.detectors),
        "emergency_stop.turbine",
        "emergency_stop.plant",
    )


def initial_inputs(p: ServicesParameters, *, runs: bool) -> Floats:
    """Return the inputs (n, 1) of normal operation, or all off and shut."""
    air = p.instrument_air
    compressors = [float(number < air.running) for number in range(air.compressors)]
    return np.array([[0.0], [1.0], *([on] for on in compressors)]) * runs


@dataclass(frozen=True, slots=True)
class Disturbances:
    """What goes wrong, changed by faults."""

    delivery: Floats  # factor on the deliveries of waste
    fire: Floats  # K by which a fire makes the hottest place of the bunker hotter
    doors: Floats  # factor on the leaks of the bunker hall: open bays
    air_leak: Floats  # Nm3/s of instrument air lost
    supply: Floats  # factor on the gas pressure behind the reducer
    gas_leak: Floats  # (detectors, batch) share of the lower explosion limit that a leak would reach there
    pressed: Floats  # (lines + 2, batch) emergency stops of the lines, the turbine, the plant; 1: pressed

    @classmethod
    def build(cls, state: State, lines: Sequence[str], detectors: Sequence[str]) -> "Disturbances":
        """Add the state: nothing is wrong."""
        return cls(
            delivery=state.add("disturbance.waste_delivery", ("bunker",), fill=1.0),
            fire=state.add("disturbance.bunker_fire", ("bunker",)),
            doors=state.add("disturbance.bunker_doors", ("bunker",), fill=1.0),
            air_leak=state.add("disturbance.instrument_air_leak", ("air",)),
            supply=state.add("disturbance.gas_pressure", ("gas",), fill=1.0),
            gas_leak=state.add("disturbance.gas_leak", detectors),
            pressed=state.add("disturbance.emergency_stop", (*lines, "turbine", "plant")),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """State of the services; pressures above ambient."""

    waste: Floats  # kg in the bunker
    hottest: Floats  # K
    hall: Floats  # Pa
    compressors: Floats  # (compressors, batch) 0 stands .. 1 up to speed
    air: Floats  # Pa in the receiver
    gas: Floats  # Pa behind the main valve
    leaked: Floats  # (detectors, batch) share of the lower explosion limit
    disturbances: Disturbances
    parameters: ServicesParameters
    line_count: int

    @classmethod
    def build(cls, state: State, lines: Sequence[str], p: ServicesParameters, *, runs: bool) -> "Services":
        """Add the state: in normal operation, or cold with all machines off and nothing under pressure."""
        bunker, air, gas = p.bunker, p.instrument_air, p.gas_supply
        names = lettered("compressor", air.compressors)
        detectors = lettered("detector", gas.detectors)
        running = np.array([[float(number < air.running)] for number in range(air.compressors)])
        return cls(
            waste=state.add("services.waste", ("bunker",), fill=bunker.level * bunker.capacity_kg),
            hottest=state.add("services.hottest", ("bunker",), fill=bunker.hottest_k),
            hall=state.add("services.hall", ("bunker",), fill=-bunker.draught_pa * runs),
            compressors=state.add("services.compressors", names, fill=running * runs),
            air=state.add("services.air", ("receiver",), fill=normal_air_pa(air) * runs),
            gas=state.add("services.gas", ("main",), fill=gas.supply_pa * runs),
            leaked=state.add("services.leaked", detectors),
            disturbances=Disturbances.build(state, lines, detectors),
            parameters=p,
            line_count=len(lines),
        )

    def step(self, inputs: Floats, at: Boundary, dt: float) -> Served:
        """Advance by ``dt``; ``inputs`` (n, batch) 0..1 in the order of ``input_names``."""
        self._store_waste(inputs[0:1], at, dt)
        self._compress(inputs[2:], at.bus, dt)
        p, gone = self.parameters.gas_supply, self.disturbances
        self.gas[...] += (p.supply_pa * gone.supply * inputs[1:2] - self.gas) * lag(dt, p.supply_s)
        share = self.gas / p.supply_pa
        self.leaked[...] += (gone.gas_leak * share - self.leaked) * lag(dt, p.detector_s)
        lines, turbine, plant = self._buttons()
        return Served(share, np.maximum(lines, plant), np.maximum(turbine, plant))

    def publish(self, line_signals: Floats, signals: Floats, ambient_pa: float) -> None:
        """Fill ``LINE_SIGNALS`` (1, lines, batch) and the common signals (n, batch) in the order of their names."""
        lines, turbine, plant = self._buttons()
        line_signals[0] = lines
        signals[...] = np.concatenate(
            [
                self.waste / self.parameters.bunker.capacity_kg,
                self.hottest,
                self.hall + ambient_pa,
                self.air + ambient_pa,
                self.gas + ambient_pa,
                self.leaked,
                turbine,
                plant,
            ]
        )

    def _store_waste(self, odour_fan: Floats, at: Boundary, dt: float) -> None:
        """Advance content, surface and hall of the bunker."""
        p, gone = self.parameters.bunker, self.disturbances
        waste = self.waste + dt * (p.delivery_kg_s * gone.delivery - at.waste_kg_s)
        self.waste[...] = np.minimum(np.maximum(waste, 0.0), p.capacity_kg)
        self.hottest[...] += (p.hottest_k + gone.fire - self.hottest) * lag(dt, p.hottest_s)
        drawn = at.primary_air_nm3_s + p.odour_fan_nm3_s * (odour_fan >= 0.5) * at.bus
        share = drawn / (p.draught_nm3_s * gone.doors)
        self.hall[...] += (-p.draught_pa * share * share - self.hall) * lag(dt, p.hall_s)

    def _compress(self, commands: Floats, bus: Floats, dt: float) -> None:
        """Advance compressors and receiver, linearly implicitly in the pressure."""
        p = self.parameters.instrument_air
        self.compressors[...] += ((commands >= 0.5) * bus - self.compressors) * lag(dt, p.start_s)
        most = ordered_sum(self.compressors)[np.newaxis] * p.compressor_nm3_s
        delivered = most * np.clip((p.unload_pa - self.air) / (p.unload_pa - p.load_pa), 0.0, 1.0)
        supplied = np.minimum(self.air / p.low_pa, 1.0)  # a leak, too, loses less as the pressure falls
        used = (p.users_nm3_s + self.disturbances.air_leak) * supplied
        storage = p.users_nm3_s * p.buffer_s / (normal_air_pa(p) - p.low_pa)  # Nm3/Pa
        slope = most / (p.unload_pa - p.load_pa) + used / p.low_pa
        self.air[...] = np.maximum(self.air + (delivered - used) / (storage / dt + slope), 0.0)

    def _buttons(self) -> tuple[Floats, Floats, Floats]:
        """Return the emergency stops of the lines (lines, batch), of the turbine and of the plant."""
        pressed, n = self.disturbances.pressed, self.line_count
        return pressed[:n], pressed[n : n + 1], pressed[n + 1 : n + 2]


def normal_air_pa(p: InstrumentAirParameters) -> float:
    """Return the receiver's pressure above ambient at which the running compressors deliver what the users take."""
    return p.unload_pa - (p.unload_pa - p.load_pa) * p.users_nm3_s / (p.running * p.compressor_nm3_s)
