"""How filter, reagents, reactor and ammonia act on each other and on the draught."""

import numpy as np

from controller.core.state import State
from plc_sim.process.flue_gas_design import NH3, NOX
from plc_sim.process.sncr import FurnaceGas, Sncr
from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, Panel, about, above, below, within
from wte.validation.course import Course
from wte.validation.interplay_fire import SECTION
from wte.validation.shift import Floats, Shift

DP, FURNACE, REACTOR = "L1/filter.dp", "L1/furnace.pressure", "L1/reactor.gas_out"
HCL = "L1/cems.hcl"
PULSE_S, BETWEEN_S = 2.0, 12.0
CLEAN_AT_PA = 1500.0
LONGEST_S = 7200.0
STEADY_S = 600.0
RATIO = 1.9
PER_T_H = -50.0 / 4.64  # K: 4.64 t/h of water cool the gas from 200 to 150 °C
NOX_KG_S, LIQUID_KG_S = 0.0168, 0.4  # of one line at full load
WORKABLE = range(780, 1161, 10)  # °C


def pulse_all(shift: Shift, names: list[str]) -> dict[str, Course]:
    """Clean all compartments one after the other and return the courses from the first pulse on for ten minutes."""
    began = shift.steps
    count = shift.plant.cleaning.design.compartments

    def pulse(at: Shift) -> None:
        number, since = divmod((at.steps - began) * at.dt, BETWEEN_S)
        for each in range(count):
            is_now = float(each == int(number) and since < PULSE_S)
            at.plant.input_board[f"filter.pulse_{each}"][...] = is_now

    shift.before_step = pulse
    return shift.watch(names, STEADY_S)


def loaded(bench: Bench) -> Shift:
    """Return a plant whose filter is due for cleaning."""
    shift = bench.shift()
    while shift.value(DP) < CLEAN_AT_PA and shift.time_s < LONGEST_S:
        shift.run(60.0)
    return shift


def _pulses(bench: Bench) -> Outcome:
    shift = loaded(bench)
    loaded_s = shift.time_s
    seen = pulse_all(shift, [DP, FURNACE])
    dp = seen[DP].changed(lambda value: value / 1e3)
    furnace = seen[FURNACE].changed(lambda value: value - value[0])
    figures = (
        within("cake rises to 1.5 kPa within", loaded_s / 60.0, 10.0, 105.0, "min"),
        about("filter falls by", dp.value[0] - dp.lowest()[1], 0.3, 0.4, "kPa"),
        about(CLEANED, dp.lowest()[0], 180.0, unit="s"),
        about("furnace moves by, fixed fan tuning", float(np.abs(furnace.value).max()), 10.0, 20.0, "Pa"),
    )
    return Outcome(figures, (Panel("kPa", {"filter": dp}), Panel("Pa", {"furnace": furnace})))


def _cake(bench: Bench) -> Outcome:
    hcl = pulse_all(loaded(bench), [HCL])[HCL].changed(lambda value: 1e6 * value)
    _, peak = hcl.highest()
    rise = peak - hcl.value[0]
    figures = (
        about("hydrogen chloride at the stack rises by", rise, 0.3, 1.0, "mg/Nm³"),
        about("and is more than half of it up for", _above_s(hcl, hcl.value[0] + 0.5 * rise), 300.0, unit="s"),
    )
    return Outcome(figures, (Panel("mg/Nm³", {"hydrogen chloride": hcl}),))


def _reserve(bench: Bench) -> Outcome:
    shift = bench.shift(settle_s=60.0)
    for name in ("reactor.slurry_valve", "dosing.lime_speed"):
        shift.plant.input_board[name][...] = 0.0
    hcl = shift.watch([HCL], 2.5 * 3600.0, 10.0)[HCL].changed(lambda value: 1e6 * value)
    figures = (
        about("hydrogen chloride above 10 mg/Nm³ after", hcl.reaches(10.0) / 60.0, 60.0, unit="min"),
        about("the reserve is gone: above 60 mg/Nm³ after", hcl.reaches(60.0) / 3600.0, 1.0, 2.0, "h"),
    )
    return Outcome(figures, (Panel("mg/Nm³", {"hydrogen chloride, analyser's range ends at 90": hcl}),))


def _above_s(course: Course, level: float) -> float:
    return float((course.value > level).sum()) * float(course.time_s[1] - course.time_s[0])


def _slurry(bench: Bench) -> Outcome:
    plain, decoupled = (_more_slurry(bench, is_decoupled=is_decoupled) for is_decoupled in (False, True))
    water = plain["L1/reactor.slurry_flow"].value
    more = 3.6 * float(water[-1] - water[0])
    warm, held = (seen[REACTOR].changed(lambda value: value - value[0]) for seen in (plain, decoupled))
    lime = 3.6 * (decoupled["L1/reactor.slurry_flow"].value[-1] - decoupled["L1/reactor.slurry_flow"].value[0])
    figures = (
        above("more slurry", more, 0.2, "t/h"),
        about("gas behind the reactor, dilution left alone, for each t/h", warm.value[-1] / more, PER_T_H, unit="K"),
        within("gas behind the reactor, total water held, for each t/h", held.value[-1] / lime, -2.0, 2.0, "K"),
    )
    return Outcome(figures, (Panel("K", {"dilution left alone": warm, "total water held": held}),))


def _more_slurry(bench: Bench, *, is_decoupled: bool) -> dict[str, Course]:
    shift = bench.shift(settle_s=120.0)
    shift.off.add("reactor")
    board, rates = shift.plant.input_board, shift.plant.cleaning
    slurry, dilution = (float(rates.full_rates[row, 0, 0]) for row in (3, 2))
    step = 0.5 * float(board["reactor.slurry_valve"][0, 0])
    board["reactor.slurry_valve"][...] += step
    if is_decoupled:
        water = float(1.0 - rates.lime_share[0, 0])
        board["reactor.dilution_valve"][...] -= step * slurry * water / dilution
    return shift.watch([REACTOR, "L1/reactor.slurry_flow", "L1/reactor.dilution_flow"], 300.0)


def _window(bench: Bench) -> Outcome:
    removal, slip = _sncr(bench)
    celsius = removal.time_s
    best = float(celsius[int(np.argmax(removal.value))])
    good = celsius[removal.value > 0.9 * removal.value.max()]
    cold = slip.at(820.0) / slip.at(850.0)
    figures = (
        within("best temperature", best, 900.0, 1000.0, "°C"),
        within("removal within a tenth of the best from", float(good[0]), 860.0, 940.0, "°C"),
        within("to", float(good[-1]), 960.0, 1040.0, "°C"),
        about("removal at 950 °C", removal.at(950.0), 71.0, unit="%"),
        below("removal at 1150 °C: ammonia burns to nitric oxide", removal.at(1150.0), 0.0, "%"),
        about("slip grows for 30 K less, at 850 °C, by a factor of", cold, 2.0),
    )
    return Outcome(figures)


def _sncr(bench: Bench) -> tuple[Course, Course]:
    """Return removal in % and slip in kg/s over the temperature in °C, at a fixed ratio and the first lance level."""
    design = bench.plant().cleaning.design
    lines = len(design.lines)

    def column(value: float) -> Floats:
        return np.full((lines, 1), value)

    removal: list[float] = []
    slip: list[float] = []
    ammonia = RATIO * NOX_KG_S / NOX * NH3
    for celsius in WORKABLE:
        sncr = Sncr.build(State(1), design)
        gas = FurnaceGas(*(column(celsius + 273.15),) * 3)
        lances = np.stack([column(1.0), column(0.0), column(0.0)])
        sncr.line_kg[...] = sncr.holdup_kg * (ammonia / LIQUID_KG_S)  # what the carrier line holds at rest
        out = sncr.step(
            nox=column(NOX_KG_S),
            furnace=gas,
            lances=lances,
            ammonia=column(ammonia),
            liquid=column(LIQUID_KG_S),
            dt=1.0,
        )
        removal.append(100.0 * (1.0 - float(out.nox[0, 0]) / NOX_KG_S))
        slip.append(float(out.nh3[0, 0]))
    celsius = np.array(WORKABLE, dtype=np.float64)
    return Course(celsius, np.array(removal)), Course(celsius, np.array(slip))


def _salts(bench: Bench) -> Outcome:
    seen = {name: _cold_filter(bench, ammonia=ammonia, reactor_c=reactor_c) for name, ammonia, reactor_c in COLD}
    rise = {name: course.value[-1] - course.value[0] for name, course in seen.items()}
    normal, cold = rise["normal slip, 150 °C"], rise["much slip, 150 °C"]
    both = rise["much slip, 135 °C"]
    figures = (
        above("filter rises in 2 h more with slip below 140 °C than in warm gas, by", 1e3 * (both - cold), 50.0, "Pa"),
        below("slip alone, in warm gas, adds of that", 100.0 * abs(cold - normal) / (both - cold), 20.0, "%"),
    )
    return Outcome(figures, (Panel("kPa", seen),))


def _cold_filter(bench: Bench, *, ammonia: float, reactor_c: float) -> Course:
    shift = bench.shift(settle_s=60.0)
    shift.set_points["reactor"] = np.full_like(shift.plant.signal_board["reactor.gas_out"], reactor_c + 273.15)
    shift.turn("sncr.ammonia_valve", ammonia)
    return shift.watch([DP], 7200.0, 10.0)[DP].changed(lambda value: value / 1e3)


CLEANED = "the filter falls for"
COLD = (("normal slip, 150 °C", 1.0, 150.0), ("much slip, 150 °C", 2.0, 150.0), ("much slip, 135 °C", 2.0, 135.0))
CHECKS = (
    Check(
        key="interplay-pulses-draught",
        section=SECTION,
        title="Pulse cleaning on the draught",
        script="When the filter has 1.5 kPa its compartments are pulsed one after the other, 12 s apart. The hand on "
        "the ID fan sees the furnace pressure only.",
        run=_pulses,
        causes={
            CLEANED: "Ten compartments 12 s apart, as the reference has both, are through after 108 s; 3 min would "
            "be 15 rows."
        },
    ),
    Check(
        key="interplay-sncr-temperature",
        section=SECTION,
        title="Temperature window of the SNCR",
        script=f"The injection alone, at a molar ratio of {RATIO}, with the gas brought to 780 … 1160 °C.",
        run=_window,
    ),
    Check(
        key="interplay-slip-filter",
        section=SECTION,
        title="Ammonia slip on the filter",
        script="Ammonia doubled, then the gas behind the reactor also brought to 135 °C; no cleaning for two hours.",
        run=_salts,
        is_long=True,
    ),
    Check(
        key="interplay-slurry-temperature",
        section=SECTION,
        title="Lime slurry on the reactor's temperature",
        script="Slurry + 50 % with the dilution water left alone, then with the total water held.",
        run=_slurry,
    ),
    Check(
        key="interplay-cake-hcl",
        section=SECTION,
        title="Filter cake on hydrogen chloride",
        script="The filter is cleaned at 1.5 kPa.",
        run=_cake,
    ),
    Check(
        key="interplay-cake-reserve",
        section=SECTION,
        title="Lime reserve of the filter cake",
        script="Lime slurry and dry lime stop.",
        run=_reserve,
    ),
)
