"""The start of the turbine by moving final elements only: steps T1 to T6 of the start sequence.

Turning, soaking and the way through the critical speeds take the times of the sequence.
"""

from dataclasses import dataclass

import numpy as np

from plc_sim.plant import Plant
from wte.validation.operators import MINUTE_S, Operators, Program, Wait
from wte.validation.shift import COMMON, Hand

ZERO_C = 273.15
HANDS = {
    **COMMON,
    "gland": Hand("gland.pressure", "gland.valve", 2e-5, 20.0),
    "turbine_oil": Hand("oil.temperature", "oil.cooler_valve", -0.02, 300.0),
}
BARRING_S = 4 * 3600.0
GLAND_PA = 8000.0
STEAM_PA, STEAM_K, SUPERHEAT_K, BELOW_K = 2.0e6, 300.0 + ZERO_C, 50.0, 45.0
VACUUM_PA = 20e3
SPEED_SPAN_RPM, LOAD_SPAN_MW = 4000.0, 70.0
ROLL = ((500.0, 12.0), (1200.0, 33.0), (3000.0, 21.0))  # rpm, min with the way there
BLOCK_MW, EXTRACTION_MW, SLOW_MW, MOST_MW = 3.0, 12.0, 20.0, 60.0
SLOW_MW_MIN, FAST_MW_MIN = 0.5, 1.0
LITTLE = 0.03  # position of a bypass valve below which the turbine takes no more
MOST_EXPANSION_M = 0.004  # of the rotor against the casing; the alarm is at 5 mm
PRESSURE_MW = 18.0  # pressure control from 30 % on, when the bypass has been shut for five minutes
INLET_PA, RISE_PA_MIN = 6.10e6, 28_000.0


@dataclass(slots=True)
class Turbine:
    """The program at the turbine. ``standing`` is the same plant at full load: where its final elements stand."""

    crew: Operators
    standing: Plant

    def start(self, barring_s: float = BARRING_S) -> Program:
        """From standstill to pressure control."""
        yield from self._turn(barring_s)
        yield from self._roll()
        yield from self._synchronise()
        yield from self._load()

    def _turn(self, barring_s: float) -> Program:
        """Oil, barring, gland steam and vacuum; then wait for steam."""
        crew = self.crew
        crew.step("T1 barring")
        crew.put(1.0, "oil.ac_pump.command", "control_oil.pump_a.command", "vacuum.pump_a.command")
        crew.put(1.0, "vacuum.pump_b.command")
        yield Wait(1.0)
        crew.put(1.0, "turbine.barring.command", "turbine.drains")
        begun = crew.seconds
        self._hold("turbine_oil", 45.0 + ZERO_C)
        yield Wait(600.0, self._has_pressure, "steam for the glands")
        self._hold("gland", self.standing.design.barometric_pa + GLAND_PA)
        yield Wait(120.0, self._has_steam, "steam for the turbine")
        yield Wait(barring_s / MINUTE_S, lambda: crew.seconds - begun >= barring_s, "barring")
        yield Wait(30.0, lambda: float(crew.see("condenser.pressure")[0]) < VACUUM_PA, "vacuum")

    def _has_pressure(self) -> bool:
        pressure = float(self.crew.see("steam_header.pressure")[0])
        return pressure >= STEAM_PA + self.standing.design.barometric_pa

    def _has_steam(self) -> bool:
        """Return whether the boilers' steam is hot and dry enough to roll, and the pipe before the stop valves warm."""
        crew, pressure = self.crew, float(self.crew.see("steam_header.pressure")[0])
        boiling = float(self.standing.design.drum.water.at(np.array([[pressure]])).t[0, 0])
        is_warm = float(crew.see("turbine.inlet_temperature")[0]) > boiling - BELOW_K
        return is_warm and float(crew.see("steam.temperature").min()) > max(STEAM_K, boiling + SUPERHEAT_K)

    def _roll(self) -> Program:
        """Reset the trip relay and go up in speed, with rests to look and to soak."""
        crew = self.crew
        crew.step("T2 roll")
        crew.put(1.0, "turbine.reset")
        self._as_standing("generator.voltage_setpoint")
        yield Wait(1.0, lambda: float(crew.see("turbine.reset_state")[0]) > 0.0, "turbine reset")
        crew.put(0.0, "turbine.reset")
        for rpm, minutes in ROLL:
            crew.put(rpm / SPEED_SPAN_RPM, "turbine.speed_setpoint")
            yield Wait(minutes)
        crew.put(0.0, "turbine.barring.command", "turbine.drains")

    def _synchronise(self) -> Program:
        crew = self.crew
        crew.step("T3 excitation")
        crew.put(1.0, "generator.excitation")
        yield Wait(1.0)
        crew.step("T4 synchronise")
        crew.put(BLOCK_MW / LOAD_SPAN_MW, "turbine.load_setpoint")
        crew.put(1.0, "turbine.synchronise")
        yield Wait(10.0, lambda: float(crew.see("generator_breaker.closed")[0]) > 0.0, "generator breaker closed")
        crew.put(0.0, "turbine.synchronise", "oil.ac_pump.command")

    def _load(self) -> Program:
        """Take the steam from the bypass, then hold the pressure before the turbine."""
        crew = self.crew
        crew.step("T5 load")
        yield Wait(5.0)
        crew.duties["load"] = self._take_steam
        yield Wait(120.0, lambda: self._megawatts() > EXTRACTION_MW, "load for extractions")
        for number in (1, 2, 3):
            crew.ramp(f"extraction_{number}.valve", 1.0, 0.2)
        self._hold("deaerator_pressure", self._tank_pa())
        yield Wait(240.0, self._has_all, "bypass shut")
        yield Wait(5.0)
        crew.step("T6 pressure control")
        del crew.duties["load"]
        self._hold("inlet")
        crew.ramp("inlet", self.standing.design.barometric_pa + INLET_PA, RISE_PA_MIN)
        crew.put(0.0, "deaerator.auxiliary_valve")
        crew.leave("auxiliary")

    def _take_steam(self) -> None:
        """Raise the load as the sequence allows while the bypass has steam and the casing follows, once a second."""
        set_point = float(self.crew.at("turbine.load_setpoint")[0]) * LOAD_SPAN_MW
        rate = (SLOW_MW_MIN if set_point < SLOW_MW else FAST_MW_MIN) / MINUTE_S
        is_even = float(self.crew.see("turbine.differential_expansion")[0]) < MOST_EXPANSION_M
        has = is_even and float(self.crew.at("bypass.valve_a")[0]) > LITTLE
        self.crew.put(min(set_point + rate * has, MOST_MW) / LOAD_SPAN_MW, "turbine.load_setpoint")

    def _has_all(self) -> bool:
        return self._megawatts() > PRESSURE_MW and float(self.crew.at("bypass.valve_a")[0]) <= LITTLE

    def _megawatts(self) -> float:
        return float(self.crew.see("generator.power")[0]) * 1e-6

    def _tank_pa(self) -> float:
        return self.standing.design.tank_pa

    def _hold(self, name: str, set_point: float | None = None) -> None:
        self.crew.hold(name, HANDS[name], set_point)

    def _as_standing(self, *inputs: str) -> None:
        for name in inputs:
            self.crew.put(float(self.standing.input_board[name][0, 0]), name)
