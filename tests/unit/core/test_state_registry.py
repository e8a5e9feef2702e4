"""The state registry: what was not edited keeps its state, and nothing damaged is ever taken over."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.errors import StateError
from controller.core.state import State


def registry(keys: list[str], hashes: list[str] | None = None, fill: float = 0.0) -> State:
    state = State(batch=2)
    state.add("loop.sp", keys, hashes=hashes, fill=fill, is_retained=True)
    state.add("pid.integral", keys, fill=fill)
    return state


def test_a_saved_registry_comes_back_bit_for_bit() -> None:
    old, new = registry(["A", "B"], fill=1.0 / 3.0), registry(["A", "B"])
    new.restore(old.save())
    assert np.array_equal(new["loop.sp"], old["loop.sp"])
    assert np.array_equal(new["pid.integral"], old["pid.integral"])


def test_only_retained_arrays_go_into_the_retained_file() -> None:
    old, new = registry(["A"], fill=5.0), registry(["A"])
    new.restore(old.save(retained_only=True))
    assert new["loop.sp"][0, 0] == 5.0
    assert new["pid.integral"][0, 0] == 0.0


def test_an_edited_item_starts_cold_and_the_others_keep_their_state() -> None:
    old = registry(["A", "B"], ["h1", "h2"], fill=5.0)
    new = registry(["B", "A", "C"], ["h2", "changed", "h3"])
    result = new.restore(old.save(retained_only=True))
    assert new["loop.sp"][:, 0].tolist() == [5.0, 0.0, 0.0]
    assert result.kept == ["loop.sp/B"]
    assert result.cold == ["loop.sp/A", "loop.sp/C"]


def test_a_removed_item_is_named() -> None:
    result = registry(["A"]).restore(registry(["A", "B"]).save(retained_only=True))
    assert result.removed == ["loop.sp/B"]


@given(position=st.integers(min_value=0), flip=st.integers(1, 255))
def test_one_flipped_byte_is_found_and_changes_nothing(position: int, flip: int) -> None:
    data = bytearray(registry(["A", "B"], fill=7.0).save())
    data[position % len(data)] ^= flip
    new = registry(["A", "B"])
    with pytest.raises(StateError):
        new.restore(bytes(data))
    assert not new["loop.sp"].any()


def test_a_snapshot_of_another_batch_is_refused() -> None:
    other = State(batch=3)
    with pytest.raises(StateError, match="batch"):
        registry(["A"]).restore(other.save())


def test_wide_arrays_begin_at_a_line_of_memory_and_hold_what_they_are_filled_with() -> None:
    state = State(batch=125)
    for number, (dtype, fill) in enumerate([(np.float64, 0), (np.bool_, True), (np.uint32, 7), (np.float64, np.nan)]):
        array = state.add(f"array {number}", ("a", "b", "c"), dtype=dtype, fill=fill)
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
        assert np.array_equal(array, np.full((3, 125), fill, dtype=dtype), equal_nan=dtype is np.float64)
    huge = state.add("huge", [f"{number}" for number in range(40_000)])
    assert not huge.any()
    huge[...] = 1.0
    assert state["array 2"].sum() == 7 * 3 * 125
