"""What is read from courses."""

import math

import numpy as np
import pytest

from wte.validation.course import Course, Recorder

SECONDS = np.arange(0.0, 101.0)
RISE = Course(SECONDS, 10.0 * -np.expm1(-SECONDS / 20.0))


def test_the_time_of_a_level_lies_between_the_samples() -> None:
    assert RISE.reaches(5.0) == pytest.approx(20.0 * math.log(2.0), abs=0.02)


def test_a_level_that_is_never_crossed_has_no_time() -> None:
    assert math.isnan(RISE.reaches(11.0))


def test_a_falling_course_reaches_a_level_too() -> None:
    falling = RISE.changed(lambda value: -value)
    assert falling.reaches(-5.0) == pytest.approx(RISE.reaches(5.0))


def test_the_response_counts_from_its_own_start() -> None:
    late = Course(SECONDS + 40.0, RISE.value)
    assert late.response_s(40.0, 140.0) == pytest.approx(20.0, abs=0.5)


def test_slope_mean_and_extremes_of_a_stretch() -> None:
    line = Course(SECONDS, 3.0 * SECONDS)
    assert line.slope(10.0, 20.0) == pytest.approx(3.0)
    assert line.mean(10.0, 20.0) == pytest.approx(45.0)
    assert line.between(10.0, 20.0).highest() == (20.0, 60.0)
    assert line.between(10.0, 20.0).lowest() == (10.0, 30.0)


def test_a_recorder_keeps_copies() -> None:
    recorder, row = Recorder(["a", "b"]), np.array([1.0, 2.0])
    recorder.note(0.0, row)
    row += 1.0
    recorder.note(1.0, row)
    assert recorder.courses()["b"].value.tolist() == [2.0, 3.0]
