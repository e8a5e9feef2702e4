"""The plant's own heat and mass balance, drawn up anew from its signals with properties of IAPWS-IF97.

Each balance is a table of terms in MW or kg/s, in positive and out negative, whose sum should be nothing. Heat is
counted from 25 °C and vapour, as the lower heating value is.
"""

from collections.abc import Callable

import numpy as np
from seuif97 import pt2h, px2h  # MPa, °C, kJ/kg

from plc_sim.plant import Plant
from plc_sim.process.burners import METHANE_KG_NM3
from plc_sim.process.gas import KG_NM3, Gas, mass_flow
from plc_sim.process.gas_heat import NITROGEN, OXYGEN, REFERENCE_K, VAPOUR, GasHeat, vapour_enthalpy
from plc_sim.process.waste import EVAPORATION_J_KG, OXYGEN_AIR
from wte.validation.shift import Floats

Terms = dict[str, float]
ZERO_C = 273.15
MW = 1e-6
ZERO = np.zeros((1, 1))
AIR_KG_NM3 = OXYGEN_AIR * KG_NM3["o2"] + (1.0 - OXYGEN_AIR) * KG_NM3["n2"]
WATER_J_KG_K = 4182.0
NOT_BOILING_PA = 5e4  # over the deaerator: its water is liquid there, and its enthalpy hardly another


def residual(terms: Terms) -> float:
    """Return what is left, as a share of all that comes in."""
    return sum(terms.values()) / sum(value for value in terms.values() if value > 0.0)


def boiler_heat(plant: Plant, line: str) -> Terms:
    """Return the heat balance of a boiler, from waste, burners and air to steam, ash and gas, MW."""
    p = plant.design.line[plant.lines.index(line)]
    at = _reader(plant, line)
    furnace, grate, burner = p.combustion.furnace, p.combustion.grate, p.combustion.burner
    gas = sum(at(f"burner_{number}.gas") for number in range(1, 5)) * burner.gas_j_nm3
    unburnt = at("grate.ash_flow") * at("grate.loss_on_ignition")
    ash_j_kg = grate.ash_j_kg_k * (grate.ash_k - REFERENCE_K)
    cold_k = furnace.ambient_k
    other_air = at("sa.flow") + at("furnace.false_air")
    casing = furnace.casing_w * (plant.water.inside().saturation.t[0, 0] - cold_k) / (furnace.wall_k - cold_k)
    steam = at("steam.flow") * water_j_kg(at("steam.pressure"), at("steam.temperature"))
    feedwater = at("feedwater.flow") * water_j_kg(at("feedwater.pressure"), at("feedwater.temperature"))
    drum = at("drum.pressure") * MW
    return {
        "waste": MW * at("feeder.flow") * at("feeder.lhv"),
        "burner gas": MW * gas,
        "primary air": MW * at("pa.flow") * _air_j_nm3(plant, at("pa.temperature")),
        "secondary and false air": MW * other_air * _air_j_nm3(plant, at("sa.temperature")),
        "steam less feedwater": -MW * (steam - feedwater),
        "blow-down": -MW * at("blowdown.flow") * px2h(drum, 0.0) * 1e3,
        "drum steam to the air heater": -MW * at("heater_steam.flow") * px2h(drum, 1.0) * 1e3,
        "flue gas": -MW * _gas_heat_w(gas_behind_economiser(plant, line)),
        "unburnt": -MW * unburnt * p.combustion.waste.char_j_kg,
        "steam of the SNCR's water": -MW * _sncr_steam_w(plant, line),
        "hot ash": -MW * (at("grate.ash_flow") * ash_j_kg),
        "casing": -MW * casing,
        "boiler ash and what is not accounted for": -MW * furnace.lost_share * (at("fire.power") + gas),
    }  # fmt: skip


def boiler_mass(plant: Plant, line: str) -> Terms:
    """Return the mass balance of fire and gas, kg/s."""
    at = _reader(plant, line)
    air = at("pa.flow") + at("sa.flow") + at("furnace.false_air")
    grate = plant.design.line[plant.lines.index(line)].combustion.grate
    humidity = _humidity(plant)
    gas = gas_behind_economiser(plant, line)
    return {
        "waste": at("feeder.flow"),
        "burner gas": sum(at(f"burner_{number}.gas") for number in range(1, 5)) * METHANE_KG_NM3,
        "air": air * (AIR_KG_NM3 + humidity * KG_NM3["h2o"]),
        "flue gas": -float(mass_flow(gas).item()),
        "bottom ash": -at("grate.ash_flow"),
        "boiler ash and dust": -at("furnace.ash") / (1.0 - grate.dust_share),
    }


def water_mass(plant: Plant, line: str) -> Terms:
    """Return the balance of water and steam of a boiler, kg/s."""
    at = _reader(plant, line)
    return {
        "feedwater": at("feedwater.flow"),
        "steam": -at("steam.flow"),
        "drum steam to the air heater": -at("heater_steam.flow"),
        "blow-down": -at("blowdown.flow"),
    }


def turbine_heat(plant: Plant) -> Terms:
    """Return the heat balance of the turbine cycle, from the boilers' steam to power, cooling and feedwater, MW."""
    lines = [_reader(plant, line) for line in plant.lines]
    at = _reader(plant, plant.common)
    island = plant.cycle.parameters
    steam = sum(q("steam.flow") * water_j_kg(q("steam.pressure"), q("steam.temperature")) for q in lines)
    returned = sum(q("heater_steam.flow") * px2h(q("drum.pressure") * MW, 0.0) for q in lines) * 1e3
    make_up = at("make_up.flow") * water_j_kg(island.tank.pressure_pa, island.condensate.make_up_k)
    drains = at("extraction_1.flow") * _extraction_j_kg(plant, at("extraction_1.pressure"))
    share = at("steam_header.pressure") / plant.cycle.header_pa
    lost = (island.turbine_steam.auxiliary_kg_s + island.turbine_steam.gland_kg_s) * share
    power = at("generator.power")
    full = plant.cycle.work_w - island.shaft.mechanical_loss_w - island.generator.full_loss_w
    copper = island.generator.load_loss_share * (power / full) ** 2
    generator = island.generator.full_loss_w * (1.0 - island.generator.load_loss_share + copper)
    liquid_pa = at("deaerator.pressure") + NOT_BOILING_PA
    feedwater = at("feedwater_total.flow") * water_j_kg(liquid_pa, at("deaerator.temperature"))
    cooled = at("cooling.flow") * WATER_J_KG_K * (at("cooling.outlet_temperature") - at("cooling.inlet_temperature"))
    inlet_j_kg = steam / sum(q("steam.flow") for q in lines)
    return {
        "steam": MW * steam,
        "drained drum steam of the air heaters": MW * returned,
        "make-up": MW * make_up,
        "generator": -MW * power,
        "generator and bearing losses": -MW * (generator + island.shaft.mechanical_loss_w),
        "cooling water": -MW * cooled,
        "air heaters from extraction 1": -MW * drains,
        "ejectors and glands": -MW * lost * inlet_j_kg,
        "main steam pipe": -MW * island.turbine_steam.pipe_loss_w,
        "feedwater": -MW * feedwater,
    }


def cleaning_heat(plant: Plant, line: str) -> Terms:
    """Return the heat balance of the gas from the economiser to the stack, MW."""
    at, row, cleaning = _reader(plant, line), plant.lines.index(line), plant.cleaning
    gas, ambient = gas_behind_economiser(plant, line), float(plant.ambient_k[0, 0])
    slurry = at("reactor.slurry_flow") * float(1.0 - cleaning.lime_share[row, 0])
    water = at("reactor.dilution_flow") + at("quench.flow") + slurry
    vapour = (water + _sncr_water(plant, line)) / KG_NM3["h2o"]
    flow = ZERO + at("stack.flow")
    air = flow - gas.flow - vapour
    o2, h2o = (gas.flow * gas.o2 + air * OXYGEN_AIR) / flow, (gas.flow * gas.h2o + vapour) / flow
    stack = Gas(flow, ZERO + at("stack.gas"), o2, h2o, gas.flow * gas.co2 / flow, *(ZERO,) * 9)
    lost_w_k = cleaning.draught.loss[:, row, 0] * cleaning.design.carried_w_k[row, 0]
    lost = lost_w_k * (cleaning.draught.temperature[:, row, 0] - ambient)
    return {
        "flue gas": MW * _gas_heat_w(gas),
        "steam of the SNCR's water": MW * _sncr_steam_w(plant, line) - MW * _sncr_water(plant, line) * EVAPORATION_J_KG,
        "ID fan": MW * at("id_fan.power"),
        "air leaked and blown in": MW * air.item() * _air_j_nm3(plant, ambient),
        "stack": -MW * _gas_heat_w(stack),
        "evaporation in the reactor": -MW * water * float(cleaning.reactor.evaporation_j_kg[row, 0]),
        "duct, reactor and filter casings": -MW * float(lost.sum()),
    }


def plant_heat(plant: Plant) -> Terms:
    """Return boilers, flue-gas cleaning and turbine cycle as one balance, MW: what one gives another cancels."""
    terms: Terms = {}
    lines = [part(plant, line) for line in plant.lines for part in (boiler_heat, cleaning_heat)]
    for part in (*lines, turbine_heat(plant)):
        for name, value in part.items():
            terms[name] = terms.get(name, 0.0) + value
    terms["feedwater pumps"] = terms.pop("steam less feedwater") + terms.pop("steam") + terms.pop("feedwater")
    drained = terms.pop("drum steam to the air heater") + terms.pop("drained drum steam of the air heaters")
    return terms | {"drum steam to the air heaters": drained}


def gas_behind_economiser(plant: Plant, line: str) -> Gas:
    """Return flow, temperature and composition of the gas of one line, (1, 1)."""
    at, row = _reader(plant, line), plant.lines.index(line)
    content = plant.combustion.furnace.content[3, row, 0]  # carbon dioxide, which no instrument sees
    seen = ("economiser.gas_flow", "economiser.gas_out", "economiser.gas_o2", "economiser.gas_h2o")
    flow, temperature, o2, h2o = (ZERO + at(name) for name in seen)
    return Gas(flow, temperature, o2, h2o, ZERO + content, *(ZERO,) * 9)


def water_j_kg(pa: float, k: float) -> float:
    """Return the enthalpy of water or steam, J/kg."""
    return pt2h(pa * MW, k - ZERO_C) * 1e3


def _reader(plant: Plant, instance: str) -> Callable[[str], float]:
    """Return what reads a signal of an instance."""

    def read(name: str) -> float:
        return float(plant.signals[plant.signal_row[f"{instance}/{name}"], 0])

    return read


def _sncr_water(plant: Plant, line: str) -> float:
    """Return the liquid water that the SNCR sprays into the furnace, kg/s."""
    at, share = _reader(plant, line), plant.cleaning.ammonia_share[plant.lines.index(line), 0]
    return at("sncr.carrier_flow") + at("sncr.ammonia_flow") * float(1.0 - share)


def _sncr_steam_w(plant: Plant, line: str) -> float:
    """Return the heat that makes steam of this water, as warm as the gas behind the economiser."""
    warm = float(vapour_enthalpy(gas_behind_economiser(plant, line).temperature).item()) / KG_NM3["h2o"]
    return _sncr_water(plant, line) * (EVAPORATION_J_KG + warm)


def _gas_heat_w(gas: Gas) -> float:
    return float((gas.flow * GasHeat.of(gas).enthalpy(gas.temperature)).item())


def _humidity(plant: Plant) -> float:
    return float(plant.combustion.air.humidity[0, 0])


def _air_j_nm3(plant: Plant, k: float) -> float:
    """Return the heat of humid air, J for each Nm3 of dry air."""
    heat: Floats = (OXYGEN_AIR * OXYGEN + (1.0 - OXYGEN_AIR) * NITROGEN + _humidity(plant) * VAPOUR)[:, 0, 0]
    x = k - REFERENCE_K
    return float(x * (heat[0] + x * (heat[1] + x * heat[2])))


def _extraction_j_kg(plant: Plant, pa: float) -> float:
    """Return what a kg of extraction 1 gives off until it is boiling water, J/kg."""
    return float(plant.island.steam.enthalpy[1, 0]) - px2h(pa * MW, 0.0) * 1e3
