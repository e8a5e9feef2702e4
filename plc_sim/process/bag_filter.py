"""Bag filter: gas spread over the compartments, cake on the bags, pulses, hoppers, torn bags, ammonium salts.

The pressure difference is the same over all compartments, ``dp = (cloth + specific * cake) * velocity``, so a cleaned
compartment takes more gas. A pulse throws a share of the cake into the hopper; on the opened cloth dust and acids pass
more easily until it is covered again. Arrays are (compartments, lines, batch) unless said.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.design import column
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_design import (
    CAKE,
    LIME_LEFT,
    LIME_PER_ACID,
    MASS,
    SOLIDS_PER_ACID,
    FlueGasDesign,
)
from plc_sim.process.gas import density_factor
from plc_sim.process.sorption import Left, Sorption

Floats = npt.NDArray[np.float64]

SHUT_M3_S_PA = 1e-5  # what shut dampers let through, share of the conductance at full load
HARD_SLIP_KG_NM3 = 5e-6  # ammonia at which salts form at the rate of the parameters
OPEN_DAMPER = 0.02


class Filtered(NamedTuple):
    """One step's results; (lines, batch) unless said."""

    traces: Floats  # (4, lines, batch) hcl, so2, hf, hg left in the gas, kg/s
    dust: Floats  # kg/s
    escaped: Floats  # (3, lines, batch) rows of the cake that left with the gas as dust, kg/s
    bound: Floats  # (3, lines, batch) acids bound in the cake, kg/s
    dp_pa: Floats
    resistance: Floats  # Pa per m3/s
    compartment_dp_pa: Floats  # (compartments, lines, batch)


class Fallen(NamedTuple):
    """What fell from the bags in a step."""

    dislodged: Floats  # (3, lines, batch) rows of the cake thrown into the hoppers, kg/s
    residue: Floats  # (lines, batch) out of the hoppers, kg/s


@dataclass(frozen=True, slots=True)
class BagFilter:
    """The filters of all lines."""

    cake: Floats  # (3, compartments, lines, batch) kg/m2
    opened: Floats  # 1 directly after a pulse, 0 on covered cloth
    pulsed: Floats  # last command
    hopper_kg: Floats
    hopper_k: Floats
    salt: Floats  # (lines, batch) share by which salts raise the resistance of the cake
    tank_pa: Floats  # (lines, batch) gauge
    torn: Floats  # disturbance: number of torn bags
    sorption: Sorption
    area_m2: Floats  # of one compartment, (lines, 1) as all below
    cloth_pa_s_m: Floats
    specific: Floats
    shut: Floats
    bypass: Floats  # m3/s per Pa
    pulse_share: Floats
    offline_share: Floats
    penetration: Floats
    open_penetration: Floats
    torn_share: Floats  # of the gas of a compartment through one torn bag
    torn_pulse: Floats
    fresh_kg_m2: Floats
    salt_k: Floats
    salt_per_slip: Floats  # where it ends, per K and kg/Nm3
    salt_s: Floats
    full_tank_pa: Floats
    pulse_drop: Floats
    tank_s: Floats
    high_kg: Floats
    rotary_kg_s: Floats
    heater_k: Floats
    hopper_s: Floats
    gas_share: Floats
    detector: Floats  # reading for a dust flow in kg/s

    @classmethod
    def build(cls, state: State, design: FlueGasDesign, ambient_k: float) -> "BagFilter":
        """Add the state: cake in the middle of a cleaning cycle, gas and hoppers cold."""
        parameters = [p.filter for p in design.line]
        count, lines = design.compartments, design.lines

        def of(name: str) -> Floats:
            return column([getattr(p, name) for p in parameters])

        def add(name: str, rows: tuple[str, ...], fill: Floats | float) -> Floats:
            keys = [f"{line}/{row}{number}" for row in rows for number in range(count) for line in lines]
            array = state.add(name, keys).reshape(len(rows), count, len(lines), -1)
            array[...] = fill
            return array

        area = of("area_m2") / count
        draught = [p.draught for p in design.line]
        clean, filter_k = column([p.clean_nm3_s for p in draught]), column([p.filter_k for p in draught])
        volume = clean * density_factor(filter_k, design.barometric_pa + column([p.filter_in_pa for p in draught]))
        return cls(
            cake=add("filter.cake", tuple(f"{row}." for row in CAKE), design.cake_kg_m2[:, np.newaxis]),
            opened=add("filter.opened", ("",), 0.0)[0],
            pulsed=add("filter.pulsed", ("",), 0.0)[0],
            hopper_kg=add("filter.hopper_kg", ("",), 0.0)[0],
            hopper_k=add("filter.hopper_k", ("",), ambient_k)[0],
            salt=state.add("filter.salt", lines),
            tank_pa=state.add("filter.pulse_tank", lines, fill=of("tank_pa")),
            torn=add("disturbance.torn_bags", ("",), 0.0)[0],
            sorption=Sorption.build(design),
            area_m2=area,
            cloth_pa_s_m=design.cloth_pa_s_m,
            specific=design.specific,
            shut=SHUT_M3_S_PA * volume / of("full_dp_pa"),
            bypass=volume / of("bypass_pa"),
            pulse_share=of("pulse_share"),
            offline_share=of("offline_share"),
            penetration=of("penetration"),
            open_penetration=of("open_penetration"),
            torn_share=of("torn_bag") * count,
            torn_pulse=of("torn_pulse"),
            fresh_kg_m2=of("fresh_kg_m2"),
            salt_k=of("salt_k"),
            salt_per_slip=of("salt_per_k_s") * of("salt_decay_s") / HARD_SLIP_KG_NM3,
            salt_s=of("salt_decay_s"),
            full_tank_pa=of("tank_pa"),
            pulse_drop=of("pulse_drop"),
            tank_s=of("tank_s"),
            high_kg=of("hopper_kg"),
            rotary_kg_s=of("rotary_kg_s"),
            heater_k=of("heater_k"),
            hopper_s=of("hopper_s"),
            gas_share=of("gas_share"),
            detector=of("detector") / (of("penetration") * design.solids_kg_s),
        )

    def step(
        self, *, passage: Floats, bypass: Floats, volume_m3_s: Floats, feed: Floats, left: Left, dt: float
    ) -> Filtered:
        """Filter for ``dt``. ``passage`` is inlet times outlet damper, ``feed`` (3, lines, batch) the solids, kg/s."""
        resistance = self.cloth_pa_s_m + self.cake[MASS] * (self.specific * (1.0 + self.salt))
        conductance = passage * self.area_m2 / resistance
        total = ordered_sum(conductance) + self.shut + self.bypass * bypass
        share = conductance / total  # of the gas through each compartment; the rest goes past all bags
        kept = share * self._keeps(left.factor)
        past = 1.0 - ordered_sum(share) + _over_compartments(kept)
        self._cover(feed, left, share - kept, dt)
        traces = left.traces * past[:4]
        escaped = feed * past[4]
        dp = volume_m3_s / total
        return Filtered(
            traces=traces,
            dust=escaped[MASS],
            escaped=escaped,
            bound=(left.traces - traces)[:3],
            dp_pa=dp,
            resistance=1.0 / total,
            compartment_dp_pa=passage * dp,
        )

    def _keeps(self, factor: Floats) -> Floats:
        """Return the share (5, compartments, lines, batch) of hcl, so2, hf, hg and dust that gas keeps on its way."""
        traces = np.exp(-self.sorption.in_cake_exponents(self.cake, self.opened, factor))
        torn = self.torn * self.torn_share * (1.0 + self.torn_pulse * self.opened)
        whole = self.penetration * (1.0 + self.open_penetration * self.opened)
        return np.concatenate([traces, np.minimum(torn + whole, 1.0)[np.newaxis]])

    def _cover(self, feed: Floats, left: Left, caught: Floats, dt: float) -> None:
        """Lay what is ``caught`` (5, compartments, lines, batch) of traces and solids on the cloth."""
        bound = caught[:3] * left.traces[:3, np.newaxis]
        deposit = feed[:, np.newaxis] * caught[4]
        deposit[MASS] += ordered_sum(bound * SOLIDS_PER_ACID[..., np.newaxis])
        deposit[LIME_LEFT] -= ordered_sum(bound * LIME_PER_ACID[..., np.newaxis])
        deposit *= dt / self.area_m2
        self.cake[...] += deposit
        self.opened[...] /= 1.0 + deposit[MASS] / self.fresh_kg_m2

    def clean(self, pulse: Floats, passage: Floats, rotary: Floats, air_pa: Floats, dt: float) -> Fallen:
        """Fire the pulses that begin now, refill their tank from instrument air of ``air_pa``, empty the hoppers."""
        dislodged = self._fire((pulse >= 0.5) & (self.pulsed < 0.5), passage)
        self.pulsed[...] = pulse
        self.tank_pa[...] += (np.minimum(self.full_tank_pa, air_pa) - self.tank_pa) * lag_share(dt, self.tank_s)
        out = np.minimum(self.hopper_kg, rotary * (self.rotary_kg_s * dt))
        self.hopper_kg[...] -= out
        return Fallen(dislodged / dt, ordered_sum(out) / dt)

    def _fire(self, fired: npt.NDArray[np.bool_], passage: Floats) -> Floats:
        """Pulse the compartments where ``fired``; return what falls into all hoppers, (3, lines, batch) kg."""
        strength = fired * np.minimum(self.tank_pa / self.full_tank_pa, 1.0)
        fallen = self.cake * (strength * np.where(passage > OPEN_DAMPER, self.pulse_share, self.offline_share))
        self.cake[...] -= fallen
        self.opened[...] = np.maximum(self.opened, strength)
        self.tank_pa[...] *= (1.0 - self.pulse_drop) ** ordered_sum(fired.astype(np.float64))
        fallen *= self.area_m2
        self.hopper_kg[...] += fallen[MASS]
        return _over_compartments(fallen)

    def warm(self, heater: Floats, passage: Floats, gas_k: Floats, ambient_k: Floats | float, dt: float) -> None:
        """Advance the hopper temperatures."""
        target = ambient_k + heater * self.heater_k + passage * (self.gas_share * (gas_k - ambient_k))
        self.hopper_k[...] += (target - self.hopper_k) * lag_share(dt, self.hopper_s)

    def stick(self, slip_kg_nm3: Floats, gas_k: Floats, dt: float) -> None:
        """Advance the ammonium salts in the cake: they grow in cold gas with slip and decay otherwise."""
        steady = self.salt_per_slip * np.maximum(self.salt_k - gas_k, 0.0) * slip_kg_nm3
        self.salt[...] += (steady - self.salt) * lag_share(dt, self.salt_s)


def _over_compartments(values: Floats) -> Floats:
    """Return the sum over axis 1 in fixed order: (rows, compartments, lines, batch) -> (rows, lines, batch)."""
    return ordered_sum(values.swapaxes(0, 1))
