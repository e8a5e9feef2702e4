"""Steam through the turbine: pressures, enthalpies and extraction flows, quasi-steady but for the extraction lines.

Rows of ``pressure`` and ``enthalpy`` are inlet, extraction 1 to 3, exhaust, (5, batch). The drops of the groups are
looked up with the inlet states of the last step, but the enthalpies handed on are those of this step and the exhaust's
closes the balance with the power that the shaft really took: energy is conserved in every step.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from controller.core.state import State
from plc_sim.process.cycle import Balance, Cycle, groups_efficiency
from plc_sim.process.expansion_tables import Boiling, BoilingTable, Expansion, boiling_table, expansion
from plc_sim.process.first_order import lag

Floats = npt.NDArray[np.float64]

EXTRACTABLE = 0.8  # share of the inlet flow that the extractions can take together
DRY_J_KG = 3.0e6  # steam that no pipe condenses
SATURATED_J_KG, WET_J_KG = 2.80e6, 2.75e6  # between them a pipe that steam warms up becomes dry
CONDENSATE_J_KG = 6e5  # what it drains before
BOILING = np.array([1, 3, 4])  # rows of the pressures whose saturation is wanted
NOTHING_KG_S = 1e-3  # below it the exhaust has no enthalpy of its own


class Wanted(NamedTuple):
    """What the extractions would give, kg/s."""

    flows: Floats  # (3, batch)
    is_open: Floats  # (3, batch) 0: shut by its valve or by the check valve: no flow at once


@dataclass(frozen=True, slots=True)
class TurbineSteam:
    """State of the steam path."""

    pressure: Floats  # (5, batch)
    enthalpy: Floats  # (5, batch)
    extraction: Floats  # (3, batch) kg/s
    drop: Floats  # (4, batch) J/kg at nominal speed
    pv: Floats  # (4, batch) J/kg
    inlet_k: Floats  # (1, batch)
    saturation: Floats  # (9, batch): t, water, steam at extraction 1, extraction 3 and exhaust pressure
    pipe: Floats  # (1, batch) J/kg at the stop valves
    exhaust: Floats  # (1, batch) kg/s
    cycle: Cycle
    steam: Expansion
    boiling: BoilingTable
    warming: Floats  # (2, nodes): enthalpy of saturated steam and its temperature, then far above any steam's

    @classmethod
    def build(cls, state: State, cycle: Cycle, start: Balance | None) -> "TurbineSteam":
        """Add the state, steady as ``start`` says, or (None) cold and empty."""
        baro, ambient = cycle.parameters.cooling.barometric_pa, cycle.parameters.cooling.ambient_k
        boiling = boiling_table()
        cold = np.full((5, 1), boiling.at(boiling.pressure(np.array([ambient]))).h_s.item())
        pressure = np.full((5, 1), baro) if start is None else start.path.pressure
        enthalpy = cold if start is None else start.path.enthalpy
        points = ("inlet", "extraction_1", "extraction_2", "extraction_3", "exhaust")
        inlet = enthalpy[0:1]
        new = cls(
            pressure=state.add("island.steam.pressure", points, fill=pressure),
            enthalpy=state.add("island.steam.enthalpy", points, fill=enthalpy),
            extraction=state.add(
                "island.extraction", points[1:4], fill=0.0 if start is None else np.array(start.extraction)[:, None]
            ),
            drop=state.add("island.drop", points[1:], fill=enthalpy[:4] - enthalpy[1:]),
            pv=state.add("island.pv", points[:4], fill=1e5 if start is None else start.path.pv),
            inlet_k=state.add("island.inlet_k", ("inlet",), fill=ambient),
            saturation=state.add(
                "island.saturation", [f"{name}.{at}" for name in ("t", "h_w", "h_s") for at in (1, 3, 4)]
            ),
            pipe=state.add("island.pipe", ("inlet",), fill=inlet),
            exhaust=state.add("island.exhaust", ("flow",), fill=0.0 if start is None else start.exhaust_kg_s),
            cycle=cycle,
            steam=expansion(),
            boiling=boiling,
            warming=np.concatenate([boiling.values[[2, 0]], [[DRY_J_KG], [1000.0]]], axis=1),
        )
        new.look_up(new.pressure[4:5], np.full((1, state.batch), 0.0 if start is None else start.turbine_kg_s))
        return new

    def work(self, flow: Floats) -> Floats:
        """Return the work at nominal speed per kg of inlet steam, J/kg, with the extractions of now."""
        together = self.extraction[0:1] + self.extraction[1:2] + self.extraction[2:3]
        share = self.extraction / np.maximum(np.maximum(flow, together * (1.0 / EXTRACTABLE)), NOTHING_KG_S)
        left = 1.0 - share[0:1]
        total = self.drop[0:1] + left * self.drop[1:2]
        left = left - share[1:2]
        total += left * self.drop[2:3]
        left -= share[2:3]
        return total + left * self.drop[3:4]

    def water(self) -> Boiling:
        """Return saturation at (extraction 1, extraction 3, exhaust), each (3, batch)."""
        return Boiling(self.saturation[0:3], self.saturation[3:6], self.saturation[6:9])

    def warm(self, flow: Floats, drained: Floats, header_j_kg: Floats, dt: float) -> tuple[Floats, Floats]:
        """Advance the main steam pipe with what goes on and what is drained; return its heat loss, W, and the drains'.

        The drains of a cold pipe are condensate: it takes nearly all the heat of their steam. J/kg.
        """
        p = self.cycle.parameters
        ambient = p.cooling.ambient_k
        loss = p.turbine_steam.pipe_loss_w * (self.inlet_k - ambient) / (p.turbine_steam.inlet_k - ambient)
        share = dt / (p.turbine_steam.pipe_s * p.turbine_steam.full_flow_kg_s)
        wet = np.minimum(np.maximum((SATURATED_J_KG - self.pipe) * (1.0 / (SATURATED_J_KG - WET_J_KG)), 0.0), 1.0)
        left = wet * (self.pipe - CONDENSATE_J_KG)
        through = flow + drained
        watts = through * header_j_kg + drained * left - loss
        self.pipe[...] = (self.pipe + share * watts) / (1.0 + share * through)
        return loss, self.pipe - left

    def take(self, wanted: Wanted, flow: Floats, dt: float) -> None:
        """Advance the extraction flows; together they cannot take more than the turbine has."""
        share = lag(dt, self.cycle.parameters.turbine_steam.extraction_s)
        e = self.extraction
        e += (wanted.flows - e) * share
        e *= wanted.is_open
        together = e[0:1] + e[1:2] + e[2:3]
        most = EXTRACTABLE * flow
        e *= np.minimum(most / np.maximum(together, NOTHING_KG_S), 1.0)
        self.exhaust[...] = flow - (e[0:1] + e[1:2] + e[2:3])

    def expand(self, inlet_pa: Floats, exhaust_pa: Floats, flow: Floats, power: Floats, factor: Floats) -> None:
        """Hand the steam on: ``flow`` kg/s of inlet steam gave ``power`` W, ``factor`` of the work at nominal speed."""
        h, e = self.enthalpy, self.extraction
        self.pressure[0:1] = inlet_pa
        h[0:1] = self.pipe
        taken = self.drop * factor
        for group in range(3):
            h[group + 1] = h[group] - taken[group]
        gone = e * h[1:4]
        left = flow * h[0:1] - power - (gone[0:1] + gone[1:2] + gone[2:3])
        is_flowing = self.exhaust > NOTHING_KG_S
        h[4:5] = np.where(is_flowing, left / np.maximum(self.exhaust, NOTHING_KG_S), h[3:4] - taken[3:4])
        self.look_up(exhaust_pa, flow)

    def look_up(self, exhaust_pa: Floats, flow: Floats) -> None:
        """Calculate pressures (cone law) and drops for the flows and enthalpies of now."""
        p = self.pressure
        e, q = self.extraction, self.cycle.stodola
        p[4:5] = exhaust_pa
        through = np.concatenate([flow - e[0:1], flow - e[0:1] - e[1:2], self.exhaust]) / q
        squares = through * through * self.pv[1:4]
        squares[2:3] += exhaust_pa * exhaust_pa
        squares[1] += squares[2]
        squares[0] += squares[1]
        np.sqrt(squares, out=p[1:4])
        log_pa = np.log(np.maximum(p, 100.0))
        entropy, pv, t = self.steam.state.at(log_pa[:4], self.enthalpy[:4])
        self.pv[...] = pv
        # A pipe that steam still warms up is as hot as steam that condenses in it, not as its pressure.
        self.inlet_k[...] = np.minimum(t[0:1], np.interp(self.enthalpy[0:1], self.warming[0], self.warming[1]))
        end = self.steam.end(log_pa[1:], entropy)
        self.saturation[...] = np.concatenate(self.boiling.at_log(log_pa.take(BOILING, axis=0)))
        s = self.water()
        dry = np.minimum((self.enthalpy[3:5] - s.h_w[1:3]) / (s.h_s[1:3] - s.h_w[1:3]), 1.0)
        full = self.cycle.parameters.turbine_steam.full_flow_kg_s
        efficiency = groups_efficiency(self.cycle, flow / full, 0.5 * (dry[0:1] + dry[1:2]))
        np.maximum(efficiency * (self.enthalpy[:4] - end), 0.0, out=self.drop)
