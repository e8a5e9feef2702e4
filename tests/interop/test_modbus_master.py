"""The master against a real pymodbus server, on real sockets.

A 40 ms scan, so that the stories are short; nothing here depends on the length of the period.
"""

import asyncio
import time
from itertools import pairwise

import numpy as np
import pytest

from controller.core import quality as q
from controller.modbus.device import DeviceState
from controller.modbus.master import ModbusIo
from tests.interop.modbus_host import (
    HEARTBEAT,
    PATIENCE_S,
    PERIOD_NS,
    PLANNED_STOP,
    PUMP,
    VALVE,
    WATCHDOG,
    WATCHDOG_MS,
    Host,
    Plc,
    RealClock,
    frame,
    host,
    is_good,
    of,
    plan_for,
    plc,
)
from tests.interop.modbus_rogue import refusal, rogue


async def test_values_of_a_real_server_arrive_in_engineering_units() -> None:
    async with plc() as (_, port), host(plan_for(port), [np.nan, np.nan]) as h:
        before = time.time_ns()
        assert of(h.io.read(), 0) == [q.BAD_WAITING_FOR_INITIAL_DATA] * 3
        image = await h.until(is_good)
        assert image.value[:, 0].tolist() == [0.0, 112.5, 1.0]
        assert image.readback[:, 0] == pytest.approx([62.0, 0.0], abs=100 / 27648)
        assert image.device_ok.tolist() == [True]
        assert (image.time >= before).all()
        assert (image.time <= time.time_ns()).all()


async def test_outputs_are_written_and_read_back_and_the_heartbeat_counts() -> None:
    async with plc() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(lambda i: bool(abs(i.readback[0, 0] - 41.0) < 0.01 and i.readback[1, 0] == 1.0))
        assert device.holding[VALVE] == round(0.41 * 27648)
        assert device.coils[0] == 1 << PUMP
        assert device.holding[PLANNED_STOP] == 0
        beat = device.holding[HEARTBEAT]
        await h.scans(5)
        assert 4 <= device.holding[HEARTBEAT] - beat <= 6
        (status,) = h.io.devices
        assert status.state is DeviceState.SERVING
        assert (
            status.requests == 5 + 3
        )  # inputs twice (counter), switches, registers, coils; registers, coils, heartbeat
        assert status.poll_ms > 0.0


async def test_the_watchdog_time_is_set_before_anything_else_is_written() -> None:
    async with plc() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        assert device.holding[WATCHDOG] == WATCHDOG_MS
        assert h.io.devices[0].is_watchdog_verified


async def test_an_output_without_value_or_permission_is_left_alone() -> None:
    async with plc() as (device, port), host(plan_for(port), [np.nan, 1.0]) as h:
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        assert device.holding[VALVE] == 17142
        h.mv, h.writes = [10.0, 0.0], [False, True]
        await h.until(lambda i: bool(i.readback[1, 0] == 0.0))
        assert device.holding[VALVE] == 17142


async def test_a_planned_stop_leaves_the_end_state_and_its_mark() -> None:
    async with plc() as (device, port):
        io = ModbusIo(plan_for(port), RealClock(), jitter=lambda: 0.0)
        task = asyncio.create_task(io.run())
        h = Host(io, [41.0, 1.0])
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        io.write_end_state()
        async with asyncio.timeout(1.0):
            await task
        assert device.holding[VALVE] == round(0.30 * 27648)
        assert device.coils[0] == 1 << PUMP  # end state hold
        assert device.holding[PLANNED_STOP] == 1
        assert io.devices[0].state is DeviceState.ENDED
        io.write(frame([99.0, 0.0]))  # a late frame changes nothing any more
        assert device.holding[VALVE] == round(0.30 * 27648)


async def test_an_unplanned_end_writes_the_safe_values_and_no_mark() -> None:
    async with plc() as (device, port):
        io = ModbusIo(plan_for(port), RealClock(), jitter=lambda: 0.0)
        task = asyncio.create_task(io.run())
        await Host(io, [41.0, 1.0]).until(lambda i: bool(i.readback[1, 0] == 1.0))
        io.write_safe()
        async with asyncio.timeout(1.0):
            await task
        assert (device.holding[VALVE], device.coils[0], device.holding[PLANNED_STOP]) == (0, 0, 0)


async def test_ending_does_not_wait_for_a_device_that_is_not_there() -> None:
    async with plc() as (_, port):
        pass  # the port is free again: nobody listens
    io = ModbusIo(plan_for(port), RealClock(), jitter=lambda: 0.0)
    task = asyncio.create_task(io.run())
    await Host(io, [41.0, 1.0]).scans(5)
    io.write_safe()
    async with asyncio.timeout(1.0):
        await task
    assert f"127.0.0.1:{port}" in io.devices[0].last_error


async def test_a_device_whose_program_stands_still_goes_bad_although_it_answers() -> None:
    async with plc() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        device.is_running = False
        await h.until(lambda i: of(i, 0) == [q.UNCERTAIN_LAST_USABLE] * 3)
        image = await h.until(lambda i: of(i, 0) == [q.BAD_DEVICE_FAILURE] * 3)
        assert image.device_ok.tolist() == [False]
        device.is_running = True
        await h.until(is_good)


async def test_a_killed_device_goes_bad_and_comes_back_without_a_bump() -> None:
    async with plc() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        await device.stop()
        killed = time.monotonic()
        await h.until(lambda i: of(i, 0) == [q.BAD_NO_COMMUNICATION] * 3)
        assert time.monotonic() - killed < 1.0
        assert np.isnan(h.images[-1].readback).all()
        assert h.images[-1].device_ok.tolist() == [False]

        # What the scan wants while it is blind (99 %) is not written; once it sees the valve, it starts from there.
        h.decide = lambda i: [99.0, 0.0] if np.isnan(i.readback).any() else i.readback[:, 0].tolist()
        again = Plc()
        await again.start(port)
        image = await h.until(is_good)
        assert image.readback[:, 0] == pytest.approx([62.0, 0.0], abs=0.01)
        await h.scans(5)
        await again.stop()
        assert set(again.valve_writes) == {17142}
        assert h.io.devices[0].connects >= 2


async def test_a_frame_made_before_a_reconnect_is_not_written_after_it() -> None:
    async with plc() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        h.io.read()
        await device.stop()
        again = Plc()
        await again.start(port)
        (status,) = h.io.devices
        async with asyncio.timeout(PATIENCE_S):
            while status.connects < 2 or status.state is not DeviceState.SERVING:  # noqa: ASYNC110  nothing announces it
                await asyncio.sleep(0.01)
        h.io.write(frame([99.0, 1.0]))
        await asyncio.sleep(0.1)
        assert again.valve_writes == []
        await again.stop()


async def test_the_poll_ends_just_before_the_scan() -> None:
    async with plc() as (_, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        ages_ms = list[float]()
        for _ in range(15):
            image = await h.scan()
            ages_ms.append((time.time_ns() - int(image.time[0])) / 1e6)
        assert np.median(ages_ms) < PERIOD_NS / 1e6 / 2


async def test_a_value_that_the_device_does_not_take_is_shown_as_it_is_and_written_again_each_scan() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        device.stuck = {VALVE}
        h.mv = [77.0, 1.0]
        image = await h.scans(5)
        assert image.readback[:, 0] == pytest.approx([41.0, 1.0], abs=0.01)
        assert image.device_ok.tolist() == [True]
        device.stuck = set()
        await h.until(lambda i: bool(abs(i.readback[0, 0] - 77.0) < 0.01))


async def test_a_watchdog_that_cannot_be_set_keeps_the_outputs_untouched() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        device.stuck = {WATCHDOG}
        await h.until(is_good)  # it is read all the same
        image = await h.scans(5)
        assert image.device_ok.tolist() == [False]
        assert device.holding[VALVE] == 0
        assert device.holding[HEARTBEAT] == 0
        assert "must hold 2000 ms but keeps 0" in h.io.devices[0].last_error
        device.stuck = set()
        await h.until(lambda i: bool(i.readback[1, 0] == 1.0))


async def test_a_watchdog_that_is_refused_keeps_the_outputs_untouched_and_says_so() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        device.stuck = {WATCHDOG}
        device.fault = lambda request, answer: refusal(request, answer) if request[7] == 16 else answer
        await h.until(is_good)
        await h.scans(3)
        assert device.coils == 0
        (status,) = h.io.devices
        assert status.state is DeviceState.CHECKING
        assert "write holding 2+1: refused, exception 2 (illegal address)" in status.last_error


async def test_the_outputs_of_a_slow_device_do_not_wait_for_the_end_of_its_poll() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        device.late_s = 0.010  # five reads take longer than a period
        device.log.clear()
        await h.scans(8)
        h.io.write_safe()
        async with asyncio.timeout(PATIENCE_S):
            while h.io.devices[0].state is not DeviceState.ENDED:  # noqa: ASYNC110  nothing announces it
                await asyncio.sleep(0.005)
        assert (1, 15) in pairwise(device.log) or (2, 15) in pairwise(device.log) or (3, 15) in pairwise(device.log)
        assert device.coils == 0


async def test_the_end_of_the_program_does_not_touch_a_device_that_was_never_admitted() -> None:
    async with rogue() as (device, port):
        device.stuck = {WATCHDOG}
        io = ModbusIo(plan_for(port), RealClock(), jitter=lambda: 0.0)
        task = asyncio.create_task(io.run())
        await Host(io, [41.0, 1.0]).until(is_good)
        io.write_end_state()
        async with asyncio.timeout(1.0):
            await task
        assert (device.holding[VALVE], device.holding[PLANNED_STOP], device.coils) == (0, 0, 0)


async def test_the_last_writes_are_tried_again_when_one_gets_no_answer() -> None:
    async with rogue() as (device, port):
        io = ModbusIo(plan_for(port), RealClock(), jitter=lambda: 0.0)
        task = asyncio.create_task(io.run())
        await Host(io, [41.0, 1.0]).until(lambda i: bool(i.readback[1, 0] == 1.0))
        lost = iter([b""])
        device.fault = lambda request, answer: next(lost, answer) if request[7] == 15 else answer
        device.stuck = {VALVE}
        io.write_safe()
        async with asyncio.timeout(1.0):
            await task
        assert device.coils == 0
        assert next(lost, None) is None  # the answer to the first try was lost indeed


async def test_a_dead_program_does_not_look_alive_after_a_reconnect() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        device.is_running = False
        await h.until(lambda i: of(i, 0) == [q.BAD_DEVICE_FAILURE] * 3)
        for transport in list(device.connections):
            transport.abort()
        h.images.clear()
        await h.until(lambda _: h.io.devices[0].connects == 2 and h.io.devices[0].state is DeviceState.SERVING)
        assert all(q.is_bad(i.quality).all() for i in h.images)


async def test_an_output_that_cannot_be_read_back_is_not_written() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        device.fault = lambda request, answer: (
            refusal(request, answer) if request[7] == 3 and request[9] == VALVE else answer
        )
        image = await h.until(lambda i: bool(i.readback[1, 0] == 1.0))
        await h.scans(3)
        assert np.isnan(image.readback[0, 0])
        assert device.holding[VALVE] == 0
        assert device.holding[HEARTBEAT] > 0
