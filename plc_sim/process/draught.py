"""ID fan, duct pressures from the economiser to the top of the stack, and gas temperatures on the way.

Turbulent losses go with flow squared times temperature, that of the filter with the flow; the fan follows the affinity
laws, its volume at the inlet. All pressures are gauge and quasi-steady. Arrays are (lines, batch) unless said.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.design import column
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_design import AIR_J_NM3_K, FlueGasDesign, natural_draught
from plc_sim.process.gas import density_factor

Floats = npt.NDArray[np.float64]

POINTS = ("inlet", "duct", "filter", "stack")  # where a temperature is known: behind each of them
INLET, DUCT, FILTER, STACK = range(4)
PRESSURES = ("economiser", "filter_in", "filter_out", "fan_in", "fan_out", "stack")
ECONOMISER, FILTER_IN, FILTER_OUT, FAN_IN, FAN_OUT, STACK_FOOT = range(6)
# Pa by the square of the flow before and behind the filter, by the flow through it, and without flow
LAW = ("before", "behind", "filter", "constant")
BEFORE, BEHIND, LINEAR, CONSTANT = range(4)
TEMPERATURES = ("bearing_1", "bearing_2", "winding_1", "winding_2", "winding_3")
RUNNING_SPEED = 0.02
NARROWEST = 0.01  # of a damper: what leaks through it shut


class Suction(NamedTuple):
    """Pressure at the economiser outlet for a gas flow there, and how it changes with the flow."""

    gauge_pa: Floats
    slope: Floats  # Pa per Nm3/s


@dataclass(frozen=True, slots=True)
class Draught:
    """Ducts and fans of all lines."""

    temperature: Floats  # (4, lines, batch) K behind each of ``POINTS``
    pressure: Floats  # (6, lines, batch) gauge Pa at each of ``PRESSURES``
    added: Floats  # Nm3/s that the gas gained between economiser and fan
    law: Floats  # (4, lines, batch) terms of the suction, rows of ``LAW``
    speed: Floats  # of the fan, share of full
    power_w: Floats  # of its shaft
    machine_k: Floats  # (5, lines, batch) of ``TEMPERATURES``
    tripped: Floats  # disturbances: fan off, K on the machine temperatures, m/s on the vibrations
    machine_added: Floats  # (5, lines, batch)
    vibration_added: Floats  # (2, lines, batch)
    design: FlueGasDesign
    clean_nm3_s: Floats  # (lines, 1) as all below unless said
    point_s: Floats  # (4, lines, 1)
    loss: Floats  # (4, lines, 1) share of full heat capacity flow
    leak: Floats  # Nm3/s per root Pa
    air_share: Floats  # heat capacity of 1 Nm3/s air, share of that of the full gas flow
    shutoff_pa: Floats
    damper_pa: Floats
    efficiency: Floats
    height_m: Floats
    bore_m2: Floats
    speed_s: Floats
    coast_s: Floats
    rated_w: Floats
    drive_efficiency: Floats
    ampere_per_w: Floats  # of electric power
    rise_k: Floats  # (5, lines, 1)
    machine_s: Floats  # (5, lines, 1)
    vibration_m_s: Floats

    @classmethod
    def build(cls, state: State, design: FlueGasDesign, ambient_k: float) -> "Draught":
        """Add the state: cold, at rest."""
        lines = design.lines

        def of(area: str, name: str) -> Floats:
            return column([getattr(getattr(p, area), name) for p in design.line])

        def add(name: str, rows: tuple[str, ...], fill: float) -> Floats:
            keys = [f"{line}/{row}" for row in rows for line in lines]
            return state.add(name, keys, fill=fill).reshape(len(rows), len(lines), -1)

        bearing, winding = of("id_fan", "bearing_rise_k"), of("id_fan", "winding_rise_k")
        bearing_s, winding_s = of("id_fan", "bearing_s"), of("id_fan", "winding_s")
        return cls(
            temperature=add("duct.temperature", POINTS, ambient_k),
            pressure=add("duct.pressure", PRESSURES, 0.0),
            added=state.add("duct.added", lines),
            law=add("duct.law", LAW, 0.0),
            speed=state.add("id_fan.speed", lines),
            power_w=state.add("id_fan.power", lines),
            machine_k=add("id_fan.temperature", TEMPERATURES, ambient_k),
            tripped=state.add("disturbance.id_fan_tripped", lines),
            machine_added=add("disturbance.id_fan_heat", TEMPERATURES, 0.0),
            vibration_added=add("disturbance.id_fan_vibration", ("1", "2"), 0.0),
            design=design,
            clean_nm3_s=of("draught", "clean_nm3_s"),
            point_s=np.stack([of("draught", f"{point}_s") for point in POINTS]),
            loss=np.stack([of("draught", f"{point}_w_k") for point in POINTS]) / design.carried_w_k,
            leak=of("draught", "leak_nm3_s") / np.sqrt(-of("draught", "filter_in_pa")),
            air_share=AIR_J_NM3_K / design.carried_w_k,
            shutoff_pa=of("id_fan", "shutoff_pa"),
            damper_pa=of("id_fan", "damper_pa") / (of("draught", "clean_nm3_s") ** 2 * of("draught", "filter_k")),
            efficiency=of("id_fan", "efficiency"),
            height_m=of("draught", "stack_height_m"),
            bore_m2=0.25 * np.pi * of("draught", "stack_bore_m") ** 2,
            speed_s=of("id_fan", "speed_s"),
            coast_s=of("id_fan", "coast_s"),
            rated_w=of("id_fan", "rated_w"),
            drive_efficiency=of("id_fan", "drive_efficiency"),
            ampere_per_w=1.0 / (np.sqrt(3.0) * of("id_fan", "volt") * of("id_fan", "power_factor")),
            rise_k=np.stack([bearing, bearing, winding, winding, winding]),
            machine_s=np.stack([bearing_s, bearing_s, winding_s, winding_s, winding_s]),
            vibration_m_s=of("id_fan", "vibration_m_s"),
        )

    def suction(self, flow: Floats) -> Suction:
        """Return the pressure at the economiser outlet for ``flow``, Nm3/s there, with the duct as it stands."""
        clean = flow + self.added
        before, behind = self.law[BEFORE] * np.abs(flow), self.law[BEHIND] * np.abs(clean)
        return Suction(
            before * flow + (behind + self.law[LINEAR]) * clean + self.law[CONSTANT],
            2.0 * (before + behind) + self.law[LINEAR],
        )

    def speed_for(self, flow: Floats, gauge_pa: Floats | float) -> Floats:
        """Return the fan speed that gives ``gauge_pa`` at the economiser outlet."""
        missing = self.suction(flow).gauge_pa - gauge_pa
        return np.sqrt(np.maximum(self.speed * self.speed + missing / self.shutoff_pa, 0.0))

    def leak_nm3_s(self) -> Floats:
        """Return the air that leaks in."""
        return self.leak * np.sqrt(np.maximum(-self.pressure[FILTER_IN], 0.0))

    def run(self, is_on: Floats, speed: Floats, ambient_k: Floats, dt: float) -> Floats:
        """Advance the fan by ``dt``; ``is_on`` 1: commanded and supplied. Return whether it runs (0 or 1)."""
        on = is_on * (1.0 - self.tripped)
        lag_s = np.where(on >= 0.5, self.speed_s, self.coast_s)
        self.speed[...] += (on * speed - self.speed) * lag_share(dt, lag_s)
        turning, loaded = self.speed, self.power_w / self.rated_w
        warm = ambient_k + self.rise_k * np.stack([turning, turning, loaded, loaded, loaded]) + self.machine_added
        self.machine_k[...] += (warm - self.machine_k) * lag_share(dt, self.machine_s)
        return on * (self.speed >= RUNNING_SPEED)

    def warm(
        self, *, gas: Floats, clean: Floats, gas_k: Floats, reactor_k: Floats, air: Floats, ambient_k: Floats, dt: float
    ) -> None:
        """Advance the temperatures; ``gas`` and ``clean`` are flows in front of and behind the filter, ``air`` (4)."""
        to_filter = clean - air[FILTER]
        carried = np.stack([gas, to_filter - air[DUCT], to_filter, clean]) / self.clean_nm3_s
        upstream = np.stack([gas_k, reactor_k, self.temperature[DUCT], self.temperature[FILTER]]) * carried
        upstream[STACK] += self.power_w / self.design.carried_w_k
        cooling = self.loss + air * self.air_share
        share = dt / self.point_s
        total = carried + cooling
        self.temperature[...] += (
            share / (1.0 + share * total) * (upstream + cooling * ambient_k - total * self.temperature)
        )

    def blow(
        self, *, flow: Floats, clean: Floats, resistance: Floats, reactor_k: Floats, damper: Floats, ambient_k: Floats
    ) -> None:
        """Set pressures, the law of the suction and the fan's power; ``resistance`` of the filter, Pa per m3/s."""
        d = self.design
        t, p, law = self.temperature, self.pressure, self.law
        m3_nm3 = density_factor(t[FILTER], d.barometric_pa + p[FAN_IN])
        narrow = np.maximum(damper, NARROWEST)
        inlet = d.inlet_c * reactor_k
        dampers = d.damper_c * t[FILTER]
        outlet = (d.outlet_c + self.damper_pa * (1.0 / (narrow * narrow) - 1.0)) * t[FILTER]
        stack = d.stack_c * t[STACK]
        inside = d.fan_c * m3_nm3 * m3_nm3  # the fan
        shutoff = self.shutoff_pa * self.speed * self.speed
        natural = natural_draught(self.height_m, t[STACK], ambient_k, d.barometric_pa)
        law[BEFORE], law[BEHIND] = inlet, dampers + outlet + stack + inside
        law[LINEAR], law[CONSTANT] = resistance * m3_nm3, -shutoff - natural
        self.added[...] = clean - flow

        square = clean * np.abs(clean)
        rise = shutoff - inside * square
        p[STACK_FOOT] = -natural
        p[FAN_OUT] = stack * square - natural
        p[FAN_IN] = p[FAN_OUT] - rise
        p[FILTER_OUT] = p[FAN_IN] + outlet * square
        p[FILTER_IN] = p[FILTER_OUT] + dampers * square + law[LINEAR] * clean
        p[ECONOMISER] = p[FILTER_IN] + inlet * (flow * np.abs(flow))
        self.power_w[...] = np.maximum(rise * clean * m3_nm3 / self.efficiency, 0.0)

    def electric_w(self) -> Floats:
        """Return what the converter takes, W."""
        return self.power_w / self.drive_efficiency

    def vibration(self) -> Floats:
        """Return the vibration of both bearings, (2, lines, batch) m/s."""
        return (self.vibration_m_s + self.vibration_added) * (self.speed * self.speed)

    def velocity(self, clean: Floats) -> Floats:
        """Return the gas velocity in the stack, m/s."""
        return (
            clean
            * density_factor(self.temperature[STACK], self.design.barometric_pa + self.pressure[STACK_FOOT])
            / self.bore_m2
        )
