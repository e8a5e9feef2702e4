"""The analysers of the stacks: response, dead time, ranges, calibration, standby unit; and the stores of reagents."""

import pytest

from plc_sim.process.cems import CALIBRATION, FAULT, OK, STANDBY
from plc_sim.process.flue_gas_parameters import ANALYSERS
from tests.unit.plc_sim.flue_gas_rig import Rig

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

SLOW_DT_S = 0.5


# --- analysers ---


def _response(rig: Rig, name: str, change: float) -> tuple[float, float]:
    """Return the seconds to 63 % and 90 % of a step of the gas in the stack, transport taken off."""
    start = rig.value(f"cems.{name}")
    end = start * change
    at: dict[float, float] = {}
    for step in range(6000):
        rig.step()
        share = (rig.value(f"cems.{name}") - start) / (end - start)
        for mark in (0.632, 0.9):
            if share >= mark:
                at.setdefault(mark, (step + 1) * 0.1 - 14.0)
        if len(at) == 2:
            break
    return at[0.632], at[0.9]


@pytest.mark.parametrize(("name", "tau63_s"), [("co", 60.0), ("toc", 40.0)])
def test_analyser_responds_in_its_time(name: str, tau63_s: float) -> None:
    rig = Rig()
    rig.gas = rig.gas._replace(**{name: 2.0 * getattr(rig.gas, name)})
    tau63, t90 = _response(rig, name, 2.0)
    assert tau63 == pytest.approx(tau63_s, rel=0.05)
    dead_s = rig.cleaning.cems.dead_s[ANALYSERS.index(name), 0, 0]
    # two equal lags: 90 % after 3.890, 63.2 % after 2.146 of one
    assert t90 - dead_s == pytest.approx((tau63_s - dead_s) * 3.890 / 2.146, rel=0.07)


def test_nothing_shows_before_transport_and_sampling_line() -> None:
    rig = Rig()
    before = rig.value("cems.co")
    rig.gas = rig.gas._replace(co=rig.gas.co * 50.0)
    rig.run(41.0)
    assert rig.value("cems.co") == pytest.approx(before, rel=0.02)
    rig.run(60.0)
    assert rig.value("cems.co_range") == 1.0
    assert rig.value("cems.co") > 75e-6


def test_half_the_gas_needs_twice_the_time_to_the_stack() -> None:
    rig = Rig()
    rig.gas = rig.gas._replace(flow=rig.gas.flow * 0.5)
    rig.run(300.0, SLOW_DT_S)
    rig.gas = rig.gas._replace(co=rig.gas.co * 50.0)
    before = rig.value("cems.co")
    delay_s = 14.0 * 53.2 / rig.value("stack.flow") + 30.0
    assert delay_s > 52.0
    rig.run(0.95 * delay_s)
    assert rig.value("cems.co") == pytest.approx(before, rel=0.02)
    rig.run(0.2 * delay_s)
    assert rig.value("cems.co") > 1.1 * before


def test_calibration_holds_the_readings_and_takes_the_drift_away() -> None:
    rig = Rig()
    rig.cleaning.cems.drift_added[0] = 1e-3
    rig.run(100.0)
    drifted = rig.value("cems.hcl")
    assert drifted == pytest.approx(4.447e-6 + 0.1 * 9e-6, rel=0.03)
    rig.cleaning.cems.drift_added[...] = 0.0
    assert rig.value("cems.hcl_qal") == 0.0
    rig.set({"cems.calibrate": 1.0})
    rig.step()
    assert rig.value("cems.hcl_qal") == 2.0  # 10 % found, 3 % allowed
    assert rig.value("cems.status") == CALIBRATION
    rig.gas = rig.gas._replace(hcl=rig.gas.hcl * 2.0)
    rig.run(1490.0, 5.0)
    assert rig.value("cems.status") == CALIBRATION
    assert rig.value("cems.hcl") == pytest.approx(drifted, rel=1e-3)
    rig.run(15.0)
    assert rig.value("cems.status") == OK
    assert rig.value("cems.hcl") > 1.5 * 4.447e-6


def test_zero_cycle_comes_every_day() -> None:
    rig = Rig()
    rig.cleaning.cems.due_s[0] = 5.0
    rig.run(4.0)
    assert rig.value("cems.status") == OK
    rig.run(2.0)
    assert rig.value("cems.status") == CALIBRATION
    rig.run(600.0, SLOW_DT_S)
    assert rig.value("cems.status") == OK
    assert rig.cleaning.cems.due_s[0, 0, 0] == pytest.approx(86_400.0 - 601.0, abs=3.0)


def test_cycle_in_an_upset_holds_the_readings_of_its_line_only() -> None:
    rig = Rig()
    rig.gas = rig.gas._replace(hcl=rig.gas.hcl * 5.0)
    rig.cleaning.cems.forced[0] = 1.0
    before = rig.value("cems.hcl")
    rig.run(600.0, SLOW_DT_S)
    assert rig.value("cems.status") == CALIBRATION
    assert rig.value("cems.hcl") == pytest.approx(before, rel=1e-3)
    assert rig.value("cems.status", line=1) == OK
    assert rig.value("cems.hcl", line=1) > 2.0 * before


def test_standby_unit_takes_over_from_a_failed_analyser_and_serves_one_stack() -> None:
    rig = Rig()
    rig.cleaning.cems.failed[...] = 1.0
    rig.step()
    assert rig.value("cems.status") == FAULT
    rig.gas = rig.gas._replace(hcl=rig.gas.hcl * 3.0)
    rig.set({"cems.standby": 1.0})
    rig.run(140.0, SLOW_DT_S)
    assert rig.value("cems.status") == FAULT
    assert rig.value("cems.hcl") == pytest.approx(4.447e-6, rel=0.02)
    rig.run(100.0)
    assert rig.value("cems.status") == STANDBY
    assert rig.value("cems.hcl") > 2.0 * 4.447e-6
    assert rig.value("cems.status", line=1) == FAULT
    rig.set({"cems.standby": 0.0}, line=0)
    rig.run(160.0, SLOW_DT_S)
    assert rig.value("cems.status", line=1) == STANDBY
    assert rig.value("cems.status", line=0) == FAULT


# --- stores ---


def test_empty_ammonia_tank_or_shut_tank_valve_stops_the_dosing() -> None:
    rig = Rig()
    rig.set_store({"ammonia_tank.valve": 0.0})
    rig.run(30.0)
    assert rig.value("sncr.ammonia_flow") < 1e-6
    rig.set_store({"ammonia_tank.valve": 1.0})
    rig.reagents.kg[4] = 1.0
    rig.run(60.0)
    assert rig.value("sncr.ammonia_flow") < 0.01


def test_stores_lose_what_the_lines_take_and_the_slaker_fills_the_slurry_tank() -> None:
    rig = Rig()
    before = rig.reagents.kg.copy()
    rig.run(600.0, SLOW_DT_S)
    rates = rig.cleaning.rates
    lost = before - rig.reagents.kg
    assert lost[[1, 3, 4], 0] == pytest.approx(600.0 * rates[[5, 6, 0]].sum(1)[:, 0], rel=1e-3)
    assert lost[2, 0] == pytest.approx(600.0 * (rates[3].sum() - 2.2), rel=1e-3)
    assert lost[0, 0] == pytest.approx(600.0 * 2.2 * 0.12, rel=1e-6)


def test_smouldering_carbon_and_leaking_ammonia_reach_their_alarms() -> None:
    rig = Rig()
    rig.reagents.hot_spot[...] = 150e-6
    rig.reagents.leak[:2] = 100e-6
    rig.run(3600.0, 10.0)
    assert rig.stored("carbon_silo.co") > 120e-6
    assert rig.stored("carbon_silo.temperature") > 330.0
    assert rig.stored("ammonia.gas_a") > 60e-6 > rig.stored("ammonia.gas_d")
    rig.set_store({"ammonia_tank.curtain": 1.0, "carbon_silo.nitrogen": 1.0})
    rig.run(3600.0, 10.0)
    assert rig.stored("carbon_silo.co") < 20e-6
    assert rig.stored("ammonia.gas_a") < 60e-6
