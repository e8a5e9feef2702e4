"""The drum against its reference responses, and what it keeps of mass and energy."""

from collections.abc import Callable

import numpy as np

from plc_sim.process.drum import Drum, Flows, Geometry
from plc_sim.process.water import liquid_enthalpy, saturation_table
from wte.validation.bench import Bench
from wte.validation.check import Check, Figure, Outcome, Panel, below, near, within
from wte.validation.course import Course, Recorder
from wte.validation.shift import Floats

SECTION = "Drum"
DT = 0.1
# The 160 MW unit P16-G16 of Astrom and Bell; the printed steady figures, and step responses of an independent run of
# their equations with IAPWS-IF97: t s: level change mm and pressure MPa, printed with 0.1 mm and 100 Pa.
P16_G16 = {
    "v_d": 40.0, "v_r": 37.0, "v_dc": 11.0, "a_d": 20.0, "a_dc": 0.38115, "m_t": 300e3, "m_r": 160e3, "m_d": 140e3,
    "c_p": 550.0, "k": 25.0, "beta": 0.3, "t_d": 12.0, "v0_sd": 7.6627,
}  # fmt: skip
AMBIENT_PA = 101_325.0
FEEDWATER_J_KG, STEAM_KG_S, WATER_M3, PRESSURE_PA = 1.0469e6, 50.0, 57.1, 8.5e6
TIMES_S = (1, 5, 10, 20, 50, 100, 200)
STEPS = {
    "10 MW more heat": (
        {"heat": 10e6},
        (1.3, 2.5, -0.5, -8.2, -15.2, -11.8, -2.2),
        (8.5030, 8.5149, 8.5298, 8.5598, 8.6506, 8.8047, 9.1244),
    ),
    "10 kg/s more steam": (
        {"steam": 10.0},
        (9.3, 34.5, 48.9, 54.1, 33.9, -6.1, -83.3),
        (8.4955, 8.4776, 8.4551, 8.4102, 8.2751, 8.0489, 7.5936),
    ),
    "10 kg/s more feedwater": (
        {"feedwater": 10.0},
        (-0.1, -0.6, -0.6, 1.7, 19.6, 55.9, 129.1),
        (8.4994, 8.4971, 8.4941, 8.4882, 8.4706, 8.4413, 8.3826),
    ),
}
LEVEL_MM, PRESSURE_MPA = 0.06, 6e-5  # half of the last printed digit
# A line of the plant at 7.2 MPa(a), 31.34 kg/s, feedwater 210 °C: smallest and largest of the reference's variants.
LINE_STEPS = {
    "10 % more steam": (
        {"steam": 3.134},
        {5: (10, 12), 10: (15, 18), 20: (17, 21), 60: (6, 11), 100: (-4, 2), 200: (-27, -20)},
    ),
    "feedwater lost": (
        {"feedwater": -31.34},
        {10: (8, 14), 60: (-56, -46), 100: (-139, -129), 120: (-182, -172), 150: (-247, -236)},
    ),
}
VARIANTS_MM = 1.0
HOUR_STEPS = 18_000
HOUR_DT = 0.2
KEPT = 1e-6


def _unit() -> Drum:
    sizes = {name: np.full((1, 1), value) for name, value in P16_G16.items()}
    return Drum(Geometry(**sizes), saturation_table(), AMBIENT_PA)


def _at_rest(drum: Drum) -> tuple[Floats, Flows]:
    one = np.ones((1, 1))
    heat = STEAM_KG_S * (drum.water.at(PRESSURE_PA * one).h_s - FEEDWATER_J_KG)
    flows = Flows(heat, STEAM_KG_S * one, FEEDWATER_J_KG * one, STEAM_KG_S * one, 0.0 * one)
    state = drum.steady(PRESSURE_PA * one, flows)
    state[0] = WATER_M3
    return state, flows


def _follow(drum: Drum, state: Floats, flows: Flows, change: dict[str, float], seconds: int) -> dict[str, Course]:
    """Return level change in mm and pressure in MPa after a step of some flows, once a second."""
    rest = drum.level(state, drum.inside(state))[0, 0]
    after = flows._replace(**{name: getattr(flows, name) + more for name, more in change.items()})
    recorder = Recorder(["level", "pressure"])
    for step in range(seconds * 10 + 1):
        inside = drum.inside(state)
        if step % 10 == 0:
            recorder.note(step * DT, np.array([1e3 * (drum.level(state, inside)[0, 0] - rest), state[1, 0, 0] / 1e6]))
        drum.step(state, inside, after, DT)
    return recorder.courses()


def _steady(_: Bench) -> Outcome:
    drum = _unit()
    state, flows = _at_rest(drum)
    figures = (
        near("heat", flows.heat.item() / 1e6, 85.203, 0.001, "MW"),
        near("steam share at the riser outlet", state[2].item(), 0.050687, 5e-6),
        near("volume of bubbles", state[3].item(), 4.9220, 5e-4, "m³"),
        near("circulation", drum.circulation(state[1], state[2]).item(), 1191.96, 0.02, "kg/s"),
    )
    return Outcome(figures)


def _responses(_: Bench) -> Outcome:
    figures: list[Figure] = []
    panels: list[Panel] = []
    for name, (change, levels, pressures) in STEPS.items():
        drum = _unit()
        state, flows = _at_rest(drum)
        seen = _follow(drum, state, flows, change, max(TIMES_S))
        for at, mm, mpa in zip(TIMES_S, levels, pressures, strict=True):
            figures.append(near(f"{name}: level after {at} s", seen["level"].at(at), mm, LEVEL_MM, "mm"))
            figures.append(near(f"{name}: pressure after {at} s", seen["pressure"].at(at), mpa, PRESSURE_MPA, "MPa"))
        reference = Course(np.array(TIMES_S, dtype=np.float64), np.array(levels))
        panels.append(Panel("mm", {name: seen["level"], "reference": reference}))
    return Outcome(tuple(figures), tuple(panels))


def _line(name: str) -> Callable[[Bench], Outcome]:
    change, reference = LINE_STEPS[name]

    def run(bench: Bench) -> Outcome:
        drum = bench.plant().design.drum
        lines = drum.geometry.a_dc.shape[0]
        p, flow, none = (np.full((lines, 1), value) for value in (7.2e6, 31.34, 0.0))
        h_f = liquid_enthalpy().at(np.full((lines, 1), 483.15))
        flows = Flows(flow * (drum.water.at(p).h_s - h_f), flow, h_f, flow, none)
        seen = _follow(drum, drum.steady(p, flows), flows, change, max(reference))
        figures = tuple(
            within(f"level after {at} s", seen["level"].at(at), low - VARIANTS_MM, high + VARIANTS_MM, "mm")
            for at, (low, high) in reference.items()
        )
        return Outcome(figures, (Panel("mm", {name: seen["level"]}),))

    return run


def _kept(bench: Bench) -> Outcome:
    """Swing heat and feedwater of a drum for an hour and compare its contents with what crossed its boundary."""
    drum = bench.plant().design.drum
    lines = drum.geometry.a_dc.shape[0]
    p = np.full((lines, 1), 7.2e6)
    s = drum.water.at(p)
    steam, blowdown, feed_j_kg = np.full_like(p, 32.0), np.full_like(p, 0.3), np.full_like(p, 0.9e6)
    feed = steam + blowdown
    rest = Flows(steam * s.h_s + blowdown * s.h_w - feed * feed_j_kg, feed, feed_j_kg, steam, blowdown)
    state = drum.steady(p, rest)
    mass, energy = drum.contents(state)
    first = mass.copy(), energy.copy()

    def leaving(pressure: Floats) -> Floats:
        at = drum.water.at(pressure)
        return rest.steam * at.h_s + rest.blowdown * at.h_w

    for step in range(HOUR_STEPS):
        swing = np.sin(2.0 * np.pi * step * HOUR_DT / 180.0)
        flows = rest._replace(heat=rest.heat * (1.0 + 0.03 * swing), feedwater=rest.feedwater * (1.0 - 0.02 * swing))
        before = leaving(state[1])
        drum.step(state, drum.inside(state), flows, HOUR_DT)
        mass += HOUR_DT * (flows.feedwater - flows.steam - flows.blowdown)
        entering = flows.heat + flows.feedwater * flows.feedwater_j_kg
        energy += HOUR_DT * (entering - 0.5 * (before + leaving(state[1])))
    held = drum.contents(state)
    lost = [float(np.max(np.abs((a - b) / c))) for a, b, c in zip(held, (mass, energy), first, strict=True)]
    return Outcome((below("mass lost, share of the contents", lost[0], KEPT), below("energy lost", lost[1], KEPT)))


CHECKS = (
    Check(
        key="drum-steady",
        section=SECTION,
        title="P16-G16 at rest",
        script="The drum's equations with the sizes of the 160 MW unit of Åström and Bell, at 8.5 MPa and 50 kg/s.",
        run=_steady,
    ),
    Check(
        key="drum-responses",
        section=SECTION,
        title="P16-G16 after a step",
        script="Heat, steam or feedwater is changed at once and held.",
        run=_responses,
    ),
    *(
        Check(
            key=f"drum-line-{name.split()[-1]}",
            section=SECTION,
            title=f"Drum of a line: {name}",
            script=f"The drum alone at 7.2 MPa(a), 31.34 kg/s and feedwater of 210 °C, all other flows held. "
            f"Accepted is the span of the reference's variants of volumes and metal, and {VARIANTS_MM:g} mm.",
            run=_line(name),
        )
        for name in LINE_STEPS
    ),
    Check(
        key="drum-kept",
        section=SECTION,
        title="Mass and energy over an hour",
        script="Heat swings by 3 %, feedwater by 2 % with a period of 3 min for an hour.",
        run=_kept,
    ),
)
