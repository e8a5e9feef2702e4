"""The tag list of the whole plant: it loads, compiles and is scanned, long before its physics is complete."""

from pathlib import Path

import numpy as np

from controller.core.clock import MonoNs, Now, UtcNs
from controller.core.compiler import compile_plan
from controller.core.config import load
from controller.core.quality import BAD
from controller.core.tags import Image, RowKind
from controller.scan import new_state, scan, start

WHOLE = Path(__file__).parents[3] / "config" / "almaty"


def test_the_whole_plant_is_configuration_and_is_scanned() -> None:
    plan = compile_plan(load(WHOLE))
    assert len(plan.inputs) > 1300
    assert len(plan.outputs) > 300
    assert {device.name for device in plan.devices} == {"L1", "L2", "C0", "CEMS-1", "CEMS-2"}
    middle = np.array([[0.5 * (p.lo + p.hi) if p.form != "bool" else 0.0] for p in plan.inputs])
    image = Image(
        value=middle,
        quality=np.zeros(middle.shape, dtype=np.uint32),
        time=np.zeros(len(middle), dtype=np.int64),
        readback=np.array([[p.lo] for p in plan.outputs]),
        device_ok=np.ones(len(plan.devices), dtype=np.bool_),
    )
    state = new_state(plan)
    start(plan, state, image, Now(MonoNs(0), UtcNs(0)), is_restored=False, gap_s=None)
    frame = scan(plan, state, image, [], Now(MonoNs(plan.period_ns), UtcNs(plan.period_ns)))
    derived = plan.span(RowKind.DERIVED)
    assert not (frame.quality[derived] >= BAD).any()


def test_every_operator_text_is_in_both_languages() -> None:
    config = load(WHOLE)
    same = [
        key for key, tag in config.tags.items()
        if tag.spec.title.en == tag.spec.title.ru and any(c.islower() for c in tag.spec.title.en)
    ]  # fmt: skip
    assert not same
