"""Bunker, instrument air, natural gas and emergency stops: rest, size and time of what happens to them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from controller.core.state import State
from plc_sim.process.services import (
    LINE_SIGNALS,
    Boundary,
    Served,
    Services,
    ServicesParameters,
    initial_inputs,
    input_names,
    signal_names,
)
from plc_sim.process.services_parameters import BunkerParameters, GasSupplyParameters, InstrumentAirParameters

Floats = npt.NDArray[np.float64]

LINES = ("L1", "L2")
AMBIENT_PA = 93200.0
DT = 0.1
PARAMETERS = ServicesParameters(
    bunker=BunkerParameters(
        capacity_kg=11.2e6,
        level=0.6,
        delivery_kg_s=18.52,
        hottest_k=318.15,
        hottest_s=120.0,
        draught_pa=15.0,
        draught_nm3_s=52.61,
        hall_s=10.0,
        odour_fan_nm3_s=30.0,
    ),
    instrument_air=InstrumentAirParameters(
        compressors=3,
        running=2,
        compressor_nm3_s=0.6667,
        start_s=5.0,
        load_pa=620e3,
        unload_pa=700e3,
        users_nm3_s=0.8333,
        low_pa=400e3,
        buffer_s=600.0,
    ),
    gas_supply=GasSupplyParameters(supply_pa=50e3, supply_s=1.0, detectors=8, detector_s=20.0),
)


class Rig:
    """Steps the services with both lines at full load unless ``at`` says otherwise."""

    def __init__(self, *, batch: int = 1, runs: bool = True) -> None:
        self.state = State(batch)
        self.services = Services.build(self.state, LINES, PARAMETERS, runs=runs)
        initial = initial_inputs(PARAMETERS, runs=runs)
        self.inputs: Floats = self.state.add("inputs", input_names(PARAMETERS), fill=initial)
        self.line_signals: Floats = np.zeros((len(LINE_SIGNALS), len(LINES), batch))
        self.signals: Floats = np.zeros((len(signal_names(PARAMETERS)), batch))
        one = np.full((1, batch), float(runs))
        self.at = Boundary(18.52 * one, 52.61 * one, one, AMBIENT_PA)
        self.served: Served | None = None

    def run(self, seconds: float, dt: float = DT) -> "Rig":
        for _ in range(round(seconds / dt)):
            self.served = self.services.step(self.inputs, self.at, dt)
        self.services.publish(self.line_signals, self.signals, AMBIENT_PA)
        return self

    def set(self, values: Mapping[str, float]) -> "Rig":
        for name, value in values.items():
            self.inputs[input_names(PARAMETERS).index(name)] = value
        return self

    def get(self, name: str) -> float:
        return float(self.signals[signal_names(PARAMETERS).index(name), 0])


def gauge_mpa(rig: Rig) -> float:
    return (rig.get("air.pressure") - AMBIENT_PA) / 1e6


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_normal_operation_stands_still(rig: Rig) -> None:
    before = rig.run(DT).signals.copy()
    assert rig.run(600.0, 1.0).signals == pytest.approx(before, rel=1e-9)
    assert rig.get("bunker.level") == pytest.approx(0.6)
    assert rig.get("bunker.hottest") == pytest.approx(318.15)
    assert rig.get("bunker.pressure") - AMBIENT_PA == pytest.approx(-15.0)
    assert rig.get("gas.pressure") - AMBIENT_PA == pytest.approx(50e3)
    assert gauge_mpa(rig) == pytest.approx(0.65, abs=1e-3)


def test_cold_plant_stays_at_ambient() -> None:
    rig = Rig(runs=False)
    with np.errstate(all="raise", under="ignore"):
        rig.run(60.0)
    for name in ("bunker.pressure", "air.pressure", "gas.pressure"):
        assert rig.get(name) == pytest.approx(AMBIENT_PA), name


def test_the_air_buffer_lasts_ten_minutes_without_compressors(rig: Rig) -> None:
    rig.set({"air.compressor_a": 0.0, "air.compressor_b": 0.0}).run(600.0)
    assert gauge_mpa(rig) == pytest.approx(0.40, abs=0.01)
    rig.run(3600.0, 1.0)
    assert 0.0 <= gauge_mpa(rig) < 0.02


def test_a_dead_bus_stops_the_compressors(rig: Rig) -> None:
    rig.at = rig.at._replace(bus=np.zeros((1, 1)))
    rig.run(600.0)
    assert gauge_mpa(rig) == pytest.approx(0.40, abs=0.01)


def test_the_third_compressor_makes_up_for_a_leak(rig: Rig) -> None:
    rig.services.disturbances.air_leak[...] = 0.9
    leaking = gauge_mpa(rig.run(900.0, 1.0))
    assert leaking < 0.5
    assert gauge_mpa(rig.set({"air.compressor_c": 1.0}).run(900.0, 1.0)) > leaking + 0.1


def test_compressors_fill_an_empty_receiver() -> None:
    rig = Rig(runs=False)
    rig.at = rig.at._replace(bus=np.ones((1, 1)))
    for letter in "abc":
        rig.set({f"air.compressor_{letter}": 1.0})
    pressures = [gauge_mpa(rig.run(60.0)) for _ in range(30)]
    assert pressures == sorted(pressures)
    assert 0.62 < pressures[-1] < 0.70


def test_gas_pressure_follows_main_valve_and_reducer(rig: Rig) -> None:
    rig.services.disturbances.supply[...] = 0.6
    assert rig.run(10.0).get("gas.pressure") - AMBIENT_PA == pytest.approx(30e3, rel=0.01)
    rig.set({"gas.main_valve": 0.0}).run(10.0)
    assert rig.get("gas.pressure") - AMBIENT_PA == pytest.approx(0.0, abs=10.0)
    assert rig.served is not None
    assert rig.served.gas_share.item() < 1e-3


def test_a_gas_leak_ends_with_the_main_valve(rig: Rig) -> None:
    rig.services.disturbances.gas_leak[2:4] = 0.6
    rig.run(60.0)
    assert rig.get("gas_leak.detector_c") > 0.4
    assert rig.get("gas_leak.detector_d") > 0.4
    assert rig.get("gas_leak.detector_a") == 0.0
    rig.set({"gas.main_valve": 0.0}).run(120.0)
    assert rig.get("gas_leak.detector_c") < 0.1


def test_the_odour_fan_keeps_the_hall_below_ambient_when_both_lines_stand(rig: Rig) -> None:
    rig.at = rig.at._replace(primary_air_nm3_s=np.zeros((1, 1)))
    assert rig.run(60.0).get("bunker.pressure") - AMBIENT_PA > -3.0
    rig.set({"bunker.odour_fan": 1.0}).run(60.0)
    assert -15.0 < rig.get("bunker.pressure") - AMBIENT_PA < -3.0
    rig.services.disturbances.doors[...] = 2.0
    assert rig.run(60.0).get("bunker.pressure") - AMBIENT_PA > -3.0


def test_the_bunker_fills_when_the_lines_stand_and_empties_without_deliveries(rig: Rig) -> None:
    rig.at = rig.at._replace(waste_kg_s=np.zeros((1, 1)))
    rig.run(3600.0, 1.0)
    assert rig.get("bunker.level") == pytest.approx(0.6 + 18.52 * 3600.0 / 11.2e6)
    rig.at = rig.at._replace(waste_kg_s=np.full((1, 1), 37.04))
    assert rig.run(3600.0, 1.0).get("bunker.level") == pytest.approx(0.6)
    rig.services.disturbances.delivery[...] = 0.0
    assert rig.run(3600.0, 1.0).get("bunker.level") < 0.6


def test_a_bunker_fire_shows_within_minutes(rig: Rig) -> None:
    rig.services.disturbances.fire[...] = 100.0
    assert rig.run(240.0).get("bunker.hottest") - 273.15 > 120.0


def test_an_emergency_stop_stops_what_it_is_for(rig: Rig) -> None:
    pressed = rig.services.disturbances.pressed

    def stopped() -> list[float]:
        served = rig.run(DT).served
        assert served is not None
        return [*served.is_line_stopped[:, 0], served.is_turbine_stopped.item()]

    assert stopped() == [0.0, 0.0, 0.0]
    pressed[1] = 1.0
    assert stopped() == [0.0, 1.0, 0.0]
    assert rig.line_signals[0, :, 0].tolist() == [0.0, 1.0]
    pressed[1:3] = [[0.0], [1.0]]
    assert stopped() == [0.0, 0.0, 1.0]
    assert (rig.get("emergency_stop.turbine"), rig.get("emergency_stop.plant")) == (1.0, 0.0)
    pressed[2:4] = [[0.0], [1.0]]
    assert stopped() == [1.0, 1.0, 1.0]
    assert (rig.get("emergency_stop.turbine"), rig.get("emergency_stop.plant")) == (0.0, 1.0)


def test_column_of_a_batch_is_the_plant_alone_bit_for_bit() -> None:
    batch, alone = Rig(batch=64), Rig()
    leak = np.linspace(0.0, 1.0, 64)
    batch.services.disturbances.air_leak[...] = leak
    batch.inputs[1] = leak
    alone.services.disturbances.air_leak[...] = leak[45]
    alone.inputs[1] = leak[45]
    batch.run(20.0)
    alone.run(20.0)
    assert np.array_equal(batch.signals[:, 45], alone.signals[:, 0])
    for name, slot in batch.state.slots.items():
        assert np.array_equal(slot.array[..., 45], alone.state[name][..., 0]), name
