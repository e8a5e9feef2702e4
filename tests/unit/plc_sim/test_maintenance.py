"""The maintenance device as a rig sees it: registers in, registers out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from controller.core.config import Config
from plc_sim.maintenance_map import HOLDING, HOLDING_END, INPUT, STANDING, TEXT, TEXT_WORDS, Result
from plc_sim.modbus_tcp import Refusal
from plc_sim.registers import width
from plc_sim.simulator import Simulator
from tests.unit.plc_sim.maintenance_rig import (
    CLEAR_ALL,
    CLEAR_FAULT,
    FREEZE,
    INITIAL,
    NAME_FAULT,
    NAME_TARGET,
    RESTORE,
    RUN,
    SAVE,
    SET_FAULT,
    SET_SPEED,
    STEP,
    MaintenanceRig,
)

FROZEN, BIAS, DRIFT, STUCK, SILENT, WASTE, LOAD = 102, 103, 104, 106, 111, 112, 113


@pytest.fixture
def rig(config: Config, sim: Simulator, tmp_path: Path) -> MaintenanceRig:
    return MaintenanceRig(config, tmp_path / "snapshots", sim)


@pytest.fixture(scope="module")
def whole_standing(whole: Config) -> tuple[Simulator, bytes]:
    simulator = Simulator(whole, initial="cold")
    return simulator, simulator.snapshot()


@pytest.fixture
def whole_rig(whole: Config, whole_standing: tuple[Simulator, bytes]) -> MaintenanceRig:
    """Return the shipped plant, which has programs of faults."""
    simulator, state = whole_standing
    simulator.restore(state)
    return MaintenanceRig(whole, None, simulator)


def test_no_two_values_share_a_register() -> None:
    for fields, end in ((HOLDING, HOLDING_END), (INPUT, TEXT)):
        taken = [a for f in fields for a in range(f.address, f.address + width(f.form))]
        assert taken == list(range(end))
    assert TEXT + TEXT_WORDS <= STANDING


def test_a_fault_is_set_by_number_with_target_and_argument_and_stands_until_it_is_cleared(rig: MaintenanceRig) -> None:
    assert rig.set_fault(BIAS, 2, 50.0) == (Result.OK, "transmitter_bias tag=L1-LT-1401B by=50.0")
    assert rig.standing() == [(BIAS, 2, [50.0])]
    assert rig.simulator.instruments.bias[1, 0] == 50.0
    assert rig.command(CLEAR_FAULT) == (Result.OK, "transmitter_bias L1-LT-1401B")
    assert rig.standing() == []
    assert not rig.simulator.instruments.bias.any()


def test_a_fault_set_again_on_its_target_stands_once_with_the_new_argument(rig: MaintenanceRig) -> None:
    rig.set_fault(BIAS, 1, 50.0)
    rig.set_fault(BIAS, 1, -7.5)
    assert rig.standing() == [(BIAS, 1, [-7.5])]


def test_a_choice_is_given_and_read_back_by_its_place(rig: MaintenanceRig) -> None:
    assert rig.set_fault(101, 3, 2.0) == (Result.OK, "transmitter_bad tag=L1-PT-1403A how=over")
    assert rig.standing() == [(101, 3, [2.0])]
    result, text = rig.set_fault(101, 3, 4.0)
    assert (result, text) == (Result.BAD_ARGUMENT, "how: no choice 4; there are 1 under, 2 over, 3 nan")


def test_target_0_means_all_where_the_target_may_be_left_out(rig: MaintenanceRig) -> None:
    assert rig.set_fault(WASTE, 0, 10.0)[0] == Result.OK
    assert rig.standing() == [(WASTE, 1, [10.0]), (WASTE, 2, [10.0])]
    rig.write(target=1)
    rig.command(CLEAR_FAULT)
    assert rig.standing() == [(WASTE, 2, [10.0])]
    rig.write(target=0)
    rig.command(CLEAR_FAULT)
    assert rig.standing() == []


def test_all_faults_are_cleared_at_once(rig: MaintenanceRig) -> None:
    before = rig.simulator.snapshot()
    rig.set_fault(BIAS, 1, 50.0)
    rig.set_fault(FROZEN, 5)
    rig.set_fault(SILENT, 2)
    rig.set_fault(LOAD, 0, 5.0)
    assert len(rig.standing()) == 4
    assert rig.command(CLEAR_ALL)[0] == Result.OK
    assert rig.simulator.snapshot() == before


@pytest.mark.parametrize(
    ("fault", "target", "args", "result", "text"),
    [
        (999, 1, (), Result.UNKNOWN_FAULT, "no fault 999; there are 101, 102"),
        (BIAS, 0, (1.0,), Result.UNKNOWN_TARGET, "transmitter_bias: no target 0; targets are 1..23"),
        (BIAS, 24, (1.0,), Result.UNKNOWN_TARGET, "transmitter_bias: no target 24; targets are 1..23"),
        (LOAD, 1, (1.0,), Result.UNKNOWN_TARGET, "turbine_load: no target 1; it has none, write 0"),
        (BIAS, 9, (1.0,), Result.BAD_ARGUMENT, "no analogue input 'L1-XS-4101'"),
        (BIAS, 1, (), Result.BAD_ARGUMENT, "fault transmitter_bias: missing by"),
        (BIAS, 1, (1.0, 2.0), Result.BAD_ARGUMENT, "transmitter_bias: 2 arguments given, it takes by"),
        (STUCK, 1, (101.0,), Result.BAD_ARGUMENT, "fault valve_stuck: position 101 is outside 0..100"),
        (WASTE, 1, (1e9,), Result.BAD_ARGUMENT, "fault waste: percent 1e+09 is outside -30..40"),
    ],
)
def test_an_impossible_fault_is_answered_with_what_exists_and_changes_nothing(
    rig: MaintenanceRig, fault: int, target: int, args: tuple[float, ...], result: Result, text: str
) -> None:
    before = rig.simulator.snapshot()
    found = rig.set_fault(fault, target, *args)
    assert found[0] == result
    assert text in found[1]
    assert rig.status("last error") == result
    assert rig.simulator.snapshot() == before


def test_more_faults_than_the_table_holds_are_refused(rig: MaintenanceRig) -> None:
    analogue = [n for n, p in enumerate(rig.simulator.points.inputs, start=1) if p.form != "bool"]
    found = [rig.set_fault(fault, target, 1.0) for fault in (103, 104, 105, 101) for target in analogue]
    assert len(rig.standing()) == 64
    full = (Result.BAD_ARGUMENT, "fault transmitter_bad: 64 faults stand, and no more than 64 can: clear some first")
    assert full in found[64:]
    assert rig.set_fault(103, 1, 5.0)[0] == Result.OK, "one that stands already needs no room"


def test_numbers_can_be_looked_up(rig: MaintenanceRig) -> None:
    rig.write(fault=STUCK, target=2)
    assert rig.command(NAME_FAULT) == (Result.OK, "valve_stuck(output, position)")
    assert rig.command(NAME_TARGET) == (Result.OK, "L1-FV-1541.OP")
    rig.write(fault=LOAD, target=0)
    assert rig.command(NAME_FAULT) == (Result.OK, "turbine_load(percent)")
    assert rig.command(NAME_TARGET) == (Result.OK, "")


def test_the_programs_of_the_plant_are_set_by_number_on_a_line_with_or_without_arguments(
    whole_rig: MaintenanceRig,
) -> None:
    rig = whole_rig
    before = rig.simulator.snapshot()
    assert rig.set_fault(5, 2, 8.0) == (Result.OK, "F5 line=L2 t_h=8.0")
    assert rig.set_fault(1, 1) == (Result.OK, "F1 line=L1")
    assert rig.set_fault(18, 0) == (Result.OK, "F18")
    assert rig.set_fault(37, 0) == (Result.OK, "F8b")
    assert rig.standing() == [(5, 2, [8.0]), (1, 1, []), (18, 0, []), (37, 0, [])]
    assert rig.simulator.state["disturbance.wall_leak"][:, 0] == pytest.approx([0.0, 8.0 / 3.6])
    assert rig.simulator.state["disturbance.generator_lock_out"][0, 0] == 1.0
    assert rig.set_fault(5, 0) == (Result.UNKNOWN_TARGET, "F5: no target 0; targets are 1..2")
    assert rig.set_fault(18, 1) == (Result.UNKNOWN_TARGET, "F18: no target 1; it has none, write 0")
    assert rig.set_fault(5, 1, 1000.0) == (Result.BAD_ARGUMENT, "fault F5: t_h 1000 is outside 0..100")
    rig.write(fault=1)
    assert rig.command(NAME_FAULT) == (Result.OK, "F1(line, lhv, minutes)")
    assert rig.command(CLEAR_FAULT) == (Result.OK, "F1 L1")
    assert rig.command(CLEAR_ALL) == (Result.OK, "")
    assert rig.simulator.snapshot() == before


def test_every_fault_of_the_shipped_plant_can_be_set_by_its_number(whole_rig: MaintenanceRig) -> None:
    rig = whole_rig
    numbers = {fault.number: name for name, fault in rig.simulator.fault_table().items()}
    assert set(range(1, 38)) < set(numbers)
    for number, name in numbers.items():
        fault = rig.simulator.fault_table()[name]
        needed = [arg for arg in fault.numbers if arg not in fault.optional]
        analogue = row_of(rig, "L1-LT-1401A")
        target = 0 if fault.targets is None else analogue if name.startswith("transmitter") else 1
        assert rig.set_fault(number, target, *[1.0] * len(needed))[0] == Result.OK, (number, rig.text)
        assert rig.standing()[0][:2] == (number, target)
        assert rig.command(CLEAR_ALL)[0] == Result.OK


def test_an_input_has_one_number_for_all_faults_of_transmitters(whole_rig: MaintenanceRig) -> None:
    rig, key = whole_rig, "C0-PT-3004A"
    for fault in (101, 102, 103, 104, 105):
        rig.write(fault=fault, target=row_of(rig, key))
        assert rig.command(NAME_TARGET) == (Result.OK, key)


def row_of(rig: MaintenanceRig, key: str) -> int:
    """Return the number of an input as a target."""
    return 1 + [p.key for p in rig.simulator.points.inputs].index(key)


def test_the_last_error_stays_until_the_next_one_and_every_command_is_counted(rig: MaintenanceRig) -> None:
    rig.write(slot=0)
    assert rig.command(SAVE)[0] == Result.EMPTY_SLOT
    assert rig.command(FREEZE) == (Result.OK, "")
    assert (rig.status("last error"), rig.status("answered")) == (Result.EMPTY_SLOT, 2)


def test_all_of_a_command_may_come_in_one_request(rig: MaintenanceRig) -> None:
    assert rig.block.write("holding", 0, [SET_FAULT, BIAS, 1, 1, 0x4248, 0]) is None
    assert rig.standing() == [(BIAS, 1, [50.0])]


def test_a_frozen_plant_steps_as_often_as_asked_and_the_command_waits_for_it(rig: MaintenanceRig) -> None:
    rig.command(FREEZE)
    assert rig.status("condition") == 1
    rig.long(14, 70_000)
    assert rig.ask(STEP) is None
    assert (rig.is_busy, rig.status("condition"), rig.inputs(12, 2)) == (True, 2, [1, 70_000 - 65_536])
    rig.pace.step(25)
    assert rig.make_steps() == 25
    assert not rig.is_busy
    assert (rig.result, rig.status("condition")) == (Result.OK, 1)
    assert (rig.inputs(8, 4), rig.status("milliseconds"), rig.status("period")) == ([0, 2, 0, 25], 500, 100)


def test_while_steps_are_made_other_commands_are_busy_and_0_ends_them(rig: MaintenanceRig) -> None:
    rig.long(14, 10)
    rig.ask(STEP)
    assert rig.ask(RUN) is Refusal.BUSY
    assert rig.block.write("holding", 0, [SET_FAULT, BIAS, 1, 0]) is Refusal.BUSY
    assert rig.block.read("holding", 1, 3) == [0, 0, 0], "what came with the refused command is not kept"
    rig.write(fault=BIAS)
    assert rig.ask(0) is None
    assert (rig.result, rig.text, rig.make_steps()) == (Result.CANCELLED, "no more steps", 0)
    assert rig.pace.is_frozen


def test_no_steps_and_impossible_speeds_are_refused(rig: MaintenanceRig) -> None:
    assert rig.command(STEP) == (Result.BAD_STEPS, "0 steps; write 1 or more")
    for speed in (0.05, 1001.0, -1.0):
        assert rig.floats(16, speed) is None
        assert rig.command(SET_SPEED)[0] == Result.BAD_SPEED
    assert rig.floats(16, float("nan")) is Refusal.ILLEGAL_VALUE
    assert rig.pace.speed == 1.0
    for speed in (0.5, 1000.0, 0.0):
        assert rig.floats(16, speed) is None
        assert rig.command(SET_SPEED)[0] == Result.OK
        assert rig.pace.speed == speed


def test_a_restored_slot_goes_on_bit_by_bit_with_its_faults(rig: MaintenanceRig) -> None:
    def go(steps: int) -> bytes:
        rig.long(14, steps)
        rig.ask(STEP)
        assert rig.make_steps() == steps
        return rig.simulator.snapshot()

    rig.set_fault(WASTE, 1, -20.0)
    rig.set_fault(DRIFT, 1, 100.0)
    go(20)
    rig.write(slot=99)
    assert rig.command(SAVE) == (Result.OK, "slot 99 saved")
    expected = go(30)
    rig.command(CLEAR_ALL)
    rig.set_fault(SILENT, 1)
    go(3)
    assert rig.command(RESTORE) == (Result.OK, "slot 99 restored")
    assert rig.standing() == [(WASTE, 1, [-20.0]), (DRIFT, 1, [100.0])]
    assert go(30) == expected


def test_slots_that_cannot_be_used_say_why(config: Config, rig: MaintenanceRig, tmp_path: Path) -> None:
    rig.write(slot=3)
    assert rig.command(RESTORE)[0] == Result.EMPTY_SLOT
    rig.command(SAVE)
    file = tmp_path / "snapshots" / "slot-03.snapshot"
    file.write_bytes(file.read_bytes()[:-1])
    before = rig.simulator.snapshot()
    result, text = rig.command(RESTORE)
    assert result == Result.BAD_SNAPSHOT
    assert rig.simulator.snapshot() == before
    assert len(text) == 2 * TEXT_WORDS or "damaged" in text
    without_folder = MaintenanceRig(config, simulator=rig.simulator)
    without_folder.write(slot=3)
    assert without_folder.command(SAVE)[0] == Result.CANNOT_SAVE


def test_an_initial_condition_is_asked_of_the_host_and_busy_until_it_is_built(rig: MaintenanceRig) -> None:
    rig.write(initial=3)
    assert rig.ask(INITIAL) is None
    assert (rig.block.wanted, rig.is_busy, rig.changes) == ("60%", True, 1)
    assert rig.ask(0) is Refusal.BUSY
    rig.block.finish(Result.OK, "60%")
    assert (rig.block.wanted, rig.is_busy, rig.text) == (None, False, "60%")
    rig.write(initial=9)
    result, text = rig.command(INITIAL)
    assert result == Result.BAD_INITIAL
    assert text == "no initial condition 9; there are 1 cold, 2 hot standby, 3 60%, 4 100%, 5 110%"


def test_the_fingerprint_tells_configurations_apart(make_config: Callable[..., Config], sim: Simulator) -> None:
    one, same, other = (MaintenanceRig(make_config(*lines), simulator=sim) for lines in (("L1",), ("L1",), ("L2",)))
    assert one.inputs(18, 2) == same.inputs(18, 2) != other.inputs(18, 2)


def test_an_argument_that_no_register_holds_is_shown_at_the_end_of_the_scale(rig: MaintenanceRig) -> None:
    rig.simulator.fault("transmitter_bias", tag="L1-LT-1401A", by=-1e300)
    assert rig.standing() == [(BIAS, 1, [pytest.approx(-3.4e38)])]


def test_a_batch_keeps_every_plants_argument_and_shows_the_first(config: Config) -> None:
    batch = Simulator(config, batch=3)
    batch.fault("waste", line="L2", percent=np.array([1.0, 2.0, 3.0]))
    (one,) = batch.faults.record.standing()
    assert (one.fault, one.target, one.args[0]) == (WASTE, 2, 1.0)
    assert batch.state["fault.standing"][0, 3].tolist() == [1.0, 2.0, 3.0]
