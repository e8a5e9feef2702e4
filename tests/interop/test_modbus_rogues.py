"""The master against devices that do everything wrong: each its quality, the others undisturbed."""

import asyncio
import time

import pytest

from controller.core import quality as q
from tests.interop.modbus_host import PATIENCE_S, host, is_good, of, plan_for, plc
from tests.interop.modbus_rogue import (
    Fault,
    half,
    hang_up,
    lying,
    noise,
    nothing_follows,
    on_reads_of_inputs,
    other_function,
    other_transaction,
    other_unit,
    refusal,
    rogue,
    shorter,
    silence,
    zero_transaction,
)

# What goes wrong, what the two values in that request become, and the kind that is counted.
ONE_REQUEST: list[tuple[Fault, int, str]] = [
    (shorter, q.BAD_NO_COMMUNICATION, "wrong_answer"),
    (lying, q.BAD_NO_COMMUNICATION, "wrong_answer"),
    (other_unit, q.BAD_NO_COMMUNICATION, "wrong_answer"),
    (other_function, q.BAD_NO_COMMUNICATION, "wrong_answer"),
    (refusal, q.BAD_DEVICE_FAILURE, "refused"),
]


@pytest.mark.parametrize(("spoil", "code", "kind"), ONE_REQUEST, ids=lambda v: getattr(v, "__name__", None))
async def test_a_wrong_answer_to_one_request_spoils_its_values_only(spoil: Fault, code: int, kind: str) -> None:
    async with plc() as (_, good), rogue() as (device, bad), host(plan_for(good, bad), [41.0, 1.0] * 2) as h:
        await h.until(lambda i: is_good(i) and bool(i.readback[3, 0] == 1.0))
        device.fault = on_reads_of_inputs(spoil)
        h.images.clear()
        await h.until(lambda i: of(i, 1)[:2] == [code, code])
        assert of(h.images[-1], 1)[2] == q.GOOD  # the switch comes in another request
        assert h.images[-1].device_ok.tolist() == [True, True]
        assert h.io.devices[1].errors[kind] > 0
        assert not any(q.is_bad(i.quality[:3]).any() for i in h.images)  # the other device is undisturbed
        h.mv = [41.0, 1.0, 55.0, 1.0]
        await h.until(lambda i: bool(abs(i.readback[2, 0] - 55.0) < 0.01))  # and the outputs of this one still work
        device.fault = None
        await h.until(is_good)


WHOLE_DEVICE: list[tuple[Fault, str]] = [
    (silence, "no_reply"),
    (half, "no_reply"),
    (other_transaction, "no_reply"),
    (zero_transaction, "no_reply"),
    (hang_up, "no_reply"),
    (noise, "wrong_answer"),
    (nothing_follows, "wrong_answer"),
    (other_unit, "wrong_answer"),
]


@pytest.mark.parametrize(("spoil", "kind"), WHOLE_DEVICE, ids=lambda v: getattr(v, "__name__", None))
async def test_a_device_gone_mad_goes_bad_alone_and_comes_back(spoil: Fault, kind: str) -> None:
    async with plc() as (_, good), rogue() as (device, bad), host(plan_for(good, bad), [41.0, 1.0] * 2) as h:
        await h.until(is_good)
        device.fault = spoil
        h.images.clear()
        await h.until(lambda i: of(i, 1) == [q.BAD_NO_COMMUNICATION] * 3)
        assert h.images[-1].device_ok.tolist() == [True, False]
        assert h.io.devices[1].errors[kind] > 0
        assert "L2" in h.io.devices[1].last_error
        assert not any(q.is_bad(i.quality[:3]).any() for i in h.images)
        device.fault = None
        await h.until(is_good)


async def test_late_answers_are_dropped_and_never_taken_for_the_next_one() -> None:
    async with plc() as (_, good), rogue() as (device, bad), host(plan_for(good, bad), [41.0, 1.0] * 2) as h:
        await h.until(is_good)
        device.late_s = 0.020  # the time-out is 15 ms
        h.images.clear()
        await h.until(lambda i: of(i, 1) == [q.BAD_NO_COMMUNICATION] * 3)
        assert not any(q.is_bad(i.quality[:3]).any() for i in h.images)
        device.late_s = 0.0
        image = await h.until(is_good)
        assert image.value[3:, 0].tolist() == [0.0, 112.5, 1.0]
        assert h.io.devices[1].stray > 0


async def test_one_lost_answer_costs_no_connection() -> None:
    async with rogue() as (device, port), host(plan_for(port), [41.0, 1.0]) as h:
        await h.until(is_good)
        device.fault = silence
        async with asyncio.timeout(PATIENCE_S):
            while not h.io.devices[0].errors["no_reply"]:
                await h.scan()
        device.fault = None
        await h.until(is_good)
        assert h.io.devices[0].connects == 1
        assert not any(q.is_bad(i.quality).any() for i in h.images[-3:])


async def test_the_pauses_between_connects_grow_and_are_not_cut_short_by_the_scans() -> None:
    async with plc() as (_, port):
        pass  # nobody listens there any more
    async with host(plan_for(port), [41.0, 1.0]) as h:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            await h.scan()
        # Pauses of 0.1, 0.2, 0.4, 0.8 s, of which at least half is kept: some five tries in a second, not one a scan.
        assert 2 <= h.io.devices[0].errors["no_reply"] <= 7
