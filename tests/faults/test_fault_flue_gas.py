"""Faults of flue-gas cleaning and emission monitoring on the plant's physics, held by the shift's hands.

Alarms, overrides, dry lime, quench, half-hour means and first-out rows belong to the tests of protection, control and
emissions. Concentrations are those of the analysers: mg per Nm3 of wet gas at its own oxygen.
"""

import numpy as np
import pytest

from tests.fault_stage import CELSIUS, Floats, Stage, between, when

HCL, SO2, NOX, NH3, DUST, CO = (f"L1/cems.{gas}" for gas in ("hcl", "so2", "nox", "nh3", "dust", "co"))
REACTOR, FILTER = "L1/reactor.gas_out", "L1/filter.gas_in"
STATUS = "L1/cems.status"
CALIBRATION, FAULT, STANDBY = 2.0, 3.0, 4.0


def mg(s: Stage, name: str) -> Floats:
    """Return a watched concentration in mg."""
    return s.course(name) * 1e6


def celsius(s: Stage, name: str) -> Floats:
    """Return a watched temperature in degrees Celsius."""
    return s.course(name) - CELSIUS


def test_f22_without_the_atomiser_the_reactor_gets_hot() -> None:
    """Dry lime, quench at 200 °C and row 24 are not here: HCl is that without them."""
    s = Stage().watch(REACTOR, HCL).fault("F22", line="L1").run(300.0)
    assert between(when(celsius(s, REACTOR) > 195.0), 60.0, 90.0)
    assert between(mg(s, HCL)[0], 4.0, 4.0)
    assert between(mg(s, HCL)[-1], 10.0, 15.0)


@pytest.mark.long
def test_f23_without_slurry_the_cake_keeps_hcl_down_for_a_while() -> None:
    """The bags are cleaned every 70 min, which takes reserve away; left alone the cake lasts 2.3 h."""
    s = Stage().watch(HCL, SO2).fault("F23", line="L1")

    def pulse() -> None:
        if s.step % 10 == 0:
            for compartment in range(10):
                s.put(f"L1/filter.pulse_{compartment}", float(s.step // 10 % 4200 == 60 * compartment + 10))

    s.run(4500.0, pulse)
    assert mg(s, HCL)[600] < 8.0
    assert between(when(mg(s, HCL) > 10.0) / 60.0, 60.0, 60.0)
    assert between(when(mg(s, SO2) > 1.5 * mg(s, SO2)[0]) / 60.0, 15.0, 60.0)


def test_f24_a_torn_bag_shows_at_the_pulses_of_its_compartment() -> None:
    s = Stage().watch(DUST, "L1/filter.broken_bag").fault("F24", line="L1")

    def pulse() -> None:
        second = s.step // 10 % 600
        for compartment in range(10):
            s.put(f"L1/filter.pulse_{compartment}", float(second == 60 * compartment + 10))

    s.run(800.0, pulse)
    dust, detector = mg(s, DUST), s.course("L1/filter.broken_bag")
    assert dust[0] < 2.0
    assert between(dust[200:800].mean(), 6.0, 10.0)
    assert dust[200:300].max() > 2.0 * dust[150:190].max()
    assert 190 <= int(detector[20:600].argmax()) + 20 <= 260  # compartment 4 is pulsed at 190 s


def test_f25_without_water_the_filter_inlet_runs_hot() -> None:
    """Rows 21 and 22 at 200 and 220 °C, their quench and run-back are the protection's."""
    s = Stage().watch(FILTER, "L1/economiser.gas_out").fault("F25", line="L1", minutes=4.0).run(360.0)
    hot = celsius(s, FILTER)
    assert between(celsius(s, "L1/economiser.gas_out")[200], 230.0, 230.0, share=0.03)
    assert hot[238] < 150.0
    row_21_s, row_22_s = when(hot >= 200.0), when(hot >= 220.0)
    assert row_21_s < row_22_s
    assert between((220.0 - hot[240]) / (row_22_s - 240), 1.0, 1.0)


def test_f26_without_ammonia_nox_is_what_the_furnace_makes() -> None:
    s = Stage().watch(NOX, NH3).fault("F26", line="L1").run(420.0)
    nox = mg(s, NOX)
    assert between(nox[0], 95.0, 95.0, share=0.05)
    assert between(nox[-1], 320.0, 320.0, share=0.05)
    assert between(when(nox > nox[0] + 0.95 * (nox[-1] - nox[0])) / 60.0, 4.0, 5.0)
    assert nox.max() < 400.0
    assert mg(s, NH3)[-1] < 0.1


def test_f27_too_much_ammonia_at_falling_temperature_slips() -> None:
    """The override that cuts the ammonia belongs to the control system."""
    s = Stage().watch(NH3, "L1/furnace.plane").fault("F27", line="L1").run(480.0)
    assert mg(s, NH3)[0] < 6.0
    assert mg(s, NH3)[-1] > 10.0
    assert s.course("L1/furnace.plane")[-1] < s.course("L1/furnace.plane")[0]


def test_f28_the_standby_unit_takes_over_from_failed_analysers() -> None:
    """The script orders the standby unit after a minute; marking the data is the emission chain's."""
    s = Stage().watch(STATUS, CO).fault("F28", line="L1").run(60.0)
    s.put("L1/cems.standby", 1.0)
    s.run(220.0)
    status = s.course(STATUS)
    assert (status[:60] == FAULT).all()
    assert np.ptp(s.course(CO)[:200]) == 0.0
    taken_s = when(status == STANDBY)
    assert taken_s < 300  # row 19
    assert (status[taken_s:] == STANDBY).all()


def test_f29_what_happens_during_a_calibration_is_not_seen() -> None:
    """Zero and span take 25 min: too few of the half-hour are valid to count."""
    s = Stage().watch(STATUS, CO, "L1/furnace.co").fault("F29", line="L1").run(420.0)
    assert s.course("L1/furnace.co")[100:340].min() > 20.0 * s.course("L1/furnace.co")[0]
    assert (s.course(STATUS) == CALIBRATION).all()
    assert np.ptp(s.course(CO)) == 0.0


@pytest.mark.long
def test_f32_a_dirty_economiser_lets_the_gas_go_hot() -> None:
    """The days are taken in minutes: each state is steady."""
    names = ("L1/economiser.gas_out", "L1/heat.power", "L1/fire.power", "L1/spray.sp2_flow", "L1/reactor.dilution_flow")
    s = Stage().watch(*names).run(2.0).fault("F32", line="L1", days=0.02).run(3600.0)
    first, last = ({name: float(s.course(name)[at]) for name in names} for at in (0, -1))
    assert between(first["L1/economiser.gas_out"] - CELSIUS, 200.0, 200.0, share=0.01)
    assert between(last["L1/economiser.gas_out"] - CELSIUS, 230.0, 230.0, share=0.02)
    before, after = (one["L1/heat.power"] / one["L1/fire.power"] for one in (first, last))
    assert between((after - before) * 100.0, -2.1, -2.1)
    assert last["L1/spray.sp2_flow"] > first["L1/spray.sp2_flow"]
    assert last["L1/reactor.dilution_flow"] > 1.2 * first["L1/reactor.dilution_flow"]
