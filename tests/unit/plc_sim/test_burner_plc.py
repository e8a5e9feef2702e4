"""The burners' PLC: a burner is purged, lights, loses its flame, locks out."""

import pytest

from controller.core.errors import ConfigError
from plc_sim.actuators import LIMIT_SWITCH
from plc_sim.burner_plc import CAUSES, HOLD, IGNITE, LANCE, LIGHT, LOCKED, OFF, RUN
from tests.unit.plc_sim.equipment_rig import BAROMETRIC_PA, EQUIPMENT, EquipmentRig

BURNER = "L1/burner_1"
PURGE_AIR = 20.0  # Nm3/s: nearly half of the full air


@pytest.fixture
def rig() -> EquipmentRig:
    """A cold furnace with the fans on and the air damper half open."""
    rig = EquipmentRig()
    for line in ("L1", "L2"):
        rig.show(f"{line}/pa.flow", 5.0).show(f"{line}/sa.flow", PURGE_AIR - 5.0)
    return rig.order("L1-BC-1320.AD_OP", 50.0).order("L1-BC-1321.AD_OP", 50.0)


@pytest.fixture
def hot(rig: EquipmentRig) -> EquipmentRig:
    """A furnace that lights gas by itself."""
    return rig.show("L1/furnace.roof", 1300.0).run(6.0)


def phase(rig: EquipmentRig, burner: int = 0) -> float:
    return float(rig.burners.phase[burner, 0])


def burning(rig: EquipmentRig) -> EquipmentRig:
    return rig.order("L1-BC-1320.OP", 100.0).order("L1-BC-1320.CMD", 1.0).run(25.0)


def cause(rig: EquipmentRig, burner: str = BURNER) -> str:
    return CAUSES[int(rig.get(f"{burner}.lock_out")) - 1]


def is_shut(rig: EquipmentRig, burner: str = BURNER) -> bool:
    """Return whether both block valves are shut and the vent between them is open."""
    names = ("valve_1_closed", "valve_2_closed", "vent_open")
    return all(rig.get(f"{burner}.{name}") == 1.0 for name in names) and rig.driven(f"{burner}.valve") == 0.0


def test_a_cold_burner_waits_for_the_whole_purge(rig: EquipmentRig) -> None:
    rig.order("L1-BC-1320.CMD", 1.0).run(39.5)
    assert phase(rig) == OFF
    rig.run(1.0)  # 800 Nm3 by 20 Nm3/s
    assert phase(rig) == LANCE


def test_a_purge_takes_its_time_even_with_much_air(rig: EquipmentRig) -> None:
    rig.show("L1/sa.flow", 100.0).order("L1-BC-1320.CMD", 1.0).run(29.0)
    assert phase(rig) == OFF
    assert phase(rig.run(2.0)) == LANCE


def test_less_air_in_between_begins_the_purge_again(rig: EquipmentRig) -> None:
    rig.run(30.0).show("L1/sa.flow", 5.0).run(0.1).show("L1/sa.flow", 15.0)
    rig.order("L1-BC-1320.CMD", 1.0).run(39.0)
    assert phase(rig) == OFF
    assert phase(rig.run(2.0)) == LANCE


def test_after_the_purge_the_air_may_fall_but_not_fail(rig: EquipmentRig) -> None:
    rig.run(41.0).show("L1/pa.flow", 0.0).show("L1/sa.flow", 5.0).run(20.0)
    assert rig.burners.is_purged[0, 0]
    rig.show("L1/sa.flow", 1.0).run(0.1).show("L1/sa.flow", 5.0)
    rig.order("L1-BC-1320.CMD", 1.0).run(5.0)
    assert phase(rig) == OFF


def test_a_burner_lights_step_by_step(hot: EquipmentRig) -> None:
    hot.order("L1-BC-1320.OP", 100.0).order("L1-BC-1320.CMD", 1.0).run(8.5)
    assert phase(hot) == IGNITE
    assert hot.get(f"{BURNER}.lance_in") == 1.0
    assert hot.driven(f"{BURNER}.ignitor") == 1.0
    assert is_shut(hot)
    hot.run(3.0)
    assert phase(hot) == LIGHT
    assert hot.get(f"{BURNER}.vent_open") == 0.0
    assert hot.driven(f"{BURNER}.load") == pytest.approx(0.2)
    hot.run(2.5)
    assert phase(hot) == HOLD
    assert hot.get(f"{BURNER}.valve_1_open") == hot.get(f"{BURNER}.valve_2_open") == 1.0
    assert hot.get(f"{BURNER}.vent_closed") == 1.0
    assert hot.driven(f"{BURNER}.load") == pytest.approx(0.2)
    hot.run(5.5)
    assert phase(hot) == RUN
    assert hot.get(f"{BURNER}.ignitor_on") == 0.0


def test_the_first_valve_opens_before_the_second_and_after_the_vent(hot: EquipmentRig) -> None:
    hot.order("L1-BC-1320.CMD", 1.0)
    for _ in range(200):
        first, second, vent = hot.run(0.1).burners.valves[:, 0, 0]
        assert first == 0.0 or vent <= LIMIT_SWITCH
        assert second == 0.0 or first >= 1.0 - LIMIT_SWITCH
    assert hot.driven(f"{BURNER}.valve") == 1.0


def test_the_load_follows_its_order_as_far_as_the_air_allows(hot: EquipmentRig) -> None:
    burning(hot)
    assert hot.driven(f"{BURNER}.load") == pytest.approx(0.5 * 1.1, abs=0.001)
    hot.order("L1-BC-1320.AD_OP", 100.0).run(6.0)
    assert hot.driven(f"{BURNER}.load") == pytest.approx(1.0, abs=0.001)
    hot.order("L1-BC-1320.OP", 5.0).run(6.0)
    assert hot.driven(f"{BURNER}.load") == pytest.approx(0.2)


def test_a_burner_does_not_start_with_its_air_damper_shut(hot: EquipmentRig) -> None:
    hot.order("L1-BC-1320.AD_OP", 10.0).run(6.0).order("L1-BC-1320.CMD", 1.0).run(5.0)
    assert phase(hot) == OFF


def test_a_lost_flame_shuts_the_gas_within_a_second_and_locks_out(hot: EquipmentRig) -> None:
    burning(hot).show(f"{BURNER}.flame", 0.0).run(1.0)
    assert phase(hot) == LOCKED
    assert hot.driven(f"{BURNER}.valve") < 0.5
    assert hot.driven(f"{BURNER}.load") == 0.0
    assert cause(hot) == "flame lost"
    assert hot.get("L1/burners.fault") == 1.0
    assert hot.get("L2/burners.fault") == 0.0
    assert is_shut(hot.run(1.0))


def test_a_lock_out_ends_with_the_start_order(hot: EquipmentRig) -> None:
    burning(hot).show(f"{BURNER}.flame", 0.0).run(30.0)
    assert phase(hot) == LOCKED
    hot.order("L1-BC-1320.CMD", 0.0).run(0.1)
    assert phase(hot) == OFF
    assert hot.get("L1/burners.fault") == hot.get(f"{BURNER}.lock_out") == 0.0
    assert phase(burning(hot)) == RUN


def test_after_a_lost_flame_a_cold_furnace_is_purged_again(rig: EquipmentRig) -> None:
    burning(rig.run(41.0))
    assert phase(rig) == RUN
    rig.show(f"{BURNER}.flame", 0.0).run(2.0).order("L1-BC-1320.CMD", 0.0).run(1.0)
    rig.order("L1-BC-1320.CMD", 1.0).run(37.0)
    assert phase(rig) == OFF
    assert phase(rig.run(25.0)) == RUN


def test_beside_a_burning_burner_another_needs_no_purge(rig: EquipmentRig) -> None:
    burning(rig.run(41.0)).order("L1-BC-1321.CMD", 1.0).run(25.0)
    assert phase(rig, 1) == RUN
    rig.show("L1/burner_2.flame", 0.0).run(1.0)
    assert rig.get("L1/burners.fault") == 2.0
    assert phase(rig) == RUN


def test_gas_without_a_flame_ends_with_the_safety_time(hot: EquipmentRig) -> None:
    hot.order("L1-BC-1320.CMD", 1.0)
    gas_s = 0.0
    for _ in range(300):
        hot.show(f"{BURNER}.flame", 0.0).run(0.1)
        gas_s += 0.1 * (hot.driven(f"{BURNER}.valve") >= 0.5)
        hot.show(f"{BURNER}.flame", 0.0)
    assert phase(hot) == LOCKED
    assert cause(hot) == "no flame at the start"
    assert 3.0 <= gas_s <= 4.0


@pytest.mark.parametrize(
    ("signal", "value", "expected"),
    [
        ("C0/gas.pressure", BAROMETRIC_PA + 34e3, "gas pressure"),
        ("C0/gas.pressure", BAROMETRIC_PA + 66e3, "gas pressure"),
        ("L1/emergency_stop.line", 1.0, "emergency stop"),
    ],
)
def test_what_endangers_a_burner_locks_it_out_and_keeps_it_so(
    hot: EquipmentRig, signal: str, value: float, expected: str
) -> None:
    burning(hot).show(signal, value).run(1.0)
    assert is_shut(hot)
    assert cause(hot) == expected
    hot.order("L1-BC-1320.CMD", 0.0).run(1.0)
    assert phase(hot) == LOCKED


def test_without_combustion_air_a_burner_locks_out(hot: EquipmentRig) -> None:
    burning(hot).show("L1/pa.flow", 0.0).show("L1/sa.flow", 1.0).run(1.0)
    assert cause(hot) == "combustion air"


def test_a_stop_order_shuts_the_gas_without_a_fault(hot: EquipmentRig) -> None:
    burning(hot).order("L1-BC-1320.CMD", 0.0).run(1.0)
    assert phase(hot) == OFF
    assert is_shut(hot)
    assert hot.get("L1/burners.fault") == 0.0
    assert hot.run(9.0).get(f"{BURNER}.lance_in") == 0.0


def test_a_burner_of_the_initial_condition_goes_on_burning() -> None:
    rig = EquipmentRig(initial={"L1/burner_1.valve": 1.0, "L1/burner_1.load": 0.6, "L1/burner_1.air": 1.0})
    rig.show(f"{BURNER}.flame", 1.0).show("L1/pa.flow", 10.0).run(5.0)
    assert phase(rig) == RUN
    assert rig.driven(f"{BURNER}.load") == pytest.approx(0.6, abs=0.001)


def test_a_line_without_parameters_is_named() -> None:
    with pytest.raises(ConfigError, match=r"L1\.process\.burner_plc: missing area"):
        EquipmentRig(process={"L1": {}, "L2": {}, "C0": {"equipment": EQUIPMENT}})


def test_a_process_without_what_the_flame_safety_needs_is_refused() -> None:
    expected = r"test.yaml:1: L1-BC-1320.CMD.actuator.drives: a burner needs L2/burner_2.flame, which"
    with pytest.raises(ConfigError, match=expected):
        EquipmentRig(hidden="L2/burner_2.flame")
