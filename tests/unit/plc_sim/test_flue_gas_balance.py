"""Flue-gas cleaning at full load against the design table, its conservation laws, cold state, and batch columns."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from plc_sim.process.flue_gas_cleaning import Cleaned
from plc_sim.process.flue_gas_design import LIME, LIME_PER_ACID, NH3, NOX, SOLIDS_PER_ACID, WATER, WATER_PER_ACID
from plc_sim.process.sncr import FurnaceGas
from tests.unit.plc_sim.flue_gas_rig import AMBIENT_K, BAROMETRIC_PA, Rig

Floats = npt.NDArray[np.float64]

TABLE_RTOL = 0.05
CONSERVED_RTOL = 1e-6
HOUR_S = 3600
LONG_DT_S = 2.0
VAPOUR_KG_NM3 = 18.015 / 22.414


@pytest.fixture(scope="module")
def full() -> Rig:
    return Rig()


# The design table of the line at full load, in the units of its tags.
TABLE = {
    "sncr.ammonia_flow": (174.0, 3600.0),
    "reactor.gas_in": (198.0, None),
    "reactor.gas_out": (150.0, None),
    "filter.gas_in": (148.0, None),
    "stack.gas": (140.0, None),
    "filter.dp": (1300.0, 1.0),
    "stack.flow": (189_900.0, 3600.0),
    "stack.velocity": (16.4, 1.0),
    "stack.pressure": (92_900.0, 1.0),
    "id_fan.speed": (0.78, 1.0),
    "cems.o2": (8.48, 100.0),
    "cems.h2o": (18.8, 100.0),
    "cems.co2": (10.6, 100.0),
}


@pytest.mark.parametrize("name", TABLE)
def test_full_load_stands_at_the_design_table(full: Rig, name: str) -> None:
    expected, factor = TABLE[name]
    found = full.value(name) - 273.15 if factor is None else full.value(name) * factor
    assert found == pytest.approx(expected, rel=TABLE_RTOL)


# mg/Nm3 at 11 %, Hg in ug: what the constants of the design give (HCl tuned between 4 and 5, SO2 by k = 1.4).
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nox", 95.0),
        ("co", 10.0),
        ("so2", 19.0),
        ("hcl", 4.5),
        ("hf", 0.1),
        ("nh3", 5.0),
        ("toc", 1.0),
        ("dust", 2.1),
        ("hg", 0.003),
    ],
)
def test_clean_gas_at_full_load(full: Rig, name: str, expected: float) -> None:
    assert full.at_11(name) == pytest.approx(expected, rel=TABLE_RTOL)


def test_lime_residue_and_duct_pressures_at_full_load(full: Rig) -> None:
    rates = full.cleaning.rates[:, 0, 0] * 3600.0
    assert rates[3] * 0.12 + rates[5] == pytest.approx(394.0, rel=TABLE_RTOL)
    assert rates[6] == pytest.approx(17.4, rel=TABLE_RTOL)
    d = full.cleaning.design
    assert d.solids_kg_s[0, 0] * 3600.0 == pytest.approx(1100.0, rel=TABLE_RTOL)
    gauge = full.cleaning.draught.pressure[:, 0, 0]
    assert gauge[:5] == pytest.approx([-500.0, -1300.0, -2700.0, -3000.0, 200.0], rel=TABLE_RTOL, abs=15.0)


def test_start_is_steady(full: Rig) -> None:
    rig = Rig()
    before = rig.signals.copy()
    rig.run(10.0)
    rows = [row for name, row in rig.cleaning.signals.items() if not name.startswith(("filter.dp", "filter.hopper"))]
    assert rig.signals[rows] == pytest.approx(before[rows], rel=2e-3)


def _disturbed(rig: Rig, observe: Callable[[Cleaned, float], None]) -> None:
    """An hour with moving valves, gas and pulses."""
    full = rig.gas
    for step in range(int(HOUR_S / LONG_DT_S)):
        minute = step * LONG_DT_S / 60.0
        wave = 1.0 + 0.2 * np.sin(minute / 3.0)
        rig.gas = full._replace(flow=full.flow * wave, hcl=full.hcl * (2.0 - wave), nox=full.nox * wave)
        rig.set({"sncr.ammonia_valve": 0.3 * wave, "reactor.slurry_valve": 0.3 * (2.0 - wave)})
        rig.set({"atomiser.command": float(not 20.0 <= minute < 22.0), "quench.valve": float(21.0 <= minute < 23.0)})
        rig.set({f"filter.pulse_{int(minute) % 10}": float(step % 60 < 4)})
        observe(rig.step(LONG_DT_S), LONG_DT_S)


def test_lime_salts_carbon_solids_ammonia_and_water_are_conserved_over_an_hour() -> None:
    rig = Rig()
    cleaning = rig.cleaning
    totals: dict[str, Floats] = {}

    def add(name: str, amount: Floats) -> None:
        totals[name] = totals.get(name, np.zeros(amount.shape)) + amount

    def observe(c: Cleaned, dt: float) -> None:
        gas, f = rig.gas, c.filtered
        acids = np.stack([gas.hcl, gas.so2, gas.hf]) - f.traces[:3]  # what the gas lost is in the solids as salts
        rates = cleaning.rates
        lime = rates[3] * 0.12 + rates[5] - c.drained_lime
        left = f.escaped + c.fallen.dislodged
        add("lime in", lime * dt)
        add("lime out", ((LIME_PER_ACID * acids).sum(0) + left[2]) * dt)
        add("solids in", (gas.dust + lime + rates[6] + (SOLIDS_PER_ACID * acids).sum(0)) * dt)
        add("solids out", left[0] * dt)
        add("carbon in", rates[6] * dt)
        add("carbon out", left[1] * dt)
        add("ammonia in", rates[0] * 0.25 * dt)
        # What leaves as slip, reduces NOx or burns: all of it is in the water that the reaction makes.
        reacted = (c.injected.water - c.injected.liquid) / (1.5 * WATER)
        add("ammonia out", (reacted * NH3 + c.injected.nh3) * dt)
        add("water in", (rates[0] * 0.75 + rates[1] + rates[2] + rates[3] * 0.88 + rates[4]) * dt)
        add("water in", gas.flow * gas.h2o * VAPOUR_KG_NM3 * dt)
        add("water in", ((WATER_PER_ACID * acids).sum(0) + reacted * 1.5 * WATER + c.air * 0.008 * VAPOUR_KG_NM3) * dt)
        add("water out", (c.drained_water + c.stack.flow * c.stack.h2o * VAPOUR_KG_NM3) * dt)
        add("liquid in", (rates[0] + rates[1]) * dt)
        add("liquid out", (c.injected.liquid + reacted * NH3 + c.injected.nh3) * dt)

    area = cleaning.filter.area_m2
    before = (cleaning.filter.cake * area).sum(1)
    line_before = cleaning.sncr.line_kg.copy()
    _disturbed(rig, observe)
    gained = (cleaning.filter.cake * area).sum(1) - before
    for row, name in enumerate(("solids", "carbon", "lime")):
        assert totals[f"{name} in"] == pytest.approx(totals[f"{name} out"] + gained[row], rel=CONSERVED_RTOL)
    held = cleaning.sncr.line_kg - line_before  # ammonia; the line is always full, so water makes room for it
    assert totals["ammonia in"] == pytest.approx(totals["ammonia out"] + held, rel=CONSERVED_RTOL)
    assert totals["liquid in"] == pytest.approx(totals["liquid out"], rel=CONSERVED_RTOL)
    assert totals["water in"] == pytest.approx(totals["water out"] - held, rel=CONSERVED_RTOL)


def test_nitrogen_of_the_ammonia_goes_to_slip_nox_or_nitrogen_gas() -> None:
    rig = Rig()
    for kelvin in (1050.0, 1150.0, 1223.0, 1300.0, 1380.0):
        one = np.ones_like(rig.gas.flow)
        rig.furnace = FurnaceGas(one * kelvin, one * kelvin, one * kelvin)
        injected = rig.run(300.0, 5.0).injected
        fed = rig.cleaning.rates[0] * 0.25 / NH3
        slip, change = injected.nh3 / NH3, (injected.nox - rig.gas.nox) / NOX
        assert (slip >= 0.0).all()
        assert (slip <= fed * (1.0 + CONSERVED_RTOL)).all()
        assert (change <= fed - slip + 1e-12).all()  # NOx grows by no more than the ammonia that burns
        assert (-change <= fed - slip + 1e-12).all()  # and falls by no more than meets it


def test_cold_plant_is_a_valid_state_and_stays_cold() -> None:
    rig = Rig(is_cold=True)
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        rig.run(60.0)
    assert np.isfinite(rig.signals).all()
    for name in ("reactor.gas_out", "filter.gas_in", "stack.gas", "id_fan.bearing_1", "filter.hopper_3"):
        assert rig.value(name) == pytest.approx(AMBIENT_K, abs=0.01)
    assert rig.value("id_fan.inlet_pressure") == pytest.approx(BAROMETRIC_PA, abs=1.0)
    assert rig.value("cems.o2") == pytest.approx(0.2095, abs=0.002)
    assert rig.value("stack.flow") == 0.0


def test_cold_plant_starts_with_the_final_elements_alone() -> None:
    rig, full = Rig(is_cold=True), Rig()
    rig.set(
        {
            "id_fan.command": 1.0,
            "id_fan.speed": 0.78,
            "atomiser.command": 1.0,
            "conveying.lime_blower": 1.0,
            "conveying.carbon_blower": 1.0,
            "sncr.pump": 1.0,
            "sncr.lance_2": 1.0,
        }
    )
    rig.run(30.0)
    rig.gas = full.gas._replace(temperature=full.gas.temperature * 0.0 + 393.15)
    rig.run(600.0, LONG_DT_S)
    rig.gas, rig.furnace, rig.inputs = full.gas, full.furnace, full.inputs.copy()
    rig.run(3600.0, 5.0)
    # The cake has grown for an hour longer.
    for name in ("nox", "so2", "hcl", "nh3", "hg", "dust"):
        assert rig.at_11(name) == pytest.approx(full.at_11(name), rel=0.1)
    assert rig.value("stack.gas") == pytest.approx(full.value("stack.gas"), abs=1.0)


def test_column_of_a_batch_is_the_plant_alone_bit_by_bit() -> None:
    width = 64
    many = Rig(width)
    factor = np.linspace(0.5, 1.2, width)
    column = 37
    one = Rig()

    def drive(rig: Rig, share: Floats) -> None:
        full = rig.gas
        for step in range(300):
            rig.gas = full._replace(
                flow=full.flow * share, hcl=full.hcl * share, temperature=full.temperature + 10.0 * share
            )
            rig.inputs[rig.cleaning.inputs["reactor.slurry_valve"]] = 0.4 * share
            rig.inputs[rig.cleaning.inputs["filter.pulse_3"]] = (step % 50 > 25) * (share > 0.7)
            rig.inputs[rig.cleaning.inputs["cems.standby"]] = (step > 100) * (share > 0.8)
            rig.step()
        rig.gas = full

    drive(many, factor)
    drive(one, factor[column : column + 1])
    assert np.array_equal(many.signals[:, :, column], one.signals[:, :, 0])
    for name, slot in many.state.slots.items():
        if slot.array.shape[-1] == width:
            assert np.array_equal(slot.array[..., column], one.state[name][..., 0]), name


def test_step_follows_from_the_registry_alone() -> None:
    rig, other = Rig(), Rig()
    rig.set({"sncr.ammonia_valve": 0.2, "filter.pulse_1": 1.0, "id_fan.speed": 0.85, "cems.calibrate": 1.0})
    rig.run(30.0)
    other.inputs = rig.inputs
    other.state.restore(rig.state.save())
    assert np.array_equal(other.cleaning.suction(other.gas.flow), rig.cleaning.suction(rig.gas.flow))
    rig.run(5.0)
    other.run(5.0)
    assert np.array_equal(other.signals, rig.signals)
    for name, slot in rig.state.slots.items():
        assert np.array_equal(slot.array, other.state[name]), name


def test_half_the_step_makes_no_difference() -> None:
    signals = []
    for dt in (0.1, 0.05):
        rig = Rig()
        rig.set({"sncr.ammonia_valve": 0.2, "reactor.dilution_valve": 0.1, "filter.pulse_1": 1.0, "id_fan.speed": 0.85})
        rig.run(60.0, dt)
        signals.append(rig.signals)
    assert signals[0] == pytest.approx(signals[1], rel=2e-3)


def test_lime_mass_is_per_mole() -> None:
    assert LIME_PER_ACID[:, 0, 0] == pytest.approx([LIME / 2 / 36.461, LIME / 64.064, LIME / 2 / 20.006])
