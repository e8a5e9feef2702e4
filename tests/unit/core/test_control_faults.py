"""Mistakes in control: each seeded into a sound plant, reported once, with file, line, place and reason."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.core.config import load
from controller.core.errors import ConfigError, Issue
from tests.loop_bench import ALL_MODES, Spec, analogue, calculated, loop, motor, switch, valve, write_plant

CAS = {"permitted": [*ALL_MODES, "CAS"], "normal": "CAS", "start": "CAS"}
HAND = ["OOS", "LO", "MAN", "AUTO"]
SP = {"default": 50.0, "lo": 0.0, "hi": 100.0}
AREA = {"10": {"en": "Test", "ru": "Проба"}}

TAGS: dict[str, Spec] = {
    "LT-1001": analogue(0, "mm", -500.0, 500.0),
    "FT-1001": analogue(1, "t/h", 0.0, 150.0),
    "FT-1002": analogue(2, "t/h", 0.0, 150.0),
    "TT-1001": analogue(3, "°C", 0.0, 200.0),
    "UT-1001": analogue(4),
    "XS-1001": switch(0),
    "UY-1001": calculated("sum", ["UIC-1001.OP"], "t/h", 0.0, 150.0, gains=[1.5]),
    "UY-1002": calculated("sum", ["FIC-1002.SP_ACT"], gains=[0.6667]),
    "FV-1001.OP": valve(0),
    "FV-1002.OP": valve(1),
    "FV-1003.OP": valve(2),
    "TV-1001.OP": valve(3),
    "HS-1001.CMD": motor(8),
    "K-1001.CMD": motor(9),
}
LOOPS: dict[str, Spec] = {
    "LIC-1001": loop(
        "LT-1001",
        output="FIC-1001",
        sp={"default": 0.0, "lo": -100.0, "hi": 100.0},
        feedforward={"of": "FT-1002", "gain": 1.0},
        correction={"lo": -25, "hi": 25},
        process={"integrates": 0.004, "dead_time_s": 20},
        rate=5,
    ),
    "FIC-1001": loop(
        "FT-1001",
        outputs=[{"to": "FV-1001.OP", "at": [0, 50]}, {"to": "FV-1002.OP", "at": [50, 100]}],
        sp={**SP, "hi_from": "FT-1002"},
        track={"when": "XS-1001", "at": 20},
        block={"raise": "XS-1001"},
        process={"gain": 1.2, "lag_s": 3},
        rate=2,
        **CAS,
    ),
    "UIC-1001": loop("UT-1001", initial={"unless": ["FIC-1002"], "at": "UY-1002"}, reset_from="UT-1001"),
    "FIC-1002": loop("FT-1002", output="FV-1003.OP", sp={**SP, "from": "UY-1001"}, start_when="XS-1001", **CAS),
    "TIC-1001": loop("TT-1001", law="two_position", tuning=None, dead_band=3.0, output="HS-1001.CMD"),
    "HIC-1001": loop("XS-1001", law="station", tuning=None, sp=None, output="K-1001.CMD", permitted=HAND),
    "TIC-1002": loop(
        "TT-1001",
        output="TV-1001.OP",
        action="direct",
        tuning={
            "kp": 1.0, "ti_s": 10, "gap": {"band": 2, "gain": 0.3},
            "schedule": {"of": "FT-1002", "at": [0, 50, 100], "kp": [2, 1, 0.5], "ti": [2, 1, 1]},
        },
        process={"gain": -0.3},
        shed="HOLD",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """``where`` of ``loops`` is set to ``value`` (None: removed); reported at ``at`` (``where`` if empty)."""

    name: str
    where: str
    value: Any
    text: str
    at: str = ""
    more: Callable[[dict[str, Spec], dict[str, Spec]], object] | None = None  # what else must change to plant it


def second_owner(tags: dict[str, Spec], loops: dict[str, Spec]) -> None:
    del tags
    loops["HIC-1002"] = loop("UT-1001", law="station", tuning=None, sp=None, output="FV-1002.OP", permitted=HAND)


def ring(tags: dict[str, Spec], loops: dict[str, Spec]) -> None:
    del loops
    tags["UY-1001"] = calculated("sum", ["UIC-1001.OP", "FIC-1002.OP"], "t/h", 0.0, 150.0, gains=[1.0, 0.5])


def nobody_reads(tags: dict[str, Spec], loops: dict[str, Spec]) -> None:
    del loops
    tags["UY-1001"] = calculated("sum", ["FT-1001"], "t/h", 0.0, 150.0, gains=[1.0])


FAULTS = [
    Fault("unknown_output", "FIC-1002.output", "FV-1009.OP", "unknown tag or loop FV-1009.OP"),
    Fault("unknown_member", "UIC-1001.initial.at", "FIC-1002.SQ", "unknown"),
    Fault("no_tuning", "FIC-1002.tuning", None, "law pid needs it"),
    Fault("no_set_point", "LIC-1001.sp", None, "law pid needs it"),
    Fault("dead_band_of_a_pid", "FIC-1002.dead_band", 2.0, "means nothing for law pid"),
    Fault("two_position_without_a_band", "TIC-1001.dead_band", None, "law two_position needs it"),
    Fault("tuned_switch", "TIC-1001.tuning", {"kp": 1.0, "ti_s": 1}, "means nothing for law two_position"),
    Fault("station_with_a_set_point", "HIC-1001.sp", SP, "means nothing for law station"),
    Fault("station_in_a_cascade", "HIC-1001.permitted", [*HAND, "RCAS"], "a station has no set-point"),
    Fault("correction_of_nothing", "LIC-1001.feedforward", None, "there is none", "LIC-1001.correction"),
    Fault("correction_upside_down", "LIC-1001.correction", {"lo": 5, "hi": -5}, "must be below hi"),
    Fault("pid_on_a_switch", "FIC-1002.output", "XS-1001", "is no output"),
    Fault("pid_on_a_motor", "FIC-1002.output", "K-1001.CMD", "on or off", more=lambda _, loops: loops.pop("HIC-1001")),
    Fault("number_to_a_motor", "HIC-1001.pv", "UT-1001", "is no bool tag"),
    Fault("switch_as_a_pv", "TIC-1002.pv", "XS-1001", "is a bool tag; a loop needs a number"),
    Fault("wrong_sign", "TIC-1002.process.gain", 0.3, "so the action must be reverse", "TIC-1002.action"),
    Fault("wrong_sign_of_a_level", "LIC-1001.process.integrates", -0.004, "must be direct", "LIC-1001.action"),
    Fault("two_models", "FIC-1001.process", {"gain": 1.0, "integrates": 1.0}, "either gain or integrates"),
    Fault("no_model", "FIC-1001.process", {"lag_s": 3}, "either gain or integrates"),
    Fault("set_point_in_another_unit", "FIC-1002.sp.from", "UT-1001", "UT-1001 is in %, here t/h is needed"),
    Fault("limit_in_another_unit", "FIC-1001.sp.hi_from", "TT-1001", "is in °C, here t/h is needed"),
    Fault("initial_not_in_percent", "UIC-1001.initial.at", "FT-1001", "is in t/h, here % is needed"),
    Fault("reset_not_in_percent", "UIC-1001.reset_from", "FT-1001", "is in t/h, here % is needed"),
    Fault("reset_from_a_switch", "UIC-1001.reset_from", "XS-1001", "is a bool tag"),
    Fault("tracks_a_number", "FIC-1001.track.when", "UT-1001", "is no bool tag"),
    Fault("blocked_by_a_number", "FIC-1001.block.raise", "UT-1001", "is no bool tag"),
    Fault("starts_by_a_number", "FIC-1002.start_when", "UT-1001", "is no bool tag"),
    Fault("fed_by_a_switch", "LIC-1001.feedforward.of", "XS-1001", "is a bool tag"),
    Fault("scheduled_by_a_switch", "TIC-1002.tuning.schedule.of", "XS-1001", "is a bool tag"),
    Fault("uneven_schedule", "TIC-1002.tuning.schedule.kp", [2, 1], "equally many points", "TIC-1002.tuning.schedule"),
    Fault("falling_schedule", "TIC-1002.tuning.schedule.at", [0, 50, 20], "must rise"),
    Fault("gain_of_zero", "TIC-1002.tuning.schedule.kp", [2, 0, 1], "must be > 0", "TIC-1002.tuning.schedule"),
    Fault("no_start_known", "UIC-1001.initial", None, "has no output of its own"),
    Fault("leads_nowhere", "UIC-1001.start", "AUTO", "leads nowhere", "UIC-1001.output", nobody_reads),
    Fault("two_starts", "FIC-1002.initial", {"unless": ["LIC-1001"], "at": "UY-1002"}, "loops without an output"),
    Fault("one_and_many_outputs", "FIC-1001.output", "TV-1001.OP", "write one of them", "FIC-1001.outputs",
          lambda _, loops: loops.pop("TIC-1002")),
    Fault("branch_without_a_way", "FIC-1001.outputs.0.at", [50, 50], "no output would", "FIC-1001.outputs[1].at"),
    Fault("branch_twice", "FIC-1001.outputs.1.to", "FV-1001.OP", "stands here twice", "FIC-1001.outputs[2].to"),
    Fault("two_owners", "HIC-1001.start", "AUTO", "FIC-1001", "HIC-1002.output", second_owner),
    Fault("master_of_a_loop_with_a_source", "LIC-1001.output", "FIC-1002", "takes its set-point from UY-1001",
          more=lambda _, loops: loops["FIC-1001"].update(permitted=ALL_MODES, normal="AUTO", start="AUTO")),
    Fault("source_without_cascade", "FIC-1002.permitted", ALL_MODES, "is used in CAS only", "FIC-1002.sp.from",
          lambda _, loops: loops["FIC-1002"].update(normal="AUTO", start="AUTO")),
    Fault("cascade_without_source", "TIC-1002.permitted", [*ALL_MODES, "CAS"], "CAS is permitted, but no loop"),
    Fault("algebraic_loop", "UIC-1001.start", "AUTO", "UY-1001 -> ", "FIC-1002.pv", ring),
    Fault("slave_slower_than_its_master", "FIC-1001.rate", 10, "slower than its master", "LIC-1001.rate"),
    Fault("shed_to_a_mode_it_has_not", "FIC-1002.permitted", ["AUTO", "CAS"], "MAN is not in", "FIC-1002.shed"),
    Fault("unit_of_a_station", "HIC-1001.pv", "UT-1001", "takes t/h", more=lambda tags, loops: (
          tags.update({"K-1001.OP": valve(5, "t/h")}), loops["HIC-1001"].update(output="K-1001.OP"))),
]  # fmt: skip


def issues_of(folder: Path) -> list[Issue]:
    try:
        load(folder)
    except ConfigError as error:
        return list(error.issues)
    return []


def test_the_plant_is_sound_before_anything_is_planted(tmp_path: Path) -> None:
    assert not issues_of(write_plant(tmp_path, TAGS, LOOPS))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_mistake_is_reported_once_where_it_stands(fault: Fault, tmp_path: Path) -> None:
    tags, loops = copy.deepcopy(TAGS), copy.deepcopy(LOOPS)
    if fault.more is not None:
        fault.more(tags, loops)
    *path, last = fault.where.split(".")
    item: Any = loops
    for part in path:
        item = item[int(part)] if part.isdigit() else item[part]
    if fault.value is None:
        del item[last]
    else:
        item[last] = fault.value
    issues = issues_of(write_plant(tmp_path, tags, loops))
    found = [issue for issue in issues if issue.where == (fault.at or fault.where) and fault.text in issue.text]
    assert len(found) == 1, "\n".join(map(str, issues))
    assert found[0].file == "common/loops.yaml"
    assert found[0].line > 1
    assert len(issues) == 1, "\n".join(map(str, issues))
