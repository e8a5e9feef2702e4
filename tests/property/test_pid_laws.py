"""Laws of the PID block: they hold for every tuning, every history and every width of the batch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controller.core.tags import Floats
from controller.logic.blocks import pid

signals = st.floats(-150.0, 250.0)
tunings = st.tuples(
    st.floats(0.01, 50.0),  # kp
    st.one_of(st.just(0.0), st.floats(0.5, 1000.0)),  # Ti
    st.one_of(st.just(0.0), st.floats(0.1, 100.0)),  # Td
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(2.0, 30.0),
    st.sampled_from([1.0, -1.0]),
)


def wide(x: float, width: int) -> Floats:
    return np.full((1, width), x)


def make(t: tuple[float, ...], width: int = 1) -> tuple[pid.Tuning, pid.Memory]:
    kp, ti, td, b, c, n, action = t
    found = pid.Coefficients(*(wide(0.0, 1) for _ in range(4)))
    pid.find_coefficients(
        found, kp=wide(kp, 1), ti=wide(ti, 1), td=wide(td, 1), n=wide(n, 1), action=wide(action, 1), dt=0.1
    )
    tuning = pid.Tuning(found.k, found.share, found.d_kept, found.d_gain, wide(b, 1), wide(c, 1))
    return tuning, pid.Memory(*(np.zeros((1, width)) for _ in range(4)))


def step(t: pid.Tuning, m: pid.Memory, op: Floats, r: float, y: float, ff: float = 0.0) -> None:
    width = op.shape[1]
    pid.step(
        t, m, r=wide(r, width), y=wide(y, width), ff=wide(ff, width), op=op, lo=wide(0.0, 1), hi=wide(100.0, 1),
        where=np.ones(op.shape, dtype=np.bool_),
    )  # fmt: skip


@given(t=tunings, history=st.lists(st.tuples(signals, signals, st.floats(-50.0, 50.0)), max_size=40))
def test_the_output_is_within_its_limits_always(
    t: tuple[float, ...], history: list[tuple[float, float, float]]
) -> None:
    tuning, memory = make(t)
    op = wide(50.0, 1)
    for r, y, ff in history:
        step(tuning, memory, op, r, y, ff)
        assert 0.0 <= op[0, 0] <= 100.0


@given(t=tunings, r=signals, y=signals, ff=st.floats(-50.0, 50.0), mv=st.floats(0.0, 100.0))
def test_auto_starts_where_manual_left_off(t: tuple[float, ...], r: float, y: float, ff: float, mv: float) -> None:
    tuning, memory = make(t)
    op = wide(mv, 1)
    pid.track(tuning, memory, r=wide(r, 1), y=wide(y, 1), ff=wide(ff, 1), op=op, where=np.ones((1, 1), dtype=np.bool_))
    step(tuning, memory, op, r, y, ff)
    assert abs(op[0, 0] - mv) <= 1e-6 * max(1.0, abs(t[0]) * 400.0)


@given(t=tunings, ratio=st.floats(0.1, 10.0), r=signals, y=signals)
def test_a_new_gain_moves_nothing(t: tuple[float, ...], ratio: float, r: float, y: float) -> None:
    tuning, memory = make(t)
    op = wide(50.0, 1)
    step(tuning, memory, op, r, y)
    before = memory.p + memory.integral + memory.d
    pid.retune(memory, 0, wide(ratio, 1)[0], wide(ratio, 1)[0])
    after = memory.p + memory.integral + memory.d
    assert abs(float((after - before)[0, 0])) <= 1e-9 * (1.0 + float(np.abs(before).max()) + 1000.0 * t[0] * ratio)


@given(t=tunings, history=st.lists(st.tuples(signals, signals), min_size=1, max_size=20))
def test_a_column_of_a_batch_equals_the_plant_alone(t: tuple[float, ...], history: list[tuple[float, float]]) -> None:
    tuning, one = make(t)
    _, many = make(t, 64)
    op1, op64 = wide(30.0, 1), wide(30.0, 64)
    for r, y in history:
        step(tuning, one, op1, r, y)
        step(tuning, many, op64, r, y)
    assert np.array_equal(op64[:, 17:18], op1)
    assert np.array_equal(many.integral[:, 63:64], one.integral)
