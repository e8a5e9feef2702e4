"""The PLC's watchdog: what happens to a plant whose controller falls silent."""

import numpy as np
import pytest

from plc_sim.simulator import Simulator

FULL_COUNTS = 27648.0


def beat(sim: Simulator, seconds: float, *, planned_stop: bool = False) -> None:
    nothing = np.full((len(sim.points.outputs), 1), np.nan)
    for _ in range(round(seconds * 10)):
        heartbeat = int(sim.state["step"][0, 0]) + 1 & 0xFFFF
        sim.write_raw(nothing, heartbeat=heartbeat, planned_stop=planned_stop)
        sim.step()


def silence(sim: Simulator, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        sim.step()


def held(sim: Simulator, key: str) -> float:
    return float(sim.read_raw().readback[[p.key for p in sim.points.outputs].index(key), 0])


def measured(sim: Simulator, key: str) -> float:
    return float(sim.read_raw().raw[[p.key for p in sim.points.inputs].index(key), 0])


def test_a_plc_that_never_heard_a_heartbeat_holds_its_outputs(sim: Simulator) -> None:
    silence(sim, 5.0)
    assert held(sim, "L1-XC-1300") == 1.0
    assert measured(sim, "L1-XS-4101") == 0.0


def test_silence_up_to_the_watchdog_time_changes_nothing(sim: Simulator) -> None:
    beat(sim, 1.0)
    silence(sim, 1.9)
    beat(sim, 0.5)
    assert held(sim, "L1-XC-1300") == 1.0
    assert measured(sim, "L1-XS-4101") == 0.0


def test_after_the_watchdog_time_the_fail_positions_stand_in_the_registers(sim: Simulator) -> None:
    valve = held(sim, "L1-FV-1601.OP")
    beat(sim, 1.0)
    silence(sim, 2.2)
    assert measured(sim, "L1-XS-4101") == 1.0
    assert measured(sim, "L1-XS-4102") == pytest.approx(2.2, abs=0.11)
    assert held(sim, "L1-XC-1300") == 0.0
    assert held(sim, "L1-FV-1541.OP") == FULL_COUNTS
    assert held(sim, "L1-FV-1601.OP") == valve, "it holds for a minute"
    assert held(sim, "L1-XV-1540.OPN") == 1.0
    assert held(sim, "C0-P-3010A.CMD") == 1.0


def test_the_feedwater_valve_holds_a_minute_and_then_drifts_shut(sim: Simulator) -> None:
    start = held(sim, "L1-FV-1601.OP")
    beat(sim, 1.0)
    silence(sim, 61.5)
    assert held(sim, "L1-FV-1601.OP") == start
    silence(sim, 60.0)
    assert start - held(sim, "L1-FV-1601.OP") == pytest.approx(0.01 * FULL_COUNTS, rel=0.02)


def test_a_plc_that_has_acted_takes_no_writes_until_the_heartbeat_moved_for_a_second(sim: Simulator) -> None:
    beat(sim, 1.0)
    silence(sim, 3.0)
    write = np.full((len(sim.points.outputs), 1), np.nan)
    write[[p.key for p in sim.points.outputs].index("L1-XC-1300")] = 1.0
    sim.write_raw(write, heartbeat=9999)
    sim.step()
    assert held(sim, "L1-XC-1300") == 0.0
    beat(sim, 0.7)
    assert measured(sim, "L1-XS-4101") == 1.0
    beat(sim, 0.5)
    assert measured(sim, "L1-XS-4101") == 0.0
    assert held(sim, "L1-XC-1300") == 0.0, "nothing returns by itself"
    sim.write_raw(write, heartbeat=9998)
    assert held(sim, "L1-XC-1300") == 1.0


def test_a_planned_stop_suspends_the_watchdog(sim: Simulator) -> None:
    beat(sim, 1.0)
    beat(sim, 0.1, planned_stop=True)
    silence(sim, 10.0)
    assert held(sim, "L1-XC-1300") == 1.0
    assert measured(sim, "L1-XS-4101") == 0.0
    beat(sim, 0.5)
    silence(sim, 2.2)
    assert measured(sim, "L1-XS-4101") == 1.0, "a new controller arms it again"


def test_a_lost_link_to_one_plc_trips_that_plc_alone(sim: Simulator) -> None:
    beat(sim, 1.0)
    sim.fault("device_silent", device="L2")
    beat(sim, 2.2)
    sim.clear("device_silent")
    assert measured(sim, "L2-XS-4101") == 1.0
    assert held(sim, "L2-XC-1300") == 0.0
    assert measured(sim, "L1-XS-4101") == 0.0


def test_a_watchdog_time_of_zero_is_a_watchdog_switched_off(sim: Simulator) -> None:
    sim.plcs.watchdog_s[0] = 0.0
    beat(sim, 1.0)
    silence(sim, 5.0)
    assert measured(sim, "L1-XS-4101") == 0.0
    assert measured(sim, "L2-XS-4101") == 1.0
