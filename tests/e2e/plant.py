"""A running plant as the tests see it: its rows, its trips, its frames."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from controller.core.plan import Mode, Plan, TripState
from controller.core.quality import BAD
from controller.core.tags import RowKind
from controller.link.client import LinkClient, LinkFrame
from tests.e2e.running import Places, Running

CONTROLS = {float(Mode.AUTO), float(Mode.CAS)}


@dataclass(frozen=True, slots=True)
class Plant:
    places: Places
    run: Running
    plan: Plan

    def row(self, key: str) -> int:
        return self.plan.row(key)

    def trips(self, frame: LinkFrame) -> list[str]:
        """Return the protection rows that act."""
        acting = {TripState.ACTIVE, TripState.LATCHED, TripState.RESETTABLE}
        rows = [(row.owner, number) for number, row in enumerate(self.plan.tags.rows) if row.kind is RowKind.TRIP]
        return [
            owner for owner, number in rows
            if self.plan.tags.rows[number].member == "STATE" and frame.value[number] in acting
        ]  # fmt: skip

    def outputs_pct(self, frame: LinkFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return all outputs in % of their span."""
        lo, hi = self.plan.output.lo[:, 0], self.plan.output.hi[:, 0]
        return (frame.value[self.plan.span(RowKind.OUTPUT)] - lo) / (hi - lo) * 100.0


@asynccontextmanager
async def linked(plant: Plant) -> AsyncGenerator[LinkClient]:
    async with LinkClient(plant.places.state_dir / "link") as link:
        await link.next_frame()
        yield link


async def frame_when(link: LinkClient, is_so: Callable[[LinkFrame], bool], timeout_s: float) -> LinkFrame:
    """Return the first frame of which ``is_so``."""
    async with asyncio.timeout(timeout_s):
        while not is_so(frame := await link.next_frame()):
            pass
    return frame


async def settled(plant: Plant, link: LinkClient) -> LinkFrame:
    """Wait until the drum levels are controlled and nothing is bad."""
    modes = [plant.row(f"{line}-{loop}.MODE_ACT") for line in ("L1", "L2") for loop in ("LIC-1401", "FIC-1601")]
    inputs = plant.plan.span(RowKind.INPUT)
    return await frame_when(
        link, lambda f: set(f.value[modes]) <= CONTROLS and bool((f.quality[inputs] < BAD).all()), 20.0
    )
