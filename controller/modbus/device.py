"""One device: its connection, its rhythm, and what is known of it. One task per device, none waits for another.

A cycle is: the writes of the scan that just ended, then the poll that ends just before the next scan. After a time-out,
the rest of the poll is left out; after three silent polls the connection is made anew. After every connect the device's
watchdog time is verified and everything is read, outputs included, before anything is written.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from controller.core.clock import NS_PER_S, Clock, MonoNs
from controller.core.errors import FieldError, NoReply, Refused
from controller.core.plan import Bools, DevicePlan
from controller.core.tags import Times
from controller.modbus.client import Client, open_client
from controller.modbus.codec import Bytes
from controller.modbus.poll import Block, supervision_points

SILENT_POLLS: Final = 3  # in a row, until the connection is made anew
LAST_TRIES: Final = 3  # for the orders that end a device
BACKOFF_MIN_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
_DOUBLINGS: Final = 6  # 0.1 s doubled so often is beyond the maximum
NEVER: Final = -1  # in an array of monotonic times

# The poll starts so early that it ends before the scan although it takes a third longer than the longest of late, and
# although asyncio's timers are 0.9 to 1.3 ms late (they count in ms).
LEAD_FACTOR: Final = 1.3
LEAD_MARGIN_NS: Final = 8_000_000
LEAD_FORGET: Final = 0.95  # a single long poll is forgotten with a time constant of 20 polls

Order = tuple[Block, bytes]  # what to write where


class DeviceState(StrEnum):
    """How far we are with a device."""

    CONNECTING = "connecting"  # no connection; tried again after growing pauses
    CHECKING = "checking"  # connected; not read yet, or its watchdog time is not verified: nothing is written
    SERVING = "serving"
    SILENT = "silent"  # connected, the last poll was not answered
    ENDED = "ended"  # the last write is done


@dataclass(slots=True)
class DeviceStatus:
    """Figures and words about one device, for the system tags and for messages."""

    name: str
    state: DeviceState = DeviceState.CONNECTING
    poll_ms: float = 0.0  # duration of the last whole poll
    requests: int = 0  # from the end of the poll before to the end of the last one, writes included
    errors: Counter[str] = field(default_factory=Counter[str])  # "no_reply", "refused", "wrong_answer" -> how many
    last_error: str = ""  # with the device's name and what was asked for
    connects: int = 0
    stray: int = 0  # answers that nobody was waiting for any more
    is_watchdog_verified: bool = False

    def note(self, error: FieldError) -> None:
        """Count an error by its kind and keep its words."""
        kind = "refused" if isinstance(error, Refused) else "no_reply" if isinstance(error, NoReply) else "wrong_answer"
        self.errors[kind] += 1
        self.last_error = str(error)


@dataclass(frozen=True, slots=True)
class Registers:
    """What all devices said last: a buffer of bytes, and for each block (blocks,) when and whether it was answered."""

    buffer: Bytes
    mono: Times  # of the last answer; NEVER
    utc: Times  # of the last answer; 0: never
    is_answered: Bools  # in the last poll of its device
    is_refused: Bools  # with an exception code, in the last poll of its device
    is_known: Bools  # answered at least once since the last connect


class Device:
    """The task of one device and the facts it leaves for the next scan. ``run`` is the task; the rest never waits."""

    def __init__(
        self,
        number: int,
        plan: DevicePlan,
        period_ns: int,
        watchdog_ns: int,
        blocks: Sequence[tuple[int, Block]],
        counter: tuple[int, int],
        registers: Registers,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        """Take its own ``blocks`` with their numbers among all, and block and buffer byte of the PLC's ``counter``."""
        self.status = DeviceStatus(plan.name)
        self.session = 0  # counts the connections that came as far as to be written to
        self.polls = 0  # whole polls so far
        self.polled = MonoNs(NEVER)  # end of the last whole poll
        self.is_complete = False  # the last poll brought every block
        self.still_ns = 0  # for how long the PLC's counter has not moved, seen from the last answer
        self._plan = plan
        self._period_ns = period_ns
        self._watchdog_ms = watchdog_ns // (NS_PER_S // 1000)
        point = supervision_points(number, plan)["watchdog_ms"]
        self._watchdog = Block(number, "holding", point.address, 1, 0)
        self._blocks = blocks
        self._own = [number for number, _ in blocks]
        self._counter_block, self._counter_at = counter
        self._counter = b""  # as last seen; it outlives a connection, so that a dead program does not look alive again
        self._counted = MonoNs(NEVER)  # when it was last seen to move
        self._stale_ns = int(plan.stale_s * NS_PER_S)
        self._registers = registers
        self._clock = clock
        self._jitter = jitter
        self._wake = asyncio.Event()  # something to do
        self._over = asyncio.Event()  # the last orders are there
        self._orders: Sequence[Order] = ()
        self._last_orders: Sequence[Order] | None = None
        self._due = clock.mono()
        self._is_admitted = False  # this connection has been read and verified: it may be written
        self._span_ns = 0.0  # duration of the longest poll of late
        self._silent = 0  # polls without answer, running
        self._requests = 0

    @property
    def can_write(self) -> bool:
        """Return whether the device is connected, its watchdog verified, and all of it read once since then.

        One silent poll does not end that: a trip must go out while there is a connection to take it.
        """
        return self._is_admitted

    @property
    def stopped_ns(self) -> int:
        """How long, beyond the stale time, the PLC's program has stood still while it answered; <= 0: it runs."""
        return self.still_ns - self._stale_ns

    def is_ok(self, now: MonoNs) -> bool:
        """Return whether the device is connected, verified, heard of within its stale time, and its program runs."""
        return self._is_admitted and now - self.polled <= self._stale_ns and self.stopped_ns <= 0

    def poll_before(self, deadline: MonoNs) -> None:
        """Let the next poll end just before ``deadline``."""
        lead = min(LEAD_FACTOR * self._span_ns + LEAD_MARGIN_NS, 0.6 * self._period_ns)
        self._due = MonoNs(deadline - int(lead))
        self._wake.set()

    def order(self, orders: Sequence[Order]) -> None:
        """Write ``orders`` next; what was not written yet of earlier ones is dropped, never queued."""
        self._orders = orders
        self._wake.set()

    def finish(self, orders: Sequence[Order]) -> None:
        """Write ``orders`` if the device can be written, then end the task."""
        self._last_orders = orders
        self._wake.set()
        self._over.set()

    # --- the task ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, serve, connect again, until ``finish`` or cancelled."""
        attempt = 0
        while self._last_orders is None:
            polls = self.polls
            try:
                await self._session()
            except FieldError as exc:
                self.status.note(exc)
            self._forget()
            attempt = 0 if self.polls > polls else attempt + 1
            await _wait_for(self._over, self._backoff_s(attempt))
        self.status.state = DeviceState.ENDED

    async def _session(self) -> None:
        """Serve one connection until it breaks (FieldError) or the last orders are written."""
        plan = self._plan
        client = await open_client(plan.name, plan.host, plan.port, plan.unit_id, plan.timeout_ms / 1000)
        self.status.state = DeviceState.CHECKING
        self.status.connects += 1
        self._silent = 0
        try:
            await self._serve(client)
        finally:
            client.close()

    async def _serve(self, client: Client) -> None:
        while self._last_orders is None:
            if self._orders:
                await self._write(client)
            elif (left := self._due - self._clock.mono()) > 0:
                self._wake.clear()
                await _wait_for(self._wake, left / NS_PER_S)
            else:
                await self._cycle(client)
        tries = LAST_TRIES if self._is_admitted else 0  # what was never ours is not touched at the end either
        for _ in range(tries):
            if await self._put(client, self._last_orders):
                return

    async def _cycle(self, client: Client) -> None:
        """Poll once and judge the connection; free-running at the period until ``poll_before`` says otherwise."""
        if not self.status.is_watchdog_verified:
            await self._verify_watchdog(client)
        started = self._clock.mono()
        self._due = MonoNs(started + self._period_ns)
        is_whole = await self._poll(client)
        self.status.stray, client.stray = self.status.stray + client.stray, 0
        self.status.requests, self._requests = self._requests, 0
        if is_whole:
            self._polled_whole(started)
            return
        self._silent += 1
        self.status.state = DeviceState.SILENT
        if self._silent >= SILENT_POLLS or not client.is_open:
            raise NoReply(f"{self._plan.name}: {self._silent} polls running without an answer; connecting anew")

    def _polled_whole(self, started: MonoNs) -> None:
        self.polled = self._clock.mono()
        self.polls += 1
        took = self.polled - started
        self._span_ns = max(took, LEAD_FORGET * self._span_ns)
        self.status.poll_ms = took / 1e6
        self._silent = 0
        if not self.status.is_watchdog_verified:
            self.status.state = DeviceState.CHECKING
            return
        if not self._is_admitted:
            self._is_admitted = True
            self.session += 1
        self.status.state = DeviceState.SERVING

    async def _poll(self, client: Client) -> bool:
        """Read all blocks and lay the answers down together; return whether the device answered to the end."""
        answers: dict[int, bytes] = {}
        refused: list[int] = []
        is_whole = True
        for number, block in self._blocks:
            if self._orders:  # a scan has ended meanwhile: its outputs go first
                await self._write(client)
            if self._last_orders is not None:
                break
            self._requests += 1
            try:
                answers[number] = await client.read(block)
            except NoReply as exc:
                self.status.note(exc)
                is_whole = False
                break
            except Refused as exc:
                self.status.note(exc)
                refused.append(number)
            except FieldError as exc:
                self.status.note(exc)
        self._lay_down(answers, refused)
        return is_whole and (bool(answers) or bool(refused))

    def _lay_down(self, answers: dict[int, bytes], refused: Sequence[int]) -> None:
        registers = self._registers
        registers.is_answered[self._own] = registers.is_refused[self._own] = False
        registers.is_refused[list(refused)] = True
        mono, utc = self._clock.mono(), self._clock.utc()
        for number, block in self._blocks:
            if (data := answers.get(number)) is not None:
                registers.buffer[block.start : block.start + block.size] = np.frombuffer(data, dtype=np.uint8)
                registers.mono[number], registers.utc[number] = mono, utc
                registers.is_answered[number] = registers.is_known[number] = True
        self.is_complete = len(answers) == len(self._blocks)
        if self._counter_block in answers:
            self._watch_counter(mono)

    def _watch_counter(self, now: MonoNs) -> None:
        counter = self._registers.buffer[self._counter_at : self._counter_at + 2].tobytes()
        if counter != self._counter:
            self._counter, self._counted = counter, now
        self.still_ns = now - self._counted

    async def _write(self, client: Client) -> None:
        orders, self._orders = self._orders, ()
        await self._put(client, orders)

    async def _put(self, client: Client, orders: Sequence[Order]) -> bool:
        """Write in the order given; return whether the device answered.

        A refused block does not keep the others (heartbeat, planned stop) back.
        """
        for block, data in orders:
            self._requests += 1
            try:
                await client.write(block, data)
            except NoReply as exc:
                self.status.note(exc)
                return False
            except FieldError as exc:
                self.status.note(exc)
        return True

    async def _verify_watchdog(self, client: Client) -> None:
        """Read the device's watchdog time, set it when it differs, and believe it only when it reads back."""
        wanted = self._watchdog_ms.to_bytes(2, "big")
        try:
            if await client.read(self._watchdog) != wanted:
                await client.write(self._watchdog, wanted)
            found = await client.read(self._watchdog)
        except Refused as exc:
            self.status.note(exc)
            return
        self.status.is_watchdog_verified = found == wanted
        if found != wanted:
            self.status.last_error = (
                f"{self._plan.name}: watchdog register {self._watchdog.address} must hold {self._watchdog_ms} ms but "
                f"keeps {int.from_bytes(found, 'big')}; nothing is written until the device accepts it"
            )

    def _forget(self) -> None:
        """Nothing of a lost connection counts for the next one: no old order is replayed, no check stays passed."""
        self.status.state = DeviceState.CONNECTING
        self.status.is_watchdog_verified = self._is_admitted = False
        self.is_complete = False
        self._orders = ()
        self._registers.is_answered[self._own] = self._registers.is_known[self._own] = False

    def _backoff_s(self, attempt: int) -> float:
        """Return the pause before the next connect: doubling from 0.1 to 5 s, half of it at random."""
        ceiling = min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(attempt, _DOUBLINGS))
        return max(BACKOFF_MIN_S, ceiling * (0.5 + 0.5 * self._jitter()))


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when ``event`` is set, after ``seconds`` at the latest."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
