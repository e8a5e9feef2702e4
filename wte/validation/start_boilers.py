"""The start of the boilers, all lines at once, by moving final elements only: steps S0 to S9 of the start sequence.

Times that only protect lining are shortened, for the simulated plant has none that could spall. What it has takes its
time: the wall of the drum, water that swells when it boils, gas that must be hot before there is waste. Pressures are
absolute in the code, above ambient in the text.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plc_sim.plant import Plant
from wte.validation.operators import MINUTE_S, Operators, Program, Wait, numbered
from wte.validation.shift import COMMON, LINE, Hand

ZERO_C = 273.15
BURNERS, COMPARTMENTS, ZONES, GROUPS = range(1, 5), range(10), range(1, 6), range(1, 5)
PAIR_A, PAIR_B = (1, 2), (3, 4)  # auxiliary, start-up
LEAST_LOAD = 0.2  # of a burner
HANDS = {
    **LINE,
    **COMMON,
    "startup": Hand("drum.level", "feedwater.startup_valve", 2.0, 600.0),
    "blowdown": Hand("drum.level", "blowdown.valve", -8.0, 600.0),
    **{f"curve_{n}": Hand("drum.metal_top", f"burner_{n}.load", 0.05, 1000.0, LEAST_LOAD) for n in PAIR_B},
    **{f"bypass_{v}": Hand("steam_header.pressure", f"bypass.valve_{v}", -2e-6, 60.0) for v in "ab"},
    **{f"spray_{v}": Hand(f"bypass.temperature_{v}", f"bypass.spray_{v}", -0.002, 20.0) for v in "ab"},
    **{f"fan_{k}": Hand("cooling.inlet_temperature", f"cooling.fan_{k}.speed", -0.02, 400.0) for k in "abcd"},
    "auxiliary": Hand("deaerator.pressure", "deaerator.auxiliary_valve", 2e-6, 60.0),
    "bypass_level": Hand("bypass_condenser.level", "bypass_condenser.valve", -1.0, 120.0),
    # Steam and feedwater differ for long: all condensate goes on to the tank, whose level make-up and dump correct.
    "forward": Hand("hotwell.level", "condensate.valve", -1.0, 120.0),
    "make_up": Hand("deaerator.level", "make_up.valve", 2.0, 1000.0),
    "dump": Hand("deaerator.level", "hotwell.dump_valve", -2.0, 1000.0, 0.1, 0.17),
}

DRAUGHT_PA = -60.0
PURGE_M3, PURGE_S = 11_000.0, 300.0
LOW_M = -0.15  # level kept before the water boils and swells
BEHIND_K = 3.0  # the curve waits for a boiler that is so far behind it
CURVE = ((0.0, 0.8), (95.0 + ZERO_C, 0.6), (130.0 + ZERO_C, 0.85), (185.0 + ZERO_C, 0.72))  # wall K, from it on K/min
RISE_PA_MIN = 28_000.0  # of the header; the sequence allows 30
LINES_PA, VENT_PA, BYPASS_PA, WARM_PA, WORKING_PA = 0.05e6, 0.2e6, 2.0e6, 4.0e6, 6.3e6
TANK_PA = 0.06e6  # of the deaerator while it has auxiliary steam only
THREE_ELEMENTS = 0.25  # of full steam
FED_K, SURE_K, SPARE_K = 850.0 + ZERO_C, 865.0 + ZERO_C, 885.0 + ZERO_C
FIRST_FEED = 0.3  # of full load
FEED_MIN = 0.012  # share of full load a minute; the sequence allows 2 %
GAS_MIN, BURNER_MIN = 0.01, 0.025  # of a burner's load, on the way up and down
BLOWERS, BLOWN_MIN = 12, 2.0
STEADY_MIN = 90.0  # in which the bed of full load has come to the end of the grate


@dataclass(slots=True)
class Boilers:
    """The programs at the boilers. ``standing`` is the same plant at full load: where its final elements stand."""

    crew: Operators
    standing: Plant

    def cold(self) -> Program:
        """From everything cold and at rest."""
        yield from self._begin()
        yield from self._raise_pressure()
        yield from self._load()

    def hot(self) -> Program:
        """From hot standby: shut in at pressure, without fire."""
        yield from self._begin()
        yield from self._open_lines()
        yield from self._load()

    def _begin(self) -> Program:
        yield from self._ready()
        yield from self._draught()
        yield from self._purge()
        self.crew.step("S3 burners")
        yield from self._ignite(PAIR_B)

    def _load(self) -> Program:
        yield from self._heat_gas()
        yield from self._feed()
        yield from self._leave_burners()

    def _ready(self) -> Program:
        """Run what all lines share, and what each needs before there is a fire."""
        crew = self.crew
        crew.step("S0 ready")
        crew.put(1.0, "air.compressor_a", "air.compressor_b", "gas.main_valve", "ammonia_tank.valve", "slaker.command")
        crew.put(1.0, "cooling.pump_a.command", "cooling.pump_b.command", *numbered("cooling.fan_{}.command", "abcd"))
        crew.put(1.0, "condensate.pump_a.command", "pump_a.command", "pump_a.min_flow_valve")
        crew.put(1.0, "firing.release", "hopper.gate", "crane.run", "hydraulics.pump_a")
        crew.put(1.0, "ash.extractor", "ash.boiler_conveyor", "spray.sp1_block", "spray.sp2_block")
        crew.put(1.0, *numbered("filter.heater_{}", COMPARTMENTS), *numbered("filter.rotary_{}", COMPARTMENTS))
        self._as_standing("ash.water_valve", "sa.damper_front", "sa.damper_rear", *numbered("pa.damper_{}", ZONES))
        self._hold("pumps")
        crew.duties["pumps"] = self._press_feedwater
        self._hold("startup", LOW_M)
        self._hold("blowdown", LOW_M)
        self._hold("forward", 0.7)
        self._hold("make_up", 2.1)
        self._hold("dump", 2.25)
        self._hold("bypass_level", 0.5)
        self._hold("oil", 45.0 + ZERO_C)
        for fan in "abcd":
            self._hold(f"fan_{fan}", 26.0 + ZERO_C)
        yield Wait(2.0)

    def _draught(self) -> Program:
        """Start the ID fan, then air: the furnace stays a little below ambient."""
        crew = self.crew
        crew.step("S1 draught")
        crew.put(0.2, "id_fan.speed")
        crew.put(1.0, "id_fan.command")
        yield Wait(0.5)
        self._hold("draught", self._ambient_pa() + DRAUGHT_PA)
        crew.put(1.0, "sa_fan.command", "pa_fan.command")
        crew.put(0.5, *numbered("burner_{}.air", BURNERS))
        crew.ramp("sa_fan.demand", 0.6, 0.2)
        crew.ramp("pa_fan.demand", 0.2, 0.1)
        yield Wait(5.0)

    def _purge(self) -> Program:
        """Blow five times the volume of furnace and passes."""
        crew = self.crew
        crew.step("S2 purge")
        begun, blown = crew.seconds, np.zeros(len(self.standing.lines))
        site = 101_325.0 / self._ambient_pa() * float(self.standing.ambient_k[0, 0]) / ZERO_C

        def count() -> None:
            blown[...] += (crew.see("pa.flow") + crew.see("sa.flow")) * site

        crew.duties["purge"] = count
        yield Wait(10.0, lambda: bool(blown.min() >= PURGE_M3 and crew.seconds - begun >= PURGE_S), "purge")
        del crew.duties["purge"]
        crew.put(0.0, "pa_fan.command", "pa_fan.demand")
        crew.ramp("sa_fan.demand", 0.3, 0.3)
        yield Wait(1.5)

    def _ignite(self, pair: tuple[int, int]) -> Program:
        crew = self.crew
        for n in pair:
            crew.put(LEAST_LOAD, f"burner_{n}.load")
            crew.put(1.0, f"burner_{n}.ignitor", f"burner_{n}.valve")
        yield Wait(1.0, lambda: all(bool((crew.see(f"burner_{n}.flame") > 0.0).all()) for n in pair), "flames")
        crew.put(0.0, *numbered("burner_{}.ignitor", pair))

    def _raise_pressure(self) -> Program:
        """Follow the curve of the drum's wall: the water is kept low before it boils, and steam leaves at once."""
        crew = self.crew
        crew.put(1.0, "steam.vent")
        for n in PAIR_B:
            self._hold(f"curve_{n}")
        crew.duties["curve"] = self._follow_curve
        yield Wait(240.0, self._is_over(LINES_PA), "steam")
        crew.step("S4 pressure")
        crew.put(1.0, "steam.stop_valve")
        crew.put(0.5, "bypass.valve_a", "bypass.valve_b")
        self._use_steam()
        yield Wait(90.0, self._is_over(VENT_PA), "0.2 MPa")
        crew.ramp("steam.vent", 0.0, 0.05)
        self._to_normal_level()
        yield Wait(180.0, self._is_over(BYPASS_PA), "2.0 MPa")
        del crew.duties["curve"]
        crew.leave(*numbered("curve_{}", PAIR_B))
        crew.step("S5 main steam")

    def _open_lines(self) -> Program:
        """Warm the main steam lines with the steam that is there."""
        crew = self.crew
        crew.step("S5 main steam")
        crew.ramp("steam.stop_valve", 1.0, 0.05)
        self._use_steam()
        yield Wait(20.0)
        self._to_normal_level()

    def _to_normal_level(self) -> None:
        for name in ("startup", "blowdown"):
            self.crew.ramp(name, 0.0, 0.004)

    def _use_steam(self) -> None:
        """Cool the bypass steam, warm the feedwater tank."""
        for valve in "ab":
            self._hold(f"spray_{valve}", 180.0 + ZERO_C)
        self._hold("auxiliary", self._ambient_pa() + TANK_PA)

    def _heat_gas(self) -> Program:
        """Let the bypass hold a rising pressure; burn gas until the furnace is hot enough for waste."""
        crew = self.crew
        for valve in "ab":
            self._hold(f"bypass_{valve}")
            crew.ramp(f"bypass_{valve}", self._ambient_pa() + WARM_PA, RISE_PA_MIN)
        self._hold("oxygen", 0.065)
        self._hold("sp1", 430.0 + ZERO_C)
        self._hold("sp2", 440.0 + ZERO_C)
        crew.step("S6 to 850 °C")
        for n in PAIR_B:
            less = np.maximum(crew.at(f"burner_{n}.load") - LEAST_LOAD, LEAST_LOAD)
            crew.put(less[:, np.newaxis], f"burner_{n}.load")
        yield from self._ignite(PAIR_A)
        for n in BURNERS:
            crew.ramp(f"burner_{n}.load", 1.0, GAS_MIN)
        enough = THREE_ELEMENTS * self.standing.design.steam_kg_s[:, 0]
        yield Wait(60.0, lambda: bool((crew.see("steam.flow") > enough).all()), "a quarter of the steam")
        crew.put(1.0, "pump_b.command")
        crew.leave("startup", "blowdown")
        crew.ramp("blowdown.valve", self._full("blowdown.valve"), 0.02)
        crew.ramp("feedwater.startup_valve", 0.0, 0.05)
        self._hold("feedwater")
        crew.shift.off.discard("level")
        yield Wait(120.0, lambda: bool((crew.at("burner_1.load") > 0.99).all()), "all burners at full load")
        crew.put(1.0, "pa_fan.command")
        crew.put(0.2, "pa_fan.demand")
        crew.ramp("pa_fan.demand", 0.45, 0.02)
        self._as_standing("heater.extraction_valve")
        self._hold("air_temperature", 180.0 + ZERO_C)
        self._hold("drain", 0.5)
        crew.ramp("oxygen", 0.078, 0.002)
        yield Wait(90.0, self._is_hot, "850 °C for ten minutes and 865 °C for one")

    def _feed(self) -> Program:
        """Bring cleaning into service, then the first waste; the burners stay."""
        crew = self.crew
        crew.put(1.0, "atomiser.command", "conveying.lime_blower", "conveying.carbon_blower")
        self._as_standing("dosing.lime_speed", "dosing.carbon_speed")
        self._as_standing("reactor.slurry_valve", share=0.5 * FIRST_FEED)
        self._as_standing("sncr.pump", "sncr.lance_2", "sncr.carrier_valve")
        self._hold("reactor", 150.0 + ZERO_C)
        yield Wait(3.0)
        crew.step("S7 waste feed")
        for group in GROUPS:
            self._as_standing(f"grate.speed_{group}", share=0.6)
        crew.put(0.0, "feeder.speed")
        crew.ramp("feeder.speed", FIRST_FEED * self._full("feeder.speed"), 0.02)
        for valve in "ab":
            crew.ramp(f"bypass_{valve}", self._ambient_pa() + WORKING_PA, RISE_PA_MIN)
        yield Wait(20.0)
        crew.aim("sp1", 392.0 + ZERO_C)
        crew.aim("sp2", 450.0 + ZERO_C)
        yield Wait(20.0)

    def _leave_burners(self) -> Program:
        """Bring waste and air to full load while the burners give way to the fire."""
        crew = self.crew
        crew.step("S8 load")
        crew.ramp("oxygen", 0.065, 0.001)
        self._as_standing("sncr.ammonia_valve")
        rate = FEED_MIN / (1.0 - FIRST_FEED)
        for name in ("feeder.speed", "pa_fan.demand", "reactor.slurry_valve", *numbered("grate.speed_{}", GROUPS)):
            away = abs(self._full(name) - float(crew.at(name)[0]))
            crew.ramp(name, self._full(name), away * rate)
        crew.duties["burners"] = self._lower_burners
        for pair in (PAIR_B, PAIR_A):
            yield Wait(120.0, self._is_low(pair), "burners at their least load")
            crew.put(0.0, *numbered("burner_{}.valve", pair))
            for n in pair:
                crew.ramp(f"burner_{n}.air", 0.0, 0.1)
            yield Wait(5.0)
        del crew.duties["burners"]
        crew.step("S9 full load")
        crew.leave("forward", "make_up", "dump")
        self._hold("deaerator_level", 2.0)
        self._hold("hotwell", 0.7)
        crew.ramp("hotwell.dump_valve", self._full("hotwell.dump_valve"), 0.1)
        for blower in range(1, BLOWERS + 1):
            crew.put(blower / BLOWERS, "cleaning.blower")
            yield Wait(BLOWN_MIN)
        crew.put(0.0, "cleaning.blower")
        yield Wait(STEADY_MIN - BLOWERS * BLOWN_MIN)

    def _lower_burners(self) -> None:
        """Take gas away from one pair after the other where the furnace can spare it, once a second."""
        hot = (self.crew.see("furnace.plane") > SPARE_K) * (BURNER_MIN / MINUTE_S)
        pair = PAIR_B if self.crew.at("burner_3.valve")[0] > 0.0 else PAIR_A
        for n in pair:
            load = self.crew.at(f"burner_{n}.load")
            self.crew.put(np.maximum(load - hot, LEAST_LOAD)[:, np.newaxis], f"burner_{n}.load")

    def _is_low(self, pair: tuple[int, int]) -> Callable[[], bool]:
        return lambda: all(bool((self.crew.at(f"burner_{n}.load") <= LEAST_LOAD).all()) for n in pair)

    def _is_over(self, gauge_pa: float) -> Callable[[], bool]:
        return lambda: bool((self.crew.see("drum.pressure") > self._ambient_pa() + gauge_pa).all())

    def _is_hot(self) -> bool:
        """Return whether the gas has been hot for long enough in all lines."""
        planes = [f"{line}/furnace.plane" for line in self.standing.lines]
        mean = self.crew.mean
        return all(mean(plane, 600.0) >= FED_K and mean(plane, 60.0) >= SURE_K for plane in planes)

    def _follow_curve(self) -> None:
        """Move the set-points along the curve, once a second."""
        wall = self.crew.see("drum.metal_top")
        rate = [k_min for above, k_min in CURVE if wall.max() >= above][-1] / MINUTE_S
        for n in PAIR_B:
            set_point = self.crew.shift.set_points[f"curve_{n}"]
            set_point[:, 0] = np.minimum(set_point[:, 0] + rate, wall + BEHIND_K)

    def _press_feedwater(self) -> None:
        """Keep the feedwater pressure over the drums', more of it the more steam they give; once a second."""
        crew, d = self.crew, self.standing.design
        share = float((crew.see("steam.flow") / d.steam_kg_s[:, 0]).max())
        crew.aim("pumps", float(crew.see("drum.pressure").max()) + 1.2e6 + 0.7e6 * min(share, 1.0))

    def _hold(self, name: str, set_point: float | None = None) -> None:
        self.crew.hold(name, HANDS[name], set_point)

    def _as_standing(self, *inputs: str, share: float = 1.0) -> None:
        for name in inputs:
            self.crew.put(share * self._full(name), name)

    def _full(self, name: str) -> float:
        return float(self.standing.input_board[name][0, 0])

    def _ambient_pa(self) -> float:
        return self.standing.design.barometric_pa
