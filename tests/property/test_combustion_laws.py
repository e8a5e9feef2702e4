"""Laws of combustion: nothing is lost, a plant in a batch is the plant alone, and the step hardly matters."""

import numpy as np
import numpy.typing as npt
import pytest

from plc_sim.process.air import Air
from plc_sim.process.burners import Flames
from plc_sim.process.combustion_signals import INPUT
from plc_sim.process.flame import AirFlows, Leak
from plc_sim.process.furnace import SPRAYED_J_KG, TRACES, Draught
from plc_sim.process.gas import KG_NM3, KMOL_NM3, NORMAL_K, NORMAL_PA, Gas, density, density_factor, mass_flow, mixed
from plc_sim.process.gas_heat import GasHeat
from plc_sim.process.grate import VOLATILES, Released
from plc_sim.process.grate_fit import full_load
from plc_sim.process.waste import CARBON, CHLORINE, HYDROGEN, OXYGEN_AIR, SULPHUR, WATER
from tests.unit.plc_sim.combustion_rig import Rig, each

pytestmark = pytest.mark.long  # a piece alone; the joined plant is in every run

Floats = npt.NDArray[np.float64]

CONSERVED_RTOL = 1e-6
HALF_STEP_K = 6.0  # 0.5 % of the span of the furnace temperatures
BATCH = 64
LEAK = Leak(each(0.5), each(1.2777e6))
SPRAYED_KG_S = 0.3
MOVED = ("feeder.speed", "pa_fan.demand", "sa_fan.demand", "grate.speed_2", "heater.drum_valve", "pa.damper_3")


def stir(rig: Rig, time_s: float, first: int = 0) -> None:
    """Swing several final elements, each plant of a batch differently."""
    batch = rig.inputs.shape[2]
    for place, name in enumerate(MOVED):
        wave = np.sin(0.003 * time_s * (1.0 + place) + 0.1 * (first + np.arange(batch)))
        rig.inputs[INPUT[name]] = rig.combustion.full_load[INPUT[name]] * (1.0 + 0.1 * wave)


def test_bed_holds_what_was_fed_less_what_left_as_gas_and_ash() -> None:
    bed = Rig.of().combustion.bed
    around = full_load(bed)
    held, dt = float(bed.kg.sum()), 1.0
    for number in range(3600):
        share = 1.0 + 0.3 * np.sin(0.01 * number)
        now = around._replace(feed=around.feed * share, air=around.air * (2.0 - share))
        out = bed.step(now, dt)
        left = out.vapour + out.volatiles + out.char + out.fly_ash
        held += dt * float(now.feed.sum() - left.sum() - out.ash.sum())
    assert float(bed.kg.sum()) == pytest.approx(held, rel=CONSERVED_RTOL)


def released() -> tuple[Released, Flames, AirFlows]:
    ash = np.stack([each(value) for value in (0.001, 0.02, 0.03, 1.4)])
    out = Released(each(3.1), each(3.7), each(0.6), each(0.3), ash)
    flows = AirFlows(each(26.0), each(13.0), each(1.6), each(450.0), each(313.0))
    return out, Flames(each(0.3), each(0.01)), flows


def entered() -> tuple[Floats, Floats, Rig]:
    rig = Rig.of()
    out, flames, flows = released()
    made, entering, _ = rig.combustion.flame.enter(out, flames, flows, LEAK, each(0.0), each(0.06), each(1200.0))
    return made, entering, rig


def test_every_element_of_the_waste_is_found_in_the_gas() -> None:
    _, entering, rig = entered()
    out, flames, flows = released()
    waste, air = rig.combustion.chute.waste, rig.combustion.air
    carbon = out.volatiles * waste.carbon + out.char + (flames.burnt * CARBON / KMOL_NM3)
    assert entering[3] * CARBON / KMOL_NM3 == pytest.approx(carbon, rel=CONSERVED_RTOL)
    dry = out.volatiles / waste.volatile_share
    parameters = waste.parameters[0]
    hydrogen = dry * parameters.hydrogen / 0.655 + (out.vapour + LEAK.kg_s) * 2.0 * HYDROGEN / WATER
    total_air = flows.primary + flows.secondary + flows.false
    humid = entering[2] - air.humidity * total_air - 2.0 * flames.burnt
    found = humid * 2.0 * HYDROGEN / KMOL_NM3 + entering[6] * HYDROGEN / (HYDROGEN + CHLORINE)
    assert found == pytest.approx(hydrogen, rel=CONSERVED_RTOL)
    chlorine = dry * parameters.chlorine / 0.655 * parameters.chlorine_released
    assert entering[6] * CHLORINE / (HYDROGEN + CHLORINE) == pytest.approx(chlorine, rel=CONSERVED_RTOL)
    sulphur = dry * parameters.sulphur / 0.655 * parameters.sulphur_released
    assert entering[7] * SULPHUR / (SULPHUR + 31.998) == pytest.approx(sulphur, rel=CONSERVED_RTOL)


def test_mass_of_the_gas_is_that_of_air_waste_and_fuel() -> None:
    made, entering, rig = entered()
    out, flames, flows = released()
    acids = KMOL_NM3 * (entering[6] / (HYDROGEN + CHLORINE) + entering[7] / (SULPHUR + 31.998))
    methane = flames.unburnt
    nitrogen = made - entering[1] - entering[2] - entering[3] - acids - methane
    o2, h2o, co2, n2 = (KG_NM3[name] for name in ("o2", "h2o", "co2", "n2"))
    mass = entering[1] * o2 + entering[2] * h2o + entering[3] * co2 + nitrogen * n2 + entering[6] + entering[7]
    mass += methane * (16.043 / KMOL_NM3)
    air = flows.primary + flows.secondary + flows.false
    humidity = rig.combustion.air.humidity
    brought = air * (OXYGEN_AIR * o2 + (1.0 - OXYGEN_AIR) * n2 + humidity * h2o)
    brought += out.volatiles + out.char + out.vapour + LEAK.kg_s + (flames.burnt + flames.unburnt) * (16.043 / KMOL_NM3)
    assert mass == pytest.approx(brought, rel=1e-4)  # atomic masses are rounded
    assert np.all(entering[len(entering) - len(TRACES) :] >= 0.0)


def test_heat_that_leaves_the_gas_reaches_the_water_or_stays_in_the_walls() -> None:
    rig = Rig.of()
    furnace, dt = rig.combustion.furnace, 0.5
    stored = furnace.capacity * furnace.surface
    rig.boundary = rig.boundary._replace(sprayed_kg_s=each(SPRAYED_KG_S))
    for number in range(600):
        stir(rig, dt * number)
        fired = rig.step(dt)
        heat = GasHeat.of(fired.gas)
        lost = fired.gas.flow * (furnace.content[0] - heat.enthalpy(fired.gas.temperature))
        lost -= SPRAYED_KG_S * SPRAYED_J_KG
        stored[0] += dt * (lost - fired.evaporator_w.sum(axis=0))
    now = furnace.capacity * furnace.surface
    before = stored[0] + stored[1] + stored[2] + stored[3]
    assert now.sum(axis=0) == pytest.approx(before, rel=CONSERVED_RTOL)


def test_furnace_pressure_stores_what_does_not_leave() -> None:
    furnace = Rig.of().combustion.furnace
    content, made, dt = float(furnace.pressure[0, 0] * furnace.storage[0, 0]), each(49.5), 0.1
    draught = Draught(each(-150.0), each(50.0))
    for _ in range(300):
        furnace.breathe(made, draught, dt)
        content += dt * float((made - furnace.flow)[0, 0])
    assert float(furnace.pressure[0, 0] * furnace.storage[0, 0]) == pytest.approx(content, rel=CONSERVED_RTOL)


def test_chute_holds_what_the_crane_dropped_less_what_was_fed() -> None:
    rig = Rig.of()
    chute, dt = rig.combustion.chute, 3.0
    held = float(chute.mass[0, 0])
    for _ in range(600):
        timer = float(chute.timer[0, 0])
        rig.step(dt)
        held -= dt * rig.value("feeder.flow")
        if chute.timer[0, 0] > timer:
            held += rig.value("crane.grab")
    assert float(chute.mass[0, 0]) == pytest.approx(held, rel=CONSERVED_RTOL)


@pytest.mark.parametrize("column", [0, 37, BATCH - 1])
def test_column_of_a_batch_is_the_plant_alone_bit_for_bit(column: int) -> None:
    wide, alone = Rig.of(BATCH), Rig.of()
    random = np.random.default_rng(5)
    for number in range(60):
        noise = random.standard_normal((*wide.noise.shape[:2], BATCH))
        wide.noise[...] = noise
        alone.noise[...] = noise[:, :, column : column + 1]
        stir(wide, 20.0 * number)
        stir(alone, 20.0 * number, column)
        slug, blocked = 1.0 + 0.005 * np.arange(BATCH), 0.004 * np.arange(BATCH)
        wide.combustion.bed.slug[...] = slug
        alone.combustion.bed.slug[...] = slug[column]
        wide.combustion.air.blocked[2] = blocked
        alone.combustion.air.blocked[2] = blocked[column]
        wide.step(0.5)
        alone.step(0.5)
    assert np.array_equal(wide.combustion.signals[:, :, column : column + 1], alone.combustion.signals)
    for name, slot in alone.state.slots.items():
        mine = wide.state[name]
        if mine.shape[-1] == BATCH:
            assert np.array_equal(mine[..., column : column + 1], slot.array), name


def test_half_the_step_gives_the_same_course() -> None:
    courses: list[Floats] = []
    for dt in (0.1, 0.05):
        rig = Rig.of()
        rig.scale("pa_fan.demand", 1.1)
        rig.scale("feeder.speed", 1.2)
        courses.append(rig.run(50.0, dt).plane_k[:: round(1.0 / dt)])
    assert np.abs(courses[0] - courses[1]).max() < HALF_STEP_K


def test_restored_state_goes_on_bit_for_bit() -> None:
    rig, again = Rig.of(), Rig.of()
    for number in range(50):
        stir(rig, number)
        rig.step(0.3)
    again.state.restore(rig.state.save())
    again.inputs[...] = rig.inputs
    for _ in range(50):
        rig.step(0.3)
        again.step(0.3)
    assert np.array_equal(rig.combustion.signals, again.combustion.signals)


def air_stream(flow: float, temperature_k: float) -> Gas:
    none = each(0.0)
    return Gas(each(flow), each(temperature_k), each(0.2078), each(0.008), *(none,) * 10)


def test_mixed_streams_keep_volume_mass_and_traces() -> None:
    first = air_stream(10.0, 300.0)._replace(co=each(0.1))
    second = first._replace(flow=each(5.0), h2o=each(0.2), o2=each(0.05), co=each(0.3))
    both = mixed((first, second), each(320.0))
    assert both.flow == pytest.approx(each(15.0))
    assert both.co == pytest.approx(each(0.4))
    assert mass_flow(both) == pytest.approx(mass_flow(first) + mass_flow(second), rel=CONSERVED_RTOL)
    nothing = mixed((first._replace(flow=each(0.0)), second._replace(flow=each(0.0))), each(320.0))
    assert np.all(np.isfinite(density(nothing)))
    assert density_factor(each(NORMAL_K), each(NORMAL_PA)) == pytest.approx(each(1.0))


def test_carbon_left_in_the_ash_fits_the_burn_out() -> None:
    bed = Rig.of().combustion.bed
    around = full_load(bed)
    out = bed.step(around, 1.0)
    unburnt = out.ash[VOLATILES] * bed.waste.carbon + out.ash[2]
    fed = around.feed[VOLATILES] * bed.waste.carbon + around.feed[2]
    assert unburnt / fed == pytest.approx(each(0.015), rel=1e-3)


def test_enthalpy_of_air_is_that_of_its_species() -> None:
    air: Air = Rig.of().combustion.air
    t = each(453.15)
    moist = 1.0 + air.humidity
    none = each(0.0)
    gas = Gas(each(1.0), t, none + OXYGEN_AIR / moist, none + air.humidity / moist, *(none,) * 10)
    assert air.enthalpy(t) / moist == pytest.approx(GasHeat.of(gas).enthalpy(t), rel=1e-9)
