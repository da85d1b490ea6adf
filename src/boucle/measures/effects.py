"""Intervals of effects: how large a change can be, seeing how many rows have shown it.

An effect e is the distance of two laws in about standard deviations, estimated without its noise: T = worth·e² + order
is non-central chi-squared with ``order`` degrees of freedom, non-central by worth times the true effect squared. Its
distribution is taken by Sankaran's approximation (1963), which is right within a point from one row in a hundred on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boucle.measures.special import normal_quantile

_LEVEL = 0.95
_STEPS = 12

Floats = NDArray[np.float64]


def effect_intervals(effects: ArrayLike, worth: ArrayLike, order: ArrayLike) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of the 95 % intervals of effects, shape (effects,) each.

    ``worth`` are effective rows, ``order`` degrees of freedom. An effect of which nothing is known (no rows, no
    degrees of freedom) has the interval from 0 to infinity.
    """
    seen, rows, freedom = np.broadcast_arrays(*(np.asarray(a, dtype=np.float64) for a in (effects, worth, order)))
    usable = (rows > 0.0) & (freedom > 0.0)
    rows, freedom = np.where(usable, rows, 1.0), np.where(usable, freedom, 1.0)
    statistic = rows * seen**2 + freedom
    z = normal_quantile((1.0 + _LEVEL) / 2.0)
    sides = np.array([z, -z]).reshape(2, *[1] * statistic.ndim)
    low, high = np.sqrt(_noncentrality(statistic, freedom, sides) / rows)
    return np.where(usable, low, 0.0), np.where(usable, high, np.inf)


def _noncentrality(statistic: Floats, freedom: Floats, z: Floats) -> Floats:
    """Return the non-centrality under which the statistic stands at the normal quantile ``z``, 0 where none is so low.

    The standing falls by about one as the root of the non-centrality plus half the degrees of freedom grows by one, so
    a dozen steps of that size find it.
    """
    half = freedom / 2.0
    least = np.sqrt(half)
    root = np.maximum(np.sqrt(statistic) - z, least)
    for _ in range(_STEPS):
        root = np.maximum(root + _standing(statistic, freedom, root * root - half) - z, least)
    return np.where(root > least, root * root - half, 0.0)


def _standing(x: Floats, k: Floats, noncentrality: Floats) -> Floats:
    """Return the normal score of ``x`` under a non-central chi-squared law (Sankaran, 1963)."""
    first, second, third = k + noncentrality, k + 2.0 * noncentrality, k + 3.0 * noncentrality
    h = 1.0 - 2.0 * first * third / (3.0 * second**2)
    p = second / first**2
    m = (h - 1.0) * (1.0 - 3.0 * h)
    mean = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p)
    spread = h * np.sqrt(2.0 * p) * (1.0 + 0.5 * m * p)
    return np.asarray(((x / first) ** h - mean) / spread)
