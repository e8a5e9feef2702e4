"""The simulator called directly: every image is what the codec makes of the registers, whatever devices do."""

import numpy as np
import numpy.typing as npt
import pytest

from controller.core import quality as q
from controller.core.config import load
from controller.core.errors import PlantError
from controller.modbus import codec
from wte.direct import DirectIo
from wte.folders import shipped_plant
from wte.rig import Rig

Floats = npt.NDArray[np.float64]
PLANT = load(shipped_plant())


class Polled:
    """A master that keeps the last answers and judges all of them each time."""

    def __init__(self, rig: Rig) -> None:
        self.rig, plan = rig, rig.plan
        self.scale = codec.scaling(plan.inputs, plan.devices)
        self.outputs = codec.scaling(plan.outputs, plan.devices)
        self.devices = np.array([point.device for point in plan.inputs])
        self.raw = np.full((len(plan.inputs), rig.state.batch), np.nan)
        self.age_s = np.full((len(plan.devices), 1), np.inf)

    def expect(self) -> None:
        """Let a scan period pass; what the rig's field gives is what this master makes of it."""
        self.rig.step()
        readings = self.rig.simulator.read_raw()
        answers = np.logical_and.reduce(readings.device_ok, axis=1)
        self.age_s += self.rig.simulator.period_s
        self.age_s[answers] = 0.0
        is_answered = answers[self.devices][:, None]
        np.copyto(self.raw, readings.raw, where=is_answered)
        image = self.rig.io.read()
        value, quality = codec.qualify(self.scale, self.raw, is_answered, self.age_s[self.devices])
        assert image.quality.tobytes() == quality.tobytes()
        assert np.array_equal(image.value, value, equal_nan=True)
        assert np.array_equal(image.readback, codec.from_raw(self.outputs, readings.readback), equal_nan=True)


@pytest.mark.parametrize("batch", [1, 70])
def test_an_image_is_what_the_codec_makes_of_the_registers(batch: int) -> None:
    rig = Rig(PLANT, batch=batch, seed=3)
    assert isinstance(rig.io, DirectIo)
    polled = Polled(rig)
    rig.fault("device_silent", device="L2")
    for act in (
        None,
        lambda: rig.fault("transmitter_bad", tag="L1-LT-1401A", how="under"),
        lambda: rig.clear("device_silent"),
        lambda: rig.fault("device_silent", device="L1"),
        lambda: rig.clear("transmitter_bad"),
        lambda: rig.clear("device_silent"),
    ):
        if act is not None:
            act()
        for _ in range(15):
            polled.expect()
    assert not (rig.io.read().quality >= q.BAD).any()


def test_orders_reach_the_registers_as_written_and_no_silent_device() -> None:
    rig = Rig(PLANT, batch=3, seed=1)
    rig.step()
    rig.fault("device_silent", device="L2")
    rig.step()
    frame = rig.step()
    rows = {point.key: row for row, point in enumerate(rig.plan.outputs)}
    scale = codec.scaling(rig.plan.outputs, rig.plan.devices)
    before = rig.simulator.plcs.output.copy()
    frame.mv[...] = scale.lo + 0.4321 * (scale.hi - scale.lo)
    frame.mv[rows["L1-FV-1601.OP"], 1] = np.nan
    rig.io.write(frame)
    expected = codec.to_raw(scale, frame.mv)
    on_l2 = np.array([rig.plan.devices[point.device].name == "L2" for point in rig.plan.outputs])
    on_l2 |= ~frame.writes if frame.writes is not None else False
    expected = np.where(np.isnan(expected) | on_l2[:, None], before, expected)
    assert np.array_equal(rig.simulator.plcs.output, expected)
    assert (expected != before).any()


def test_frames_of_a_batch_are_hashed_when_that_is_asked_for() -> None:
    plain, hashed = Rig(PLANT, batch=2), Rig(PLANT, batch=2, is_hashed=True)
    for rig in (plain, hashed):
        rig.run(0.3)
    assert len(hashed.frame_hash) == 64
    with pytest.raises(PlantError, match=r"is_hashed=True"):
        _ = plain.frame_hash
    again = Rig(PLANT, batch=2, is_hashed=True)
    again.run(0.3)
    assert again.frame_hash == hashed.frame_hash
