"""The property tables against IAPWS-IF97, and the library below them against the published check values."""

import numpy as np
from seuif97 import ph2t, ph2v, pt2h, pt2v, px2h, px2t, px2v  # MPa, °C, kJ/kg, m3/kg

from plc_sim.process import superheated, water
from plc_sim.process.expansion_tables import boiling_table
from wte.validation.bench import Bench
from wte.validation.check import Check, Outcome, below

SECTION = "Water and steam"
ZERO_C = 273.15
# IAPWS R7-97, tables 5 and 15: K, MPa, m3/kg, kJ/kg; table 36: MPa, K.
PUBLISHED = (
    (300.0, 3.0, 0.100215168e-2, 115.331273),
    (300.0, 80.0, 0.971180894e-3, 184.142828),
    (500.0, 3.0, 0.120241800e-2, 975.542239),
    (300.0, 0.0035, 39.4913866, 2549.91145),
    (700.0, 0.0035, 92.3015898, 3335.68375),
    (700.0, 30.0, 0.542946619e-2, 2631.49474),
)
BOILING = ((0.1, 372.755919), (1.0, 453.035632), (10.0, 584.149488))
PRINTED = 1e-8  # nine digits
SATURATION, SUPERHEATED = 1e-6, 1e-4
POINTS = 997  # prime: between the nodes of the tables


def _library(_: Bench) -> Outcome:
    worst = 0.0
    for k, mpa, v, h in PUBLISHED:
        found = pt2v(mpa, k - ZERO_C), pt2h(mpa, k - ZERO_C)
        worst = max(worst, abs(found[0] / v - 1.0), abs(found[1] / h - 1.0))
    boiling = max(abs((px2t(mpa, 0.0) + ZERO_C) / k - 1.0) for mpa, k in BOILING)
    return Outcome(
        (
            below("volume and enthalpy of water and steam, relative", worst, PRINTED),
            below("boiling temperature, relative", boiling, PRINTED),
        )
    )


def _saturation(_: Bench) -> Outcome:
    p = np.geomspace(1.1e3, 15.9e6, POINTS)
    table = water.saturation_table().at(p)
    mpa = p * 1e-6
    exact = {
        "h_s": [1e3 * px2h(x, 1.0) for x in mpa],
        "h_w": [1e3 * px2h(x, 0.0) for x in mpa],
        "rho_s": [1.0 / px2v(x, 1.0) for x in mpa],
        "rho_w": [1.0 / px2v(x, 0.0) for x in mpa],
        "t": [px2t(x, 0.0) + ZERO_C for x in mpa],
    }
    names = {
        "h_s": "enthalpy of steam",
        "h_w": "enthalpy of water",
        "rho_s": "density of steam",
        "rho_w": "density of water",
        "t": "temperature",
    }
    return Outcome(
        tuple(
            below(f"{names[key]}, relative", np.max(np.abs(getattr(table, key) / np.array(values) - 1.0)), SATURATION)
            for key, values in exact.items()
        )
    )


def _superheated(_: Bench) -> Outcome:
    random = np.random.default_rng(1)
    p, h = random.uniform(1e6, 8e6, POINTS), random.uniform(2.85e6, 3.6e6, POINTS)
    t, rho = (values[0] for values in water.steam_table().at(p[np.newaxis], h[np.newaxis]))
    at = list(zip(p * 1e-6, h * 1e-3, strict=True))
    exact_t = np.array([ph2t(*x) + ZERO_C for x in at])
    exact_rho = np.array([1.0 / ph2v(*x) for x in at])
    form = superheated.superheat_table().at(p)
    warm = form.t_s + random.uniform(5.0, 250.0, POINTS)
    cells = form.enthalpy(warm)
    exact_h = np.array([1e3 * pt2h(x, k - ZERO_C) for x, k in zip(p * 1e-6, warm, strict=True)])
    low = np.geomspace(1e3, 1.9e6, POINTS)
    boiling = boiling_table().at(low)
    exact_w = np.array([1e3 * px2h(x, 0.0) for x in low * 1e-6])
    return Outcome(
        (
            below("temperature of superheated steam, relative", np.max(np.abs(t / exact_t - 1.0)), SUPERHEATED),
            below("density, relative", np.max(np.abs(rho / exact_rho - 1.0)), SUPERHEATED),
            below("enthalpy in the superheaters' cells, relative", np.max(np.abs(cells / exact_h - 1.0)), SUPERHEATED),
            below("enthalpy of condensate, relative", np.max(np.abs(boiling.h_w / exact_w - 1.0)), SUPERHEATED),
        )
    )


CHECKS = (
    Check(
        key="water-library",
        section=SECTION,
        title="The library against the published check values",
        script="seuif97 at the points that IAPWS R7-97 prints for programs.",
        run=_library,
    ),
    Check(
        key="water-saturation",
        section=SECTION,
        title="Saturation table",
        script=f"{POINTS} pressures from 1.1 kPa to 15.9 MPa, between the table's nodes, against the library.",
        run=_saturation,
    ),
    Check(
        key="water-superheated",
        section=SECTION,
        title="Superheated steam and condensate",
        script=f"{POINTS} random states from 1 to 8 MPa and 2.85 to 3.6 MJ/kg, and condensate from 1 kPa to 1.9 MPa.",
        run=_superheated,
    ),
)
