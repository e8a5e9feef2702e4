"""What loops do, one story for each thing an engineer can write about them."""

from itertools import pairwise
from pathlib import Path

import pytest

from controller.core.event import EventKind
from controller.core.plan import Mode
from tests.loop_bench import ALL_MODES, TITLE, Bench, analogue, loop, make, motor, switch, valve

SLAVE = {"permitted": [*ALL_MODES, "CAS"], "normal": "CAS", "start": "CAS"}
HAND = ["OOS", "LO", "MAN", "AUTO"]


def lag(bench: Bench, key: str, target: float, tau_s: float = 3.0) -> None:
    """Move a measured value towards ``target``."""
    bench.set(key, bench.value[bench._input(key)] + 0.1 / tau_s * (target - bench.value[bench._input(key)]))


def steepest(values: list[float]) -> float:
    return max(abs(b - a) for a, b in pairwise(values))


# --- outputs ---------------------------------------------------------------------------------------------------------

SPLIT = {"FT-1001": analogue(0), "FV-1001.OP": valve(0), "FV-1002.OP": valve(1)}


def split_loop(first: tuple[float, float], second: tuple[float, float], **fields: object) -> dict[str, object]:
    outputs = [{"to": "FV-1001.OP", "at": list(first)}, {"to": "FV-1002.OP", "at": list(second)}]
    return loop("FT-1001", outputs=outputs, **fields)


@pytest.mark.parametrize(
    ("first", "second", "op", "sent"),
    [
        ((0, 50), (50, 100), 25.0, (50.0, 0.0)),
        ((0, 50), (50, 100), 75.0, (100.0, 50.0)),
        ((0, 48), (52, 100), 50.0, (100.0, 0.0)),  # a gap
        ((0, 60), (40, 100), 50.0, (250 / 3, 50 / 3)),  # an overlap
        ((50, 0), (50, 100), 25.0, (50.0, 0.0)),  # the first closes as the output rises
        ((0, 100), (0, 100), 30.0, (30.0, 30.0)),  # fan-out
    ],
)
def test_a_split_output_moves_its_branches_and_finds_the_way_back(
    tmp_path: Path, first: tuple[float, float], second: tuple[float, float], op: float, sent: tuple[float, float]
) -> None:
    plan = make(tmp_path, SPLIT, {"FIC-1001": split_loop(first, second)})
    bench = Bench(plan, inputs={"FT-1001": 50.0}).start()
    bench.order("FIC-1001.MODE", Mode.MAN)
    bench.order("FIC-1001.OP", op)
    bench.scan(2)
    assert (bench.sent("FV-1001.OP")[0], bench.sent("FV-1002.OP")[0]) == pytest.approx(sent)
    again = Bench(plan, inputs={"FT-1001": 50.0}, outputs=dict(zip(("FV-1001.OP", "FV-1002.OP"), sent, strict=True)))
    again.start().scan(3)
    level = (first, second) == ((0, 48), (52, 100))  # in the gap every output explains where the valves stand
    assert again.read("FIC-1001.OP") == pytest.approx(48.0 if level else op)


def test_branches_that_no_output_explains_stay_and_come_together_slowly(tmp_path: Path) -> None:
    plan = make(tmp_path, SPLIT, {"FIC-1001": split_loop((0, 100), (0, 100))})
    bench = Bench(plan, inputs={"FT-1001": 50.0}, outputs={"FV-1001.OP": 60.0, "FV-1002.OP": 20.0}).start()
    bench.scan()
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(60.0)
    assert bench.sent("FV-1002.OP")[0] == pytest.approx(20.0, abs=0.3)
    bench.scan(2000)
    assert bench.sent("FV-1002.OP")[0] == pytest.approx(60.0, abs=0.1)


def forcing(number: int, forced: dict[str, float]) -> dict[str, dict[str, object]]:
    """Return a protection row (and its action) that forces outputs while the switch ``XS-100n`` is true."""
    row = {
        "title": TITLE,
        "number": number,
        "group": "plant",
        "votes": {"a": {"vote": "1oo1", "of": [f"XS-100{number}"], "is_true": True, "delay_s": 0}},
        "armed_when": "always",
        "on_unknown": "trip",
        "actions": [f"A{number}"],
        "latch": False,
        "reset_when": None,
        "reset_by": None,
        "function_bypass": False,
        "channel_bypass": 0,
        "source": "A test.",
        "why": "A test.",
    }
    return {"actions": {f"A{number}": {"title": TITLE, "force": forced}}, "protection": {f"UZ-0{number}": row}}


def forced_bench(tmp_path: Path) -> Bench:
    """Return a cascade on a split output: XS-1001 forces the first branch shut, XS-1002 both."""
    first, both = forcing(1, {"FV-1001.OP": 0.0}), forcing(2, {"FV-1001.OP": 0.0, "FV-1002.OP": 0.0})
    tags = {**SPLIT, "LT-1001": analogue(4)}
    for number in (1, 2):
        tags[f"XS-100{number}"] = {**switch(number), "trip": {"is_true": True}}
    loops = {"LIC-1001": loop("LT-1001", output="FIC-1001"), "FIC-1001": split_loop((0, 50), (50, 100), **SLAVE)}
    parts = {part: {**first[part], **both[part]} for part in ("actions", "protection")}

    def process(bench: Bench) -> None:
        lag(bench, "FT-1001", float(bench.sent("FV-1001.OP")[0] + bench.sent("FV-1002.OP")[0]) / 2.0)

    values = {"FT-1001": 60.0, "LT-1001": 50.0, "XS-1001": 0.0, "XS-1002": 0.0}
    plan = make(tmp_path, tags, loops, **parts)
    return Bench(plan, process=process, inputs=values, outputs={"FV-1001.OP": 100.0, "FV-1002.OP": 20.0}).start()


def sent_while(bench: Bench, scans: int, key: str) -> list[float]:
    seen = [float(bench.sent(key)[0])]
    for _ in range(scans):
        bench.scan()
        seen.append(float(bench.sent(key)[0]))
    return seen


def test_a_loop_goes_on_with_the_branch_that_is_left_and_the_other_returns_slowly(tmp_path: Path) -> None:
    bench = forced_bench(tmp_path)
    bench.scan(5)
    bench.set("XS-1001", 1.0)
    bench.scan(200)
    assert bench.mode("FIC-1001") is Mode.CAS
    assert bench.mode("LIC-1001") is Mode.AUTO
    assert bench.sent("FV-1001.OP")[0] == 0.0
    assert bench.sent("FV-1002.OP")[0] == pytest.approx(100.0, abs=0.1)
    bench.set("XS-1001", 0.0)
    back = sent_while(bench, 3000, "FV-1001.OP")
    assert steepest(back) < 0.6
    assert back[-1] == pytest.approx(100.0, abs=1.0)


def test_a_loop_whose_branches_are_all_forced_follows_and_its_master_waits(tmp_path: Path) -> None:
    bench = forced_bench(tmp_path)
    bench.scan(5)
    bench.set("XS-1002", 1.0)
    bench.scan(100)
    assert bench.mode("FIC-1001") is Mode.LO
    assert bench.mode("LIC-1001") is Mode.IMAN
    assert bench.read("FIC-1001.OP") == 0.0
    assert bench.read("LIC-1001.OP") == pytest.approx(bench.read("FIC-1001.SP_ACT"), abs=0.2)  # one scan later
    bench.set("XS-1002", 0.0)
    back = sent_while(bench, 5, "FV-1001.OP")
    assert bench.mode("LIC-1001") is Mode.AUTO
    assert steepest(back) < 1.0


# --- laws ------------------------------------------------------------------------------------------------------------


def test_two_positions_switch_at_the_edges_of_the_dead_band(tmp_path: Path) -> None:
    tags = {"TT-1001": analogue(0, "°C", 0.0, 200.0), "HS-1001": motor(0)}
    sp = {"default": 120.0, "lo": 0.0, "hi": 200.0}
    heater = loop("TT-1001", law="two_position", tuning=None, dead_band=3.0, sp=sp, output="HS-1001")
    bench = Bench(make(tmp_path, tags, {"TIC-1001": heater}), inputs={"TT-1001": 100.0}).start()
    seen: dict[float, float] = {}
    for temperature in (110.0, 118.0, 122.9, 123.1, 122.0, 117.1, 116.9, 119.0):
        bench.set("TT-1001", temperature)
        bench.scan()
        seen[temperature] = bench.sent("HS-1001")[0]
    assert seen == {110.0: 1, 118.0: 1, 122.9: 1, 123.1: 0, 122.0: 0, 117.1: 0, 116.9: 1, 119.0: 1}
    bench.set("TT-1001", None)
    bench.scan()
    assert bench.mode("TIC-1001") is Mode.MAN
    assert bench.sent("HS-1001")[0] == 1


def test_a_station_sends_its_process_value_and_a_hand_takes_over(tmp_path: Path) -> None:
    tags = {"FT-1001": analogue(0, "t/h", 0.0, 50.0), "FV-1001.OP": valve(0, "t/h", 0.0, 200.0)}
    station = loop("FT-1001", law="station", tuning=None, sp=None, permitted=HAND, output="FV-1001.OP")
    bench = Bench(make(tmp_path, tags, {"HIC-1001": station}), inputs={"FT-1001": 40.0}, outputs={"FV-1001.OP": 30.0})
    bench.start().scan()
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(30.0, abs=0.1)  # it joins slowly
    bench.scan(4000)
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(40.0)
    bench.set("FT-1001", 45.0)
    bench.scan()
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(45.0)
    bench.order("HIC-1001.MODE", Mode.MAN)
    bench.order("HIC-1001.OP", 10.0)
    bench.scan()
    assert bench.sent("FV-1001.OP")[0] == pytest.approx(20.0)
    assert "C0-HIC-1001.SP" not in bench.plan.tags.index
    assert "C0-HIC-1001.KP" not in bench.plan.tags.index


def test_a_station_of_a_motor_starts_it_at_once(tmp_path: Path) -> None:
    tags = {"XS-1001": switch(0), "K-1001.CMD": motor(1)}
    station = loop("XS-1001", law="station", tuning=None, sp=None, permitted=HAND, output="K-1001.CMD")
    bench = Bench(make(tmp_path, tags, {"HS-1001": station}), inputs={"XS-1001": 0.0}).start()
    bench.scan()
    assert bench.sent("K-1001.CMD")[0] == 0.0
    bench.set("XS-1001", 1.0)
    bench.scan()
    assert bench.sent("K-1001.CMD")[0] == 1.0


def test_inside_the_gap_the_error_counts_less(tmp_path: Path) -> None:
    tags = {"FT-1001": analogue(0), "FV-1001.OP": valve(0)}
    tuning = {"kp": 2.0, "ti_s": 0, "gap": {"band": 5.0, "gain": 0.25}}
    bench = Bench(
        make(tmp_path, tags, {"FIC-1001": loop("FT-1001", output="FV-1001.OP", tuning=tuning)}),
        inputs={"FT-1001": 50.0},
        outputs={"FV-1001.OP": 50.0},
    ).start()
    bench.scan()
    found = []
    for pv in (50.0, 48.0, 45.0, 40.0):
        bench.set("FT-1001", pv)
        bench.scan()
        found.append(bench.read("FIC-1001.OP"))
    assert found == pytest.approx([50.0, 51.0, 52.5, 62.5])


def test_a_schedule_changes_the_gain_and_moves_nothing(tmp_path: Path) -> None:
    tags = {"FT-1001": analogue(0), "JT-1001": analogue(1), "FV-1001.OP": valve(0)}
    schedule = {"of": "JT-1001", "at": [0, 100], "kp": [1.0, 3.0], "ti": [1.0, 1.0]}
    tuning = {"kp": 1.0, "ti_s": 0, "b": 0.0, "schedule": schedule}
    bench = Bench(
        make(tmp_path, tags, {"FIC-1001": loop("FT-1001", output="FV-1001.OP", tuning=tuning)}),
        inputs={"FT-1001": 50.0, "JT-1001": 0.0},
        outputs={"FV-1001.OP": 50.0},
    ).start()
    bench.scan()
    for load in (20.0, 60.0, None, 100.0):
        bench.set("JT-1001", load)
        bench.scan(3)
        assert bench.read("FIC-1001.OP") == pytest.approx(50.0)
    bench.set("FT-1001", 49.0)
    bench.scan()
    assert bench.read("FIC-1001.OP") == pytest.approx(53.0)


# --- feed-forward ----------------------------------------------------------------------------------------------------

FORWARD = {"LT-1001": analogue(0), "FT-1002": analogue(1, "t/h", 0.0, 200.0), "FV-1001.OP": valve(0)}


def forward_bench(tmp_path: Path, **fields: object) -> Bench:
    spec = loop("LT-1001", output="FV-1001.OP", feedforward={"of": "FT-1002", "gain": 0.5}, **fields)
    plan = make(tmp_path, FORWARD, {"LIC-1001": spec})
    return Bench(plan, inputs={"LT-1001": 50.0, "FT-1002": 100.0}, outputs={"FV-1001.OP": 60.0}).start()


def test_a_feed_forward_acts_at_once_and_a_lost_one_holds(tmp_path: Path) -> None:
    bench = forward_bench(tmp_path)
    bench.scan(2)
    assert bench.read("LIC-1001.OP") == pytest.approx(60.0)
    bench.set("FT-1002", 110.0)
    bench.scan()
    assert bench.read("LIC-1001.OP") == pytest.approx(65.0)
    bench.set("FT-1002", None)
    bench.scan(5)
    assert bench.read("LIC-1001.OP") == pytest.approx(65.0)
    bench.set("FT-1002", 150.0)  # it returns at another value: the integral takes up the difference
    bench.scan(5)
    assert bench.read("LIC-1001.OP") == pytest.approx(65.0)


@pytest.mark.parametrize(("of", "most"), [("span", 60.0), ("feedforward", 55.0)])
def test_a_correction_limits_what_the_pid_adds(tmp_path: Path, of: str, most: float) -> None:
    bench = forward_bench(tmp_path, correction={"lo": -10, "hi": 10, "of": of})
    bench.set("LT-1001", 0.0)
    bench.scan(3000)
    assert bench.read("LIC-1001.OP") == pytest.approx(most, abs=0.01)
    bench.set("LT-1001", 60.0)
    bench.scan(100)
    assert bench.read("LIC-1001.OP") < most - 5.0  # it has not wound up
    bench.scan(3000)
    assert bench.read("LIC-1001.OP") == pytest.approx(100.0 - most, abs=0.01)


def test_an_output_outside_the_correction_comes_back_slowly(tmp_path: Path) -> None:
    bench = forward_bench(tmp_path, correction={"lo": -5, "hi": 5})
    seen = []
    for _ in range(2000):
        bench.scan()
        seen.append(bench.read("LIC-1001.OP"))
    assert seen[0] == pytest.approx(60.0, abs=0.1)
    assert steepest(seen) < 0.1
    assert seen[-1] == pytest.approx(55.0, abs=0.01)


def test_hold_keeps_the_trim_while_the_pv_is_bad_and_the_feed_forward_goes_on(tmp_path: Path) -> None:
    bench = forward_bench(tmp_path, shed="HOLD")
    bench.scan(2)
    bench.set("LT-1001", None)
    frame = bench.scan(2)
    assert not [event for event in frame.events if event.kind is EventKind.MODE_SHED]
    assert bench.mode("LIC-1001") is Mode.MAN
    assert bench.read("LIC-1001.MODE") == Mode.AUTO
    bench.set("FT-1002", 120.0)
    bench.scan(2)
    assert bench.read("LIC-1001.OP") == pytest.approx(70.0)
    bench.set("LT-1001", 40.0)
    bench.scan()
    assert bench.mode("LIC-1001") is Mode.AUTO
    assert bench.read("LIC-1001.OP") == pytest.approx(70.0)
