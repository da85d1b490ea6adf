"""Numbers as 16-bit keys that keep their order: what profiles count.

A key is the upper half of a float32, so its resolution is 1/128 of the distance from the centre at any range. Nothing
has to be sorted, and no reference to be known, to count keys; counts of two samples add up to those of their union.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Keys = NDArray[np.uint16]

KEYS = 65_536
LOWEST, HIGHEST = 0x007F, 0xFF80
"""Keys of minus and plus infinity; those beyond them are of values that are no numbers."""
_SIGN = np.int32(-(2**31))
_AT_ONCE = 16_384
"""Rows worked on at once, so that they stay in the cache."""
_SMALLEST = 1e-300


def keys(values: ArrayLike, centre: float, scale: float) -> Keys:
    """Return the key of each value by its distance from ``centre`` in units of ``scale``, above 0; shape (rows,)."""
    given = np.asarray(values)
    found = np.empty(len(given), dtype=np.uint16)
    room = min(len(given), _AT_ONCE)
    wide, narrow, folded = np.empty(room), np.empty(room, dtype=np.float32), np.empty(room, dtype=np.int32)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(given), _AT_ONCE):
            some = given[start : start + _AT_ONCE]
            far, near, fold = wide[: len(some)], narrow[: len(some)], folded[: len(some)]
            np.subtract(some, centre, out=far)
            far /= scale
            near[:] = far
            near += np.float32(0.0)  # minus zero is zero
            bits = near.view(np.int32)
            np.right_shift(bits, 31, out=fold)  # all ones for a negative number
            fold |= _SIGN
            fold ^= bits
            found[start : start + len(some)] = fold.view(np.uint32) >> 16
    return found


def key_counts(values: NDArray[np.float64], centre: float, scale: float) -> NDArray[np.int64]:
    """Return how many values have each key, shape (65536,)."""
    found = np.zeros(KEYS, dtype=np.int64)
    for start in range(0, len(values), KEYS):
        found += np.bincount(keys(values[start : start + KEYS], centre, scale), minlength=KEYS)
    return found


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


def value_of(key: int, centre: float, scale: float) -> float:
    """Return the least number that has ``key``: the inverse of ``keys``, for the edges of bins; inf beyond numbers."""
    if not LOWEST <= key <= HIGHEST:
        return np.inf if key > HIGHEST else -np.inf
    bits = (key << 16) ^ 0x8000_0000 if key & 0x8000 else ~(key << 16) & 0xFFFF_0000
    return float(np.array([bits], dtype=np.uint32).view(np.float32)[0]) * scale + centre
