"""The simulator called directly: raw counts through the live codec's judgement, no bytes, no sockets.

The judgement is ``controller.modbus.codec`` itself, compiled for one row and run over all: live and lockstep cannot
differ. Inputs are judged where they stand: an image is good until the next one is read.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.core.clock import UtcNs
from controller.core.frame import Frame
from controller.core.plan import Plan
from controller.core.quality import BAD_WAITING_FOR_INITIAL_DATA, Codes
from controller.core.state import State
from controller.core.tags import Floats, Image
from controller.modbus import codec
from plc_sim.compiled.rows import Field, Part, Rows
from plc_sim.compiled.stages import CompiledStep
from plc_sim.points import Scaling
from plc_sim.simulator import Simulator

Mask = npt.NDArray[np.bool_]

EPOCH = UtcNs(1_767_225_600_000_000_000)  # 2026-01-01 00:00 UTC: where virtual time begins
ANSWERED, AGELESS = np.ones((1, 1), dtype=np.bool_), np.zeros((1, 1))


@dataclass(slots=True)
class Judged:
    """An input register and what the controller makes of it."""

    scale: codec.Scaling
    raw: Floats
    value: Floats
    quality: Codes

    def step(self) -> None:
        """Judge a register that was read."""
        self.value[...], self.quality[...] = codec.qualify(self.scale, self.raw, ANSWERED, AGELESS)


@dataclass(slots=True)
class ReadBack:
    """An output register and what the controller reads of it."""

    scale: codec.Scaling
    scaling: Scaling
    output: Floats
    is_silent: Mask
    has_acted: Mask
    readback: Floats

    def step(self) -> None:
        """Read the register, NaN where the device does not answer."""
        held = np.where(self.is_silent, np.nan, self.scaling.rounded(self.output))
        self.readback[...] = codec.from_raw(self.scale, held)


@dataclass(slots=True)
class Written:
    """An output register and what the controller writes into it."""

    scale: codec.Scaling
    scaling: Scaling
    output: Floats
    is_silent: Mask
    has_acted: Mask
    mv: Floats
    writes: Mask

    def step(self) -> None:
        """Write the register, unless its PLC does not take it."""
        raw = codec.to_raw(self.scale, self.mv)
        is_taken = self.writes & ~(np.isnan(raw) | self.is_silent | self.has_acted)
        np.copyto(self.output, self.scaling.rounded(raw), where=is_taken)


class DirectIo:
    """The simulator as the field of a rig."""

    def __init__(self, plan: Plan, simulator: Simulator, state: State) -> None:
        self.simulator = simulator
        batch = state.batch
        inputs, devices = [point.key for point in plan.inputs], [device.name for device in plan.devices]
        self._devices = np.array([point.device for point in plan.inputs], dtype=np.intp)
        self._stale_s = np.array([device.stale_s for device in plan.devices])
        self._inputs = codec.scaling(plan.inputs, plan.devices)
        self._value: Floats = state.add("io.value", inputs, fill=np.nan)
        self._quality: Codes = state.add("io.quality", inputs, dtype=np.uint32, fill=BAD_WAITING_FOR_INITIAL_DATA)
        self._time = state.add("io.time", inputs, dtype=np.int64, is_shared=True)
        self._age = state.add("io.age_s", devices, fill=np.inf, is_shared=True)
        self._mono = state["rig.mono"]
        self._judged = Rows(
            Judged,
            {
                "scale": _part(self._inputs),
                "raw": Field(simulator.instruments.raw),
                "value": Field(self._value),
                "quality": Field(self._quality),
            },
            Judged.step,
        )
        outputs = simulator.plcs.register_fields() | {"scale": _part(codec.scaling(plan.outputs, plan.devices))}
        self._readback = np.empty((len(plan.outputs), batch))
        readback = Rows(ReadBack, outputs | {"readback": Field(self._readback)}, ReadBack.step)
        self._read_back = CompiledStep([readback.stage()], batch)
        self._answered = np.ones(len(devices), dtype=np.bool_)
        self._judge = CompiledStep([self._judged.stage()], batch)
        self._mv, self._writes = np.empty_like(self._readback), np.ones((len(plan.outputs), 1), dtype=np.bool_)
        orders = {"mv": Field(self._mv), "writes": Field.constant(self._writes)}
        written = Rows(Written, outputs | orders, Written.step)
        self._write = CompiledStep([written.stage()], batch)

    def step(self, dt: float) -> None:
        """Let the plant's time pass."""
        self.simulator.step(dt)
        self._age += dt

    def read(self) -> Image:
        """Return the image, judged as the Modbus master judges its registers."""
        answers = ~np.logical_or.reduce(self.simulator.plcs.is_silent, axis=1)
        self._age[answers] = 0.0
        is_answered = answers[self._devices]
        self._time[is_answered] = EPOCH + int(self._mono[0, 0])
        if (answers != self._answered).any():
            self._answered = answers
            self._judge = CompiledStep([self._judged.stage(np.flatnonzero(is_answered))], self._value.shape[1])
        self._judge()
        self._read_back()
        value, quality = self._value, self._quality
        if not answers.all():
            value, quality = value.copy(), quality.copy()
            codec.judge_age(self._inputs, is_answered[:, None], self._age[self._devices], value, quality)
        return Image(value, quality, self._time[:, 0].copy(), self._readback, self._age[:, 0] <= self._stale_s)

    def write(self, frame: Frame) -> None:
        """Write the outputs and the heartbeat."""
        self._mv[...] = frame.mv
        self._writes[:, 0] = True if frame.writes is None else frame.writes
        self.simulator.plcs.beat(float(frame.scan))
        self._write()


def _part(scale: codec.Scaling) -> Part:
    """Return the codec's numbers as fields of a formula."""
    columns = {field.name: getattr(scale, field.name) for field in fields(scale) if field.name != "is_float32"}
    return Part(_scaling, {name: Field.constant(column) for name, column in columns.items()})


def _scaling(**columns: Any) -> codec.Scaling:
    """Return the scaling of rows; it is the device's register that makes a float32 of what is written to one."""
    return codec.Scaling(**columns, is_float32=None)
