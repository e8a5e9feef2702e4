"""The simulator as the rig uses it: raw numbers in and out, faults, snapshots, batches."""

from collections.abc import Callable

import numpy as np
import pytest

from controller.core.config import Config
from controller.core.errors import ConfigError, PlantError, StateError
from plc_sim.faults import Value
from plc_sim.simulator import Simulator

BAROMETRIC_PA = 93_200.0
FULL_COUNTS = 27648.0


def row(sim: Simulator, key: str) -> int:
    return [p.key for p in sim.points.inputs].index(key)


def out(sim: Simulator, key: str) -> int:
    return [p.key for p in sim.points.outputs].index(key)


def raw(sim: Simulator, key: str) -> float:
    return float(sim.read_raw().raw[row(sim, key), 0])


def run(sim: Simulator, seconds: float, **outputs: float) -> None:
    """Step with a living controller that writes ``outputs`` (keys with _ for - and .)."""
    write = np.full((len(sim.points.outputs), sim.state.batch), np.nan)
    for key, value in outputs.items():
        write[[p.key.replace("-", "_").replace(".", "_") for p in sim.points.outputs].index(key)] = value
    for _ in range(round(seconds * 10)):
        sim.write_raw(write, heartbeat=int(sim.state["step"][0, 0]) + 1 & 0xFFFF)
        sim.step()


def test_inputs_and_outputs_are_in_the_order_of_the_configuration(sim: Simulator, config: Config) -> None:
    keys = list(config.tags)
    assert [p.key for p in sim.points.inputs] == [k for k in keys if config.tags[k].spec.input]
    assert [p.key for p in sim.points.outputs] == [k for k in keys if config.tags[k].spec.output]
    readings = sim.read_raw()
    assert readings.raw.shape == readings.is_valid.shape == (len(sim.points.inputs), 1)
    assert readings.readback.shape == (len(sim.points.outputs), 1)
    assert readings.device_ok.all()


def test_counts_are_4_to_20_ma_over_the_range_with_gauge_pressure(sim: Simulator) -> None:
    gauge_mpa = (sim.signal("L1/drum.pressure")[0] - BAROMETRIC_PA) / 1e6
    assert raw(sim, "L1-PT-1403A") == round(gauge_mpa / 10.0 * FULL_COUNTS) == pytest.approx(19_600, abs=100)
    celsius = sim.signal("L1/feedwater.temperature")[0] - 273.15
    assert raw(sim, "L1-TT-1604") == round(celsius / 350.0 * FULL_COUNTS) == pytest.approx(10_270, abs=100)
    assert raw(sim, "L1-JT-1300") == np.float32(raw(sim, "L1-JT-1300"))


def test_at_power_up_outputs_hold_the_initial_condition(sim: Simulator) -> None:
    held = sim.read_raw().readback[:, 0]
    assert held[out(sim, "L1-FV-1601.OP")] == pytest.approx(0.62 * FULL_COUNTS, rel=0.01)
    assert held[out(sim, "L1-XC-1300")] == held[out(sim, "C0-P-3010A.CMD")] == 1.0
    for _ in range(100):
        sim.step()
    assert (sim.read_raw().readback[:, 0] == held).all()
    assert sim.signal("L1/drum.level")[0] == pytest.approx(0.0, abs=1e-3)


def test_a_healthy_transmitter_saturates_and_a_failed_one_leaves_the_band(sim: Simulator) -> None:
    before = raw(sim, "L1-PT-1403A")
    sim.fault("transmitter_bias", tag="L1-PT-1403A", by=50.0)
    run(sim, 0.1)
    assert raw(sim, "L1-PT-1403A") == 28512
    sim.fault("transmitter_bad", tag="L1-PT-1403A")
    run(sim, 0.1)
    assert raw(sim, "L1-PT-1403A") < -691
    sim.fault("transmitter_bad", tag="L1-PT-1403A", how="over")
    run(sim, 0.1)
    assert raw(sim, "L1-PT-1403A") > 29376
    sim.clear("transmitter_bad", "L1-PT-1403A")
    sim.clear("transmitter_bias")
    run(sim, 0.1)
    assert raw(sim, "L1-PT-1403A") == pytest.approx(before, abs=5)


def test_a_float_transmitter_fails_with_nan(sim: Simulator) -> None:
    sim.fault("transmitter_bad", tag="L1-JT-1300")
    run(sim, 0.1)
    assert np.isnan(raw(sim, "L1-JT-1300"))


def test_a_frozen_transmitter_keeps_its_last_counts(sim: Simulator) -> None:
    run(sim, 0.5)
    sim.fault("transmitter_frozen", tag="L1-LT-1401A")
    frozen, moving = raw(sim, "L1-LT-1401A"), raw(sim, "L1-LT-1401B")
    run(sim, 0.5)
    assert raw(sim, "L1-LT-1401A") == frozen
    assert raw(sim, "L1-LT-1401B") != moving


def test_drift_grows_with_time_and_ends_with_the_fault(sim: Simulator) -> None:
    before = raw(sim, "L1-PT-1403A")
    sim.fault("transmitter_drift", tag="L1-PT-1403A", per_h=36.0)
    run(sim, 10.0)
    assert raw(sim, "L1-PT-1403A") - before == pytest.approx(0.1 / 10.0 * FULL_COUNTS, abs=5)
    sim.clear("transmitter_drift")
    run(sim, 0.1)
    assert raw(sim, "L1-PT-1403A") == pytest.approx(before, abs=5)


def test_noise_has_the_configured_deviation_and_grows_with_its_fault(sim: Simulator) -> None:
    index, readings, noisy = row(sim, "C0-PT-3004A"), [], []
    for _ in range(300):
        run(sim, 0.1)
        readings.append(sim.read_raw().raw[index, 0])
    sim.fault("transmitter_noise", tag="C0-PT-3004A", times=5.0)
    for _ in range(300):
        run(sim, 0.1)
        noisy.append(sim.read_raw().raw[index, 0])
    expected = 0.02 / 16.0 * FULL_COUNTS
    assert np.std(readings) == pytest.approx(expected, rel=0.2)
    assert np.std(noisy) == pytest.approx(5.0 * expected, rel=0.2)


def test_a_valve_travels_at_its_stroke_and_its_reading_comes_after_the_dead_time(sim: Simulator) -> None:
    before, start = raw(sim, "L1-FV-1601.ZT"), sim.signal("L1/position.FV-1601.OP")[0]
    run(sim, 0.5, L1_FV_1601_OP=FULL_COUNTS)
    assert sim.signal("L1/position.FV-1601.OP")[0] - start == pytest.approx(0.05, abs=1e-6)
    assert raw(sim, "L1-FV-1601.ZT") == before
    run(sim, 0.5, L1_FV_1601_OP=FULL_COUNTS)
    assert raw(sim, "L1-FV-1601.ZT") - before == pytest.approx(0.05 * FULL_COUNTS, abs=2)


def test_a_valve_ignores_changes_inside_its_dead_band(sim: Simulator) -> None:
    before = sim.signal("L1/position.FV-1601.OP")[0]
    run(sim, 1.0, L1_FV_1601_OP=round((before + 0.001) * FULL_COUNTS))
    assert sim.signal("L1/position.FV-1601.OP")[0] == before


def test_limit_switches_follow_the_valve(sim: Simulator) -> None:
    assert raw(sim, "L1-XV-1540.ZSO") == 1.0
    run(sim, 2.0, L1_XV_1540_OPN=0.0)
    assert raw(sim, "L1-XV-1540.ZSO") == 0.0


def test_a_stuck_valve_stays_where_it_is_or_where_the_fault_puts_it(sim: Simulator) -> None:
    start = sim.signal("L1/position.FV-1601.OP")[0]
    sim.fault("valve_stuck", output="L1-FV-1601.OP")
    sim.fault("valve_stuck", output="L2-FV-1601.OP", position=30.0)
    run(sim, 1.0, L1_FV_1601_OP=0.0, L2_FV_1601_OP=0.0)
    assert sim.signal("L1/position.FV-1601.OP")[0] == start
    assert sim.signal("L2/position.FV-1601.OP")[0] == pytest.approx(0.30)
    sim.clear("valve_stuck")
    run(sim, 1.0, L1_FV_1601_OP=0.0)
    assert sim.signal("L1/position.FV-1601.OP")[0] == pytest.approx(start - 0.1, abs=1e-6)


def test_a_silent_device_gives_no_inputs_and_takes_no_outputs(sim: Simulator) -> None:
    sim.fault("device_silent", device="L2")
    run(sim, 0.5, L1_FV_1541_OP=1000.0, L2_FV_1541_OP=1000.0)
    readings = sim.read_raw()
    is_l2 = np.array([p.device == "L2" for p in sim.points.inputs])
    assert (readings.is_valid[:, 0] == ~is_l2).all()
    assert np.isnan(readings.readback[out(sim, "L2-FV-1541.OP"), 0])
    sim.clear("device_silent")
    held = sim.read_raw().readback[:, 0]
    assert held[out(sim, "L1-FV-1541.OP")] == 1000.0
    assert held[out(sim, "L2-FV-1541.OP")] == 0.0


def test_process_faults_act_and_end(sim: Simulator) -> None:
    sim.fault("waste", line="L1", percent=10)
    sim.fault("pump_trip", pump="pump_a")
    sim.fault("feedwater_valve_shut", line="L2")
    run(sim, 3.0)
    assert sim.plant.state["disturbance.ram_moisture"][:, 0].tolist() == [0.1, 0.0]
    assert sim.signal("C0/pump_a.running")[0] == 0.0
    assert sim.signal("L2/feedwater.flow")[0] < 4.0, "what the sprays take before the valve"
    for name in ("waste", "pump_trip", "feedwater_valve_shut"):
        sim.clear(name)
    run(sim, 3.0)
    assert not sim.plant.state["disturbance.ram_moisture"].any()
    assert sim.signal("C0/pump_a.running")[0] == 1.0
    assert sim.signal("L2/feedwater.flow")[0] > 20.0


@pytest.mark.parametrize(
    ("name", "args", "text"),
    [
        ("transmitter_bat", {}, "no fault 'transmitter_bat'; there are transmitter_bad"),
        ("transmitter_bias", {"tag": "L1-LT-1401A"}, "missing by"),
        ("transmitter_bias", {"tag": "L1-LT-1401A", "bye": 1.0}, "no argument 'bye'; it takes tag, by"),
        (
            "transmitter_bias",
            {"tag": "LT-1401A", "by": 1.0},
            "no tag 'LT-1401A' (did you mean L2-LT-1401A?); there are L1-LT-1401A, L1-LT-1401B",
        ),
        ("transmitter_bias", {"tag": "L1-LT-1401A", "by": float("nan")}, "expected a finite number"),
        ("transmitter_bias", {"tag": "L1-XS-4101", "by": 1.0}, "no analogue input"),
        ("transmitter_bad", {"tag": "L1-LT-1401A", "how": "nan"}, "under or over"),
        ("transmitter_bad", {"tag": "L1-XS-4103"}, "whole number"),
        ("valve_stuck", {"output": "L1-FV-1601.OP", "position": 120.0}, "outside 0..100"),
        ("pump_trip", {"pump": "pump_x"}, "no pump 'pump_x' (did you mean pump_c?); there are pump_a, pump_b, pump_c"),
        ("device_silent", {"device": "L9"}, "no device 'L9'"),
        ("waste", {"percent": 5, "line": "C0"}, "no line 'C0'"),
        ("motor_trip", {"motor": "C0-P-3010A.CMD"}, "no motor 'C0-P-3010A.CMD'"),
        ("turbine_load", {"percent": [50.0, 60.0]}, "percent: 2 values for 1 plants"),
    ],
)
def test_an_impossible_fault_is_refused_naming_what_exists(
    sim: Simulator, name: str, args: dict[str, Value], text: str
) -> None:
    before = sim.snapshot()
    with pytest.raises(PlantError) as caught:
        sim.fault(name, **args)
    assert text in str(caught.value)
    assert sim.snapshot() == before


def test_a_restored_snapshot_continues_bit_by_bit(config: Config) -> None:
    sim = Simulator(config, batch=2, seed=5)
    sim.fault("transmitter_drift", tag="L1-LT-1401A", per_h=100.0)
    run(sim, 2.0, L1_FV_1601_OP=20_000.0)
    snapshot = sim.snapshot()
    run(sim, 2.0)
    expected = sim.snapshot()
    other = Simulator(config, batch=2, seed=77)
    for sim_again in (sim, other):
        sim_again.restore(snapshot)
        run(sim_again, 2.0)
        assert sim_again.snapshot() == expected


def test_a_snapshot_of_another_configuration_is_refused_and_changes_nothing(
    make_config: Callable[..., Config],
) -> None:
    one, two = (Simulator(make_config(*lines), initial="cold") for lines in (("L1",), ("L1", "L2")))
    before = two.snapshot()
    with pytest.raises(StateError, match="another configuration"):
        two.restore(one.snapshot())
    assert two.snapshot() == before


def test_the_seed_is_in_the_noise_of_waste_and_transmitters_and_nowhere_else(config: Config) -> None:
    one, two = Simulator(config, seed=1, initial="cold"), Simulator(config, seed=2, initial="cold")
    for sim in (one, two):
        run(sim, 0.5)
    assert (one.plant.noise != two.plant.noise).all()
    assert (one.read_raw().raw != two.read_raw().raw).any()
    differs = (one.plant.signals != two.plant.signals)[:, 0]
    shown = {name.partition("/")[2] for name, row in one.plant.signal_row.items() if differs[row]}
    assert shown == {"grate.side", "furnace.thermocouple_a", "furnace.thermocouple_c"}, "a cold plant knows no waste"


@pytest.mark.parametrize(
    ("initial", "text"),
    [
        ("100", 'initial condition "100": choose "cold", "hot standby" or a load such as "100%"'),
        ("%", 'initial condition "%": choose'),
        ("10%", "no steady state at 10%: a line runs between 60% and 110%"),
        ("500%", "no steady state at 500%"),
    ],
)
def test_an_unknown_initial_condition_is_refused_with_those_that_exist(config: Config, initial: str, text: str) -> None:
    with pytest.raises(PlantError, match=text):
        Simulator(config, initial=initial)


@pytest.mark.parametrize(("initial", "gauge_mpa", "megawatts"), [("cold", 0.0, 0.0), ("hot standby", 3.5, -2.0)])
def test_a_plant_can_begin_without_fire_and_outputs_stand_where_it_does(
    config: Config, initial: str, gauge_mpa: float, megawatts: float
) -> None:
    sim = Simulator(config, initial=initial)
    held = sim.read_raw().readback[:, 0]
    assert held[out(sim, "L1-FV-1601.OP")] == 0.0
    assert held[out(sim, "C0-P-3010A.CMD")] == float(initial == "hot standby")
    for _ in range(100):
        sim.step()
    assert (sim.read_raw().readback[:, 0] == held).all()
    assert raw(sim, "L1-PT-1403A") / FULL_COUNTS * 10.0 == pytest.approx(gauge_mpa, abs=0.02)
    assert raw(sim, "L1-JT-1300") == pytest.approx(megawatts, abs=0.5)


def test_a_seed_beyond_the_noise_table_is_refused(config: Config) -> None:
    with pytest.raises(PlantError, match="seed 1048576: must be 0"):
        Simulator(config, seed=1 << 20)


def test_another_step_than_the_period_is_refused(sim: Simulator) -> None:
    with pytest.raises(PlantError, match=r"steps of 0\.1 s"):
        sim.step(0.05)


def test_an_instrument_of_an_unknown_signal_is_named_with_those_that_exist(make_config: Callable[..., Config]) -> None:
    tag = {
        "unit": "mm",
        "range": {"lo": 0.0, "hi": 1.0},
        "input": {"device": "plc", "address": 150},
        "instrument": {"of": "drum.height"},
    }
    with pytest.raises(ConfigError, match=r"L1-LT-1499.instrument.of: the simulated plant has no signal 'drum.height'"):
        Simulator(make_config("L1", **{"LT-1499": tag}))


def test_an_actuator_of_a_driven_input_is_refused(make_config: Callable[..., Config]) -> None:
    tag = {
        "unit": "%",
        "range": {"lo": 0.0, "hi": 100.0},
        "output": {"device": "plc", "address": 150, "safe": "hold", "fail": {"position": 0.0}},
        "actuator": {"drives": "steam.vent"},
    }
    with pytest.raises(ConfigError, match=r"L1-FV-1499.OP.actuator.drives: L1-FV-1541.OP drives steam.vent already"):
        Simulator(make_config("L1", **{"FV-1499.OP": tag}))
