"""The start of the whole plant by moving final elements only: from cold to full load, and from hot standby."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wte.validation.bench import Bench
from wte.validation.check import Check, Figure, Outcome, Panel, above, below, near, within
from wte.validation.course import Course
from wte.validation.operators import Operators, Program, numbered
from wte.validation.start_boilers import ZERO_C, Boilers
from wte.validation.start_turbine import BARRING_S, Turbine

SECTION = "Start-up"
LINE = (
    "drum.level",
    "drum.pressure",
    "drum.metal_top",
    "steam.flow",
    "steam.pressure",
    "steam.temperature",
    "superheater.metal_a",
    "feeder.flow",
    "furnace.plane",
    "furnace.pressure",
    "economiser.gas_o2",
    "filter.gas_in",
    "burner_3.flame",
)
VIBRATION = numbered("C0/turbine.vibration_{}", "abcdefgh")
COMMON = (
    "C0/steam_header.pressure",
    "C0/turbine.speed",
    "C0/turbine.differential_expansion",
    "C0/turbine.exhaust_temperature",
    "C0/generator.power",
    "C0/condenser.pressure",
    "C0/bypass.flow",
    "C0/deaerator.level",
    *VIBRATION,
)
RATE_S = 300.0  # over which the rate of the drum's wall is taken
EQUAL = 0.02  # of the steady state at full load
T_H, MPA, HOUR_S = 3.6, 1e-6, 3600.0


class Start(NamedTuple):
    """What a start did: signals by their full names, and when each step began, s."""

    seen: dict[str, Course]
    steps: dict[str, float]
    crew: Operators


def cold_start(bench: Bench) -> Start:
    """Bring a cold plant to full load."""
    boilers, turbine = operators(bench, "cold")
    return _run(boilers, boilers.cold, turbine, BARRING_S)


def hot_start(bench: Bench) -> Start:
    """Bring a plant in hot standby to full load; its turbine has been on barring since it stopped."""
    boilers, turbine = operators(bench, "hot standby")
    return _run(boilers, boilers.hot, turbine, 0.0)


def operators(bench: Bench, condition: str) -> tuple[Boilers, Turbine]:
    """Return the people at boilers and turbine of a new plant at an initial condition, no hand on it yet."""
    standing = bench.plant()
    shift = bench.hands(bench.at(condition))
    shift.hands = {}
    shift.off = {"level"}
    crew = Operators(shift, (*(f"{line}/{name}" for line in standing.lines for name in LINE), *COMMON))
    return Boilers(crew, standing), Turbine(crew, standing)


def _run(boilers: Boilers, program: Callable[[], Program], turbine: Turbine, barring_s: float) -> Start:
    crew = boilers.crew
    crew.run(program(), turbine.start(barring_s))
    return Start(crew.courses(), crew.steps, crew)


def outcome(bench: Bench, start: Start, hours: Figure) -> Outcome:
    """Return the limits of the start sequence and the end of the start beside the steady state at full load."""
    seen, ambient = start.seen, bench.config.plant.site.barometric_pa
    level = seen["L1/drum.level"].changed(lambda value: 1e3 * value)
    furnace = seen["L1/furnace.pressure"].changed(lambda value: value - ambient)
    pressure = {
        name: seen[f"L1/{row}"].changed(lambda value: (value - ambient) * MPA)
        for name, row in (("drum", "drum.pressure"), ("boiler outlet", "steam.pressure"))
    }
    warm = {
        name: seen[f"L1/{row}"].changed(lambda value: value - ZERO_C)
        for name, row in (
            ("2 s plane", "furnace.plane"),
            ("main steam", "steam.temperature"),
            ("drum wall", "drum.metal_top"),
        )
    }
    steam = seen["L1/steam.flow"].changed(lambda value: T_H * value)
    power = seen["C0/generator.power"].changed(lambda value: MPA * value)
    figures = (
        within("drum level, lowest", level.lowest()[1], -250.0, 250.0, "mm"),
        within("drum level, highest", level.highest()[1], -250.0, 250.0, "mm"),
        below("drum wall, fastest", _fastest_k_min(warm["drum wall"]), 1.0, "K/min"),
        within("furnace from ambient, lowest", furnace.lowest()[1], -600.0, 150.0, "Pa"),
        within("furnace from ambient, highest", furnace.highest()[1], -600.0, 150.0, "Pa"),
        below("drum", pressure["drum"].highest()[1], 7.75, "MPa(g)"),
        below("boiler outlet", pressure["boiler outlet"].highest()[1], 6.75, "MPa(g)"),
        below("main steam", warm["main steam"].highest()[1], 460.0, "°C"),
        below("superheater surface", seen["L1/superheater.metal_a"].highest()[1] - ZERO_C, 515.0, "°C"),
        *_fire(start, warm["2 s plane"]),
        *_turbine(start, ambient),
        *_end(bench, steam, power),
        hours,
    )
    panels = (
        Panel("°C", warm),
        Panel("MPa(g)", {"drum": pressure["drum"]}),
        Panel("t/h", {"steam of line 1": steam, "bypass": seen["C0/bypass.flow"].changed(lambda value: T_H * value)}),
        Panel("MW", {"generator": power}),
        Panel("mm", {"drum level": level}),
    )
    return Outcome(figures, panels)


def _fire(start: Start, plane: Course) -> tuple[Figure, ...]:
    """Return what must hold before and while there is waste on the grate."""
    seen, step_s = start.seen, start.steps["S7 waste feed"]
    filter_k, o2 = seen["L1/filter.gas_in"], seen["L1/economiser.gas_o2"]
    fed_s = seen["L1/feeder.flow"].reaches(1e-3)
    lit_s = seen["L1/burner_3.flame"].reaches(0.5)
    return (
        above("purged before the first flame", lit_s - start.steps["S2 purge"], 300.0, "s"),
        above("waste not before its step", fed_s - step_s, 0.0, "s"),
        above("2 s plane before waste, mean of ten minutes", plane.mean(fed_s - 600.0, fed_s), 850.0, "°C"),
        above("2 s plane before waste, mean of one minute", plane.mean(fed_s - 60.0, fed_s), 865.0, "°C"),
        above("2 s plane with waste, lowest", plane.between(fed_s, np.inf).lowest()[1], 850.0, "°C"),
        within("bag filter inlet with waste, lowest", _least(filter_k, fed_s) - ZERO_C, 130.0, 190.0, "°C"),
        within("bag filter inlet with waste, highest", _most(filter_k, fed_s) - ZERO_C, 130.0, 190.0, "°C"),
        within("oxygen with waste, lowest", 100.0 * _least(o2, fed_s), 5.0, 12.0, "%"),
        within("oxygen with waste, highest", 100.0 * _most(o2, fed_s), 5.0, 12.0, "%"),
    )


def _turbine(start: Start, ambient: float) -> tuple[Figure, ...]:
    """Return what must hold when the turbine rolls, and until it stands at full load."""
    seen, roll_s = start.seen, start.steps["T2 roll"]
    header = seen["C0/steam_header.pressure"].at(roll_s)
    boiling = float(start.crew.shift.plant.design.drum.water.at(np.array([[header]])).t[0, 0])
    steam = seen["L1/steam.temperature"].at(roll_s)
    turning = seen["C0/turbine.exhaust_temperature"].between(roll_s, np.inf)
    shaking = max(seen[name].highest()[1] for name in VIBRATION)
    return (
        above("header when the turbine rolls", (header - ambient) * MPA, 2.0, "MPa(g)"),
        above("steam then", steam - ZERO_C, 300.0, "°C"),
        above("superheat then", steam - boiling, 50.0, "K"),
        below("condenser then", 1e-3 * seen["C0/condenser.pressure"].at(roll_s), 20.0, "kPa(a)"),
        below("vibration", 1e6 * shaking, 125.0, "µm"),
        below("differential expansion", 1e3 * seen["C0/turbine.differential_expansion"].highest()[1], 5.0, "mm"),
        below("exhaust hood", turning.highest()[1] - ZERO_C, 120.0, "°C"),
        below("speed", 60.0 * seen["C0/turbine.speed"].highest()[1], 3150.0, "1/min"),
    )


def _end(bench: Bench, steam: Course, power: Course) -> tuple[Figure, ...]:
    standing = bench.plant()
    full_t_h = T_H * float(standing.signal_board["steam.flow"][0, 0])
    full_mw = MPA * float(standing.signal_board["generator.power"][0, 0])
    return (
        near("steam of a line in the end", float(steam.value[-1]), full_t_h, EQUAL * full_t_h, "t/h"),
        near("gross power in the end", float(power.value[-1]), full_mw, EQUAL * full_mw, "MW"),
    )


def _fastest_k_min(wall: Course) -> float:
    begin = wall.time_s[wall.time_s + RATE_S <= wall.time_s[-1]]
    risen = np.interp(begin + RATE_S, wall.time_s, wall.value) - np.interp(begin, wall.time_s, wall.value)
    return float(risen.max()) * 60.0 / RATE_S


def _least(course: Course, since_s: float) -> float:
    return course.between(since_s, np.inf).lowest()[1]


def _most(course: Course, since_s: float) -> float:
    return course.between(since_s, np.inf).highest()[1]


def _cold(bench: Bench) -> Outcome:
    start = cold_start(bench)
    hours = within("burners off after", start.steps["S9 full load"] / HOUR_S, 7.0, 14.0, "h")
    return outcome(bench, start, hours)


def _hot(bench: Bench) -> Outcome:
    start = hot_start(bench)
    hours = within("burners off after", start.steps["S9 full load"] / HOUR_S, 3.0, 5.0, "h")
    return outcome(bench, start, hours)


SCRIPT = (
    "Both lines and the turbine are brought to full load by moving final elements and PI hands on signals only, step "
    "by step as the start sequence says (S0 to S9, T1 to T6), and the limits of the sequence are watched on the way. "
)
CHECKS: tuple[Check, ...] = (
    Check(
        "start-up",
        SECTION,
        "From cold to full load",
        SCRIPT + "Times that only protect lining, which the simulated plant has not, are shortened: the sequence takes "
        "about 14 hours with them.",
        _cold,
        is_long=True,
    ),
    Check(
        "start-up-hot",
        SECTION,
        "From hot standby to full load",
        SCRIPT
        + "The boilers are shut in at 3.5 MPa(g) without fire; the turbine has been on barring since it stopped.",
        _hot,
        is_long=True,
    ),
)
