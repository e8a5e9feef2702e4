"""How steam, drum, sprays, header, turbine and bypass act on each other."""

import numpy as np

from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, Panel, about, above, below, near, within
from wte.validation.course import Course
from wte.validation.interplay_fire import SECTION, SETTLE_S
from wte.validation.shift import Hand, Shift

LEVEL, STEAM, FEEDWATER = "L1/drum.level", "L1/steam.flow", "L1/feedwater.flow"
HEADER, INLET = "C0/steam_header.pressure", "C0/turbine.inlet_pressure"
MORE = 0.1  # of the steam
BYPASS_OFFSET_PA = 0.2e6
BYPASS = {
    "bypass": Hand("turbine.inlet_pressure", "bypass.valve_a", -1e-6, 90.0),
}


def mm(course: Course) -> Course:
    """Return a level in mm."""
    return course.changed(lambda value: 1e3 * value)


def more_steam(shift: Shift) -> None:
    """Let the bypass take a tenth of all steam, beside the turbine, which keeps its load."""
    shift.off.add("inlet")
    taken = MORE * float(shift.plant.signal_board["steam.flow"].sum())
    header = shift.value(HEADER) / shift.plant.cycle.header_pa
    capacity = shift.plant.cycle.parameters.bypass.capacity_kg_s * header
    shift.plant.input_board["bypass.valve_a"][...] = taken / capacity


def _swell(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    shift.off.add("level")
    more_steam(shift)
    seen = shift.watch([LEVEL, STEAM, FEEDWATER], 300.0, 0.5)
    level = mm(seen[LEVEL])
    peak_s, peak = level.highest()
    steam = seen[STEAM].changed(lambda value: 100.0 * (value / value[0] - 1.0))
    fed = seen[FEEDWATER].changed(lambda value: 100.0 * (value / value[0] - 1.0))
    figures = (
        within("steam rises by", steam.mean(10.0, 60.0), 8.0, 12.0, "%"),
        within("feedwater stays: greatest change", float(np.abs(fed.value[120:]).max()), 0.0, 1.0, "%"),
        about("level swells by", peak, 15.0, 30.0, "mm"),
        about("after", peak_s, 15.0, 25.0, "s"),
        about("level is back at the start after", level.reaches(0.0, peak_s), 100.0, unit="s"),
        about("then it falls by", level.slope(200.0, 300.0), -0.23, -0.20, "mm/s"),
    )
    return Outcome(figures, (Panel("mm", {"drum level": level}), Panel("%", {"steam": steam, "feedwater": fed})))


def _spray(bench: Bench) -> Outcome:
    whole, part = (_sprayed(bench, is_whole=is_whole) for is_whole in (True, False))
    level, wrong = mm(whole[LEVEL]), mm(part[LEVEL])
    more = whole["L1/spray.sp1_flow"].mean(60.0, 300.0) - whole["L1/spray.sp1_flow"].value[0]
    per_kg_s = 1e3 / (21.25 * 736.0)  # on the water area of the drum
    drifting, staying = (course.slope(120.0, 300.0) / more for course in (wrong, level))
    unit = "mm/s per kg/s"
    figures = (
        above("more spray", more, 0.3, "kg/s"),
        about("level, the economiser's flow held on the steam", drifting, per_kg_s, unit=unit),
        within("level, all feedwater held on the steam", staying, -per_kg_s / 5.0, per_kg_s / 5.0, unit),
    )
    return Outcome(figures, (Panel("mm", {"all feedwater on the steam": level, "economiser on the steam": wrong}),))


def _sprayed(bench: Bench, *, is_whole: bool) -> dict[str, Course]:
    """Open SP1, with feedwater (whole or that through the economiser) made to follow the steam without the level."""
    shift = bench.shift(settle_s=SETTLE_S)
    shift.off |= {"level", "sp1", "sp2"}
    board = shift.plant.signal_board
    difference = board["feedwater.flow"] - board["steam.flow"]
    spray = board["spray.sp1_flow"] + board["spray.sp2_flow"]

    def follow(at: Shift) -> None:
        seen = at.plant.signal_board
        beside = 0.0 if is_whole else seen["spray.sp1_flow"] + seen["spray.sp2_flow"] - spray
        at.set_points["feedwater"] = seen["steam.flow"] + difference + beside

    shift.before_step = follow
    shift.plant.input_board["spray.sp1_valve"][...] += 0.25
    return shift.watch([LEVEL, STEAM, FEEDWATER, "L1/spray.sp1_flow"], 300.0)


def _other_line(bench: Bench) -> Outcome:
    free, held = _line_trip(bench, is_held=False), _line_trip(bench, is_held=True)
    figures = (
        about(
            "header, the steepest 20 s", min(free.slope(at, at + 20.0) for at in range(0, 160, 10)), -5.6, unit="kPa/s"
        ),
        above("lowest header with the turbine in pressure control", held.lowest()[1], -300.0, "kPa"),
    )
    return Outcome(figures, (Panel("kPa", {"turbine keeps its load": free, "turbine holds the pressure": held}),))


def _line_trip(bench: Bench, *, is_held: bool) -> Course:
    """Take the fire of line 1 off; return the change of the header pressure, kPa."""
    shift = bench.shift(settle_s=SETTLE_S)
    if not is_held:
        shift.off.add("inlet")
    shift.put("L1/firing.release", 0.0)
    return shift.watch([HEADER], 180.0, 0.5)[HEADER].changed(lambda value: (value - value[0]) / 1e3)


def _bypass(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    shift.hands = shift.hands | BYPASS
    pressure = shift.plant.signal_board["turbine.inlet_pressure"].copy()
    shift.set_points |= {"inlet": pressure, "bypass": pressure + BYPASS_OFFSET_PA}
    shift.turn("pa_fan.demand", 1.1)
    loaded = shift.watch([INLET, "C0/bypass.flow"], 900.0)
    shift.set_points["bypass"] = pressure + 0.5 * BYPASS_OFFSET_PA
    shift.off.add("inlet")
    shift.plant.input_board["turbine.load_setpoint"][...] *= 0.8
    unloaded = shift.watch([INLET, "C0/bypass.flow"], 600.0)
    highest = loaded[INLET].changed(lambda value: (value - pressure.item()) / 1e6)
    figures = (
        below("bypass while the turbine holds the pressure", loaded["C0/bypass.flow"].highest()[1], 1e-6, "kg/s"),
        below("pressure over the turbine's set-point, 10 % more air", highest.highest()[1], 0.2, "MPa"),
        above("bypass when the turbine takes less", unloaded["C0/bypass.flow"].value[-1], 5.0, "kg/s"),
        near(
            "pressure over the bypass set-point",
            (unloaded[INLET].value[-1] - float(shift.set_points["bypass"].item())) / 1e6, 0.0, 0.02, "MPa",
        ),
    )  # fmt: skip
    panels = (
        Panel("MPa over set-point", {"turbine in pressure control": highest}),
        Panel("kg/s", {"bypass, turbine keeps less load": unloaded["C0/bypass.flow"]}),
    )
    return Outcome(figures, panels)


CHECKS = (
    Check(
        key="interplay-steam-level",
        section=SECTION,
        title="Steam demand on the drum level",
        script="The bypass takes 10 % more steam; the turbine keeps its load, the feedwater flow is held.",
        run=_swell,
    ),
    Check(
        key="interplay-spray-feedwater",
        section=SECTION,
        title="Sprays leave upstream of the drum",
        script="SP1 is opened by 25 %. Once all feedwater, once only that through the economiser is held on the steam "
        "flow, both without the level.",
        run=_spray,
    ),
    Check(
        key="interplay-lines",
        section=SECTION,
        title="One line's trip on the common header",
        script="Fire of line 1 off: no feed, no primary air. The turbine keeps its load, or holds the pressure.",
        run=_other_line,
    ),
    Check(
        key="interplay-turbine-bypass",
        section=SECTION,
        title="Turbine and bypass do not fight",
        script="The turbine holds the pressure, the bypass hand 0.20 MPa more: primary air + 10 %. Then the turbine's "
        "load is set 20 % down and left.",
        run=_bypass,
    ),
)
