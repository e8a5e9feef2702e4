"""What a controller that starts on a running plant must not do: move an output by a bump."""

from collections.abc import Sequence

import numpy as np

from controller.core.plan import Mode
from wte.rig import Rig

AUTOMATIC = (Mode.AUTO, Mode.CAS)
BUMP_PCT = 0.5  # of the span, beyond what the noise of the loop's own measurement explains


def assert_taken_over(rig: Rig, outputs: Sequence[str], loops: Sequence[str]) -> None:
    """Run a new rig for a minute: no output jumps in its first seconds, and the loops control at the end."""
    rig.step()
    history = rig.record(outputs)
    rig.run(60.0)
    for name in outputs:
        course = history.value[name][:, 0]
        second = course[:600].reshape(60, 10).mean(axis=1)  # noise out, a bump of a second not
        assert np.abs(second[:3].mean() - course[0]) < BUMP_PCT + np.std(np.diff(course)), name
    for loop in loops:
        assert rig.read(f"{loop}.MODE_ACT").value in AUTOMATIC, loop
