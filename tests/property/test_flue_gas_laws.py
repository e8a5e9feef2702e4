"""Laws of flue-gas cleaning: plug flow makes and loses nothing, and no final element or gas makes nonsense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.state import State
from plc_sim.process.gas import Gas
from plc_sim.process.plug_flow import PlugFlow
from tests.unit.plc_sim.flue_gas_rig import LINES, Rig

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

SLOTS = 5


@given(st.lists(st.tuples(st.floats(0.0, 1.0 / SLOTS), st.floats(0.0, 10.0)), min_size=1, max_size=200))
def test_plug_flow_holds_what_entered_and_did_not_leave(steps: list[tuple[float, float]]) -> None:
    pipe = PlugFlow.build(State(1), "pipe", ("x",), ("L1",), SLOTS)
    entered = left = 0.0
    for share, content in steps:
        leaving = pipe.step(np.array([[[content]]]), np.array([[[share]]]))
        entered += share * SLOTS * content
        left += share * SLOTS * float(leaving[0, 0, 0])
    held = float(pipe.filling[0, 0, 0])
    slot, fill = int(pipe.slot[0, 0, 0]), float(pipe.fill[0, 0, 0])
    for number in range(1, SLOTS + 1):
        row = (slot + number) % (SLOTS + 1)
        held += float(pipe.ring[row, 0]) * (1.0 - fill if number == 1 else 1.0)
    assert abs(entered - left - held) <= 1e-9 * max(entered, 1.0)


@given(st.floats(0.02, 0.19))
def test_plug_flow_delays_by_its_volume(share: float) -> None:
    pipe = PlugFlow.build(State(1), "pipe", ("x",), ("L1",), SLOTS)
    seen = [float(pipe.step(np.array([[[1.0]]]), np.array([[[share]]]))[0, 0, 0]) for _ in range(round(2.5 / share))]
    assert max(seen[: int((1.0 - 1.0 / SLOTS) / share) - 1], default=0.0) == 0.0
    assert seen[-1] == 1.0
    # The mean delay is one volume.
    mean = sum((1.0 - x) * share for x in seen)
    assert abs(mean - 1.0) <= 1.0 / SLOTS


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.3), st.floats(250.0, 700.0))
def test_no_final_element_and_no_gas_makes_nonsense(seed: int, flow: float, kelvin: float) -> None:
    rig = Rig(is_cold=True)
    random = np.random.default_rng(seed)
    full = Rig.full_gas()
    one = np.ones((len(LINES), 1))
    rig.gas = Gas(*(field * flow for field in full))._replace(
        temperature=kelvin * one, o2=full.o2, h2o=full.h2o, co2=full.co2
    )
    rig.furnace = type(rig.furnace)(*(one * random.uniform(280.0, 1500.0) for _ in range(3)))
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        for _ in range(30):
            moved = random.random(rig.inputs.shape) < 0.1
            rig.inputs[moved] = random.random(rig.inputs.shape)[moved]
            rig.run(5.0, 1.0)
    assert np.isfinite(rig.signals).all()
    for name in ("filter.dp", "sncr.ammonia_flow", "cems.hcl", "cems.nh3", "filter.hopper_0", "stack.gas"):
        assert rig.value(name) >= 0.0
    assert (rig.cleaning.filter.cake >= 0.0).all()
    assert (rig.cleaning.reactor.temperature >= 250.0).all()
