"""Accuracy of the property tables against IAPWS-IF97."""

import numpy as np
import pytest
from CoolProp.CoolProp import PQ_INPUTS, PT_INPUTS, AbstractState, HmassP_INPUTS

from plc_sim.process import water

SATURATION_RTOL = 2e-8
T_ATOL_K = 0.01
DENSITY_RTOL = 1e-4


@pytest.fixture(scope="module")
def if97() -> AbstractState:
    return AbstractState("IF97", "Water")


def test_the_library_below_reproduces_the_published_verification_values(if97: AbstractState) -> None:
    # IAPWS R7-97, tables 5, 15 and 35: K, MPa, m3/kg, kJ/kg.
    for t, p, v, h in (
        (300.0, 3.0, 0.100215168e-2, 115.331273),
        (500.0, 3.0, 0.120241800e-2, 975.542239),
        (300.0, 0.0035, 39.4913866, 2549.91145),
        (700.0, 30.0, 0.542946619e-2, 2631.49474),
    ):
        if97.update(PT_INPUTS, p * 1e6, t)
        assert 1.0 / if97.rhomass() == pytest.approx(v, rel=1e-8)
        assert if97.hmass() == pytest.approx(h * 1e3, rel=1e-8)


def test_saturation_temperature_agrees_with_the_published_values() -> None:
    p = np.array([[1e6, 10e6]])
    assert water.saturation_table().at(p).t[0] == pytest.approx([453.035632, 584.149488], abs=1e-5)


def test_saturation_follows_if97_over_the_whole_table(if97: AbstractState) -> None:
    p = np.geomspace(1.001e3, 15.9e6, 997)
    table = water.saturation_table().at(p)
    for quality, names in ((1.0, ("h_s", "rho_s")), (0.0, ("h_w", "rho_w"))):
        exact = []
        for pa in p:
            if97.update(PQ_INPUTS, float(pa), quality)
            exact.append((if97.hmass(), if97.rhomass()))
        for name, expected in zip(names, np.array(exact).T, strict=True):
            assert getattr(table, name) == pytest.approx(expected, rel=SATURATION_RTOL)


def test_derivatives_are_those_of_the_table_itself() -> None:
    # Mass and energy balance close only when value and derivative belong together.
    table = water.saturation_table()
    p = np.geomspace(1.1e3, 15e6, 211)
    nudge = 1e-5 * p
    above, below, at = table.at(p + nudge), table.at(p - nudge), table.at(p)
    for name in ("h_s", "h_w", "rho_s", "rho_w", "t"):
        slope = (getattr(above, name) - getattr(below, name)) / (2.0 * nudge)
        assert getattr(at, f"d_{name}") == pytest.approx(slope, rel=1e-4, abs=1e-12)


def test_outside_the_table_the_edge_holds() -> None:
    table = water.saturation_table()
    low, high = table.at(np.array([[1e2, 1e3, 16e6, 20e6]])).t[0].reshape(2, 2)
    assert low[0] == pytest.approx(low[1], rel=1e-12)
    assert high[0] == pytest.approx(high[1], rel=1e-12)


def test_steam_temperature_and_density_follow_if97(if97: AbstractState) -> None:
    random = np.random.default_rng(1)
    p, h = random.uniform(1e6, 8e6, 300), random.uniform(2.85e6, 3.6e6, 300)
    t, rho = (values[0] for values in water.steam_table().at(p[np.newaxis], h[np.newaxis]))
    for i in range(p.size):
        if97.update(HmassP_INPUTS, float(h[i]), float(p[i]))
        assert t[i] == pytest.approx(if97.T(), abs=T_ATOL_K)
        assert rho[i] == pytest.approx(if97.rhomass(), rel=DENSITY_RTOL)


def test_liquid_temperature_is_the_inverse_of_liquid_enthalpy() -> None:
    t = np.linspace(290.0, 560.0, 55)
    assert water.liquid_temperature().at(water.liquid_enthalpy().at(t)) == pytest.approx(t, abs=T_ATOL_K)


def test_boiling_pressure_is_the_inverse_of_the_boiling_temperature() -> None:
    table = water.saturation_table()
    t = np.linspace(281.0, 610.0, 60)
    assert table.at(table.pressure(t)).t == pytest.approx(t, abs=1e-6)
