"""Numbers as 16-bit keys that keep their order: what profiles count.

A key is the upper half of a float32, so its resolution is 1/128 of the distance from the centre at any range. Nothing
has to be sorted, and no reference to be known, to count keys; counts of two samples add up to those of their union.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Keys = NDArray[np.uint16]

KEYS = 65_536
LOWEST, HIGHEST = 0x007F, 0xFF80
"""Keys of minus and plus infinity; those beyond them are of values that are no numbers."""
_SIGN = 0x8000
_SMALLEST = 1e-300


def keys(values: ArrayLike, centre: float, scale: float) -> Keys:
    """Return the key of each value by its distance from ``centre`` in units of ``scale`` (above zero), same shape."""
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.subtract(values, centre, dtype=np.float64)
        distance /= scale
        distance += 0.0  # minus zero is zero
        bits: NDArray[Any] = distance.astype(np.float32).view(np.uint32)
    halves = (bits >> 16).astype(np.uint16)
    return np.where(halves & _SIGN, ~halves, halves | _SIGN)


def centre_and_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and the distance of the quartiles of finite values; a scale that is not zero where they agree.

    Without the centre a column of times would have all its rows in a few keys.
    """
    if not len(values):
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):  # a spread too large for a number is none
        low, centre, high = (float(v) for v in np.quantile(values, (0.25, 0.5, 0.75)))
        for scale in (high - low, float(np.std(values)), abs(centre)):
            if np.isfinite(scale) and scale > _SMALLEST:
                return centre, scale
    return centre, 1.0
