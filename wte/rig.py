"""The rig: controller and plant in one process on virtual time. No sockets, no sleeps, same code as live.

For hardware-in-the-loop users and tests::

    from wte.rig import Rig

    rig = Rig()                                   # the shipped plant at 100 % load
    rig.run(60.0)
    rig.command("L1-LIC-1401.SP", 30.0)
    rig.fault("F5", line="L1", t_h=8.0)           # a tube of the evaporator leaks
    history = rig.record(["L1-LT-1401", "L1-FV-1601.OP"])
    rig.run(600.0)
    level = history.value["L1-LT-1401"]           # array (scans, batch)

The seam to the plant is ``RigIo``: give your own with ``io=`` to run the controller against another model or against
real devices; then no simulator is built. Everything a rig does is a function of its arguments and its seed: two runs
give the same frames, bit for bit (``frame_hash``).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.command import Action, Answer, Command, Role
from controller.core.compiler import compile_plan
from controller.core.config import Config, load
from controller.core.errors import PlantError, StateError
from controller.core.event import Event
from controller.core.frame import Frame
from controller.core.quality import BAD
from controller.core.tags import Floats, Image, Sample
from controller.scan import new_state, scan, start
from plc_sim.simulator import Simulator
from wte.direct import EPOCH, DirectIo
from wte.folders import shipped_plant


class RigIo(Protocol):
    """What a rig needs of a plant: the same seam the live controller has, and a way to let its time pass."""

    def read(self) -> Image:
        """Return all inputs as they are now."""
        ...

    def write(self, frame: Frame) -> None:
        """Give the outputs of ``frame`` to the plant."""
        ...

    def step(self, dt: float) -> None:
        """Let ``dt`` seconds pass in the plant."""
        ...


@dataclass(slots=True)
class Recording:
    """What ``record`` collects: ``time`` in seconds of virtual time, ``value[tag]`` arrays (scans, batch)."""

    tags: tuple[str, ...]
    _time: list[float] = field(default_factory=list[float])
    _values: list[Floats] = field(default_factory=list[Floats])

    def take(self, seconds: float, values: Floats) -> None:
        """Add one scan."""
        self._time.append(seconds)
        self._values.append(values)

    @property
    def time(self) -> Floats:
        """Seconds of virtual time, (scans,)."""
        return np.array(self._time)

    @property
    def value(self) -> dict[str, Floats]:
        """One array (scans, batch) a tag."""
        if not self._values:
            return {tag: np.empty((0, 1)) for tag in self.tags}
        block = np.stack(self._values)
        return {tag: block[:, number] for number, tag in enumerate(self.tags)}


class Rig:
    """One controller and ``batch`` plants in lockstep.

    ``plant`` is a folder or a loaded configuration (None: the shipped plant); ``seed`` fixes all noise; ``initial`` is
    one of the simulator's initial conditions: "cold", "hot standby", "60%" to "110%". Commands, faults and clock are
    common to all plants of a batch. Another plant is given as ``io``, and neither seed nor initial condition mean
    anything to it; when it has an attribute ``simulator``, faults and snapshots go there. ``is_hashed`` says whether
    ``frame_hash`` is kept up: of a batch that costs as much as the scan, so None is only for one plant.
    """

    def __init__(
        self,
        plant: Path | Config | None = None,
        *,
        batch: int = 1,
        seed: int = 0,
        initial: str = "100%",
        io: RigIo | None = None,
        is_hashed: bool | None = None,
    ) -> None:
        config = plant if isinstance(plant, Config) else load(plant or shipped_plant())
        self.config = config
        self.plan = compile_plan(config)
        self.events: list[Event] = []
        self.frame: Frame | None = None
        self.state = new_state(self.plan, batch)
        self._mono = self.state.add("rig.mono", ["mono"], dtype=np.int64, is_shared=True)
        if io is None:
            io = DirectIo(self.plan, Simulator(config, batch=batch, seed=seed, initial=initial), self.state)
        self.io: RigIo = io
        self._pending: list[Command] = []
        self._answers: dict[str, Answer] = {}
        self._recordings: list[Recording] = []
        self._commands = 0
        self._hash = hashlib.sha256() if is_hashed or (is_hashed is None and batch == 1) else None
        self._is_started = False

    @property
    def simulator(self) -> Simulator:
        """The simulated plant; PlantError when this rig has another one."""
        simulator = getattr(self.io, "simulator", None)
        if not isinstance(simulator, Simulator):
            raise PlantError("this rig's plant is no simulator: it has neither faults nor snapshots (io=)")
        return simulator

    @property
    def now(self) -> float:
        """Seconds of virtual time since the rig was made."""
        return float(self._mono[0, 0]) * 1e-9

    @property
    def frame_hash(self) -> str:
        """Hash of all frames so far: equal for two runs with one seed; PlantError when it is not kept up."""
        if self._hash is None:
            raise PlantError("the frames of a batch are hashed when that is asked for: Rig(..., is_hashed=True)")
        return self._hash.hexdigest()

    def step(self) -> Frame:
        """Let one scan period pass: plant, image, scan, outputs."""
        mono = self._mono
        mono += self.plan.period_ns
        self.io.step(self.plan.period_ns * 1e-9)
        now = Now(MonoNs(int(mono[0, 0])), UtcNs(EPOCH + int(mono[0, 0])))
        image = self.io.read()
        if not self._is_started:
            start(self.plan, self.state, image, now, is_restored=False, gap_s=None)
            self._is_started = True
        commands, self._pending = self._pending, []
        frame = scan(self.plan, self.state, image, commands, now)
        if frame.is_failed:
            raise PlantError("control failed in three scans in a row: " + frame.events[-1].text)
        self.io.write(frame)
        self._take(frame)
        return frame

    def run(self, seconds: float) -> Frame:
        """Let ``seconds`` of virtual time pass, at least one scan; return the last frame."""
        frame = self.step()
        for _ in range(round(seconds * 1e9 / self.plan.period_ns) - 1):
            frame = self.step()
        return frame

    def read(self, tag: str, plant: int = 0) -> Sample:
        """Return one row as people see it."""
        frame, row = self._last_frame(), self._row(tag)
        quality = int(frame.quality[row, plant])
        value = float(frame.value[row, plant])
        return Sample(None if quality >= BAD else value, quality, int(frame.time[row]))

    def read_many(self, tags: Sequence[str]) -> Floats:
        """Return the values of ``tags``, array (tags, batch), NaN where BAD."""
        return self._last_frame().value[[self._row(tag) for tag in tags]]

    def command(
        self,
        tag: str,
        value: float = 0.0,
        *,
        user: str = "rig",
        role: Role = Role.ENGINEER,
        action: Action | str = Action.WRITE,
        reason: str = "",
    ) -> Answer:
        """Give one command, run one scan and return its answer."""
        self._commands += 1
        ident = str(self._commands)
        self._pending.append(
            Command(ident, tag, Action(action), float(value), user=user, role=role, reason=reason, address="rig")
        )
        self.step()
        return self._answers.pop(ident)

    def fault(self, name: str, **args: Any) -> None:
        """Inject a fault of the simulator; an unknown one raises and names what exists."""
        self.simulator.fault(name, **args)

    def clear(self, name: str) -> None:
        """Take a fault away."""
        self.simulator.clear(name)

    def record(self, tags: Iterable[str]) -> Recording:
        """Record rows from the next scan on."""
        recording = Recording(tuple(tags))
        for tag in recording.tags:
            self._row(tag)
        self._recordings.append(recording)
        return recording

    def snapshot(self) -> bytes:
        """Return everything that decides the future: controller, plant, clock."""
        return msgspec.msgpack.encode(
            {"controller": self.state.save(), "plant": self.simulator.snapshot(), "config": self.plan.config_hash}
        )

    def restore(self, data: bytes) -> None:
        """Go back to a snapshot of the same configuration; from there the run continues bit for bit."""
        parts: dict[str, Any] = msgspec.msgpack.decode(data)
        if parts["config"] != self.plan.config_hash:
            raise StateError("the snapshot is of another configuration")
        self.state.restore(parts["controller"])
        self.simulator.restore(parts["plant"])
        self._is_started = True

    def _take(self, frame: Frame) -> None:
        self.frame = frame
        self.events.extend(frame.events)
        self._answers.update({answer.ident: answer for answer in frame.answers})
        if self._hash is not None:
            for block in (frame.value, frame.quality, frame.time, frame.mv):
                self._hash.update(np.ascontiguousarray(block).data)
        for recording in self._recordings:
            recording.take(self.now, frame.value[[self.plan.row(tag) for tag in recording.tags]])

    def _last_frame(self) -> Frame:
        if self.frame is None:
            self.step()
        assert self.frame is not None  # noqa: S101  step() made one
        return self.frame

    def _row(self, tag: str) -> int:
        try:
            return self.plan.row(tag)
        except KeyError:
            raise PlantError(f"{tag}: no such tag; wte check lists the plant's tags") from None
