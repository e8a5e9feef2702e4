"""Sums over axis 0 whose last bit does not depend on the width of the batch.

``sum``, ``mean``, ``@`` and ``einsum`` over axis 0 add in an order that numpy chooses by the width; a column of a batch
would then differ from the same plant run alone.
"""

import numpy as np
import numpy.typing as npt


def ordered_sum(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the sum over axis 0, first row first. Shape (n, batch) -> (batch,)."""
    total = values[0].copy()
    for row in values[1:]:
        total += row
    return total
