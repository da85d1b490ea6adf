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
_HALVINGS = 50

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
    ends = [np.sqrt(_noncentrality(statistic, freedom, side * z) / rows) for side in (1.0, -1.0)]
    return np.where(usable, ends[0], 0.0), np.where(usable, ends[1], np.inf)


def _noncentrality(statistic: Floats, freedom: Floats, z: float) -> Floats:
    """Return the non-centrality under which the statistic stands at the normal quantile ``z``, 0 where none is so low.

    The standing falls as the non-centrality rises, so halving finds it.
    """
    low, high = np.zeros_like(statistic), 4.0 * statistic + 40.0
    none = _standing(statistic, freedom, low) <= z
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        above = _standing(statistic, freedom, middle) > z
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(none, 0.0, low)


def _standing(x: Floats, k: Floats, noncentrality: Floats) -> Floats:
    """Return the normal score of ``x`` under a non-central chi-squared law (Sankaran, 1963)."""
    first, second, third = k + noncentrality, k + 2.0 * noncentrality, k + 3.0 * noncentrality
    h = 1.0 - 2.0 * first * third / (3.0 * second**2)
    p = second / first**2
    m = (h - 1.0) * (1.0 - 3.0 * h)
    mean = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p)
    spread = h * np.sqrt(2.0 * p) * (1.0 + 0.5 * m * p)
    return np.asarray(((x / first) ** h - mean) / spread)
