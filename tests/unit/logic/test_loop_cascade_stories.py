"""Loops among others: cascades through calculated tags, selectors, modes; one story for each thing one can write."""

from pathlib import Path

import numpy as np
import pytest

from controller.core.command import Reason
from controller.core.event import EventKind
from controller.core.plan import Mode
from tests.loop_bench import ALL_MODES, Bench, analogue, calculated, loop, make, switch, valve

SLAVE = {"permitted": [*ALL_MODES, "CAS"], "normal": "CAS", "start": "CAS"}
HAND = ["OOS", "LO", "MAN", "AUTO"]


def lag(bench: Bench, key: str, target: float, tau_s: float = 3.0) -> None:
    """Move a measured value towards ``target``."""
    bench.set(key, bench.value[bench._input(key)] + 0.1 / tau_s * (target - bench.value[bench._input(key)]))


# --- cascades through calculated tags --------------------------------------------------------------------------------

INDIRECT_TAGS = {
    "UT-1001": analogue(0),
    "FT-1001": analogue(1),
    "FT-1002": analogue(2),
    "UY-1001": calculated("sum", ["UIC-1001.OP"], gains=[0.8], bias=10.0),
    "UY-1002": calculated("sum", ["UIC-1001.OP"], gains=[0.4]),
    "UY-1003": calculated("sum", ["FIC-1001.SP_ACT"], gains=[1.25], bias=-12.5),
    "FV-1001.OP": valve(0),
    "FV-1002.OP": valve(1),
}
INDIRECT_LOOPS = {
    "UIC-1001": loop("UT-1001", initial={"unless": ["FIC-1001", "FIC-1002"], "at": "UY-1003"}),
    "FIC-1001": loop(
        "FT-1001", output="FV-1001.OP", sp={"default": 50, "lo": 0, "hi": 100, "from": "UY-1001"}, **SLAVE
    ),
    "FIC-1002": loop(
        "FT-1002", output="FV-1002.OP", sp={"default": 50, "lo": 0, "hi": 100, "from": "UY-1002"}, **SLAVE
    ),
}


def test_a_master_of_calculated_set_points_waits_and_starts_where_they_stand(tmp_path: Path) -> None:
    plan = make(tmp_path, INDIRECT_TAGS, INDIRECT_LOOPS)
    values = {"UT-1001": 50.0, "FT-1001": 58.0, "FT-1002": 30.0}
    bench = Bench(plan, inputs=values, outputs={"FV-1001.OP": 40.0, "FV-1002.OP": 20.0}).start()
    bench.scan()
    assert bench.mode("UIC-1001") is Mode.AUTO
    assert bench.read("UIC-1001.OP") == pytest.approx(60.0)
    assert bench.read("FIC-1001.SP_ACT") == pytest.approx(58.0)
    assert bench.read("FIC-1002.SP_ACT") == pytest.approx(30.0, abs=0.1)  # 24 is asked: it goes there slowly
    assert bench.sent("FV-1002.OP")[0] == pytest.approx(20.0, abs=0.1)
    for key in ("FIC-1001", "FIC-1002"):
        bench.order(f"{key}.MODE", Mode.MAN)
    bench.scan()
    assert bench.mode("UIC-1001") is Mode.IMAN
    bench.set("FT-1001", 34.0)
    bench.scan(2)
    assert bench.read("UIC-1001.OP") == pytest.approx(30.0)
    bench.order("FIC-1001.MODE", Mode.CAS)
    assert bench.mode("UIC-1001") is Mode.AUTO
    assert bench.read("FIC-1001.SP_ACT") == pytest.approx(34.0, abs=0.2)


def test_a_lost_calculated_set_point_holds_the_last(tmp_path: Path) -> None:
    tags = {**INDIRECT_TAGS, "UY-1001": calculated("sum", ["FT-1002"], gains=[1.0])}
    loops = {key: INDIRECT_LOOPS[key] for key in ("FIC-1001", "FIC-1002")}
    loops["FIC-1002"] = loop("FT-1002", output="FV-1002.OP")
    del tags["UY-1002"], tags["UT-1001"]
    bench = Bench(make(tmp_path, tags, loops), inputs={"FT-1001": 40.0, "FT-1002": 40.0}).start()
    bench.scan(3)
    assert bench.mode("FIC-1001") is Mode.CAS
    bench.set("FT-1002", None)
    bench.scan()
    assert bench.mode("FIC-1001") is Mode.AUTO
    assert bench.read("FIC-1001.SP_ACT") == pytest.approx(40.0)
    bench.set("FT-1002", 50.0)
    bench.scan()
    assert bench.mode("FIC-1001") is Mode.CAS
    assert bench.read("FIC-1001.SP_ACT") == pytest.approx(40.0, abs=0.1)


def test_the_loop_that_is_not_selected_stays_close_and_takes_over(tmp_path: Path) -> None:
    tags = {
        "AT-1001": analogue(0),
        "AT-1002": analogue(1),
        "AY-1001": calculated("lowest", ["AIC-1001.OP", "AIC-1002.OP"]),
        "FV-1001.OP": valve(0),
    }
    loops = {
        "AIC-1001": loop("AT-1001", initial={"unless": ["HIC-1001"], "at": "HIC-1001.OP"}, reset_from="AY-1001"),
        "AIC-1002": loop(
            "AT-1002",
            initial={"unless": ["HIC-1001"], "at": "HIC-1001.OP"},
            reset_from="AY-1001",
            sp={"default": 90, "lo": 0, "hi": 100},
        ),
        "HIC-1001": loop("AY-1001", law="station", tuning=None, sp=None, permitted=HAND, output="FV-1001.OP"),
    }

    def process(bench: Bench) -> None:
        lag(bench, "AT-1001", float(bench.sent("FV-1001.OP")[0]))
        lag(bench, "AT-1002", float(bench.sent("FV-1001.OP")[0]) + offset)

    offset = 0.0
    values = {"AT-1001": 50.0, "AT-1002": 50.0}
    bench = Bench(make(tmp_path, tags, loops), process=process, inputs=values, outputs={"FV-1001.OP": 50.0}).start()
    bench.scan(6000)
    assert bench.read("AT-1001") == pytest.approx(50.0, abs=0.1)
    assert bench.read("AIC-1002.OP") == pytest.approx(90.0, abs=1.0)  # selected output + K e
    offset = 60.0
    bench.scan(600)
    assert bench.read("AT-1002") == pytest.approx(90.0, abs=1.0)
    assert bench.read("AT-1001") < 35.0
    assert bench.read("AIC-1001.OP") < 55.0


# --- modes -----------------------------------------------------------------------------------------------------------

ONE = {"FT-1001": analogue(0), "FV-1001.OP": valve(0), "XS-1001": switch(0), "XS-1002": switch(1)}


def one_bench(tmp_path: Path, **fields: object) -> Bench:
    plan = make(tmp_path, ONE, {"FIC-1001": loop("FT-1001", output="FV-1001.OP", **fields)})
    values = {"FT-1001": 50.0, "XS-1001": 0.0, "XS-1002": 0.0}
    return Bench(plan, inputs=values, outputs={"FV-1001.OP": 50.0}).start()


def test_tracking_goes_at_the_rate_limit_and_control_continues_from_there(tmp_path: Path) -> None:
    bench = one_bench(tmp_path, track={"when": "XS-1001", "at": 80.0}, op={"rate_per_s": 10.0})
    bench.scan()
    bench.set("XS-1001", 1.0)
    bench.scan(10)
    assert bench.mode("FIC-1001") is Mode.LO
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(60.0)
    bench.scan(30)
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(80.0)
    bench.set("XS-1001", 0.0)
    bench.scan()
    assert bench.mode("FIC-1001") is Mode.AUTO
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(80.0, abs=0.1)


def test_a_block_stops_one_direction(tmp_path: Path) -> None:
    bench = one_bench(tmp_path, block={"raise": "XS-1001", "lower": "XS-1002"}, sp={
        "default": 50, "lo": 0, "hi": 100, "tracks_pv": False})  # fmt: skip
    bench.scan()
    bench.set("XS-1001", 1.0)
    bench.set("FT-1001", 20.0)
    bench.scan(50)
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(50.0)
    bench.set("FT-1001", 60.0)
    bench.scan(20)
    assert bench.sent("FV-1001.OP")[0] < 41.0  # downwards at once: the integral did not push
    bench.set("XS-1002", 1.0)
    low = float(bench.sent("FV-1001.OP")[0])
    bench.scan(20)
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(low)


def test_a_silent_program_hands_back_to_automatic(tmp_path: Path) -> None:
    bench = one_bench(tmp_path, rcas_timeout_s=2.0)
    assert bench.order("FIC-1001.MODE", Mode.RCAS).is_accepted
    bench.scan(15)
    assert bench.order("FIC-1001.SP", 60.0).is_accepted
    bench.scan(15)
    assert bench.mode("FIC-1001") is Mode.RCAS
    kinds = [event.kind for _ in range(10) for event in bench.scan().events]
    assert kinds == [EventKind.MODE_SHED]
    assert bench.read("FIC-1001.MODE") == Mode.AUTO
    assert bench.read("FIC-1001.SP_ACT") == pytest.approx(60.0)


@pytest.mark.parametrize(("ready", "mode"), [(1.0, Mode.AUTO), (0.0, Mode.MAN), (None, Mode.MAN)])
def test_a_standing_line_begins_in_manual(tmp_path: Path, ready: float | None, mode: Mode) -> None:
    bench = one_bench(tmp_path, start_when="XS-1001")
    bench = Bench(bench.plan, inputs={"FT-1001": 50.0}, outputs={"FV-1001.OP": 50.0})
    bench.set("XS-1001", ready)
    bench.start().scan()
    assert bench.read("FIC-1001.MODE") == mode


def test_moving_limits_hold_the_set_point(tmp_path: Path) -> None:
    tags = {**ONE, "TT-1002": analogue(1), "TT-1003": analogue(2)}
    sp = {"default": 50, "lo": 0, "hi": 100, "lo_from": "TT-1002", "hi_from": "TT-1003"}
    plan = make(tmp_path, tags, {"FIC-1001": loop("FT-1001", output="FV-1001.OP", sp=sp)})
    bench = Bench(plan, inputs={"FT-1001": 50.0, "TT-1002": 20.0, "TT-1003": 80.0}).start()
    bench.order("FIC-1001.SP", 90.0)
    assert bench.read("FIC-1001.SP_ACT") == 80.0
    bench.set("TT-1003", None)
    bench.scan()
    assert bench.read("FIC-1001.SP_ACT") == 90.0  # an unknown limit is none
    bench.order("FIC-1001.SP", 10.0)
    assert bench.read("FIC-1001.SP_ACT") == 20.0


@pytest.mark.parametrize("member", ["KP", "TI", "TD"])
def test_no_change_of_tuning_moves_the_output(tmp_path: Path, member: str) -> None:
    bench = one_bench(tmp_path, tuning={"kp": 1.0, "ti_s": 20.0, "td_s": 2.0})
    bench.scan(5)
    bench.set("FT-1001", 45.0)
    bench.scan(20)
    for x in {"KP": (3.0, 0.2), "TI": (0.0, 5.0, 500.0, 0.0), "TD": (0.0, 5.0, 0.0, 1.0)}[member]:
        before = bench.read("FIC-1001.OP")
        assert bench.order(f"FIC-1001.{member}", x).reason is Reason.ACCEPTED
        kp, ti = bench.read("FIC-1001.KP"), bench.read("FIC-1001.TI")
        integral = kp * 5.0 * 0.1 / ti if ti else 0.0
        decay = 0.5 * kp  # what is left of the derivative of the step goes on fading
        assert abs(bench.read("FIC-1001.OP") - before) <= integral + decay
        bench.scan(100)


def test_columns_do_not_touch_each_other(tmp_path: Path) -> None:
    plan = make(tmp_path, INDIRECT_TAGS, INDIRECT_LOOPS)
    rng = np.random.default_rng(3)
    wide, alone = Bench(plan, 16).start(), Bench(plan, 1).start()
    for _ in range(200):
        for key in ("UT-1001", "FT-1001", "FT-1002"):
            x = rng.uniform(0.0, 100.0, 16)
            wide.set(key, x)
            alone.set(key, x[5])
        modes = rng.choice([Mode.MAN, Mode.AUTO, Mode.CAS], (3, 16)).astype(np.int8)
        modes = np.where(plan.loops.permitted[np.arange(3)[:, None], modes], modes, np.int8(Mode.MAN))
        wide.state["loop.mode"][...], alone.state["loop.mode"][...] = modes, modes[:, 5:6]
        wide.scan()
        alone.scan()
        for name in ("loop.op", "loop.sp_used", "loop.mode_act", "pid.integral", "end.gap"):
            assert np.array_equal(wide.state[name][:, 5:6], alone.state[name]), name
