"""Stores that the lines share: lime silos, slurry tank with slaker, carbon silo, ammonia water tank; and their alarms.

Silo 1 feeds the slaker, silo 2 the dry lime feeders. Inputs and signals are blocks of rows in the order of the names
below; arrays are (stores, batch) unless said.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.core.reduce import ordered_sum
from controller.core.state import State
from plc_sim.process.flow import lag_share
from plc_sim.process.flue_gas_names import RATES
from plc_sim.process.flue_gas_parameters import ReagentParameters

Floats = npt.NDArray[np.float64]

STORES = ("lime_silo_1", "lime_silo_2", "slurry_tank", "carbon_silo", "ammonia_tank")
LIME_1, LIME_2, SLURRY, CARBON, AMMONIA = range(5)
DETECTORS = ("a", "b", "c", "d")
INPUTS = ("slaker.command", "ammonia_tank.valve", "ammonia_tank.curtain", "carbon_silo.nitrogen")
SIGNALS = (
    *(f"{store}.level" for store in STORES),
    "carbon_silo.co",
    "carbon_silo.temperature",
    *(f"ammonia.gas_{letter}" for letter in DETECTORS),
)
LAST_KG = 100.0  # below it a store runs dry gradually
SPOT_K_S = 125.0  # a smouldering spot that makes 120 ppm CO warms the silo by 55 K in an hour
DAY_S = 86400.0  # time constant of the silo's own cooling
FULL_SHARE = 0.95  # of the slurry tank, where the slaker stops


@dataclass(frozen=True, slots=True)
class Reagents:
    """The stores."""

    kg: Floats
    carbon_co: Floats  # (1, batch) share in the carbon silo
    carbon_k: Floats  # (1, batch)
    gas: Floats  # (4, batch) ammonia at the detectors, share
    delivery: Floats  # kg/s, disturbances from here
    hot_spot: Floats  # (1, batch) CO that a smouldering spot makes, share
    leak: Floats  # (4, batch) ammonia that a leak brings into the air at each detector, share
    full_kg: Floats  # (stores, 1)
    parameters: ReagentParameters
    lime_share: float  # of the slurry

    @classmethod
    def build(cls, state: State, parameters: ReagentParameters, lime_share: float, ambient_k: float) -> "Reagents":
        """Add the state at the level of the start; ``lime_share`` of the slurry."""
        p = parameters
        full = np.array(
            [[p.lime_silo_kg], [p.lime_silo_kg], [p.slurry_tank_kg], [p.carbon_silo_kg], [p.ammonia_tank_kg]]
        )
        return cls(
            kg=state.add("reagents.kg", STORES, fill=p.level * full),
            carbon_co=state.add("carbon_silo.co", ("co",), fill=p.carbon_co),
            carbon_k=state.add("carbon_silo.temperature", ("temperature",), fill=ambient_k),
            gas=state.add("ammonia.gas", DETECTORS),
            delivery=state.add("disturbance.reagent_delivery", STORES),
            hot_spot=state.add("disturbance.carbon_hot_spot", ("co",)),
            leak=state.add("disturbance.ammonia_leak", DETECTORS),
            full_kg=full,
            parameters=p,
            lime_share=lime_share,
        )

    def supply(self, inputs: Floats) -> Floats:
        """Return how much of each of ``RATES`` the stores can give, (7, 1, batch) 0..1; ``inputs`` as in ``step``."""
        left = np.minimum(self.kg / LAST_KG, 1.0)
        given = {
            "ammonia": left[AMMONIA] * inputs[INPUTS.index("ammonia_tank.valve")],
            "slurry": left[SLURRY],
            "lime": left[LIME_2],
            "carbon": left[CARBON],
        }
        return np.stack([given.get(rate, np.ones_like(left[0])) for rate in RATES])[:, np.newaxis]

    def step(self, rates: Floats, inputs: Floats, ambient_k: Floats, dt: float) -> None:
        """Advance by ``dt``: ``rates`` (7, lines, batch) kg/s are taken; ``inputs`` (4, batch) as their names."""
        slaker, _, curtain, nitrogen = inputs
        used: dict[str, Floats] = dict(zip(RATES, ordered_sum(rates.swapaxes(0, 1)), strict=True))
        self._move(used, slaker, dt)
        self._smoulder(nitrogen, ambient_k, dt)
        p = self.parameters
        passes = np.where(curtain >= 0.5, p.curtain_share, 1.0)
        self.gas[...] += (self.leak * passes - self.gas) * lag_share(dt, np.array(p.gas_s))

    def publish(self, signals: Floats) -> None:
        """Fill the signals (n, batch) in the order of ``SIGNALS``."""
        signals[...] = np.concatenate([self.kg / self.full_kg, self.carbon_co, self.carbon_k, self.gas])

    def _move(self, used: dict[str, Floats], slaker: Floats, dt: float) -> None:
        """Advance the contents of the stores; the slaker makes slurry of the lime of silo 1 until the tank is full."""
        p = self.parameters
        has_lime = np.minimum(self.kg[LIME_1] / LAST_KG, 1.0)
        has_room = self.kg[SLURRY] < FULL_SHARE * self.full_kg[SLURRY]
        made = p.slaker_kg_s * (slaker >= 0.5) * has_lime * has_room
        change = self.delivery.copy()
        change[LIME_1] -= made * self.lime_share
        change[LIME_2] -= used["lime"]
        change[SLURRY] += made - used["slurry"]
        change[CARBON] -= used["carbon"]
        change[AMMONIA] -= used["ammonia"]
        self.kg[...] = np.minimum(np.maximum(self.kg + dt * change, 0.0), self.full_kg)

    def _smoulder(self, nitrogen: Floats, ambient_k: Floats, dt: float) -> None:
        """Advance CO and temperature of the carbon silo; nitrogen pushes the CO out and stops the fire."""
        p = self.parameters
        burns = 1.0 * (nitrogen < 0.5)
        co = burns * (p.carbon_co + self.hot_spot)
        self.carbon_co[...] += (co - self.carbon_co) * lag_share(dt, np.array(p.inert_s))
        warming = SPOT_K_S * self.hot_spot * burns - (self.carbon_k - ambient_k) / DAY_S
        self.carbon_k[...] += dt * warming
