"""A third line is ten lines of YAML in plant.yaml: tags, loops, protection, emission monitoring and physics follow."""

import re
from pathlib import Path

import numpy as np
import pytest

from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.event import EventKind
from controller.core.plan import Mode
from wte.folders import shipped_plant
from wte.rig import Rig

INSTANCE = """\
  L3:
    template: line
    title: {en: Line 3, ru: Линия 3}
    devices: {line: L3, cems: CEMS-3}
"""
DEVICES = """\
  L3: {title: {en: PLC of line 3, ru: ПЛК линии 3}, port: 5025, byte_order: ABCD,
       supervision: {heartbeat: 0, planned_stop: 1, watchdog_ms: 2, plc_counter: 0}}
  CEMS-3: {title: {en: PLC of emission monitoring 3, ru: ПЛК мониторинга выбросов 3}, port: 5026, byte_order: CDAB,
           supervision: {heartbeat: 0, planned_stop: 1, watchdog_ms: 2, plc_counter: 0}}
"""


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("larger") / "almaty"
    folder.mkdir()
    for part in shipped_plant().iterdir():
        if part.name != "plant.yaml":
            (folder / part.name).symlink_to(part)
    text = (shipped_plant() / "plant.yaml").read_text(encoding="utf-8")
    text = text.replace("  C0:\n    template", f"{INSTANCE}  C0:\n    template", 1).rstrip() + "\n" + DEVICES
    (folder / "plant.yaml").write_text(text, encoding="utf-8")
    return folder


def test_the_third_line_has_all_that_the_first_has(larger: Path) -> None:
    assert len((INSTANCE + DEVICES).splitlines()) <= 10
    plan = compile_plan(load(larger))
    for keys in ([row.key for row in plan.tags.rows], plan.loops.keys, plan.protection.keys, plan.alarms.keys):
        of = {n: {re.sub(r"^L\d-", "", key) for key in keys if key.startswith(f"L{n}-")} for n in (1, 2, 3)}
        assert of[1] == of[2] == of[3]
        assert of[1]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_three_lines_run_at_60_percent_without_a_trip(larger: Path) -> None:
    rig = Rig(larger, initial="60%")
    steam = rig.record(["L1-FT-1501", "L2-FT-1501", "L3-FT-1501"])
    rig.run(600.0)
    assert not [e for e in rig.events if e.kind in {EventKind.TRIP_LATCHED, EventKind.TRIP_ACTED}]
    means = [float(np.mean(values[-600:])) for values in steam.value.values()]
    assert max(means) - min(means) < 0.03 * max(means)
    modes = rig.read_many(["L3-UIC-1001.MODE_ACT", "L3-LIC-1401.MODE_ACT", "L3-TIC-1503.MODE_ACT"])
    assert (modes >= Mode.AUTO).all()
