"""Crane, hopper and chute: what waste reaches the ram, with which moisture, and when. Arrays are (lines, batch).

A grab mixes with the waste on top (``mixing_s``); below, the waste sinks as it is fed (cells in series, nearly plug
flow). At the normal level the two together take 34 minutes at full load. A bridge holds the waste above it; what lies
below goes on being fed and leaves a void that the level meter does not see. The spray wets the waste on top and keeps
the wall cold, whatever burns behind it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import FeedParameters, GrateParameters, values
from plc_sim.process.flow import lag_share
from plc_sim.process.waste import Waste

Floats = npt.NDArray[np.float64]

CELLS = 4  # below the mixed top
NOTHING_KG = 1.0
NOISE = ("waste.slow", "waste.grab", "waste.grab_mass")
MASS_SIGMA = 0.06  # of a grab; its heating value has its own


@dataclass(frozen=True, slots=True)
class Chute:
    """Hopper and chute of all lines."""

    mass: Floats  # kg
    void: Floats  # kg missing below a bridge
    moved: Floats  # kg fed since the waste last sank
    moisture: Floats  # (1 + CELLS, lines, batch) top first
    slow: Floats  # slow part of the disturbance, share of the LHV
    timer: Floats  # s until the crane has its next grab
    wall: Floats  # K
    grab: Floats  # kg, the last one
    mean_moisture: Floats  # of what the crane takes: changes with season and bunker management
    bridge: Floats  # disturbance: 1 the chute is bridged
    density: Floats  # disturbance: factor on the bulk density
    ram_moisture: Floats  # disturbance: added to the moisture at the ram
    crane_stopped: Floats  # disturbance: 1 the crane stands
    fire: Floats  # disturbance: K by which a fire heats the wall
    waste: Waste
    full_kg: Floats
    set_kg: Floats
    level: Floats
    seal: Floats
    cell_kg: Floats
    grab_kg: Floats
    crane_s: Floats
    free_kg: Floats
    slow_s: Floats
    slow_sigma: Floats
    grab_sigma: Floats
    moisture_range: tuple[Floats, Floats]
    spray_kg_s: Floats
    wall_rise_k: Floats
    wall_s: Floats
    water_k: Floats
    water_rise_k: Floats

    @classmethod
    def build(
        cls,
        state: State,
        lines: tuple[str, ...],
        feed: list[FeedParameters],
        grate: list[GrateParameters],
        waste: Waste,
        ambient_k: Floats,
    ) -> "Chute":
        """Add the state: normal level, waste of the design point, wall warm."""
        w = waste.parameters
        bulk, level = values(feed, "bulk_kg_m3"), values(feed, "level")
        rise = values(feed, "wall_rise_k")
        full = values(feed, "chute_m3") * bulk
        flow = values(grate, "feed_kg_s")
        moisture = values(w, "moisture")
        cells = [f"{line}/{cell}" for cell in range(1 + CELLS) for line in lines]
        return cls(
            mass=state.add("chute.mass", lines, fill=full * level),
            void=state.add("chute.void", lines),
            moved=state.add("chute.moved", lines),
            moisture=state.add("chute.moisture", cells, fill=np.tile(moisture, (1 + CELLS, 1))).reshape(
                1 + CELLS, len(lines), -1
            ),
            slow=state.add("chute.slow", lines),
            timer=state.add("chute.timer", lines, fill=values(feed, "crane_s")),
            wall=state.add("chute.wall", lines, fill=ambient_k + rise),
            grab=state.add("chute.grab", lines, fill=values(feed, "grab_kg")),
            mean_moisture=state.add("waste.mean_moisture", lines, fill=moisture),
            bridge=state.add("disturbance.bridge", lines),
            density=state.add("disturbance.bulk_density", lines, fill=1.0),
            ram_moisture=state.add("disturbance.ram_moisture", lines),
            crane_stopped=state.add("disturbance.crane_stopped", lines),
            fire=state.add("disturbance.chute_fire", lines),
            waste=waste,
            full_kg=full,
            set_kg=values(feed, "set_m3") * bulk,
            level=level,
            seal=values(feed, "seal_level"),
            cell_kg=np.maximum(full * level - flow * values(feed, "mixing_s"), NOTHING_KG) / CELLS,
            grab_kg=values(feed, "grab_kg"),
            crane_s=values(feed, "crane_s"),
            free_kg=values(feed, "bridge_free_kg"),
            slow_s=values(w, "slow_s"),
            slow_sigma=values(w, "slow_sigma"),
            grab_sigma=values(w, "grab_sigma"),
            moisture_range=(values(w, "moisture_least"), values(w, "moisture_greatest")),
            spray_kg_s=values(feed, "spray_kg_s"),
            wall_rise_k=rise,
            wall_s=values(feed, "wall_s"),
            water_k=values(feed, "water_k"),
            water_rise_k=values(feed, "chute_water_rise_k"),
        )

    def available(self) -> Floats:
        """Return the waste that the pushers can reach, kg."""
        below = np.minimum(self.free_kg, self.mass) - self.void
        return np.where(self.bridge >= 0.5, np.maximum(below, 0.0), self.mass)

    def filled(self) -> Floats:
        """Return the level as a radar sees it, share of the height."""
        return (self.mass + self.void) / (self.full_kg * self.density)

    def unsealed(self) -> Floats:
        """Return how much of the seal against air is gone, 0..1."""
        return np.maximum(1.0 - (self.mass / (self.full_kg * self.density)) / self.seal, 0.0)

    def at_ram(self) -> Floats:
        """Return the moisture of the waste that the pushers move."""
        return np.minimum(np.maximum(self.moisture[-1] + self.ram_moisture, 0.0), self.moisture_range[1])

    def feed(self, fed: Floats, dt: float) -> None:
        """Take ``fed`` kg/s out at the bottom."""
        moved = fed * dt
        self.moved[...] += moved
        self.mass[...] -= moved
        np.maximum(self.mass, 0.0, out=self.mass)
        self.void[...] += moved
        self.void[...] *= self.bridge >= 0.5

    def step(self, crane: Floats, gate: Floats, spray: Floats, noise: Floats, dt: float) -> None:
        """Let the waste sink by what was fed, and crane and ``spray`` (0..1) work.

        ``noise`` (3, lines, batch) is standard normal, rows as ``NOISE``.
        """
        moved = self.moved
        held = np.minimum(np.maximum(self.mass - self.cell_kg * np.arange(CELLS).reshape(-1, 1, 1), 0.0), self.cell_kg)
        sinking = moved / (held[::-1] + moved + NOTHING_KG)  # top cell first
        for cell in range(CELLS):
            self.moisture[cell + 1] += (self.moisture[cell] - self.moisture[cell + 1]) * sinking[cell]
        moved[...] = 0.0
        water = spray * self.spray_kg_s * dt
        self.moisture[0] += (1.0 - self.moisture[0]) * (water / (self._top() + water))
        self.mass[...] += water
        self._crane((crane >= 0.5) & (gate >= 0.5) & (self.crane_stopped < 0.5), noise, dt)

    def warm(self, radiation: Floats, spray: Floats, ambient_k: Floats, dt: float) -> None:
        """Advance the wall's temperature; ``radiation`` of the furnace is a share of that at full load."""
        aim = ambient_k + (self.wall_rise_k * np.minimum(radiation, 1.0) + self.fire) * (1.0 - spray)
        self.wall[...] += (aim - self.wall) * lag_share(dt, self.wall_s)

    def water_out_k(self, radiation: Floats) -> Floats:
        """Return the temperature of the cooling water that leaves the jacket."""
        return self.water_k + self.water_rise_k * np.minimum(radiation, 1.0)

    def _top(self) -> Floats:
        """Return the mass of the mixed waste on top, kg."""
        return np.maximum(self.mass - CELLS * self.cell_kg, NOTHING_KG)

    def _crane(self, works: npt.NDArray[np.bool_], noise: Floats, dt: float) -> None:
        """Drop a grab when the crane has one and the level wants it."""
        kept = np.exp(-dt / self.slow_s)
        self.slow[...] = self.slow * kept + self.slow_sigma * np.sqrt(1.0 - kept * kept) * noise[0]
        self.timer[...] = np.maximum(self.timer - dt * works, 0.0)
        drops = works & (self.timer <= 0.0) & (self.filled() < self.level)
        grab = self.grab_kg * np.maximum(1.0 + MASS_SIGMA * noise[2], 0.1)
        factor = 1.0 + self.slow + self.grab_sigma * noise[1]
        wet = self.waste.moisture(self.waste.lhv(self.mean_moisture) * factor)
        wet = np.minimum(np.maximum(wet, self.moisture_range[0]), self.moisture_range[1])
        mixed = self.moisture[0] + (wet - self.moisture[0]) * grab / (self._top() + grab)
        np.copyto(self.moisture[0], mixed, where=drops)
        np.copyto(self.mass, self.mass + grab, where=drops)
        np.copyto(self.grab, grab, where=drops)
        np.copyto(self.timer, np.broadcast_to(self.crane_s, self.timer.shape), where=drops)
