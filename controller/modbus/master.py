"""The field as the scan sees it: an image of all inputs before it, the outputs of its frame after it.

``ModbusIo`` is the ``ProcessIo`` of the live plant. Its methods never wait; the devices' tasks, which ``run`` owns, do.
Above this module nothing of Modbus is an exception: a device that fails is a quality, a ``device_ok``, a status.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from controller.core import quality as q
from controller.core.clock import NS_PER_S, Clock, MonoNs
from controller.core.frame import Frame
from controller.core.plan import Bools, Plan, PointPlan
from controller.core.tags import Floats, Image
from controller.modbus import codec
from controller.modbus.device import NEVER, Device, DeviceStatus, Order, Registers
from controller.modbus.poll import Block, plan_reads, plan_writes, supervision_points, writable

FRESH_PERIODS: Final = 1.5  # older than that, a number missed its poll; less would flicker when a poll ends a bit late
_HEARTBEATS: Final = 0x10000
_FRESH: Final = np.ones((1, 1), dtype=np.bool_)
_AGELESS: Final = np.zeros((1, 1))


class _Guard:
    """How one device is told that we live and whether we end in order: written after the outputs of each scan."""

    def __init__(self, heartbeat: PointPlan, planned_stop: PointPlan) -> None:
        self._addresses = heartbeat.address, planned_stop.address
        self._blocks = plan_writes([heartbeat, planned_stop]).blocks

    def orders(self, heartbeat: int, planned_stop: int) -> list[Order]:
        """Return the writes of the heartbeat and of the planned-stop mark."""
        words = {self._addresses[0]: heartbeat, self._addresses[1]: planned_stop}
        return [
            (block, b"".join(words[block.address + n].to_bytes(2, "big") for n in range(block.count)))
            for block in self._blocks
        ]


class ModbusIo:
    """Reads and writes all devices of a plan; see the module's words. Batch 1.

    The host runs ``run()`` in its task group and, each scan: ``read()``, the scan, ``write(frame)``, ``tick(edge)``.
    It ends with ``write_end_state()`` or ``write_safe()`` and waits for ``run()`` to return. ``jitter`` gives numbers
    in 0..1 that keep the reconnects of many controllers apart.
    """

    def __init__(self, plan: Plan, clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._fresh_ns = int(FRESH_PERIODS * plan.period_ns)
        self._outputs = plan.outputs
        self._safe, self._end_state = plan.output.safe, plan.output.end_state

        # Read: all inputs, all outputs as the devices hold them, one counter a device.
        own = [supervision_points(number, device) for number, device in enumerate(plan.devices)]
        points = [*plan.inputs, *plan.outputs]
        reads = plan_reads([*points, *(p["plc_counter"] for p in own)], [d.max_gap for d in plan.devices])
        n_in, n_out = len(plan.inputs), len(plan.outputs)
        self._where = codec.layout(points, reads.position)
        self._in, self._back = slice(0, n_in), slice(n_in, n_in + n_out)
        self._in_block = np.array(reads.block_of[self._in], dtype=np.intp)
        self._back_block = np.array(reads.block_of[self._back], dtype=np.intp)
        self._in_device = np.array([p.device for p in plan.inputs], dtype=np.intp)
        self._scale_in = codec.scaling(plan.inputs, plan.devices)
        self._registers = _registers(reads.size, len(reads.blocks))

        # Write: outputs, then the guard.
        self._scale_out = codec.scaling(plan.outputs, plan.devices)
        self._write_plan = plan_writes(plan.outputs)
        self._out_layout = codec.layout(plan.outputs, self._write_plan.position)
        self._out_buffer = np.zeros(self._write_plan.size, dtype=np.uint8)
        self._guards = [_Guard(p["heartbeat"], p["planned_stop"]) for p in own]
        self._heartbeat = 0
        self._is_ending = False
        self._mask = b""
        self._blocks: list[tuple[Block, ...]] = [() for _ in plan.devices]  # that write the outputs in ``_mask``

        # What the last image showed: an output that is read back (outputs,), and on which connection of its device.
        self._shown = np.zeros(n_out, dtype=np.bool_)
        self._shown_session = [0] * len(plan.devices)

        blocks = list(enumerate(reads.blocks))
        counters = list(zip(reads.block_of[n_in + n_out :], reads.position[n_in + n_out :], strict=True))
        self._devices = [
            Device(
                number,
                device,
                plan.period_ns,
                plan.watchdog_ns,
                [pair for pair in blocks if pair[1].device == number],
                counters[number],
                self._registers,
                clock,
                jitter,
            )
            for number, device in enumerate(plan.devices)
        ]

    @property
    def devices(self) -> tuple[DeviceStatus, ...]:
        """State, figures and last error of each device, in the order of the plan."""
        return tuple(device.status for device in self._devices)

    async def run(self) -> None:
        """Own the tasks of all devices; return when the last writes are done, close everything when cancelled."""
        async with asyncio.TaskGroup() as group:
            for device in self._devices:
                group.create_task(device.run(), name=f"modbus {device.status.name}")

    def tick(self, edge: MonoNs) -> None:
        """Let the next poll of every device end just before ``edge``, when the next scan begins."""
        for device in self._devices:
            device.poll_before(edge)

    # --- before the scan ---------------------------------------------------------------------------------------------

    def read(self) -> Image:
        """Return what the devices said last, judged by its age."""
        now = self._clock.mono()
        registers, devices = self._registers, self._devices
        raw = codec.decode(self._where, registers.buffer)
        if all(d.is_complete and now - d.polled <= self._fresh_ns and d.stopped_ns <= 0 for d in devices):
            value, quality = codec.qualify(self._scale_in, raw[self._in, None], _FRESH, _AGELESS)
        else:
            value, quality = self._qualify_by_age(raw[self._in], now)

        is_ok = [d.is_ok(now) for d in devices]
        self._shown = registers.is_known[self._back_block]
        self._shown_session = [d.session for d in devices]
        readback = raw[self._back]
        readback[~self._shown] = np.nan
        return Image(
            value=value,
            quality=quality,
            time=registers.utc[self._in_block],
            readback=codec.from_raw(self._scale_out, readback[:, None]),
            device_ok=np.array(is_ok, dtype=np.bool_),
        )

    def _qualify_by_age(self, raw: Floats, now: MonoNs) -> tuple[Floats, q.Codes]:
        """Judge the inputs when not all are fresh.

        A device whose program stands still answers with old numbers: they age from the end of its stale time on.
        """
        registers, blocks = self._registers, self._in_block
        stopped_ns = np.array([d.stopped_ns for d in self._devices], dtype=np.int64)[self._in_device]
        age_ns = now - registers.mono[blocks]
        is_fresh = registers.is_answered[blocks] & (age_ns <= self._fresh_ns) & (stopped_ns <= 0)
        age_s = np.maximum(age_ns, stopped_ns) / NS_PER_S
        age_s[registers.mono[blocks] == NEVER] = np.inf
        is_faulty = registers.is_refused[blocks] | (stopped_ns > 0)
        lost = np.where(is_faulty, np.uint32(q.BAD_DEVICE_FAILURE), np.uint32(q.BAD_NO_COMMUNICATION))
        return codec.qualify(self._scale_in, raw[:, None], is_fresh[:, None], age_s[:, None], lost[:, None])

    # --- after the scan ----------------------------------------------------------------------------------------------

    def write(self, frame: Frame) -> None:
        """Send the outputs of a frame and the heartbeat to every device the scan has seen since its last connect."""
        if self._is_ending:
            return
        self._heartbeat = (self._heartbeat + 1) % _HEARTBEATS
        raw = codec.to_raw(self._scale_out, frame.mv)[:, 0]
        mask = self._shown & ~np.isnan(raw)
        if frame.writes is not None:
            mask &= frame.writes
        codec.encode(self._out_layout, raw, self._out_buffer)
        blocks, data = self._blocks_for(mask), self._out_buffer.tobytes()
        for number, device in enumerate(self._devices):
            if device.can_write and device.session == self._shown_session[number]:  # else: a connection not seen yet
                guard = self._guards[number].orders(self._heartbeat, planned_stop=0)
                device.order([*_cut(blocks[number], data), *guard])

    def write_end_state(self) -> None:
        """Put each output in its declared end state, mark the planned stop, then end: the devices keep that state."""
        self._finish(self._end_state, planned_stop=1)

    def write_safe(self) -> None:
        """Put each output in its safe position, then end: without a heartbeat the devices' watchdogs do the rest."""
        self._finish(self._safe, planned_stop=0)

    def _finish(self, values: Floats, planned_stop: int) -> None:
        self._is_ending = True
        self._heartbeat = (self._heartbeat + 1) % _HEARTBEATS
        raw = codec.to_raw(self._scale_out, values)[:, 0]
        codec.encode(self._out_layout, raw, self._out_buffer)
        blocks, data = self._blocks_for(~np.isnan(raw)), self._out_buffer.tobytes()
        for number, device in enumerate(self._devices):
            guard = self._guards[number].orders(self._heartbeat, planned_stop)
            device.finish([*_cut(blocks[number], data), *guard])

    def _blocks_for(self, mask: Bools) -> list[tuple[Block, ...]]:
        """Return for each device the blocks that touch the outputs in ``mask`` and no others; made anew on a change."""
        if (key := mask.tobytes()) != self._mask:
            self._mask = key
            blocks = writable(self._outputs, self._write_plan, np.flatnonzero(mask).tolist())
            self._blocks = [tuple(b for b in blocks if b.device == n) for n in range(len(self._devices))]
        return self._blocks


def _registers(size: int, blocks: int) -> Registers:
    return Registers(
        buffer=np.zeros(size, dtype=np.uint8),
        mono=np.full(blocks, NEVER, dtype=np.int64),
        utc=np.zeros(blocks, dtype=np.int64),
        is_answered=np.zeros(blocks, dtype=np.bool_),
        is_refused=np.zeros(blocks, dtype=np.bool_),
        is_known=np.zeros(blocks, dtype=np.bool_),
    )


def _cut(blocks: Sequence[Block], data: bytes) -> list[Order]:
    """Return each block with its part of the buffer's bytes."""
    return [(block, data[block.start : block.start + block.size]) for block in blocks]
