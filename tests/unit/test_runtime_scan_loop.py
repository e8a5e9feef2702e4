"""The scan loop and the supervisor on virtual time."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.frame import Frame
from controller.core.tags import Image
from controller.modbus.device import DeviceStatus
from controller.runtime import Pace, ScanFailed, first_image, run_scan, supervise

PERIOD = 100_000_000
MS = 1_000_000


class VirtualClock:
    """Time that passes only when somebody waits or works. ``late`` is how late each wake-up comes."""

    def __init__(self, late_ns: int = 0) -> None:
        self.now = 5_000_000_000
        self.late_ns = late_ns

    def mono(self) -> MonoNs:
        return MonoNs(self.now)

    def utc(self) -> UtcNs:
        return UtcNs(1_800_000_000_000_000_000 + self.now)

    async def sleep_until(self, deadline: MonoNs) -> None:
        if deadline > self.now:
            self.now = deadline + self.late_ns
        await asyncio.sleep(0)


@dataclass
class Plant:
    """Notes what the loop does with it."""

    log: list[str] = field(default_factory=list[str])
    device_ok: list[bool] = field(default_factory=lambda: [True])
    devices: tuple[DeviceStatus, ...] = ()

    def read(self) -> Image:
        nothing = np.empty((0, 1))
        return Image(nothing, nothing.astype(np.uint32), np.empty(0, np.int64), nothing, np.array(self.device_ok))

    def write(self, frame: Frame) -> None:
        self.log.append(f"write {frame.scan}")

    def write_end_state(self) -> None:
        self.log.append("end state")

    def write_safe(self) -> None:
        self.log.append("safe")

    def tick(self, edge: MonoNs) -> None:
        self.log.append(f"tick {edge}")

    async def run(self) -> None:
        await asyncio.Event().wait()


class Bench:
    """Runs ``scans`` scans, each taking what ``work_ns`` says, then cancels the loop as a stop does."""

    def __init__(self, scans: int, work_ns: Callable[[int], int] = lambda _: 5 * MS, late_ns: int = 0) -> None:
        self.clock, self.plant, self.pace = VirtualClock(late_ns), Plant(), Pace()
        self.began: list[Now] = []
        self.after: list[int] = []
        self._scans, self._work_ns = scans, work_ns

    def step(self, image: Image, now: Now) -> Frame:
        del image
        self.began.append(now)
        self.clock.now += self._work_ns(len(self.began))
        nothing = np.empty((0, 1))
        return Frame(
            len(self.began), now.mono, now.utc, nothing, nothing.astype(np.uint32), np.empty(0, np.int64), nothing
        )

    def note(self, frame: Frame, due: MonoNs) -> None:
        del due
        self.after.append(frame.scan)
        if frame.scan == self._scans:
            self.task.cancel()

    async def run(self) -> None:
        self.task = asyncio.ensure_future(
            run_scan(PERIOD, self.clock, self.plant, self.step, after=self.note, pace=self.pace)
        )
        await asyncio.wait([self.task])

    @property
    def offsets_ms(self) -> list[float]:
        return [(now.mono - self.began[0].mono) / MS for now in self.began]


async def test_deadlines_do_not_drift_however_long_the_scan_takes_and_however_late_it_wakes() -> None:
    bench = Bench(200, work_ns=lambda n: (n * 7 % 90) * MS, late_ns=1 * MS)
    await bench.run()
    assert bench.offsets_ms[1:] == [100.0 * n + 1.0 for n in range(1, 200)]
    assert bench.pace.overruns == 0
    assert bench.pace.jitter_ms == 1.0


async def test_a_long_scan_is_counted_and_skipped_never_caught_up() -> None:
    bench = Bench(5, work_ns=lambda n: 250 * MS if n == 2 else 5 * MS)
    await bench.run()
    # Scan 2 begins at 100 and ends at 350: the edge at 200 is missed, that at 300 begins 50 ms late, 400 is in time.
    assert bench.offsets_ms == [0.0, 100.0, 350.0, 400.0, 500.0]
    assert [now.periods for now in bench.began] == [1, 1, 2, 1, 1]
    assert bench.pace.overruns == 1


async def test_the_periods_of_all_scans_add_up_to_the_time_that_passed() -> None:
    bench = Bench(60, work_ns=lambda n: (n * 37 % 230) * MS)
    await bench.run()
    passed = sum(now.periods for now in bench.began[1:])
    assert passed == bench.offsets_ms[-1] // 100
    assert bench.pace.overruns == passed - len(bench.began[1:])


async def test_an_ordered_stop_ends_at_a_cycle_edge_in_the_end_state() -> None:
    bench = Bench(3)
    await bench.run()
    assert bench.task.cancelled()
    assert bench.plant.log == ["write 1", "write 2", "write 3", "end state"]
    assert bench.after == [1, 2, 3]


async def test_a_stop_between_output_and_records_still_records_the_frame() -> None:
    bench = Bench(10)
    written = bench.plant.write

    def write(frame: Frame) -> None:
        written(frame)
        if frame.scan == 2:
            bench.task.cancel()

    bench.plant.write = write  # type: ignore[method-assign]
    await bench.run()
    assert bench.plant.log == ["write 1", "write 2", "end state"]
    assert bench.after == [1, 2]


async def test_an_exception_in_the_scan_drives_the_outputs_safe_and_is_not_retried() -> None:
    def fails_at_3(n: int) -> int:
        return 1 // (3 - n) and 5 * MS

    bench = Bench(10, work_ns=fails_at_3)
    await bench.run()
    assert isinstance(bench.task.exception(), ZeroDivisionError)
    assert bench.plant.log == ["write 1", "write 2", "safe"]


async def test_four_missed_scans_are_survived() -> None:
    bench = Bench(6, work_ns=lambda n: 590 * MS if n == 3 else 5 * MS)
    await bench.run()
    assert bench.pace.overruns == 4
    assert bench.plant.log[-1] == "end state"


@pytest.mark.parametrize("stall_ms", [600, 5000])
async def test_five_missed_scans_in_a_row_drive_the_outputs_safe(stall_ms: int) -> None:
    bench = Bench(6, work_ns=lambda n: stall_ms * MS if n == 3 else 5 * MS)
    await bench.run()
    assert bench.plant.log[-1] == "safe"
    assert isinstance(bench.task.exception(), ScanFailed)
    assert "missed" in str(bench.task.exception())


# --- start ---------------------------------------------------------------------------------------------------------


async def test_the_start_waits_for_the_other_devices_for_a_while_after_the_first() -> None:
    clock, plant = VirtualClock(), Plant(device_ok=[False, False])
    began = clock.now
    reads = 0
    read = plant.read

    def answers_slowly() -> Image:
        nonlocal reads
        reads += 1
        plant.device_ok[0] = reads > 700  # 7 s
        return read()

    plant.read = answers_slowly  # type: ignore[method-assign]
    image = await first_image(plant, clock, rest_s=0.5)
    assert image.device_ok.tolist() == [True, False]
    assert (clock.now - began) / 1e9 == pytest.approx(7.5, abs=0.05)


async def test_the_start_goes_on_at_once_when_all_devices_answer() -> None:
    clock, plant = VirtualClock(), Plant(device_ok=[True, True])
    began = clock.now
    await first_image(plant, clock, rest_s=0.5)
    assert clock.now == began


# --- supervision -----------------------------------------------------------------------------------------------------


async def test_a_failing_service_is_started_again_after_growing_pauses() -> None:
    clock, starts = VirtualClock(), list[float]()

    async def service() -> None:
        starts.append(clock.now / 1e9)
        if len(starts) < 9:
            raise OSError("no screen")

    await supervise("screen", service, clock)
    pauses = [round(b - a, 3) for a, b in itertools.pairwise(starts)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_a_service_that_ran_well_for_a_minute_is_back_at_once() -> None:
    clock, starts = VirtualClock(), list[float]()

    async def service() -> None:
        starts.append(clock.now / 1e9)
        if len(starts) < 6:
            clock.now += 61 * 1000 * MS if len(starts) == 4 else 0
            raise OSError("no screen")

    await supervise("screen", service, clock)
    assert round(starts[4] - starts[3] - 61.0, 3) == 0.1


async def test_cancelling_a_supervised_service_ends_it() -> None:
    task = asyncio.ensure_future(supervise("screen", Plant().run, VirtualClock()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
