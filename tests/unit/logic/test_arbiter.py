"""The arbiter: who owns an output, what is sent, and that nothing moves when an owner changes."""

import itertools

import numpy as np

from controller.core.plan import Mode
from controller.core.state import State
from controller.logic import arbiter
from controller.logic.arbiter import Owner
from tests.logic_plans import make_plan

NAN = np.nan
OUTPUTS = ("VALVE", "VENT", "PUMP")  # loops 1 and 0 drive the first two, nobody the third
PLAN = make_plan([], outputs=OUTPUTS, loop_of=(1, 0, -1))


class Board:
    """The arbiter of three outputs, in as many plants as the test likes."""

    def __init__(self, batch: int = 1, last: float = NAN) -> None:
        self.state = State(batch)
        self.mv = self.state.add("output.mv", OUTPUTS, fill=last)
        self.demand = np.full((3, batch), NAN)
        self.operator = np.full((3, batch), NAN)
        self.forces = np.full((3, batch), NAN)
        self.mode = np.full((2, batch), int(Mode.AUTO), dtype=np.int8)
        arbiter.add_state(PLAN, self.state)

    def decide(self) -> list[Owner]:
        self.is_forced = arbiter.arbitrate(
            PLAN, self.state, demand=self.demand, mode=self.mode, operator=self.operator, forces=self.forces
        )
        return [Owner(int(code)) for code in self.state["output.owner"][:, 0]]


def test_automatic_and_manual_send_what_the_loop_asks() -> None:
    board = Board()
    board.demand[:2] = [[40.0], [60.0]]
    board.mode[:] = [[Mode.MAN], [Mode.CAS]]
    assert board.decide() == [Owner.AUTO, Owner.MANUAL, Owner.NOBODY]
    np.testing.assert_array_equal(board.mv[:, 0], [40.0, 60.0, NAN])


def test_an_output_without_a_loop_obeys_the_operator_and_no_loop() -> None:
    board = Board()
    board.demand[2], board.operator[:] = 99.0, 1.0
    assert board.decide() == [Owner.NOBODY, Owner.NOBODY, Owner.MANUAL]
    np.testing.assert_array_equal(board.mv[:, 0], [NAN, NAN, 1.0])


def test_protection_goes_before_everybody() -> None:
    board = Board(last=50.0)
    board.demand[:], board.operator[:], board.forces[:] = 40.0, 40.0, 0.0
    for mode in Mode:
        board.mode[:] = mode
        assert board.decide() == [Owner.PROTECTION] * 3
        assert (board.mv == 0.0).all()
        assert board.is_forced.all()


def test_a_loop_in_local_override_sends_what_it_tracks_and_one_out_of_service_nothing() -> None:
    for mode, owner, sent in ((Mode.LO, Owner.LOCAL, 40.0), (Mode.OOS, Owner.NOBODY, 50.0)):
        board = Board(last=50.0)
        board.demand[:] = 40.0
        board.mode[:] = mode
        assert board.decide()[:2] == [owner, owner]
        assert (board.mv[:2] == sent).all()


def test_a_loop_without_an_answer_leaves_the_last_value() -> None:
    board = Board(last=50.0)
    assert board.decide() == [Owner.NOBODY] * 3
    assert (board.mv == 50.0).all()
    assert not board.is_forced.any()


def test_nothing_outside_the_range_is_sent() -> None:
    board = Board()
    board.demand[:2], board.operator[2] = [[-5.0], [130.0]], 1e9
    board.decide()
    np.testing.assert_array_equal(board.mv[:, 0], [0.0, 100.0, 100.0])


def test_when_the_force_ends_the_value_stays() -> None:
    board = Board(last=50.0)
    board.demand[:2], board.forces[:] = 40.0, 10.0
    board.decide()
    board.forces[:] = NAN
    board.mode[:], board.demand[:2] = Mode.LO, 10.0  # in the scan after it was forced a loop follows what was sent
    assert board.decide() == [Owner.LOCAL, Owner.LOCAL, Owner.NOBODY]
    assert (board.mv == 10.0).all()


def test_every_output_of_every_plant_has_exactly_the_owner_that_the_order_gives() -> None:
    cases = list(itertools.product(Mode, (NAN, 40.0), (NAN, 30.0), (NAN, 20.0)))
    board = Board(batch=len(cases), last=50.0)
    for column, (mode, demand, operator, force) in enumerate(cases):
        board.mode[:, column], board.demand[:, column] = mode, demand
        board.operator[:, column], board.forces[:, column] = operator, force
    board.decide()
    for column, (mode, demand, operator, force) in enumerate(cases):
        alone = Board(last=50.0)
        alone.mode[:], alone.demand[:], alone.operator[:], alone.forces[:] = mode, demand, operator, force
        alone.decide()
        for output in range(3):
            asked = operator if output == 2 else demand
            if force == 20.0:
                expected = Owner.PROTECTION, 20.0
            elif output < 2 and mode is Mode.LO and not np.isnan(asked):
                expected = Owner.LOCAL, asked
            elif np.isnan(asked) or (output < 2 and mode is Mode.OOS):
                expected = Owner.NOBODY, 50.0
            else:
                expected = (Owner.MANUAL if output == 2 or mode is Mode.MAN else Owner.AUTO), asked
            assert (board.state["output.owner"][output, column], board.mv[output, column]) == expected
            assert board.mv[:, column].tobytes() == alone.mv[:, 0].tobytes()


def test_a_plant_without_loops_or_outputs_is_no_special_case() -> None:
    plan = make_plan([])
    state = State(2)
    state.add("output.mv", ())
    arbiter.add_state(plan, state)
    none = np.empty((0, 2))
    is_forced = arbiter.arbitrate(
        plan, state, demand=none, mode=np.empty((0, 2), dtype=np.int8), operator=none, forces=none
    )
    assert is_forced.shape == (0, 2)
