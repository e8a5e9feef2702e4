"""Laws of the convection pass: nothing is lost, a plant in a batch is the plant alone, steam is that of IF97."""

import numpy as np
import numpy.typing as npt
import pytest
from CoolProp.CoolProp import PT_INPUTS, AbstractState
from hypothesis import given
from hypothesis import strategies as st

from controller.core.state import State
from plc_sim.process.convection import VAPOUR_J_KG, VAPOUR_KG_NM3, Boundary, Convection
from plc_sim.process.convection_start import fit, full_gas
from plc_sim.process.gas import Gas
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.superheated import superheat_table
from tests.unit.plc_sim.convection_numbers import LINES, OPEN, PARAMETERS, boundary

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

Floats = npt.NDArray[np.float64]

CONSERVED_RTOL = 1e-6  # of the heat that the gas gave in the time
DESIGN = fit(LINES, [PARAMETERS, PARAMETERS], boundary())
FULL = full_gas([PARAMETERS, PARAMETERS])
DT = 0.1
DT_LONG = 1.0


def test_mass_and_energy_are_conserved_over_five_minutes_of_everything() -> None:
    state = State(batch=1)
    model = Convection.build(state, DESIGN)
    model.leaks.bundle[...] = 1.0
    model.leaks.superheater[...] = 0.5
    side = boundary()
    taken = stored = 0.0
    given_w = 0.0
    lost = np.zeros((2, 1))
    for number in range(3000):
        gas = FULL._replace(
            flow=FULL.flow * (1.0 + 0.3 * np.sin(number / 300.0)), temperature=FULL.temperature + number % 500 / 10.0
        )
        feed = side.feedwater_kg_s * (number < 500)
        before = model.metal.copy()
        out = model.step(gas, side._replace(feedwater_kg_s=feed), OPEN, FULL.flow * 0.0 + number // 250, DT)
        entering = gas.flow * GasHeat.of(gas).enthalpy(gas.temperature)
        leaving = out.gas.flow * GasHeat.of(out.gas).enthalpy(out.gas.temperature)
        mixed = (out.gas.flow - gas.flow) * VAPOUR_KG_NM3
        into_gas = out.drum_leak_kg_s * side.drum_water_j_kg - mixed * VAPOUR_J_KG
        lost = mixed - out.drum_leak_kg_s - out.blower_kg_s
        sh3_in = (
            superheat_table().at(side.drum_pa - 2.0 / 3.0 * (side.drum_pa - side.outlet_pa)).enthalpy(out.steam_k[3])
        )
        into_gas = into_gas + lost * sh3_in + out.blower_kg_s * out.steam_j_kg
        steam = out.steam_kg_s * out.steam_j_kg + lost * sh3_in - side.steam_kg_s * side.drum_steam_j_kg
        water = (
            feed * (out.water_j_kg - side.feedwater_j_kg)
            - (out.spray_kg_s[0] + out.spray_kg_s[1]) * side.feedwater_j_kg
        )
        taken += DT * float((steam + water + out.evaporator_w)[0, 0])
        given_w += DT * float((entering + into_gas - leaving)[0, 0])
        stored += float(((model.metal - before) * DESIGN.capacity_j_k)[:, 0, 0].sum())
        total = side.steam_kg_s + out.spray_kg_s[0] + out.spray_kg_s[1]
        assert float((total - out.steam_kg_s - lost)[0, 0]) == pytest.approx(0.0, abs=1e-9)
    assert lost[0, 0] == pytest.approx(0.5, rel=1e-3)
    assert taken + stored == pytest.approx(given_w, rel=2e-5)  # the leak's enthalpy is known within 0.04 K only


def test_energy_is_conserved_to_a_millionth_over_an_hour_of_swings() -> None:
    model = Convection.build(State(batch=1), DESIGN)
    side = boundary()
    taken = given_w = 0.0
    before = model.metal.copy()
    for number in range(3_600):
        gas = FULL._replace(flow=FULL.flow * (1.0 + 0.2 * np.sin(number / 200.0)))
        feed = side.feedwater_kg_s * (1.0 + 0.5 * np.sin(number / 360.0))
        out = model.step(gas, side._replace(feedwater_kg_s=feed), OPEN, FULL.flow * 0.0, DT_LONG)
        heat = GasHeat.of(out.gas)
        given = out.gas.flow * (heat.enthalpy(gas.temperature) - heat.enthalpy(out.gas.temperature))
        steam = out.steam_kg_s * out.steam_j_kg - side.steam_kg_s * side.drum_steam_j_kg
        water = (
            feed * (out.water_j_kg - side.feedwater_j_kg)
            - (out.spray_kg_s[0] + out.spray_kg_s[1]) * side.feedwater_j_kg
        )
        given_w += DT_LONG * float(given[0, 0])
        taken += DT_LONG * float((steam + water + out.evaporator_w)[0, 0])
    stored = float(((model.metal - before) * DESIGN.capacity_j_k)[:, 0, 0].sum())
    assert taken + stored == pytest.approx(given_w, rel=CONSERVED_RTOL)


def test_each_column_of_a_batch_is_the_plant_alone_bit_by_bit() -> None:
    batch = 64
    random = np.random.default_rng(3)
    factors = random.uniform(0.3, 1.2, (3, 2, batch))
    model = Convection.build(State(batch=batch), DESIGN)
    ones = np.ones((2, batch))

    def advance(one: Convection, columns: slice) -> list[Floats]:
        part = factors[:, :, columns]
        gas = Gas(*(value * ones[:, columns] for value in FULL))
        side = Boundary(*(value * ones[:, columns] for value in boundary()))
        out = one.step(gas, side, OPEN * ones[:, columns], 0.0 * ones[:, columns], DT)
        for number in range(40):
            out = one.step(
                gas._replace(flow=gas.flow * part[0]),
                side._replace(steam_kg_s=side.steam_kg_s * part[1], feedwater_kg_s=side.feedwater_kg_s * part[2]),
                OPEN * part[0] * ones[:, columns],
                ones[:, columns] * (number // 10),
                DT,
            )
        return [one.metal, one.fouling.section, out.tube_k, out.steam_k, out.gas_k, out.water_j_kg, out.evaporator_w]

    together = advance(model, slice(0, batch))
    for column in (0, 1, 31, 63):
        alone = advance(Convection.build(State(batch=1), DESIGN), slice(column, column + 1))
        for many, one in zip(together, alone, strict=True):
            assert np.array_equal(many[..., column : column + 1], one)


@given(p_pa=st.floats(0.2e6, 9e6), over_k=st.floats(3.0, 280.0))
def test_the_closed_form_of_superheated_steam_is_if97_within_0_2_k_both_ways(p_pa: float, over_k: float) -> None:
    form = superheat_table().at(np.array([[p_pa]]))
    t_k = float(form.t_s[0, 0]) + over_k
    state = AbstractState("IF97", "Water")
    state.update(PT_INPUTS, p_pa, t_k)
    h_j_kg = form.enthalpy(np.array([[t_k]]))
    assert abs(float(h_j_kg[0, 0]) - state.hmass()) < 0.2 * state.cpmass()
    assert float(form.temperature(h_j_kg)[0, 0]) == pytest.approx(t_k, abs=0.05)


@given(t_k=st.floats(250.0, 1300.0), h2o=st.floats(0.0, 0.4), o2=st.floats(0.0, 0.2))
def test_the_gas_temperature_is_the_inverse_of_its_enthalpy(t_k: float, h2o: float, o2: float) -> None:
    value = np.ones((1, 1))
    gas = Gas(*(value * 0.0 for _ in Gas._fields))._replace(h2o=value * h2o, o2=value * o2, co2=value * 0.1)
    heat = GasHeat.of(gas)
    assert float(heat.temperature(heat.enthalpy(value * t_k))[0, 0]) == pytest.approx(t_k, abs=1e-5)


@given(
    gas_share=st.floats(0.0, 1.3),
    steam_share=st.floats(0.0, 1.3),
    water_share=st.floats(0.0, 1.3),
    opening=st.floats(0.0, 1.0),
    t_k=st.floats(283.0, 1300.0),
)
def test_no_input_makes_anything_infinite_or_hotter_than_the_gas(
    gas_share: float, steam_share: float, water_share: float, opening: float, t_k: float
) -> None:
    model = Convection.build(State(batch=1), DESIGN)
    side = boundary()
    side = side._replace(steam_kg_s=side.steam_kg_s * steam_share, feedwater_kg_s=side.feedwater_kg_s * water_share)
    gas = FULL._replace(flow=FULL.flow * gas_share, temperature=FULL.temperature * 0.0 + t_k)
    hottest = max(float(model.metal.max()), t_k)
    for _ in range(30):
        out = model.step(gas, side, np.full_like(OPEN, opening), FULL.flow * 0.0, DT)
        for value in (*out.gas, out.gas_k, out.steam_k, out.tube_k, out.evaporator_w, out.water_k):
            assert np.isfinite(value).all()
    assert model.metal.max() <= hottest + 1e-6
