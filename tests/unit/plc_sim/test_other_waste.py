"""A plant may begin with other waste on the grate, which the crane then brings from there on."""

import pytest

from controller.core.config import load
from plc_sim.simulator import Simulator
from wte.folders import shipped_plant

MINUTE = 600


def begun(initial: str) -> Simulator:
    sim = Simulator(load(shipped_plant()), initial=initial)
    for _ in range(MINUTE):
        sim.step()
    return sim


@pytest.mark.parametrize(
    ("initial", "lhv_mj_kg", "steam_t_h", "gas_c"),
    [("100% 8.8 MJ/kg", 8.8, 93.7, 929.0), ("110% 6.8 MJ/kg burners", 6.8, 85.6, 875.0)],
)
def test_a_plant_begins_with_other_waste(initial: str, lhv_mj_kg: float, steam_t_h: float, gas_c: float) -> None:
    sim = begun(initial)
    waste = sim.plant.combustion.chute.waste
    assert (waste.lhv(sim.state["waste.mean_moisture"]) / 1e6) == pytest.approx(lhv_mj_kg, abs=1e-6)
    assert sim.signal("L1/feeder.lhv")[0] / 1e6 == pytest.approx(lhv_mj_kg, rel=0.03)
    assert 3.6 * sim.signal("L1/steam.flow")[0] == pytest.approx(steam_t_h, rel=0.07)
    assert sim.signal("L1/furnace.thermocouple_b")[0] - 273.15 == pytest.approx(gas_c, abs=40.0)


def test_burners_burn_from_the_start_where_the_name_says_so() -> None:
    sim = begun("80% 8.0 MJ/kg burners")
    assert sim.signal("L1/burner_1.gas")[0] > 0.0
