"""The steady turbine cycle against the plant's design balance and load cases."""

from dataclasses import replace

import numpy as np
import pytest
from CoolProp.CoolProp import PQ_INPUTS, AbstractState, HmassP_INPUTS, PSmass_INPUTS

from controller.core.errors import PlantError
from plc_sim.process.cycle import Balance, Cycle, balance
from plc_sim.process.expansion_tables import boiling_table, expansion
from plc_sim.process.shaft import terminal_power
from tests.unit.plc_sim.turbine_island_rig import T_H, boundary, make_cycle

TABLE_REL = 0.01
CASE_REL = 0.02
DROP_ATOL_J_KG = 60.0


@pytest.fixture(scope="module")
def cycle() -> Cycle:
    return make_cycle()


@pytest.fixture(scope="module")
def full(cycle: Cycle) -> Balance:
    return balance(cycle, boundary(), 225.6 * T_H)


@pytest.mark.parametrize(
    ("p_pa", "h_j_kg", "end_pa"),
    [
        (6.2e6, 3.283e6, 1.2e6),
        (1.2e6, 2.927e6, 0.4e6),
        (0.4e6, 2.74e6, 0.07e6),
        (0.07e6, 2.4985e6, 8e3),
        (4e6, 3e6, 1e4),
    ],
)
def test_expansion_tables_agree_with_the_steam_equations(p_pa: float, h_j_kg: float, end_pa: float) -> None:
    water = AbstractState("IF97", "Water")
    water.update(HmassP_INPUTS, h_j_kg, p_pa)
    entropy, pv, t = water.smass(), p_pa / water.rhomass(), water.T()
    water.update(PSmass_INPUTS, end_pa, entropy)
    found = expansion().state.at(np.log([[p_pa]]), np.array([[h_j_kg]]))[:, 0, 0]
    assert found == pytest.approx([entropy, pv, t], rel=3e-4)
    end = expansion().end(np.log([[end_pa]]), np.array([[entropy]])).item()
    assert end == pytest.approx(water.hmass(), abs=DROP_ATOL_J_KG)


def test_boiling_table_agrees_with_the_steam_equations() -> None:
    water = AbstractState("IF97", "Water")
    for p_pa in (1.3e3, 8.05e3, 0.07e6, 0.2702e6, 1.2e6):
        water.update(PQ_INPUTS, p_pa, 0.0)
        found = boiling_table().at(np.array([p_pa]))
        assert found.t.item() == pytest.approx(water.T(), abs=1e-3)
        assert found.h_w.item() == pytest.approx(water.hmass(), rel=1e-5)
        assert boiling_table().pressure(np.array([water.T()])).item() == pytest.approx(p_pa, rel=1e-5)


def test_design_point_gives_the_flows_of_the_heat_balance(full: Balance) -> None:
    assert full.turbine_kg_s * 3.6 == pytest.approx(223.5, rel=TABLE_REL)
    assert np.array(full.extraction) * 3.6 == pytest.approx([14.7, 13.9, 17.4], rel=TABLE_REL)
    assert full.exhaust_kg_s * 3.6 == pytest.approx(177.5, rel=TABLE_REL)
    assert full.condensate_kg_s * 3.6 == pytest.approx(199.3, rel=TABLE_REL)
    assert full.make_up_kg_s * 3.6 == pytest.approx(4.4, rel=TABLE_REL)


def test_design_point_gives_the_states_of_the_heat_balance(full: Balance) -> None:
    assert full.path.pressure[:, 0] == pytest.approx([6.1932e6, 1.2e6, 0.4e6, 0.07e6, 8.05e3], rel=TABLE_REL)
    printed = [3282.7e3, 2926.7e3, 2739.8e3, 2498.5e3, 2270.3e3]
    assert full.path.enthalpy[:, 0] == pytest.approx(printed, rel=1e-3)
    assert full.condensing_k - 273.15 == pytest.approx(41.6, abs=0.1)
    assert full.duty_w == pytest.approx(104.3e6, rel=TABLE_REL)


def test_design_point_gives_the_gross_power(cycle: Cycle, full: Balance) -> None:
    assert full.shaft_w == pytest.approx(57.26e6, rel=TABLE_REL)
    assert terminal_power(cycle, full.shaft_w) == pytest.approx(55.27e6, rel=TABLE_REL)


CASES = {  # t/h of steam a line, MW gross, t/h of extraction 1 and of drum steam that the air heaters need
    "MCR100": (112.8, 55.3, 14.7, 5.12),
    "OVL110": (123.9, 60.4, 15.9, 5.6),
    "RICH110": (124.8, 60.9, 13.0, 2.4),
    "TYPICAL": (93.7, 45.9, 13.9, 7.0),
    "WET": (85.6, 41.8, 15.0, 10.0),
    "MIN60": (74.7, 36.4, 11.4, 4.0),
    "PLASTIC": (112.8, 55.8, 10.0, 0.2),
}


@pytest.mark.parametrize("case", CASES)
def test_load_cases_give_their_gross_power(cycle: Cycle, case: str) -> None:
    steam, megawatt, air_heater, drum = CASES[case]
    found = balance(cycle, boundary(2.0 * steam, air_heater, drum), 2.0 * steam * T_H)
    assert terminal_power(cycle, found.shaft_w) == pytest.approx(megawatt * 1e6, rel=CASE_REL)


@pytest.mark.parametrize(("kilopascal", "megawatt"), [(8.0, 55.3), (12.0, 53.6), (18.0, 51.8), (25.0, 50.2)])
def test_power_falls_with_the_vacuum(cycle: Cycle, kilopascal: float, megawatt: float) -> None:
    low, high = 290.0, 330.0
    found = balance(cycle, boundary(), 225.6 * T_H)
    for _ in range(30):
        middle = 0.5 * (low + high)
        cooling = cycle.parameters.cooling.model_copy(update={"full_k": middle})
        warmer = replace(cycle, parameters=replace(cycle.parameters, cooling=cooling))
        found = balance(warmer, boundary(), 225.6 * T_H)
        low, high = (middle, high) if found.path.pressure[4, 0] < kilopascal * 1e3 else (low, middle)
    assert terminal_power(cycle, found.shaft_w) == pytest.approx(megawatt * 1e6, rel=TABLE_REL)


def test_deaerator_slides_with_a_weak_extraction(cycle: Cycle) -> None:
    weak = balance(cycle, boundary(149.4, 11.4, 4.0), 149.4 * T_H)
    assert weak.tank_pa < cycle.parameters.tank.pressure_pa
    assert weak.tank_pa < weak.path.pressure[2, 0]
    assert weak.auxiliary_kg_s == 0.0


def test_a_very_weak_extraction_calls_for_auxiliary_steam(cycle: Cycle) -> None:
    weak = balance(cycle, boundary(110.0, 5.0, 0.0), 110.0 * T_H)
    assert weak.tank_pa == pytest.approx(cycle.parameters.tank.auxiliary_pa)
    assert weak.auxiliary_kg_s > 0.5


def test_an_impossible_load_is_refused(cycle: Cycle) -> None:
    with pytest.raises(PlantError, match="no steady state at 10"):
        balance(cycle, boundary(225.6, 14.7, 5.12), 10.0 * T_H)
