"""Faults of waste, grate, air, draught and combustion on the plant's physics, held by the shift's hands.

Alarms, overrides, burner starts, run-backs and first-out rows belong to the tests of protection and control; where such
an action shapes the course, the script acts in its place.
"""

import numpy as np
import pytest

from tests.fault_stage import CELSIUS, Stage, between, when

STEAM, OXYGEN, PLANE, POWER = "L1/steam.flow", "L1/economiser.gas_o2", "L1/furnace.plane", "L1/fire.power"
FINAL, FURNACE = "L1/steam.temperature", "L1/furnace.pressure"
AMBIENT_PA = 93_200.0


def change(s: Stage, name: str, at: int = -1) -> float:
    """Return the change of a watched signal from its first value, in percent."""
    course = s.course(name)
    return float(course[at] / course[0] - 1.0) * 100.0


@pytest.mark.long
def test_f1_wet_waste_lets_steam_and_temperature_fall() -> None:
    """Nothing is corrected: oxygen, air and feed stay as they are. Burners and ACC belong to the control system.

    After 25 min steam has fallen by 36 %, not by 20 to 24 %: on the grate are 9.8 t, not 24 t, so the fire follows the
    waste two to three times faster (feed to heat 10 min, as its model data say) and has arrived when the ramp ends.
    """
    s = Stage(off={"oxygen"}).watch(STEAM, OXYGEN, PLANE, "L1/economiser.gas_h2o", "L1/feeder.lhv")
    s.fault("F1", line="L1").run(5400.0)
    assert s.course("L1/feeder.lhv")[1210] == pytest.approx(7.5e6, rel=0.01)
    assert change(s, STEAM, 1500) == pytest.approx(-36.0, abs=3.0)
    assert between(change(s, STEAM), -31.0, -31.0)
    assert between(s.course(PLANE)[-1] - s.course(PLANE)[0], -160.0, -160.0)
    assert between(when(s.course(PLANE) < 870.0 + CELSIUS) / 60.0, 25.0, 32.0, share=0.3)
    assert between(s.course(OXYGEN)[-1] * 100.0, 8.9, 8.9, share=0.1)
    assert between(s.course("L1/economiser.gas_h2o")[-1] * 100.0, 18.0, 18.0, share=0.1)


def test_f2_a_slug_of_plastic_takes_the_oxygen_and_lifts_the_steam() -> None:
    """The turbine holds its load, the pressure is free; with the pressure held steam rises by 19 %.

    Zones 2 and 3 give 84 % of the heat: 35 % more in them is 28 MW, not 34, and O2 falls by 3.1 points, not 4.1; CO
    follows its law, 6 + 5000 exp(-1.1 O2): 120 mg at 3.4 %, 200 mg in the first seconds.
    """
    s = Stage(off={"oxygen", "inlet"}).watch(STEAM, OXYGEN, FINAL, "L1/furnace.co", "L1/spray.sp2_flow", POWER)
    s.run(2.0).fault("F2", line="L1").run(300.0)
    assert between(s.course(POWER)[3] / s.course(POWER)[0] - 1.0, 0.28, 0.30, share=0.05)
    assert between((s.course(OXYGEN).min() - s.course(OXYGEN)[0]) * 100.0, -4.1, -4.1)
    assert 1.5e-4 < s.course("L1/furnace.co").max() < 8.0e-4
    assert between((s.course(STEAM)[:240].max() / s.course(STEAM)[0] - 1.0) * 100.0, 8.0, 8.0)
    assert between(s.course(FINAL)[:240].max() - s.course(FINAL)[0], 8.0, 8.0)
    assert s.course("L1/spray.sp2_flow")[:240].max() > 1.15 * s.course("L1/spray.sp2_flow")[0]


def test_f3_under_a_bridge_the_bed_burns_away() -> None:
    """The chute's 2 t below the bridge feed 3.6 min; then the bed of 9.8 t burns.

    T2s would take 20 min to 850 °C if 24 t were on the grate, as the residence of 75 min says when nothing burnt; with
    what is left in the bed it takes 20 * 9.8 / 24 = 8 min.
    """
    s = Stage(off={"oxygen"}).watch(STEAM, OXYGEN, PLANE, "L1/chute.level", "L1/feeder.flow", "L1/grate.inventory")
    s.fault("F3", line="L1").run(780.0)
    assert between(when(s.course(OXYGEN) > 0.10) / 60.0, 6.0, 8.0)
    assert between(when(s.course(STEAM) < 0.85 * s.course(STEAM)[0]) / 60.0, 12.0, 12.0)
    assert 7.5 < when(s.course(PLANE) < 850.0 + CELSIUS) / 60.0 < 10.0
    level = s.course("L1/chute.level")
    assert np.ptp(level[220:]) < 0.01
    assert s.course("L1/grate.inventory")[-1] < 0.75 * s.course("L1/grate.inventory")[0]


def test_f4_without_hydraulics_the_feed_stops_at_once() -> None:
    """Row 25 at 11 MPa for 5 s, and what it does to the air, is the protection's."""
    s = Stage(off={"oxygen"}).watch(OXYGEN, STEAM, "L1/feeder.flow", "L1/hydraulics.pressure", "L1/grate.inventory")
    s.fault("F4", line="L1").run(420.0)
    assert when(s.course("L1/hydraulics.pressure") < 11e6 + AMBIENT_PA) < 15
    assert s.course("L1/feeder.flow")[25] < 0.1 * s.course("L1/feeder.flow")[0]
    assert s.course("L1/feeder.flow")[40] == 0.0
    faster_s = 216.0  # what is below a bridge
    assert when(s.course(OXYGEN) > 0.10) < 480.0 - faster_s
    assert when(s.course(STEAM) < 0.85 * s.course(STEAM)[0]) < 400


def test_f9_the_furnace_goes_positive_when_the_id_fan_trips() -> None:
    """Row 7 acts after 0.5 s: feed, primary and secondary air stop, by the script.

    The ID fan coasts down with 4 s, the air fans with 10 s, so the air outlives the draught for some seconds.
    """
    s = Stage()
    pressure: list[float] = []

    def row_7() -> None:
        pressure.append(s.value(FURNACE) - AMBIENT_PA)
        if s.step == 6:
            s.shift.off |= {"oxygen", "draught"}
            s.put("L1/firing.release", 0.0)
            s.put("L1/pa_fan.command", 0.0)
            s.put("L1/sa_fan.command", 0.0)

    s.fault("F9", line="L1").run(40.0, row_7)
    peak = np.array(pressure)
    assert between(peak.max(), 600.0, 1150.0)
    assert between(np.flatnonzero(peak > 0.7 * peak.max())[0] * s.dt, 2.0, 4.0)
    assert peak[300] < 0.25 * peak.max()
    assert peak.max() < 1200.0  # row 5 is not reached


def test_f10_half_of_the_draught_is_enough_for_a_fast_run_back() -> None:
    """The plant has one fan of 100 %; the program leaves it the draught that one of two fans of 60 % would have.

    The run-back of air and feed is the script's: 20 % a minute would be too slow, the air follows the draught.
    """
    s = Stage(off={"oxygen"})
    pressure: list[float] = []
    start = {name: s.position(f"L1/{name}.demand") for name in ("pa_fan", "sa_fan")}

    def run_back() -> None:
        pressure.append(s.value(FURNACE) - AMBIENT_PA)
        share = np.interp(s.step * s.dt, (1.0, 31.0), (1.0, 0.55))
        for fan, demand in start.items():
            s.put(f"L1/{fan}.demand", float(demand * share))
        if s.step == 10:
            s.put("L1/feeder.speed", 0.55 * s.position("L1/feeder.speed"))

    s.fault("F10", line="L1").run(90.0, run_back)
    peak = np.array(pressure)
    assert between(peak.max(), 250.0, 250.0)
    assert (peak[650:] < 60.0).all()


def test_f11_without_primary_air_the_fire_dies_down() -> None:
    """Row 8 blocks the feed after 1 s, by the script.

    Half of the fire stays for minutes with 38 % of the air, so oxygen dips before it rises.
    """
    s = Stage().watch(STEAM, OXYGEN, POWER, "L1/pa.flow")

    def row_8() -> None:
        if s.step == 10:
            s.put("L1/feeder.speed", 0.0)
            s.put("L1/grate.speed_1", 0.0)

    s.fault("F11", line="L1").run(370.0, row_8)
    assert between(change(s, STEAM, 360), -50.0, -50.0)
    assert s.course(OXYGEN)[20:60].min() < 0.05
    assert s.course(OXYGEN)[-1] > 0.07
    assert between(s.course(POWER)[75] / s.course(POWER)[0], 0.5, 0.5)


def test_f12_two_cells_that_read_high_cut_the_air() -> None:
    """The hand on the secondary air holds what the cells say; the drift is over in 5 min."""
    s = Stage().watch(OXYGEN, "L1/sa.flow", "L1/cems.co").run(2.0).fault("F12", line="L1", minutes=5.0)
    wanted = s.shift.set_points["oxygen"].copy()

    def cells() -> None:
        assert s.bias("L1-AT-1601A") == s.bias("L1-AT-1601B")
        s.shift.set_points["oxygen"] = wanted - np.array([[s.bias("L1-AT-1601A") / 100.0], [0.0]])

    s.run(720.0, cells)
    assert s.bias("L1-AT-1601A") == pytest.approx(1.5)
    assert between(s.course(OXYGEN)[-1] * 100.0, 5.0, 5.0, share=0.03)
    assert between(s.course("L1/cems.co")[-1] * 1e6, 20.0, 60.0)
    assert s.course("L1/sa.flow")[-1] < 0.8 * s.course("L1/sa.flow")[0]


def test_f17_each_peak_fails_a_ten_minute_mean() -> None:
    """Counting the means, row 17 and the stop of strokes belong to emissions and control."""
    s = Stage().watch("L1/cems.co").fault("F17", line="L1").run(760.0)
    co = s.course("L1/cems.co") * 1e6
    assert co[60:660].mean() > 150.0
    assert co[300:620].max() < 150.0
    assert co[650:].max() > 300.0  # the next one


@pytest.mark.long
def test_f33_a_blocked_air_box_makes_the_fire_late() -> None:
    s = Stage().watch("L1/pa.zone_3", "L1/grate.fire_end", "L1/grate.loss_on_ignition").run(2.0)
    s.fault("F33", line="L1").run(3600.0)
    assert between(change(s, "L1/pa.zone_3", 60), -30.0, -30.0)
    assert change(s, "L1/grate.fire_end") > 1.0
    assert change(s, "L1/grate.loss_on_ignition") > 5.0


@pytest.mark.long
def test_f34_without_the_crane_the_chute_empties() -> None:
    """45 points of 29 t are 13 t, at 33.3 t/h 24 min; the last 19 t of a full chute take the rest of 52 min."""
    s = Stage().watch("L1/chute.level", "L1/feeder.flow").fault("F34", line="L1", minutes=60.0).run(2400.0)
    level = s.course("L1/chute.level")
    assert between(when(level < 0.20) / 60.0, 23.0, 23.0)
