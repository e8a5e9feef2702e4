"""Lube oil, control oil and gland steam, as far as protection and operation see them. Arrays are (1, batch)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.first_order import lag
from plc_sim.process.turbine_island_parameters import IslandParameters

Floats = npt.NDArray[np.float64]

EMPTY = 0.05  # tank level below which the pumps draw air


@dataclass(frozen=True, slots=True)
class Oil:
    """Pressures above ambient, (3, batch): lube oil, control oil, gland steam."""

    pressure: Floats
    temperature: Floats  # behind the cooler
    level: Floats  # share
    loss: Floats  # (2, batch) disturbance: lost share of lube and control oil pressure
    leak: Floats  # disturbance: tank level per second
    parameters: IslandParameters
    cooler_w: float  # per position and K

    @classmethod
    def build(cls, state: State, p: IslandParameters, *, runs: bool) -> "Oil":
        """Add the state: in normal operation or cold with all pumps off."""
        o, c = p.oil, p.cooling
        normal = np.array([[o.lube_pa], [o.control_pa], [o.gland_pa]]) * runs
        return cls(
            pressure=state.add("island.oil_pressure", ("lube", "control", "gland"), fill=normal),
            temperature=state.add("island.oil_temperature", ("oil",), fill=o.oil_k if runs else c.ambient_k),
            level=state.add("island.oil_level", ("tank",), fill=o.tank_level),
            loss=state.add("disturbance.turbine_oil_loss", ("lube", "control")),
            leak=state.add("disturbance.turbine_oil_leak", ("tank",)),
            parameters=p,
            cooler_w=p.shaft.mechanical_loss_w / (o.oil_position * (o.oil_k - c.full_k)),
        )

    def step(
        self,
        pumps: Floats,
        shaft_speed: Floats,
        *,
        cooler: Floats,
        cooling_k: Floats,
        gland_valve: Floats,
        header_share: Floats,
        dt: float,
    ) -> None:
        """Advance; ``pumps`` (4, batch) are the speeds of AC, DC, control A and B; valves and shares 0..1."""
        o = self.parameters.oil
        shaft = np.minimum(np.maximum(3.0 * shaft_speed / o.shaft_pump_share - 2.0, 0.0), 1.0)
        self.level[...] = np.maximum(self.level - self.leak * dt, 0.0)
        draws = self.level > EMPTY
        lube = np.maximum(np.maximum(shaft, pumps[0:1]), o.dc_share * pumps[1:2])
        control = np.maximum(pumps[2:3], pumps[3:4])
        target = np.concatenate(
            [
                o.lube_pa * lube * draws * (1.0 - self.loss[0:1]),
                o.control_pa * control * (1.0 - self.loss[1:2]),
                (o.gland_pa / o.gland_position) * gland_valve * header_share,
            ]
        )
        rising = np.array([[lag(dt, o.lube_s)], [lag(dt, o.control_up_s)], [lag(dt, o.gland_s)]])
        falling = np.array([[lag(dt, o.lube_s)], [lag(dt, o.control_down_s)], [lag(dt, o.gland_s)]])
        away = target - self.pressure
        self.pressure[...] += np.maximum(away, 0.0) * rising + np.minimum(away, 0.0) * falling
        heat = self.parameters.shaft.mechanical_loss_w * shaft_speed * shaft_speed
        removed = self.cooler_w * cooler * (self.temperature - cooling_k)
        self.temperature[...] += (heat - removed) * (dt / o.oil_j_k)
