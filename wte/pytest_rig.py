"""The rig as a pytest fixture, for everybody who has wte installed: ``def test_x(rig): rig.run(60.0)``.

``@pytest.mark.rig(initial="60%", seed=3)`` gives the fixture's rig other arguments, those of ``wte.rig.Rig``.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from wte.rig import Rig


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "rig(**arguments): arguments of wte.rig.Rig for the fixture rig")


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> "Rig":
    """Return a new rig: the shipped plant at 100 % load unless the marker ``rig`` says otherwise."""
    from wte.rig import Rig  # noqa: PLC0415  pytest loads this module in every run, also where nobody wants a plant

    marker = request.node.get_closest_marker("rig")
    return Rig(**(marker.kwargs if marker else {}))
