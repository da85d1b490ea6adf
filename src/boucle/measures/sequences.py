"""Judgements that hold however often one looks: confidence sequences and e-processes.

A test that is repeated with every new label finds a difference sooner or later where there is none. The bounds here
hold at all times together (Ville, 1939), so a canary may be judged after each row and stopped when it is clear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Band:
    """A difference with its lower and its upper confidence sequence; each end is wrong, ever, with the level's chance.

    ``rows`` are the effective rows behind it, ``spread`` the standard deviation of one of them.
    """

    estimate: float
    low: float
    high: float
    rows: float
    spread: float


UNKNOWN = Band(math.nan, -math.inf, math.inf, 0.0, math.nan)


def reach(rows: float, planned: float, level: float = LEVEL) -> float:
    """Return how far a mean of ``rows`` unit-variance values may be off, one side, at all times together.

    The mixture of Robbins (1970) over a half-normal law, as an asymptotic confidence sequence (Waudby-Smith, Arbour,
    Sinha, Kennedy and Ramdas, 2024): sqrt(2 (1 + 1/v) log(1/2 + sqrt(1 + v) / (2 a)) / n) with v = n r². It is
    narrowest at ``planned`` rows, which choose r and must not depend on the losses.
    """
    if rows <= 0:
        return math.inf
    tuned = -2.0 * math.log(2.0 * level)
    v = rows * (tuned + math.log(tuned) + 1.0) / max(planned, 1.0)
    return math.sqrt(2.0 * (1.0 + 1.0 / v) * math.log(0.5 + math.sqrt(1.0 + v) / (2.0 * level)) / rows)


def band_of(estimate: float, rows: float, spread: float, planned: float, level: float = LEVEL) -> Band:
    """Bound a mean of ``rows`` values whose standard deviation is ``spread``."""
    off = spread * reach(rows, planned, level)
    return Band(estimate, estimate - off, estimate + off, rows, spread)


def rows_until(band: Band, bound: float, planned: float, level: float = LEVEL) -> float | None:
    """Return how many effective rows bring the upper end below ``bound`` if the estimate stays; None if none do."""
    room = bound - band.estimate
    if not room > 0 or not band.rows:
        return None
    low, high = 1.0, 2.0
    while band.spread * reach(high, planned, level) >= room:
        low, high = high, high * 2.0
        if high > 1e12:
            return None
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if band.spread * reach(middle, planned, level) >= room else (low, middle)
    return high


def change_point(losses: Iterable[float], least: int = 20) -> int | None:
    """Return the first row of the later part where the losses rose most clearly, None if they did not rise.

    Both parts have ``least`` rows at least. Maximises the likelihood of two normal means with one variance (Hinkley,
    1970), on losses cut at their 99 % quantile so that one of them decides nothing.
    """
    values = np.asarray(list(losses), dtype=np.float64)
    n = len(values)
    if n < 2 * least:
        return None
    values = np.minimum(values, np.quantile(values, 0.99))
    first = np.arange(least, n - least + 1)
    sums = np.cumsum(values)[first - 1]
    rise = (values.sum() - sums) / (n - first) - sums / first
    gain = rise * np.sqrt(first * (n - first) / n)
    best = int(np.argmax(gain))
    return int(first[best]) if gain[best] > 0 else None
