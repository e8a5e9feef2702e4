"""Numerics: the step does not shape the courses, a day brings no harm, and a plant in a batch is the plant alone."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from controller.core.config import Config
from controller.core.units import si_scale
from plc_sim.noise import Noise
from plc_sim.plant import Plant
from plc_sim.points import read_points
from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, Panel, above, below, within
from wte.validation.course import Course
from wte.validation.interplay_gas import BETWEEN_S, CLEAN_AT_PA, PULSE_S
from wte.validation.shift import Floats, Shift

SECTION = "Numerics"
SHOWN = ("L1/steam.flow", "L1/furnace.thermocouple_b", "L1/economiser.gas_o2", "L1/drum.level")
UPSET_S = 1800.0
SOOT_EVERY_S, BLOWER_S = 8 * 3600.0, 120.0
DAY_S = 24 * 3600.0
HALVES = ((0.0, DAY_S / 2.0), (DAY_S / 2.0, DAY_S))
BATCH, TWINS = 64, (0, 1, 17, 63)
TWIN_STEPS = 600
SEED = 7
JUMPING = ("/chute.level", "/crane.grab")  # a grab of the crane may fall a second earlier or later
STORES = (  # arrays of the state that hold masses, volumes, or shares of a full store
    "chute.mass", "grate.kg", "ash.level", "air.condensate", "drum", "filter.cake", "filter.hopper_kg", "reagents.kg",
    "island.hotwell.mass", "island.deaerator.mass", "island.demin", "island.condenser.air", "services.waste",
    "services.air", "hydraulics.level",
)  # fmt: skip
HARM = {"ram_moisture": 0.02, "slug": 1.2, "bundle_leak": 0.5, "air_box": 0.3, "co_peak": 1e-5}


def spans(config: Config, names: Mapping[str, int]) -> dict[str, float]:
    """Return the span, in SI, of the instruments on each signal that has one; the widest of several."""
    found: dict[str, float] = {}
    for point in read_points(config).inputs:
        name = f"{point.instance}/{point.instrument.of}"
        if name in names and point.form != "bool" and point.unit:
            factor, _ = si_scale(point.unit, config.plant.site.barometric_pa)
            found[name] = max(found.get(name, 0.0), (point.hi - point.lo) * factor)
    return found


def _upset(shift: Shift) -> None:
    """Move final elements now and then, as people do."""
    board = shift.plant.input_board
    moves = {
        60.0: ("pa_fan.demand", 1.05), 180.0: ("feeder.speed", 0.9), 300.0: ("spray.sp1_valve", 1.3),
        420.0: ("bypass.valve_a", None), 600.0: ("grate.speed_2", 1.1), 720.0: ("reactor.slurry_valve", 1.2),
        900.0: ("sncr.ammonia_valve", 0.7), 1080.0: ("sa_fan.demand", 1.1), 1200.0: ("feeder.speed", 1.2),
    }  # fmt: skip
    for at_s, (name, factor) in moves.items():
        if shift.steps == round(at_s / shift.dt):
            board[name][...] = 0.15 if factor is None else board[name] * factor


def _apart(a: Course, b: Course, *, is_jumping: bool) -> float:
    """Return the greatest difference; where jumps count, only what stands longer than from one second to the next."""
    plain = np.abs(a.value - b.value)
    if is_jumping:
        shifted = [np.abs(a.value - np.roll(b.value, by)) for by in (-1, 1)]
        plain = np.minimum(plain, np.minimum(*shifted))[1:-1]
    return float(plain.max())


def _halved(bench: Bench) -> Outcome:
    plants: list[dict[str, Course]] = []
    names: list[str] = []
    for dt in (0.1, 0.05):
        shift = bench.shift(dt=dt)
        shift.off |= {"oxygen", "sp1", "sp2"}
        shift.before_step = _upset
        names = [name for name in shift.plant.signal_row if name in spans(bench.config, shift.plant.signal_row)]
        plants.append(shift.watch(names, UPSET_S))
    span = spans(bench.config, dict.fromkeys(names, 0))
    worst = {
        name: 100.0 * _apart(plants[0][name], plants[1][name], is_jumping=name.endswith(JUMPING)) / span[name]
        for name in names
    }
    ranked = sorted(worst, key=lambda name: -worst[name])
    figures = (
        above("signals compared, on the span of their instruments", float(len(names)), 100.0),
        *(below(f"greatest difference: {name}", worst[name], 0.5, "% of span") for name in ranked[:5]),
    )
    panels = tuple(Panel("", {f"{name}, 0.1 s": plants[0][name], "0.05 s": plants[1][name]}) for name in SHOWN)
    return Outcome(figures, panels)


class Weather:
    """The disturbance model's noise: what waste, crane and fire get anew in each step."""

    def __init__(self, plant: Plant, seed: int) -> None:
        """Seed the noise; plant k of a batch gets that of ``seed + k``."""
        self._noise = Noise(plant.state.slots["process.noise"].keys, plant.state.batch)
        self._seed = seed

    def __call__(self, shift: Shift) -> None:
        """Draw the noise of the coming step."""
        shift.plant.noise[...] = self._noise.at(self._seed, shift.steps)


class Routine:
    """What goes on by itself in a plant at work: the filters are cleaned when due, soot is blown three times a day."""

    def __init__(self, plant: Plant) -> None:
        """Begin in the middle between two rounds of soot blowing."""
        self._plant = plant
        self._blowers = len(plant.convection.fouling.number)
        self._cleaning = np.zeros(len(plant.lines))  # s since a cleaning began, 0 when none is on

    def __call__(self, shift: Shift) -> None:
        """Set what the coming second needs."""
        if shift.steps % round(1.0 / shift.dt):
            return
        board, count = self._plant.input_board, self._plant.cleaning.design.compartments
        number = int((shift.time_s - SOOT_EVERY_S / 2.0) % SOOT_EVERY_S / BLOWER_S) + 1
        is_blowing = shift.time_s > SOOT_EVERY_S / 2.0 and number <= self._blowers
        board["cleaning.blower"][...] = number / self._blowers if is_blowing else 0.0
        due = self._plant.signal_board["filter.dp"][:, 0] > CLEAN_AT_PA
        self._cleaning = np.where((self._cleaning > 0.0) | due, self._cleaning + 1.0, 0.0)
        self._cleaning[self._cleaning > count * BETWEEN_S] = 0.0
        place, since = np.divmod(self._cleaning, BETWEEN_S)
        for each in range(count):
            now = (self._cleaning > 0.0) & (place == each) & (since > 0.0) & (since <= PULSE_S)
            board[f"filter.pulse_{each}"][:, 0] = now


def _day(bench: Bench) -> Outcome:
    shift = bench.shift()
    weather, routine = Weather(shift.plant, SEED), Routine(shift.plant)

    def disturb(at: Shift) -> None:
        weather(at)
        routine(at)

    shift.before_step = disturb
    names = [
        "L1/steam.flow",
        "L1/grate.inventory",
        "C0/deaerator.level",
        "L1/drum.level",
        "L1/feeder.lhv",
    ]
    seen = shift.watch(names, DAY_S, 10.0)
    state = shift.plant.state
    floats = {name: slot.array for name, slot in state.slots.items() if slot.array.dtype == np.float64}
    bad = sum(int((~np.isfinite(array)).sum()) for name, array in floats.items() if not _is_limit(name))
    negative = [name for name in STORES if floats[name].min() < 0.0]
    steam = seen["L1/steam.flow"]
    lhv = seen["L1/feeder.lhv"]
    yields = [steam.mean(*half) / lhv.mean(*half) for half in HALVES]
    held = [seen["L1/grate.inventory"].mean(*half) for half in HALVES]
    spread = 100.0 * float(steam.value.std() / steam.value.mean())
    level, tank = seen["L1/drum.level"].value, seen["C0/deaerator.level"].value
    figures = (
        below("values of the state that are not finite", float(bad), 0.0),
        below("stores with a negative mass", float(len(negative)), 0.0),
        above("the day was disturbed: steam varies by", spread, 1.0, "%"),
        within("steam for the waste's heat, second half-day on the first", _more(yields), -1.0, 1.0, "%"),
        within("drum level, greatest distance", 1e3 * float(np.abs(level).max()), 0.0, 75.0, "mm"),
        within("level of the deaerator, change over the day", 1e3 * (tank[-1] - tank[0]), -100.0, 100.0, "mm"),
        within("waste on the grate, second half-day on the first", _more(held), -10.0, 10.0, "%"),
    )
    panels = (
        Panel("kg/s", {"steam": steam}),
        Panel("MJ/kg", {"waste at the ram": lhv.changed(lambda value: value / 1e6)}),
        Panel("t", {"waste on the grate": seen["L1/grate.inventory"].changed(lambda value: value / 1e3)}),
    )
    return Outcome(figures, panels)


def _more(pair: list[float]) -> float:
    """Return by how much the second is more than the first, %."""
    return 100.0 * (pair[1] / pair[0] - 1.0)


def _is_limit(name: str) -> bool:
    """Say whether an array holds limits, which may be infinite."""
    return name.endswith(".limits")


def _twins(bench: Bench) -> Outcome:
    many = _disturbed(bench, range(BATCH), SEED)
    apart = 0
    for k in TWINS:
        alone = _disturbed(bench, [k], SEED + k)
        for name, slot in many.state.slots.items():
            column = np.ascontiguousarray(slot.array[..., min(k, slot.array.shape[-1] - 1)])
            apart += column.tobytes() != np.ascontiguousarray(alone.state[name][..., 0]).tobytes()
    again = _disturbed(bench, [0], SEED).state.save() != _disturbed(bench, [0], SEED).state.save()
    moved = float(np.ptp(many.signal_board["steam.flow"][0]))
    which = ", ".join(map(str, TWINS))
    figures = (
        below(f"arrays of the state in which plant {which} differs from itself alone", float(apart), 0.0),
        below("differs a run from the same run again", float(again), 0.0),
        above("plants of the batch went apart: steam, greatest difference", moved, 0.01, "kg/s"),
    )
    return Outcome(figures)


def _disturbed(bench: Bench, numbers: "range | list[int]", seed: int) -> Plant:
    """Return plants that have run with noise of ``seed`` and with disturbances that grow with their number."""
    plant = bench.plant(batch=len(numbers))
    share: Floats = np.array(numbers, dtype=np.float64) / BATCH
    for name, size in HARM.items():
        array: npt.NDArray[np.float64] = plant.state[f"disturbance.{name}"]
        neutral = 1.0 if size > 1.0 else 0.0
        array[...] = neutral + (size - neutral) * share
    shift = bench.hands(plant)
    shift.before_step = Weather(plant, seed)
    shift.run(TWIN_STEPS * shift.dt)
    return plant


CHECKS = (
    Check(
        key="numerics-halved-step",
        section=SECTION,
        title="Half the step",
        script="Half an hour of moved final elements with steps of 0.1 s and of 0.05 s; the hands act once a second "
        "in both.",
        run=_halved,
        is_long=True,
    ),
    Check(
        key="numerics-day",
        section=SECTION,
        title="A day with the disturbance model of the waste",
        script="24 h at full feed with the noise of waste, crane and fire. Filters are cleaned at 1.5 kPa, soot is "
        "blown three times.",
        run=_day,
        is_long=True,
    ),
    Check(
        key="numerics-batch",
        section=SECTION,
        title="A plant in a batch is the plant alone, bit for bit",
        script=f"A minute of {BATCH} plants with noise and growing disturbances, against each alone.",
        run=_twins,
    ),
)
