"""When steps are due. The clock is a number of the test."""

import pytest

from controller.core.errors import PlantError
from plc_sim.pace import Pace, checked_speed

PERIOD_S = 0.1


def run(pace: Pace, begin: float, seconds: float, look_s: float = 0.001) -> int:
    """Look every ``look_s`` and make the steps that are due; return how many."""
    made = 0
    for look in range(round(seconds / look_s)):
        while pace.take(begin + look * look_s):
            made += 1
            if pace.speed == 0.0:
                break
    return made


@pytest.mark.parametrize("speed", [0.1, 0.5, 1.0, 7.0, 100.0, 1000.0])
def test_the_plants_time_runs_at_the_speed_asked_for(speed: float) -> None:
    pace = Pace(PERIOD_S, speed=speed)
    assert run(pace, 50.0, 20.0) == pytest.approx(20.0 * speed / PERIOD_S, rel=1e-3, abs=2)
    assert pace.reached == pytest.approx(speed, rel=0.1, abs=0.1)


def test_as_fast_as_possible_is_always_due() -> None:
    pace = Pace(PERIOD_S, speed=0.0)
    assert run(pace, 0.0, 1.0) == 1000
    assert pace.wait_s(5.0) == 0.0


def test_time_that_was_lost_is_not_made_up() -> None:
    pace = Pace(PERIOD_S)
    run(pace, 0.0, 1.0)
    assert run(pace, 60.0, 1.0) <= 12


def test_a_step_is_waited_for_until_it_is_due() -> None:
    pace = Pace(PERIOD_S, speed=2.0)
    assert pace.wait_s(1.0) == 0.0
    assert pace.take(1.0)
    assert pace.wait_s(1.02) == pytest.approx(0.03)
    assert not pace.take(1.049)
    assert pace.take(1.051)


def test_a_frozen_plant_makes_the_steps_asked_for_and_then_waits_for_ever() -> None:
    pace = Pace(PERIOD_S, is_frozen=True)
    assert pace.wait_s(0.0) is None
    assert not pace.take(99.0)
    pace.step(3)
    assert [pace.take(99.0) for _ in range(5)] == [True, True, True, False, False]
    assert pace.reached == 0.0
    pace.set_speed(2.0)
    assert not pace.take(99.0), "a frozen plant stays frozen"
    pace.run()
    assert run(pace, 100.0, 1.0) == pytest.approx(20, abs=1)


def test_freezing_takes_back_the_steps_that_are_left() -> None:
    pace = Pace(PERIOD_S)
    pace.step(10)
    pace.freeze()
    assert not pace.take(0.0)


def test_the_time_that_stood_still_is_counted_while_frozen_and_in_part_while_slow() -> None:
    pace = Pace(PERIOD_S)
    assert pace.idle_s(10.0) == 0.0
    assert pace.idle_s(20.0) == 0.0
    pace.freeze()
    assert pace.idle_s(20.0) == 0.0
    assert pace.idle_s(25.0) == 5.0
    pace.run()
    pace.set_speed(0.1)
    assert pace.idle_s(25.0) == 5.0
    assert pace.idle_s(35.0) == pytest.approx(14.0)
    pace.set_speed(50.0)
    assert pace.idle_s(35.0) == pace.idle_s(99.0) == pytest.approx(14.0)


@pytest.mark.parametrize("speed", [-1.0, 0.01, 0.099, 1000.1, float("nan"), float("inf")])
def test_an_impossible_speed_is_refused_with_what_is_possible(speed: float) -> None:
    with pytest.raises(PlantError, match=r"expected 0\.1 to 1000 plant seconds per second, or 0"):
        checked_speed(speed)
