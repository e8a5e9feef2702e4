"""From the design points of flue-gas cleaning to the coefficients of its equations, all at full load; (lines, 1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from controller.core.errors import PlantError
from controller.core.reduce import ordered_sum
from plc_sim.process.design import column
from plc_sim.process.flue_gas_parameters import (
    ANALYSER_AREA,
    ANALYSERS,
    LINE_AREAS,
    AnalyserParameters,
    CemsParameters,
    DosingParameters,
    DraughtParameters,
    FanParameters,
    FilterParameters,
    RawGasParameters,
    ReactorParameters,
    SncrParameters,
    SorptionParameters,
)
from plc_sim.process.gas import Gas, density_factor
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.parameters import Area

Floats = npt.NDArray[np.float64]

AIR_O2 = 0.2078  # wet volume share in ambient air
AIR_H2O = 0.0080
AIR_J_NM3_K = 1300.0  # heat capacity
SPECIES = ("nox", "co", "hcl", "so2", "hf", "toc", "dust", "hg", "nh3")  # of a gas stream, kg/s
FULL_AMBIENT_K = 283.15  # air temperature of the design points
LIME = 74.093  # kg/kmol Ca(OH)2
NOX, NH3, WATER = 46.006, 17.031, 18.015
# hcl, so2, hf: kg/kmol, and kmol lime that one kmol needs
ACID = np.array([36.461, 64.064, 20.006]).reshape(3, 1, 1)
ACID_LIME = np.array([0.5, 1.0, 0.5]).reshape(3, 1, 1)
LIME_PER_ACID = LIME * ACID_LIME / ACID  # kg lime for a kg
WATER_PER_ACID = 2.0 * WATER * ACID_LIME / ACID  # kg water set free by a kg
SOLIDS_PER_ACID = 1.0 - WATER_PER_ACID  # kg by which the solids grow for a kg bound
CAKE = ("mass", "carbon", "lime")  # what lies on the bags, and what comes there: all of it, and what can still bind
MASS, CARBON, LIME_LEFT = range(3)


@dataclass(frozen=True, slots=True)
class LineParameters:
    """One line."""

    raw_gas: RawGasParameters
    dosing: DosingParameters
    sncr: SncrParameters
    reactor: ReactorParameters
    sorption: SorptionParameters
    filter: FilterParameters
    draught: DraughtParameters
    id_fan: FanParameters
    cems: CemsParameters
    analysers: Mapping[str, AnalyserParameters]

    @classmethod
    def read(cls, areas: Mapping[str, Mapping[str, float | int]]) -> Self:
        """Check and collect the areas of ``LINE_AREAS``; pydantic's ValidationError names what is wrong."""
        return cls.of({name: model.model_validate(areas[name]) for name, model in LINE_AREAS.items()})

    @classmethod
    def of(cls, areas: Mapping[str, Area]) -> Self:
        """Collect the checked areas of ``LINE_AREAS``."""
        own = {name: areas[name] for name in LINE_AREAS if not name.startswith(ANALYSER_AREA)}
        analysers = {name: areas[f"{ANALYSER_AREA}{name}"] for name in ANALYSERS}
        return cls(**own, analysers=analysers)  # pyright: ignore[reportArgumentType]  typed by the area table


@dataclass(frozen=True, slots=True)
class FlueGasDesign:
    """Coefficients of all lines; (lines, 1) unless said."""

    lines: tuple[str, ...]
    line: tuple[LineParameters, ...]
    barometric_pa: float
    compartments: int
    gas: Gas  # behind the economiser at full load
    lance_air_pa: Floats  # gauge, behind its reducer
    solids_kg_s: Floats  # into the filter at full load
    direct: Floats  # (4, lines, 1) exponents of hcl, so2, hf, hg before the cake
    in_cake: Floats  # (4, lines, 1) exponents at endless inventory of the cake
    cloth_pa_s_m: Floats  # cloth and residual layer
    specific: Floats  # Pa s/m for each kg/m2 of cake
    cake_kg_m2: Floats  # (3, lines, 1) rows of ``CAKE`` in the middle of a cleaning cycle
    carried_w_k: Floats  # heat capacity of the clean gas flow at full load
    inlet_c: Floats  # pressure losses, Pa for (Nm3/s)^2 K: economiser to filter
    damper_c: Floats
    outlet_c: Floats  # filter to fan
    stack_c: Floats  # fan to the top
    fan_c: Floats  # Pa for (m3/s)^2


def design(lines: Mapping[str, LineParameters], *, barometric_pa: float) -> FlueGasDesign:
    """Calculate the coefficients; PlantError where a figure must be the same in all lines."""
    line = tuple(lines.values())

    def of(area: str, name: str) -> Floats:
        return column([float(getattr(getattr(p, area), name)) for p in line])

    gas = Gas(
        *(of("raw_gas", name) for name in ("gas_nm3_s", "gas_k", "o2", "h2o", "co2")),
        *(of("raw_gas", f"{name}_kg_s") for name in SPECIES[:-1]),
        nh3=np.zeros((len(line), 1)),
    )
    ratio = of("sorption", "full_ratio")
    acids = np.stack([gas.hcl, gas.so2, gas.hf])
    lime = ratio * ordered_sum(LIME_PER_ACID * acids)
    exponents = np.stack([of("sorption", name) for name in ("hcl_k", "so2_k", "hf_k", "hg_k")])
    exponents[:3] *= ratio
    bound = acids * -np.expm1(-exponents[:3])
    carbon = of("sorption", "carbon_kg_s")
    solids = gas.dust + carbon + lime + ordered_sum(SOLIDS_PER_ACID * bound)
    feed = np.stack([solids, carbon, lime - ordered_sum(LIME_PER_ACID * bound)])
    share = of("sorption", "direct_share")

    clean, filter_k = of("draught", "clean_nm3_s"), of("draught", "filter_k")
    pressure = {
        name: of("draught", f"{name}_pa") for name in ("economiser", "filter_in", "filter_out", "fan_in", "fan_out")
    }
    speed = clean * density_factor(filter_k, barometric_pa + pressure["filter_in"]) / of("filter", "area_m2")
    volume = clean * density_factor(filter_k, barometric_pa + pressure["fan_in"])
    cloth = of("filter", "cloth_pa_s_m") + of("filter", "residual_pa") / speed
    specific = of("filter", "cake_pa_s") * of("filter", "area_m2") / (speed * solids)
    seconds = (of("filter", "full_dp_pa") - cloth * speed) / of("filter", "cake_pa_s")
    if (seconds <= 0.0).any():
        raise PlantError("filter.full_dp_pa must be above the pressure difference of cloth and residual layer")
    dampers = pressure["filter_in"] - pressure["filter_out"] - of("filter", "full_dp_pa")
    fan_rise = pressure["fan_out"] - pressure["fan_in"]
    stack_k = of("draught", "fan_k")
    natural = natural_draught(of("draught", "stack_height_m"), stack_k, FULL_AMBIENT_K, barometric_pa)
    flow_k = clean * clean * filter_k
    return FlueGasDesign(
        lines=tuple(lines),
        line=line,
        barometric_pa=barometric_pa,
        compartments=_same("filter.compartments", [p.filter.compartments for p in line]),
        gas=gas,
        lance_air_pa=of("sncr", "air_pa"),
        solids_kg_s=solids,
        direct=share * exponents,
        in_cake=(1.0 - share) * exponents * (1.0 + of("sorption", "half_share")),
        cloth_pa_s_m=cloth,
        specific=specific,
        cake_kg_m2=feed * (seconds / of("filter", "area_m2")),
        carried_w_k=clean * GasHeat.of(gas).capacity(filter_k),
        inlet_c=(pressure["economiser"] - pressure["filter_in"]) / (gas.flow * gas.flow * of("reactor", "full_out_k")),
        damper_c=dampers / flow_k,
        outlet_c=(pressure["filter_out"] - pressure["fan_in"]) / flow_k,
        stack_c=(pressure["fan_out"] + natural) / (clean * clean * stack_k),
        fan_c=(of("id_fan", "shutoff_pa") * of("id_fan", "full_speed") ** 2 - fan_rise) / (volume * volume),
    )


def natural_draught(height_m: Floats, stack_k: Floats, ambient_k: Floats | float, barometric_pa: float) -> Floats:
    """Return the natural draught in Pa, the gas taken as hot air: its molar mass is 3 % less."""
    return (9.81 * 28.96 / 8314.5 * barometric_pa) * height_m * (1.0 / ambient_k - 1.0 / stack_k)


def _same(name: str, values: list[int]) -> int:
    if len(set(values)) != 1:
        raise PlantError(f"{name} must be the same in all lines, found {', '.join(map(str, values))}")
    return values[0]
