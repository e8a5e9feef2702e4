"""The acceptance numbers for dynamics: level trip, load rejection, draught, drum level and steam temperature."""

import numpy as np

from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, Panel, about, above, below, within
from wte.validation.interplay_fire import SETTLE_S
from wte.validation.interplay_steam import HEADER, LEVEL, mm, more_steam
from wte.validation.shift import Hand, Shift

SECTION = "Dynamics"
TRIP_M, TRIP_S = -0.25, 5.0
FURNACE, TEMPERATURE, STEAM = "L1/furnace.pressure", "L1/steam.temperature", "L1/steam.flow"
BYPASS_GAUGE_PA = 6.30e6
FAST_OPEN_S = 8.0
RAMP_PER_S = 0.05 / 60.0
LEAST_LOAD = 0.8
REST_S = 1200.0
SPRAYS = {
    "sp1": Hand("superheater.sh2_out", "spray.sp1_valve", -0.02, 60.0),
    "sp2": Hand("steam.temperature", "spray.sp2_valve", -0.02, 60.0),
}


def _no_feedwater(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    shift.plant.disturbances.valve_shut[0] = 1.0
    level = mm(shift.watch([LEVEL], 200.0, 0.2)[LEVEL])
    falling = [level.slope(at, at + 20.0) for at in (60.0, 80.0, 100.0, 120.0)]
    figures = (
        within("level rises first by", level.highest()[1], 5.0, 20.0, "mm"),
        about("and then falls by", float(np.mean(falling)), -2.6, -2.1, "mm/s"),
        within(TRIP, level.reaches(1e3 * TRIP_M) + TRIP_S, 140.0, 165.0, "s"),
    )
    return Outcome(figures, (Panel("mm", {"drum level": level}),))


def _rejection(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    plant, barometric = shift.plant, shift.plant.design.barometric_pa
    board, begin, start = plant.input_board, shift.steps, shift.value(HEADER)
    opened = float(plant.signal_board["steam.flow"].sum()) / (2.0 * plant.cycle.parameters.bypass.capacity_kg_s)
    shift.off.add("inlet")
    for side in ("a", "b"):
        shift.hands = shift.hands | {
            f"bypass_{side}": Hand("steam_header.pressure", f"bypass.valve_{side}", -1e-6, 90.0)
        }
        shift.off.add(f"bypass_{side}")
        board[f"bypass.valve_{side}"][...] = opened

    def guide(at: Shift) -> None:
        """Ramp the set-point from the pressure of the trip to its end in a minute, the hands on after 8 s."""
        since = (at.steps - begin) * at.dt
        share = min(since / 60.0, 1.0)
        aim = (1.0 - share) * start + share * (BYPASS_GAUGE_PA + barometric)
        for side in ("a", "b"):
            at.set_points[f"bypass_{side}"] = np.full((1, plant.state.batch), aim)
            if since >= FAST_OPEN_S:
                at.off.discard(f"bypass_{side}")
            flow = board[f"bypass.valve_{side}"]
            board[f"bypass.spray_{side}"][...] = np.minimum(flow, 1.0)

    shift.before_step = guide
    plant.island.shaft.lock_out[...] = 1.0
    names = [HEADER, "L1/steam.pressure", "C0/turbine.speed", "C0/bypass.flow", "C0/turbine.flow"]
    seen = shift.watch(names, 300.0, 0.5)
    header = seen[HEADER].changed(lambda value: (value - barometric) / 1e6)
    outlet = seen["L1/steam.pressure"].changed(lambda value: (value - barometric) / 1e6)
    figures = (
        below(PEAK, header.highest()[1], 6.40, "MPa(g)"),
        below("boiler outlet", outlet.highest()[1], 6.65, "MPa(g)"),
        below("turbine speed", 60.0 * seen["C0/turbine.speed"].highest()[1], 3300.0, "1/min"),
        below("steam to the turbine after 10 s", seen["C0/turbine.flow"].at(10.0), 0.1, "kg/s"),
    )
    panels = (
        Panel("MPa(g)", {"header": header, "boiler outlet": outlet}),
        Panel("kg/s", {"bypass": seen["C0/bypass.flow"]}),
    )
    return Outcome(figures, panels)


def _draught(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    shift.off.add("oxygen")
    for fan in ("pa_fan.demand", "sa_fan.demand"):
        shift.turn(fan, 1.1)
    furnace = shift.watch([FURNACE], 180.0, 0.5)[FURNACE].changed(lambda value: value - value[0])
    late = furnace.between(60.0, 180.0)
    figures = (
        within("furnace from its set-point after 60 s, least", late.lowest()[1], -30.0, 30.0, "Pa"),
        within("and greatest", late.highest()[1], -30.0, 30.0, "Pa"),
    )
    return Outcome(figures, (Panel("Pa from set-point", {"furnace": furnace}),))


def _level(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    more_steam(shift)
    level = mm(shift.watch([LEVEL], 900.0)[LEVEL])
    figures = (
        above("lowest level", level.lowest()[1], -60.0, "mm"),
        below("highest level", level.highest()[1], 60.0, "mm"),
        within("level after a quarter of an hour", level.value[-1], -20.0, 20.0, "mm"),
    )
    return Outcome(figures, (Panel("mm", {"drum level": level}),))


def _ramp(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=SETTLE_S)
    shift.hands = shift.hands | SPRAYS
    board, begin = shift.plant.input_board, shift.steps
    fired = ("feeder.speed", *(f"grate.speed_{group}" for group in range(1, 5)), "pa_fan.demand")
    full = {name: board[name].copy() for name in fired}
    down_s = (1.0 - LEAST_LOAD) / RAMP_PER_S

    def load(at: Shift) -> None:
        since = (at.steps - begin) * at.dt
        down, up = min(since / down_s, 1.0), min(max((since - down_s - REST_S) / down_s, 0.0), 1.0)
        for name, value in full.items():
            board[name][...] = value * (1.0 - (1.0 - LEAST_LOAD) * (down - up))

    shift.before_step = load
    seen = shift.watch([TEMPERATURE, STEAM], 2.0 * (down_s + REST_S), 2.0)
    kelvin = seen[TEMPERATURE].changed(lambda value: value - value[0])
    steam = seen[STEAM].changed(lambda value: 100.0 * value / value[0])
    figures = (
        within("steam at the lower load", steam.at(down_s + REST_S), 75.0, 90.0, "%"),
        above("steam temperature from its set-point, least", kelvin.lowest()[1], -8.0, "K"),
        below("and greatest", kelvin.highest()[1], 8.0, "K"),
    )
    return Outcome(figures, (Panel("K from set-point", {"steam temperature": kelvin}), Panel("%", {"steam": steam})))


TRIP, PEAK = "-250 mm and 5 s after", "header"
CHECKS = (
    Check(
        key="dynamics-feedwater-lost",
        section=SECTION,
        title="Feedwater valve of one line shuts",
        script="The valve of line 1 shuts and stays shut; pumps and turbine hold their pressures.",
        run=_no_feedwater,
        causes={
            TRIP: "The reference lets all 31.3 kg/s of steam leave the drum. 2.1 of the 30.9 kg/s at the boiler's "
            "outlet are spray water, which leaves the feedwater before the valve; with 0.75 kg/s to the air heater "
            "the drum gives 29.5 kg/s. The drum's equations alone fall to the trip in 166 s with that flow, in 160 s "
            "with 31.3 kg/s."
        },
    ),
    Check(
        key="dynamics-load-rejection",
        section=SECTION,
        title="Generator protection at full load",
        script="Generator lock-out. Both bypass valves open as far as the steam flow before needs, for 8 s; then "
        "hands hold the header on a set-point that goes from the pressure of the trip to 6.30 MPa(g) in a minute.",
        run=_rejection,
        causes={
            PEAK: "The turbine shuts in 0.2 s, the bypass opens in 2 s (both as in the reference): about 60 kg of "
            "steam are not taken. Superheaters and pipes hold 30 m³, 1.1e-4 kg/Pa, so the header rises at once until "
            "the drop of 0.95 MPa from the drum has shrunk enough; the reference counts the drums' storage alone, 6 "
            "kPa/s. With a bypass that opens in 0.5 s the peak is 6.29 MPa(g). It lasts 1.5 s, and the boiler outlet "
            "stays below its own bar."
        },
    ),
    Check(
        key="dynamics-draught",
        section=SECTION,
        title="Draught after 10 % more air",
        script="Both air fans + 10 % at once; the hand on the ID fan sees the furnace pressure only.",
        run=_draught,
    ),
    Check(
        key="dynamics-level",
        section=SECTION,
        title="Drum level after 10 % more steam",
        script="The bypass takes 10 % more steam; feedwater follows steam and level.",
        run=_level,
    ),
    Check(
        key="dynamics-load-ramp",
        section=SECTION,
        title="Steam temperature on a load ramp",
        script="Feed, grate and primary air go to 80 % at 5 %/min, rest, and come back; hands hold oxygen, steam "
        "temperatures (twice as firmly as elsewhere), level and pressure.",
        run=_ramp,
    ),
)
