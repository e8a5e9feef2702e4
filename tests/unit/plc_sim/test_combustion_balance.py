"""The seven load cases, the cold plant, and what stands in the tables of the design at full load."""

import numpy as np
import pytest

from controller.core.errors import PlantError
from plc_sim.process.combustion import NOISE
from plc_sim.process.combustion_parameters import BURNERS
from plc_sim.process.combustion_signals import LINE_INPUTS, LINE_SIGNALS
from plc_sim.process.combustion_start import Firing, steady
from plc_sim.process.furnace import Draught
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.waste import Waste
from tests.unit.plc_sim.combustion_numbers import PARAMETERS
from tests.unit.plc_sim.combustion_rig import Rig, boundary, each

FLOW_RTOL = 0.02
O2_ATOL = 0.002
T2S_ATOL_K = 20.0
BALANCE_RTOL = 0.005
TABLE_RTOL = 0.05
HOUR = 3600.0

# name: (LHV MJ/kg, t/d, O2 wet, primary air C, load of burners 1 and 2, air and gas kNm3/h, 2 s plane C)
CASES = {
    "mcr100": (10.5, 800.0, 0.065, 180.0, 0.0, 149.5, 176.3, 986.0),
    "ovl110": (10.5, 880.0, 0.063, 180.0, 0.0, 161.8, 191.2, 1010.0),
    "rich110": (11.55, 800.0, 0.063, 160.0, 0.0, 157.5, 183.1, 1017.0),
    "typical": (8.8, 800.0, 0.067, 200.0, 0.0, 134.6, 163.4, 929.0),
    "wet": (6.8, 880.0, 0.072, 220.0, 0.2, 140.5, 175.5, 875.0),
    "min60": (10.5, 480.0, 0.085, 180.0, 0.2, 117.0, 133.9, 873.0),
    "plastic": (13.0, 646.0, 0.065, 120.0, 0.0, 141.1, 160.4, 995.0),
}


def firing(case: str) -> Firing:
    lhv, throughput, oxygen, primary_c, load, *_ = CASES[case]
    burners = np.zeros((BURNERS, 2, 1))
    burners[:2] = load
    return Firing(each(throughput / 800.0), each(lhv * 1e6), each(oxygen), each(primary_c + 273.15), burners)


@pytest.mark.parametrize("case", CASES)
def test_load_case_follows_from_first_principles(case: str) -> None:
    rig = Rig.of()
    rig.inputs, fired = steady(rig.combustion, firing(case), rig.boundary)
    air, gas, plane_c = CASES[case][5:]
    total = rig.value("pa.flow") + rig.value("sa.flow") + rig.value("furnace.false_air")
    assert total * 3.6 == pytest.approx(air, rel=FLOW_RTOL)
    assert fired.gas.flow[0, 0] * 3.6 == pytest.approx(gas, rel=FLOW_RTOL)
    assert fired.gas.o2[0, 0] == pytest.approx(CASES[case][2], abs=O2_ATOL)
    assert rig.value("furnace.plane") - 273.15 == pytest.approx(plane_c, abs=T2S_ATOL_K)

    flame, heater = rig.combustion.flame, rig.combustion.air
    heat_in = fired.power[0, 0] + sum(rig.value(f"burner_{n + 1}.gas") for n in range(BURNERS)) * 35.8e6
    warm = heater.enthalpy(heater.temperature)[:, 0, 0]
    heat_in += rig.value("pa.flow") * warm[0] + (total - rig.value("pa.flow")) * warm[1]
    leaving = fired.gas.flow * GasHeat.of(fired.gas).enthalpy(fired.gas.temperature)
    heat_out = fired.evaporator_w[:, 0, 0].sum() + leaving[0, 0] + (fired.ash_kg_s * flame.ash_j_kg)[0, 0]
    heat_out += 0.0055 * fired.power[0, 0] + 875e3
    assert heat_out == pytest.approx(heat_in, rel=BALANCE_RTOL)


def test_steady_load_leaves_no_level_moving() -> None:
    rig = Rig.of()
    rig.inputs, _ = steady(rig.combustion, firing("min60"), rig.boundary)
    names = ("heater.level", "ash.water_level", "furnace.plane")
    before = [rig.value(name) for name in names]
    rig.run(HOUR, 3.0)
    assert [rig.value(name) for name in names] == pytest.approx(before, rel=0.03)


def test_full_load_meets_the_design_tables() -> None:
    rig = Rig.of()
    fired = rig.step(0.1)
    for name, expected in {
        "furnace.plane": 1259.15,
        "furnace.first_pass": 1163.15,
        "furnace.second_pass": 1036.15,
        "furnace.third_pass": 943.15,
        "furnace.roof": 1333.15,
    }.items():
        assert rig.value(name) == pytest.approx(expected, abs=1.0), name
    duties = fired.evaporator_w[:, 0, 0] / 1e6
    assert duties == pytest.approx([28.0, 7.8, 10.1, 7.3], rel=TABLE_RTOL)
    assert rig.value("heater.extraction") == pytest.approx(14.7 / 7.2, rel=0.1)
    assert rig.value("heater_steam.flow") == pytest.approx(0.711, rel=0.1)
    assert rig.value("grate.ash_flow") * 3.6 == pytest.approx(5.16, rel=TABLE_RTOL)
    assert rig.value("grate.fire_end") == pytest.approx(0.72, abs=0.005)
    assert rig.value("grate.bed_dp_2") == pytest.approx(1600.0, rel=TABLE_RTOL)
    gas = fired.gas
    dry = gas.flow * (1.0 - gas.h2o)
    reference = (dry * (0.209 - gas.o2 / (1.0 - gas.h2o)) / 0.099)[0, 0]
    assert reference * 3.6 == pytest.approx(193.3, rel=FLOW_RTOL)
    for field, mg in {"hcl": 680.0, "so2": 310.0, "nox": 320.0, "co": 10.0, "hf": 8.0, "dust": 3000.0}.items():
        assert getattr(gas, field)[0, 0] / reference * 1e6 == pytest.approx(mg, rel=TABLE_RTOL), field
    assert np.all(gas.nh3 == 0.0)


def test_full_load_stands_still() -> None:
    rig = Rig.of()
    course = rig.run(HOUR, 2.0)
    assert np.ptp(course.power) < 2e-3 * course.power[0]
    assert np.ptp(course.plane_k) < 1.0
    assert np.ptp(course.o2) < 5e-4


def test_hours_of_changing_waste_stays_in_bounds() -> None:
    rig = Rig.of()
    random = np.random.default_rng(3)
    powers: list[float] = []
    for number in range(3 * 3600 // 3):
        rig.noise[...] = random.standard_normal(rig.noise.shape)
        fired = rig.step(3.0)
        if number % 100 == 0:
            powers.append(fired.power[0, 0] / 97.2e6)
            assert np.all(np.isfinite(rig.combustion.signals))
            assert np.all(rig.combustion.bed.kg >= 0.0)
    assert 0.8 < np.mean(powers) < 1.15
    assert 0.01 < np.std(powers) < 0.15
    assert 0.4 < rig.value("chute.level") < 0.8


def test_cold_plant_is_a_valid_state_and_stays_cold() -> None:
    rig = Rig.of()
    ambient = each(283.15)
    rig.combustion.cool_down(ambient)
    rig.inputs[...] = 0.0
    rig.boundary = boundary(wall_k=283.15)
    still = Draught(each(0.0), each(0.0))
    with np.errstate(all="raise", under="ignore"):
        for _ in range(600):
            rig.step(0.1, still)
        fired = rig.step(0.1, still)
    assert np.all(np.isfinite(rig.combustion.signals))
    for name in ("furnace.plane", "furnace.third_pass", "furnace.roof", "pa.temperature", "grate.bar_3"):
        assert rig.value(name) == pytest.approx(283.15, abs=0.1), name
    assert fired.gas.flow[0, 0] == 0.0
    assert np.abs(fired.evaporator_w).max() < 1.0


def test_from_cold_to_full_load_by_moving_final_elements() -> None:
    rig = Rig.of()
    rig.combustion.cool_down(each(283.15))
    full = rig.inputs.copy()
    for name in ("feeder.speed", *(name for name in LINE_INPUTS if name.startswith("grate."))):
        rig.set(**{name: 0.0})
    rig.boundary = boundary(wall_k=400.0)
    rig.set(pa_fan__demand=0.2, sa_fan__demand=0.55)
    rig.run(600.0, 2.0)
    assert rig.value("furnace.plane") < 450.0
    for number in range(1, BURNERS + 1):
        rig.set(**{f"burner_{number}.{what}": 1.0 for what in ("valve", "load", "ignitor")})
        rig.set(**{f"burner_{number}.air": 0.3})
    rig.run(HOUR, 3.0)
    assert rig.value("furnace.plane") > 850.0 + 273.15
    rig.boundary = boundary()
    rig.scale("feeder.speed", 0.5)
    rig.scale("grate.speed", 0.5)
    rig.set(**dict.fromkeys(("crane.run", "hopper.gate", "hydraulics.pump_a"), 1.0))
    rig.set(pa_fan__demand=0.5)
    for number in range(1, BURNERS + 1):
        rig.set(**{f"burner_{number}.load": 0.3})
    rig.run(2.0 * HOUR, 4.0)
    assert rig.value("fire.power") == pytest.approx(0.5 * 96e6, rel=0.1)
    rig.inputs[...] = full
    rig.run(2.5 * HOUR, 5.0)
    assert rig.value("fire.power") == pytest.approx(95.9e6, rel=0.02)
    assert rig.value("furnace.plane") == pytest.approx(1259.15, abs=5.0)


def test_waste_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(PlantError, match="add up to 1"):
        Waste.of([PARAMETERS.waste.model_copy(update={"ash": 0.3})])


def test_names_are_unique_and_every_signal_is_written() -> None:
    assert len(set(LINE_SIGNALS)) == len(LINE_SIGNALS)
    assert len(set(LINE_INPUTS)) == len(LINE_INPUTS)
    assert len(NOISE) == 4
    rig = Rig.of()
    rig.combustion.signals[...] = np.nan
    rig.step(0.1)
    assert [name for name in LINE_SIGNALS if not np.isfinite(rig.value(name))] == []
