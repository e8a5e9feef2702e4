"""The emission calculation in the closed plant: what the simulated analysers show becomes the permit's numbers."""

import pytest

from controller.core.event import EventKind
from controller.core.quality import GOOD
from wte.rig import Rig

MINUTES = 3
NORMAL = {"AY-2501": (95.0, 25.0), "AY-2502": (10.0, 5.0), "AY-2504": (4.0, 2.0), "AY-2508": (2.1, 0.7)}


def test_the_standing_plant_shows_its_emissions_at_the_reference_state() -> None:
    rig = Rig()
    rig.run(MINUTES * 60.0 + 5.0)
    value, quality, row = rig.state["table.value"], rig.state["table.quality"], rig.plan.row
    for line in ("L1", "L2"):
        for tag, (usual, tolerance) in NORMAL.items():
            assert value[row(f"{line}-{tag}.M1"), 0] == pytest.approx(usual, abs=tolerance), f"{line}-{tag}"
            assert quality[row(f"{line}-{tag}.M1"), 0] == GOOD
        assert value[row(f"{line}-XS-2522"), 0] == 2.0  # waste on the grate
        assert value[row(f"{line}-XY-2534"), 0] == 1.0
        assert value[row(f"{line}-XY-2532"), 0] == 0.0
        assert value[row(f"{line}-AY-2501.KGH"), 0] == pytest.approx(18.3, abs=5.0)  # kg/h
    records = [event for event in rig.events if event.kind is EventKind.EMISSION_RECORDED]
    assert [event.source for event in records] == ["L1", "L2"] * MINUTES
    assert all(event.data["NOX.n"] >= 40 for event in records)  # type: ignore[operator]
