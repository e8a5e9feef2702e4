"""Natural-circulation drum boiler: Astrom and Bell, "Drum-boiler dynamics", Automatica 36 (2000) 363-378.

Four states per boiler: water volume V_wt (m3), pressure p (Pa, absolute), steam mass share at the riser outlet alpha_r,
steam volume below the drum level V_sd (m3). Metal and water are at saturation temperature; steam quality grows linearly
along the risers; the drum's water area is constant. Blow-down leaves as saturated water. Arrays are (boilers, batch).

The paper holds at working pressure. At low pressure the weight of the water delays boiling: water that boils in the
drum at 100 °C must reach 134 °C at the foot of 20 m of risers, so only their upper end boils. ``Foot`` is that delay;
without a head the equations are the paper's.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from plc_sim.process.parameters import DrumParameters
from plc_sim.process.water import Saturation, SaturationTable

Floats = npt.NDArray[np.float64]

GRAVITY = 9.81
STATES = ("water_volume", "pressure", "riser_quality", "bubble_volume")
LEAST_ETA = 1e-3  # of the risers' steam volume over water volume at the outlet: cold, they hold next to no steam
BOILING_QUALITY = (
    0.02  # with less at the riser outlet, below a third of full load, the paper's constant volume of bubbles shrinks
)
MOST_QUALITY = 0.6  # water is left in the risers
PRESSURE_PA = (1.05e3, 15e6)  # boiling pressure of the water: cold, it is far below ambient, and air fills the drum


@dataclass(frozen=True)
class Geometry:
    """Volumes, masses and constants, each broadcastable to (boilers, batch); symbols of the paper."""

    v_d: Floats  # drum
    v_r: Floats  # risers
    v_dc: Floats  # downcomers
    a_d: Floats  # water area
    a_dc: Floats  # downcomer area
    m_t: Floats  # all metal
    m_r: Floats  # riser metal
    m_d: Floats  # drum metal
    c_p: Floats  # of metal
    k: Floats  # friction
    beta: Floats
    t_d: Floats  # bubble residence
    v0_sd: Floats

    @classmethod
    def of(cls, parameters: list[DrumParameters], downcomer_area_m2: Floats) -> Self:
        """Collect the parameters of several boilers, (boilers, 1) each."""

        def column(name: str) -> Floats:
            return np.array([[float(getattr(p, name))] for p in parameters])

        return cls(
            v_d=column("volume_m3"),
            v_r=column("riser_volume_m3"),
            v_dc=column("downcomer_volume_m3"),
            a_d=column("water_area_m2"),
            a_dc=downcomer_area_m2,
            m_t=column("metal_kg"),
            m_r=column("riser_metal_kg"),
            m_d=column("drum_metal_kg"),
            c_p=column("metal_j_kg_k"),
            k=column("friction"),
            beta=column("bubble_share"),
            t_d=column("bubble_residence_s"),
            v0_sd=column("bubble_volume_m3"),
        )

    @cached_property
    def v_t(self) -> Floats:
        """Total volume."""
        return self.v_d + self.v_r + self.v_dc

    @cached_property
    def heat_t(self) -> Floats:
        """Heat capacity of all metal, J/K."""
        return self.m_t * self.c_p

    @cached_property
    def heat_r(self) -> Floats:
        """Heat capacity of the riser metal, J/K."""
        return self.m_r * self.c_p

    @cached_property
    def heat_d(self) -> Floats:
        """Heat capacity of the drum metal, J/K."""
        return self.m_d * self.c_p

    @cached_property
    def lift(self) -> Floats:
        """What drives the circulation: ``q_dc^2 = lift * rho_w * (rho_w - rho_s) * steam share``."""
        return 2.0 * self.a_dc * GRAVITY * self.v_r / self.k


class Flows(NamedTuple):
    """What crosses the boundary: heat in W, flows in kg/s, feedwater enthalpy in J/kg."""

    heat: Floats
    feedwater: Floats
    feedwater_j_kg: Floats
    steam: Floats
    blowdown: Floats


class Foot(NamedTuple):
    """Quality by which the water misses boiling at the foot of the risers, by the weight above it; its derivative."""

    missing: Floats
    by_pressure: Floats


class Riser(NamedTuple):
    """Average steam volume share in the risers and its derivatives; circulation follows from it."""

    share: Floats
    by_pressure: Floats
    by_quality: Floats


class Inside(NamedTuple):
    """What follows from a state alone."""

    saturation: Saturation
    riser: Riser


def _none() -> Floats:
    return np.zeros((1, 1))


def _riser(s: Saturation, quality: Floats, foot: Foot) -> Riser:
    ratio = s.rho_w / s.rho_s
    eta = quality * (ratio - 1.0)
    log = np.log1p(eta)
    log_by_eta = log / eta
    difference = s.rho_w - s.rho_s
    inverse = 1.0 / (1.0 + eta)
    share = s.rho_w / difference * (1.0 - log_by_eta)
    by_pressure = (
        (s.rho_w * s.d_rho_s - s.rho_s * s.d_rho_w)
        / (difference * difference)
        * (1.0 + ratio * inverse - (1.0 + ratio) * log_by_eta)
    )
    by_quality = ratio / eta * (log_by_eta - inverse)
    # Quality is linear from -missing at the foot to ``quality``: the part of the length above zero boils.
    length = quality + foot.missing
    boils = quality / length
    less = share / length
    return Riser(
        share * boils,
        by_pressure * boils - less * boils * foot.by_pressure,
        by_quality * boils + less * (1.0 - boils),
    )


@dataclass(frozen=True)
class Drum:
    """The equations for several boilers of one geometry."""

    geometry: Geometry
    water: SaturationTable
    ambient_pa: float  # boiling begins above it: colder water takes its heat without steam in the risers
    head_pa: Floats = field(default_factory=_none)  # (boilers, 1) weight of the water over the foot of the risers
    free_pa: Floats = field(default_factory=_none)  # from this pressure up the head is part of the other constants

    @cached_property
    def _usual(self) -> Floats:
        """What is missing at ``free_pa``."""
        return self._missing(np.maximum(self.free_pa, PRESSURE_PA[0]))[0]

    def _missing(self, p: Floats) -> tuple[Floats, Floats]:
        s, foot = self.water.at(p), self.water.at(p + self.head_pa)
        h_c = s.h_s - s.h_w
        missing = (foot.h_w - s.h_w) / h_c
        return missing, (foot.d_h_w - s.d_h_w - missing * (s.d_h_s - s.d_h_w)) / h_c

    def foot(self, p: Floats) -> Foot:
        """Return what boiling misses at the foot of the risers."""
        missing, by_pressure = self._missing(p)
        more = missing - self._usual
        return Foot(np.maximum(more, 0.0), by_pressure * (more > 0.0))

    def inside(self, state: Floats) -> Inside:
        """Return saturation and riser at ``state``."""
        saturation = self.water.at(state[1])
        return Inside(saturation, _riser(saturation, state[2], self.foot(state[1])))

    def derivatives(self, state: Floats, inside: Inside, flows: Flows) -> Floats:
        """Return d(state)/dt, (4, boilers, batch); block triangular, solved without a matrix."""
        g = self.geometry
        v_wt, _, alpha, v_sd = state
        s, riser = inside
        av = riser.share
        h_c = s.h_s - s.h_w
        v_st = g.v_t - v_wt
        difference = s.rho_w - s.rho_s
        q_dc = np.sqrt(g.lift * s.rho_w * difference * av)

        e11 = difference
        e12 = v_wt * s.d_rho_w + v_st * s.d_rho_s
        e21 = s.rho_w * s.h_w - s.rho_s * s.h_s
        by_water, by_steam = s.rho_w * s.d_h_w, s.rho_s * s.d_h_s
        water_term = s.h_w * s.d_rho_w + by_water
        steam_term = s.h_s * s.d_rho_s + by_steam
        e22 = v_wt * water_term + v_st * steam_term - g.v_t + g.heat_t * s.d_t
        mass = flows.feedwater - flows.steam - flows.blowdown
        energy = flows.heat + flows.feedwater * flows.feedwater_j_kg - flows.steam * s.h_s - flows.blowdown * s.h_w
        determinant = e11 * e22 - e12 * e21
        d_v_wt = (mass * e22 - e12 * energy) / determinant
        d_p = (e11 * energy - e21 * mass) / determinant

        steam_volume = av * g.v_r
        water_volume = g.v_r - steam_volume
        mixed = s.rho_s + difference * alpha
        e32 = (
            (by_water - alpha * h_c * s.d_rho_w) * water_volume
            + ((1.0 - alpha) * h_c * s.d_rho_s + by_steam) * steam_volume
            + mixed * h_c * g.v_r * riser.by_pressure
            - g.v_r
            + g.heat_r * s.d_t
        )
        e33 = mixed * h_c * g.v_r * riser.by_quality
        boils = np.minimum(np.maximum(state[1] / self.ambient_pa - 1.0, 0.0), 1.0)
        d_alpha = (flows.heat * boils - alpha * h_c * q_dc - e32 * d_p) / e33

        v_wd = v_wt - g.v_dc - water_volume
        slip = alpha * (1.0 + g.beta)
        e42 = (
            v_sd * s.d_rho_s
            + (by_steam * v_sd + by_water * v_wd - v_sd - v_wd + g.heat_d * s.d_t) / h_c
            + slip * (steam_volume * s.d_rho_s + water_volume * s.d_rho_w - difference * g.v_r * riser.by_pressure)
        )
        e43 = -slip * difference * g.v_r * riser.by_quality
        idle = g.v0_sd * np.minimum(alpha / BOILING_QUALITY, 1.0)
        bubbles = s.rho_s / g.t_d * (idle - v_sd) + (flows.feedwater_j_kg - s.h_w) * flows.feedwater / h_c
        d_v_sd = (bubbles - e42 * d_p - e43 * d_alpha) / s.rho_s
        result = np.empty_like(state)
        result[0], result[1], result[2], result[3] = d_v_wt, d_p, d_alpha, d_v_sd
        return result

    def step(self, state: Floats, inside: Inside, flows: Flows, dt: float) -> Inside:
        """Advance ``state`` (4, boilers, batch) in place by Heun's method.

        ``inside`` belongs to ``state``; the one that belongs to the new state is returned.
        """
        first = self.derivatives(state, inside, flows)
        predicted = self._on_ground(state + dt * first, inside.saturation)
        first += self.derivatives(predicted, self.inside(predicted), flows)
        first *= 0.5 * dt
        state += first
        return self.inside(self._on_ground(state, inside.saturation))

    def _on_ground(self, state: Floats, s: Saturation) -> Floats:
        """Keep ``state`` in place where the equations mean something, and return it."""
        g = self.geometry
        quality = LEAST_ETA * s.rho_s / (s.rho_w - s.rho_s), MOST_QUALITY
        ground = (0.01 * g.v_t, 0.99 * g.v_t), PRESSURE_PA, quality, (0.0, 0.9 * g.v_d)
        for row, (least, most) in enumerate(ground):
            np.minimum(np.maximum(state[row], least, out=state[row]), most, out=state[row])
        return state

    def level(self, state: Floats, inside: Inside) -> Floats:
        """Return the level in m from the normal water level (drum half full), bubbles included."""
        g = self.geometry
        v_wd = state[0] - g.v_dc - (1.0 - inside.riser.share) * g.v_r
        return (v_wd + state[3] - 0.5 * g.v_d) / g.a_d

    def contents(self, state: Floats) -> tuple[Floats, Floats]:
        """Return mass in kg and energy in J, metal included: what the boundary flows must balance."""
        g = self.geometry
        v_wt, p = state[0], state[1]
        s = self.water.at(p)
        v_st = g.v_t - v_wt
        mass = s.rho_w * v_wt + s.rho_s * v_st
        energy = s.rho_w * s.h_w * v_wt + s.rho_s * s.h_s * v_st - p * g.v_t + g.m_t * g.c_p * s.t
        return mass, energy

    def steady(self, p: Floats, flows: Flows) -> Floats:
        """Return the state at pressure ``p`` and normal water level that ``flows`` hold where it is.

        The flows must balance in mass and energy: what they do not balance remains as a drift.
        """
        g = self.geometry
        s = self.water.at(p)
        h_c = s.h_s - s.h_w
        low, high = LEAST_ETA * s.rho_s / (s.rho_w - s.rho_s), np.full_like(p, MOST_QUALITY)
        for _ in range(100):
            alpha = 0.5 * (low + high)
            boiled = alpha * h_c * self.circulation(p, alpha)
            low, high = np.where(boiled < flows.heat, alpha, low), np.where(boiled < flows.heat, high, alpha)
        alpha = 0.5 * (low + high)
        idle = g.v0_sd * np.minimum(alpha / BOILING_QUALITY, 1.0)
        v_sd = np.maximum(idle - g.t_d * (s.h_w - flows.feedwater_j_kg) * flows.feedwater / (s.rho_s * h_c), 0.0)
        av = _riser(s, alpha, self.foot(p)).share
        v_wt = 0.5 * g.v_d - v_sd + g.v_dc + (1.0 - av) * g.v_r
        return np.stack([v_wt, p, alpha, v_sd])

    def circulation(self, p: Floats, quality: Floats) -> Floats:
        """Return the downcomer flow in kg/s at steady state."""
        g = self.geometry
        s = self.water.at(p)
        av = _riser(s, quality, self.foot(p)).share
        return np.sqrt(g.lift * s.rho_w * (s.rho_w - s.rho_s) * av)


def downcomer_area(parameters: DrumParameters, water: SaturationTable, p_pa: float, heat_w: float) -> float:
    """Return the area that gives ``full_riser_quality`` at full load, where the head is part of the constants."""
    s = water.at(np.array([p_pa]))
    quality = np.array([parameters.full_riser_quality])
    q_dc = heat_w / (quality * (s.h_s - s.h_w))
    share = _riser(s, quality, Foot(np.zeros(1), np.zeros(1))).share
    lift = 2.0 * s.rho_w * (s.rho_w - s.rho_s) * GRAVITY * share * parameters.riser_volume_m3
    return float((parameters.friction * q_dc * q_dc / lift)[0])
