"""Motors: starting, running, protection, local control, supplies, and what their meters show."""

from dataclasses import replace

import numpy as np
import pytest

from controller.core import models
from controller.core.config import Config
from controller.core.errors import ConfigError
from plc_sim.equipment_parameters import EquipmentParameters, equipment, without
from plc_sim.simulator import Simulator
from plc_sim.supplies import Supplies
from tests.unit.plc_sim.equipment_rig import EQUIPMENT, PROCESS, EquipmentRig

PUMP, FAN, FEED = "L1-P-1010A.CMD", "L1-K-2401.CMD", "C0-P-3010A.CMD"
RATED_A = 0.7 * 100.0  # of the ammeters' range
RATED_W = 0.7 * 700e3


@pytest.fixture
def rig() -> EquipmentRig:
    return EquipmentRig()


def running(rig: EquipmentRig) -> EquipmentRig:
    for key in (PUMP, FAN, FEED):
        rig.order(key, 1.0)
    return rig.order("L1-K-2401.SPD_SP", 80.0).run(40.0)


def fault(rig: EquipmentRig, what: str, key: str, value: float) -> EquipmentRig:
    getattr(rig.equipment.disturbances, what)[rig.motor(key)] = value
    return rig


def test_the_run_feedback_comes_after_the_contactor(rig: EquipmentRig) -> None:
    rig.order(PUMP, 1.0).run(0.4)
    assert rig.driven("L1/hydraulics.pump_a") == 1.0
    assert rig.get("L1/running.P-1010A.CMD") == 0.0
    assert rig.run(0.2).get("L1/running.P-1010A.CMD") == 1.0
    assert rig.order(PUMP, 0.0).run(0.1).get("L1/running.P-1010A.CMD") == 0.0


def test_a_motor_on_the_line_draws_its_starting_current_first(rig: EquipmentRig) -> None:
    rig.order(PUMP, 1.0).run(0.1)
    assert rig.get("L1/current.P-1010A.CMD") == pytest.approx(6.0 * RATED_A, rel=0.05)
    assert 0.35 * RATED_A < rig.run(5.0).get("L1/current.P-1010A.CMD") < RATED_A


def test_a_motor_with_a_converter_starts_softly_and_its_current_follows_the_power(rig: EquipmentRig) -> None:
    running(rig).show("L1/id_fan.power", 0.7 * 800e3)
    assert rig.run(0.1).get("L1/current.K-2401.CMD") == pytest.approx(RATED_A)
    rig.show("L1/id_fan.power", 0.0).run(0.1)
    assert rig.get("L1/current.K-2401.CMD") == pytest.approx(0.35 * RATED_A)


def test_a_pump_without_signals_of_the_process_has_those_of_its_own(rig: EquipmentRig) -> None:
    running(rig)
    assert rig.get("C0/speed.P-3010A.CMD") == 1.0
    assert rig.get("C0/power.P-3010A.CMD") == pytest.approx(0.8 * RATED_W)
    assert rig.get("C0/vibration_1.P-3010A.CMD") == pytest.approx(0.0018)
    rig.run(20.0)
    assert rig.get("C0/bearing_temperature_1.P-3010A.CMD") == pytest.approx(303.15 + 30.0 * 0.632, abs=1.0)
    assert 320.0 < rig.get("C0/winding_temperature_1.P-3010A.CMD") < 360.0


def test_only_what_tags_read_is_a_signal(rig: EquipmentRig) -> None:
    assert "L1/power.K-2401.CMD" not in rig.equipment.signal_names
    assert "L1/running.K-2401.CMD" not in rig.equipment.signal_names
    assert "L2/fault.K-2401.CMD" in rig.equipment.signal_names


def test_a_fault_is_latched_until_the_command_is_off(rig: EquipmentRig) -> None:
    fault(running(rig), "fault", PUMP, 1.0).run(0.1)
    fault(rig, "fault", PUMP, 0.0).run(10.0)
    assert rig.get("L1/fault.P-1010A.CMD") == 1.0
    assert rig.get("L1/available.P-1010A.CMD") == 0.0
    assert rig.driven("L1/hydraulics.pump_a") == 0.0
    rig.order(PUMP, 0.0).run(0.1).order(PUMP, 1.0).run(1.0)
    assert rig.get("L1/fault.P-1010A.CMD") == 0.0
    assert rig.get("L1/running.P-1010A.CMD") == 1.0


def test_a_standing_fault_cannot_be_reset(rig: EquipmentRig) -> None:
    fault(running(rig), "fault", PUMP, 1.0).order(PUMP, 0.0).run(1.0)
    assert rig.get("L1/fault.P-1010A.CMD") == 1.0


@pytest.mark.parametrize(
    ("kind", "high", "trip"), [("bearing", 353.5, 364.0), ("vibration", 0.0046, 0.0115), ("winding", 394.0, 414.0)]
)
def test_motor_protection_needs_a_trip_value_and_a_high_neighbour_for_its_time(
    rig: EquipmentRig, kind: str, high: float, trip: float
) -> None:
    running(rig).show(f"L1/id_fan.{kind}_1", trip).run(20.0)
    assert rig.get("L1/fault.K-2401.CMD") == 0.0
    rig.show(f"L1/id_fan.{kind}_2", high).run(4.9)
    assert rig.get("L1/fault.K-2401.CMD") == 0.0
    rig.run(0.2)
    assert rig.get("L1/fault.K-2401.CMD") == 1.0
    assert rig.driven("L1/id_fan.command") == 0.0
    assert rig.get("L2/fault.K-2401.CMD") == 0.0


def test_motor_protection_watches_the_general_temperatures_too(rig: EquipmentRig) -> None:
    fault(running(rig), "bearing", FEED, 60.0).run(20.0)
    assert rig.get("C0/fault.P-3010A.CMD") == 0.0
    assert rig.run(80.0).get("C0/fault.P-3010A.CMD") == 1.0


def test_in_local_control_a_motor_keeps_running_and_cannot_be_started(rig: EquipmentRig) -> None:
    fault(running(rig), "local", PUMP, 1.0).order(PUMP, 0.0).run(5.0)
    assert rig.get("L1/local.P-1010A.CMD") == 1.0
    assert rig.get("L1/available.P-1010A.CMD") == 0.0
    assert rig.get("L1/running.P-1010A.CMD") == 1.0
    fault(rig, "fault", PUMP, 1.0).run(0.1)
    fault(rig, "fault", PUMP, 0.0).order(PUMP, 1.0).run(5.0)
    assert rig.get("L1/running.P-1010A.CMD") == 0.0


def test_an_isolated_motor_stops_and_is_not_available(rig: EquipmentRig) -> None:
    fault(running(rig), "isolated", PUMP, 1.0).run(0.1)
    assert rig.driven("L1/hydraulics.pump_a") == 0.0
    assert rig.get("L1/available.P-1010A.CMD") == 0.0
    assert rig.get("L1/fault.P-1010A.CMD") == 0.0


def test_a_dead_bus_drops_all_but_what_batteries_and_the_diesel_feed(rig: EquipmentRig) -> None:
    running(rig).order("C0-P-3110B.CMD", 1.0).show("C0/house.voltage", 0.1).run(1.0)
    for name in ("L1/hydraulics.pump_a", "L1/id_fan.command", "C0/pump_a.command"):
        assert rig.driven(name) == 0.0
    assert rig.driven("C0/oil.dc_pump.command") == 1.0
    rig.show("C0/diesel.running", 1.0).run(1.0)
    assert rig.driven("L1/hydraulics.pump_a") == 1.0
    assert rig.driven("L1/id_fan.command") == 0.0
    assert rig.get("L1/available.K-2401.CMD") == 0.0
    rig.show("C0/house.voltage", 1.0).run(1.0)
    assert rig.driven("L1/id_fan.command") == 1.0


def test_a_plant_that_says_nothing_of_motors_has_no_parameters() -> None:
    assert equipment({"C0": {"pumps": {}}}) is None


def test_parameters_that_miss_or_are_impossible_are_all_named() -> None:
    wrong = {"C0": {"equipment": {**EQUIPMENT, "load": 2.0, "lode": 1.0}}}
    with pytest.raises(ConfigError, match=r"C0\.process\.equipment\.load.*found 2\.0\n.*equipment\.lode"):
        equipment(wrong)


def test_two_areas_of_equipment_are_refused() -> None:
    with pytest.raises(ConfigError, match="L1 has this area already"):
        equipment({"L1": {"equipment": EQUIPMENT}, "C0": {"equipment": EQUIPMENT}})


def test_an_emergency_supply_of_an_unknown_motor_is_refused() -> None:
    wrong = {**PROCESS, "C0": {"equipment": EQUIPMENT, "diesel_motors": {"P-9999.CMD": 1.0}}}
    with pytest.raises(ConfigError, match=r"C0\.process\.diesel_motors\.P-9999\.CMD: no motor has this run command"):
        EquipmentRig(process=wrong)


def test_the_process_gets_its_own_areas_only() -> None:
    assert without({"L1": {"drum": {"a": 1.0}, "burner_plc": {}}, "C0": {"equipment": EQUIPMENT}}) == {
        "L1": {"drum": {"a": 1.0}},
        "C0": {},
    }
    assert set(EquipmentParameters.model_fields) == set(EQUIPMENT)


def test_a_motor_of_the_initial_condition_is_warm_and_runs() -> None:
    rig = EquipmentRig(initial={"C0/pump_a.command": 1.0})
    assert rig.get("C0/running.P-3010A.CMD") == 1.0
    assert rig.get("C0/bearing_temperature_1.P-3010A.CMD") == pytest.approx(333.15)
    assert np.isfinite(rig.equipment.signals()).all()


def with_fault_tag(config: Config) -> Config:
    """Return the small plant with equipment, in which a feedwater pump has a fault tag."""
    running = config.tags["C0-P-3010A.RUN"]
    assert running.spec.input is not None
    changes = {
        "input": running.spec.input.model_copy(update={"address": 1}),
        "instrument": models.Instrument(of="fault.P-3010A.CMD"),
    }
    key = "C0-P-3010A.FLT"
    tag = replace(running, key=key, spec=running.spec.model_copy(update=changes))
    process = {**config.process, "C0": {**config.process["C0"], "equipment": EQUIPMENT}}
    return replace(config, tags={**config.tags, key: tag}, process=process)


def test_a_faulty_motor_of_the_whole_simulator_stops_what_it_drives(config: Config) -> None:
    sim = Simulator(with_fault_tag(config))
    assert sim.equipment is not None
    sim.equipment.disturbances.fault[...] = 1.0
    for _ in range(30):
        sim.step()
    keys = [p.key for p in sim.points.inputs]
    raw = sim.read_raw().raw[:, 0]
    assert raw[keys.index("C0-P-3010A.FLT")] == 1.0
    assert raw[keys.index("C0-P-3010A.RUN")] == 0.0
    assert sim.plant.inputs[sim.plant.input_row["C0/pump_a.command"], 0] == 0.0


def test_supplies_that_a_process_does_not_show_are_always_there() -> None:
    parameters = EquipmentParameters.model_validate(EQUIPMENT)
    for p in (parameters, None):
        supply = Supplies({}, "C0", p, 93_200.0).read(np.zeros((3, 2)))
        assert all((one == 1.0).all() for one in supply)
