"""The bed on the grate: five zones that hold moisture, volatiles, char and ash.

The grate carries the bed from zone to zone; radiation and warm air dry it; dry, hot waste gives off its volatiles, the
faster the more air comes from below; char burns with the oxygen of the zone's air. Mass is conserved: what leaves a
zone as solid, vapour, gas or fly ash is what its inventory loses. The bed has no temperature of its own: a zone has a
fire that hot gas lights and that keeps itself while enough burns. Arrays are (zones, lines, batch).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.combustion_parameters import GROUPS, ZONES, GrateParameters, values, zone_values
from plc_sim.process.flow import lag_share
from plc_sim.process.waste import OXYGEN_AIR, Waste

Floats = npt.NDArray[np.float64]

MOISTURE, VOLATILES, CHAR, ASH = range(4)
GROUP_OF_ZONE = np.array([0, 0, 1, 2, 3])
NOTHING_KG = 1e-3
STEEP = 4  # of the release against moisture
IGNITED_K = 200.0  # over the ignition temperature: a zone lights fully
WARM_AIR_K = 323.15  # primary air dries from here on
FEED_LAGS = (0.25, 2.0, 3.0, 5.0)  # in series: the feed rates that are compared, in units of smother_s
MOST_COVERED = 0.5
MOST_FLARED = 0.3
NOTHING_NM3_S = 1e-9
STILL_COOLING = 0.2  # of the grate bars without air, share of that at normal air
OXYGEN_LEFT = 0.97  # share of all oxygen that the volatiles can take
MOST_AIR = 2.0  # share of normal zone air beyond which more air blows no faster


class Around(NamedTuple):
    """What acts on the bed."""

    feed: Floats  # (4, lines, batch) kg/s of moisture, volatiles, char, ash
    speed: Floats  # (GROUPS, lines, batch) of the grate groups, 0..1
    air: Floats  # (zones, lines, batch) Nm3/s
    air_k: Floats  # (lines, batch)
    radiation: Floats  # (lines, batch) share of that at full load
    oxygen: Floats  # (lines, batch) Nm3/s in all air but for what gas burners take


class Released(NamedTuple):
    """What the bed gives off, kg/s."""

    vapour: Floats  # (lines, batch)
    volatiles: Floats
    char: Floats  # burnt
    fly_ash: Floats
    ash: Floats  # (4, lines, batch) leaving at the end: what is not ash is unburnt


@dataclass(frozen=True, slots=True)
class Bed:
    """Inventories and fires of all lines."""

    kg: Floats  # (4, zones, lines, batch)
    fire: Floats  # (zones, lines, batch) 0 out, 1 burning
    blown: Floats  # (zones, lines, batch) zone air, share of normal, behind the lag
    fed: Floats  # (FEED_LAGS, lines, batch) feed rate behind one lag after the other
    burning: Floats  # (zones, lines, batch) W, of the last step
    bar: Floats  # (zones, lines, batch) K
    phase: Floats  # (GROUPS, lines, batch) stroke of the grate
    side: Floats  # (lines, batch) lopsidedness of the fire
    slug: Floats  # disturbance: (lines, batch) factor on the release of zones 2 and 3
    waste: Waste
    normal_air: Floats
    out_1_s: Floats  # (zones, lines, 1) at full speed
    dried_by_bed: Floats  # 1/s in a burning zone
    dried_by_radiation: Floats  # 1/s at full load
    dried_by_air: Floats  # 1/(s K) at normal zone air
    release_1_s: Floats
    without_air: Floats
    char_1_s: Floats
    ash_share: Floats  # fly ash: rate relative to that of the volatiles
    dry: Floats
    char_air: Floats
    parameters: tuple[GrateParameters, ...]
    feed_kg_s: Floats
    smother: Floats  # for each kg/s
    flare: Floats
    fast_s: Floats  # (1 + FEED_LAGS, lines, 1) lags of air and feed
    slow_s: Floats  # (3, lines, 1) ignition, extinction, bars
    ignition_k: Floats
    burning_w: Floats
    full_air_k: Floats
    fire_end: Floats  # (lines, 1) share of the grate length for each mean position of the fire
    centre: Floats  # (zones, lines, 1)
    bar_k_w: Floats
    stroke_1_s: Floats
    side_s: Floats
    side_sigma: Floats

    @classmethod
    def build(
        cls,
        state: State,
        lines: tuple[str, ...],
        grate: list[GrateParameters],
        waste: Waste,
        normal_air: Floats,
        full_air_k: Floats,
    ) -> "Bed":
        """Add the state: empty, fires out. The fitted coefficients (``grate_fit``) begin at their first guess."""
        zones = [f"{line}/{zone + 1}" for zone in range(ZONES) for line in lines]
        species = [f"{key}.{name}" for name in ("moisture", "volatiles", "char", "ash") for key in zones]
        shape = (ZONES, len(lines), -1)
        speed = zone_values(grate, "speed_{}", GROUPS)[GROUP_OF_ZONE]
        release = 1.0 / values(grate, "release_s")
        drying_s = values(grate, "drying_s")
        by_air, by_bed = values(grate, "drying_by_air"), values(grate, "drying_by_bed")
        smother_s = values(grate, "smother_s")
        centre = ((np.arange(ZONES) + 0.5) / ZONES).reshape(-1, 1, 1)
        groups = [f"{line}/{group + 1}" for group in range(GROUPS) for line in lines]
        lags = [f"{line}/{lag}" for lag in range(len(FEED_LAGS)) for line in lines]
        return cls(
            kg=state.add("grate.kg", species).reshape(4, *shape),
            fire=state.add("grate.fire", zones).reshape(shape),
            blown=state.add("grate.blown", zones).reshape(shape),
            fed=state.add("grate.fed", lags).reshape(len(FEED_LAGS), len(lines), -1),
            burning=state.add("grate.burning", zones).reshape(shape),
            bar=state.add("grate.bar", zones, fill=np.tile(full_air_k, (ZONES, 1))).reshape(shape),
            phase=state.add("grate.phase", groups).reshape(GROUPS, len(lines), -1),
            side=state.add("grate.side", lines),
            slug=state.add("disturbance.slug", lines, fill=1.0),
            waste=waste,
            normal_air=normal_air,
            out_1_s=1.0 / (zone_values(grate, "residence_{}_s") * speed),
            dried_by_bed=by_bed / drying_s,
            dried_by_radiation=(1.0 - by_air - by_bed) / drying_s,
            dried_by_air=by_air / drying_s / (full_air_k - WARM_AIR_K),
            release_1_s=release,
            without_air=values(grate, "release_without_air"),
            char_1_s=0.3 * release,
            ash_share=0.02 + np.zeros_like(release),
            dry=values(grate, "dry_moisture"),
            char_air=values(grate, "char_air") * OXYGEN_AIR / waste.char_nm3,
            parameters=tuple(grate),
            feed_kg_s=values(grate, "feed_kg_s"),
            smother=values(grate, "smother") / values(grate, "feed_kg_s"),
            flare=values(grate, "flare") / values(grate, "feed_kg_s"),
            fast_s=np.stack([values(grate, "air_s"), *(lag * smother_s for lag in FEED_LAGS)]),
            slow_s=np.stack([values(grate, name) for name in ("ignition_s", "extinction_s", "bar_s")]),
            ignition_k=values(grate, "ignition_k"),
            burning_w=values(grate, "burning_kg_s") * waste.volatile_j_kg,
            full_air_k=full_air_k,
            fire_end=np.ones_like(release),
            centre=centre,
            bar_k_w=np.zeros_like(release),
            stroke_1_s=values(grate, "stroke_1_s"),
            side_s=values(grate, "side_s"),
            side_sigma=values(grate, "side_sigma"),
        )

    def step(self, around: Around, dt: float) -> Released:
        """Advance by ``dt``; explicit, because no rate comes near 1/dt."""
        kg, waste = self.kg, self.waste
        lags = lag_share(dt, self.fast_s)
        self.blown[...] += (np.minimum(around.air / self.normal_air, MOST_AIR) - self.blown) * lags[0]
        wet = kg[MOISTURE] / (kg[MOISTURE] + kg[VOLATILES] + kg[CHAR] + kg[ASH] + NOTHING_KG) / self.dry
        wet *= wet
        hot = self.fire / (1.0 + wet * wet)
        rate = self.release_1_s * hot * (self.without_air + (1.0 - self.without_air) * self.blown)
        stirred = self._stirred(around.feed, lags[1:])
        rate *= stirred
        rate[1:3] *= self.slug
        burning = self.char_1_s * self.blown * hot
        burning[1:3] *= self.slug
        lost = np.empty_like(kg)
        np.multiply(self._drying(around) * np.minimum(stirred, 1.0), kg[MOISTURE], out=lost[MOISTURE])
        np.minimum(burning * kg[CHAR], self.char_air * around.air, out=lost[CHAR])
        wanted = _of_zones(rate * kg[VOLATILES]) * waste.oxygen
        left = OXYGEN_LEFT * around.oxygen - _of_zones(lost[CHAR]) * waste.char_nm3
        rate *= np.minimum(np.maximum(left, 0.0) / np.maximum(wanted, NOTHING_NM3_S), 1.0)
        np.multiply(rate, kg[VOLATILES], out=lost[VOLATILES])
        np.multiply(self.ash_share * rate, kg[ASH], out=lost[ASH])

        moved = self.out_1_s * around.speed[GROUP_OF_ZONE] * kg
        change = moved + lost
        change[:, 1:] -= moved[:, :-1]
        change[:, 0] -= around.feed
        change *= dt
        kg -= change
        np.add(lost[VOLATILES] * waste.volatile_j_kg, lost[CHAR] * waste.char_j_kg, out=self.burning)
        vapour, volatiles, burnt, fly_ash = _of_zones(lost.transpose(1, 0, 2, 3))
        return Released(vapour, volatiles, burnt, fly_ash, moved[:, -1])

    def _drying(self, around: Around) -> Floats:
        """Return the rate of drying, 1/s: the fire in the bed, radiation from above, warm air from below."""
        warm = np.maximum(around.air_k - WARM_AIR_K, 0.0) * self.dried_by_air
        return self.dried_by_bed * self.fire + self.dried_by_radiation * around.radiation + warm * self.blown

    def _stirred(self, feed: Floats, lags: Floats) -> Floats:
        """Return the factor on the release: waste pushed faster than before covers the fire first, then it flares."""
        fed = self.fed
        before = np.empty_like(fed)
        before[0] = feed[0] + feed[1] + feed[2] + feed[3]
        before[1:] = fed[:-1]
        fed += (before - fed) * lags
        covered = np.minimum(self.smother * np.maximum(fed[0] - fed[1], 0.0), MOST_COVERED)
        return 1.0 - covered + np.minimum(self.flare * np.maximum(fed[2] - fed[3], 0.0), MOST_FLARED)

    def glow(self, gas_k: Floats, air_k: Floats, dt: float) -> None:
        """Light or lose the fire of each zone; advance the temperatures of the grate bars. Both are slow."""
        ignition, extinction, bar_lag = lag_share(dt, self.slow_s)
        lit = np.minimum(np.maximum((gas_k - self.ignition_k) / IGNITED_K, 0.0), 1.0)
        aim = np.minimum(np.maximum(self.burning / self.burning_w, lit), 1.0)
        self.fire[...] += (aim - self.fire) * np.where(aim > self.fire, ignition, extinction)
        bar = air_k + self.bar_k_w * self.burning / (STILL_COOLING + (1.0 - STILL_COOLING) * self.blown)
        self.bar[...] += (bar - self.bar) * bar_lag

    def move(self, speed: Floats, noise: Floats, dt: float) -> None:
        """Advance what only instruments see: strokes of the grate groups and the lopsidedness of the fire."""
        self.phase[...] += self.stroke_1_s * speed * dt
        self.phase[...] -= self.phase >= 1.0
        kept = np.exp(-dt / self.side_s)
        self.side[...] = self.side * kept + self.side_sigma * np.sqrt(1.0 - kept * kept) * noise

    def positions(self) -> Floats:
        """Return the positions of the grate groups, (GROUPS, lines, batch), 0 back and 1 forward."""
        return 1.0 - np.abs(2.0 * self.phase - 1.0)

    def fire_position(self) -> Floats:
        """Return where the fire ends, share of the grate length: proportional to the mean place of the burning."""
        mean = _of_zones(self.burning * self.centre) / np.maximum(_of_zones(self.burning), 1.0)
        return np.minimum(self.fire_end * mean, 1.0)

    def mass(self) -> Floats:
        """Return the mass of each zone, kg (zones, lines, batch)."""
        kg = self.kg
        return kg[MOISTURE] + kg[VOLATILES] + kg[CHAR] + kg[ASH]


def _of_zones(x: Floats) -> Floats:
    """Return the sum over the zones, in their order: its bits do not depend on the batch."""
    return x[0] + x[1] + x[2] + x[3] + x[4]
