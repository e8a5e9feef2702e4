"""The shipped plant, controller and simulator together, as an operator finds it before anything happens."""

import pytest

from controller.core.event import EventKind
from controller.core.quality import BAD
from controller.core.tags import RowKind
from wte.rig import Rig


@pytest.fixture(scope="module")
def standing() -> Rig:
    rig = Rig()
    rig.run(30.0)
    return rig


def test_at_full_load_every_measured_and_calculated_value_is_good(standing: Rig) -> None:
    assert standing.frame is not None
    values = standing.plan.span(RowKind.INPUT).start, standing.plan.span(RowKind.DERIVED).stop
    quality = standing.frame.quality[slice(*values), 0]
    rows = standing.plan.tags.rows[slice(*values)]
    doubtful = [row.key for row, code in zip(rows, quality, strict=True) if code and row.kind is RowKind.INPUT]
    assert len(standing.plan.inputs) > 1300
    assert not doubtful
    assert not [row.key for row, code in zip(rows, quality, strict=True) if code >= BAD]  # young means are Uncertain


def test_at_full_load_nothing_trips_and_no_output_is_contradicted_by_its_plc(standing: Rig) -> None:
    kinds = {event.kind for event in standing.events}
    assert not kinds & {EventKind.TRIP_LATCHED, EventKind.TRIP_ACTED, EventKind.WRITE_MISMATCH, EventKind.DEVICE_LOST}


@pytest.mark.parametrize("initial", ["cold", "hot standby", "110%"])
def test_every_initial_condition_can_be_seen(initial: str) -> None:
    rig = Rig(initial=initial)
    frame = rig.run(2.0)
    inputs = rig.plan.span(RowKind.INPUT)
    assert not [
        row.key for row, code in zip(rig.plan.tags.rows[inputs], frame.quality[inputs, 0], strict=True) if code >= BAD
    ]
