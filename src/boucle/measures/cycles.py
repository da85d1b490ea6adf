"""Cycles of a rate, such as days: found in the means of blocks, and expected again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boucle.measures.special import beta_share

Floats = NDArray[np.float64]

_LEVEL = 0.01
_CYCLES = 3
_FINER = 4.0
_SURE = 16.0


@dataclass(frozen=True, slots=True)
class Blocks:
    """Means of rows in blocks; the blocks before the reference's end have the numbers -1, -2, ..."""

    number: NDArray[np.int64]
    rows: Floats
    means: Floats


@dataclass(frozen=True, slots=True)
class _Fit:
    """``within`` is the squared error left, ``ratio`` the F statistic; the means are drawn to the overall one."""

    phases: tuple[float, ...]
    within: float
    ratio: float
    freedom: int

    @property
    def error(self) -> float:
        """The generalised cross-validation error, but for a constant factor (Craven and Wahba, 1979)."""
        return self.within / self.freedom**2


def blocked(values: Floats, block: NDArray[np.int64]) -> Blocks:
    number, of = np.unique(block, return_inverse=True)
    rows = np.bincount(of).astype(np.float64)
    return Blocks(number, rows, np.bincount(of, weights=values) / rows)


def find_cycle(blocks: Blocks, mean: float, known: bool = False) -> tuple[float, ...]:
    """Return the means by phase, one block each from block 0 on, of the cycle that explains the blocks best.

    An F test for each period of 2 blocks to a third of them (Fisher, 1925), Bonferroni over the periods; of those
    that pass, the least generalised cross-validation error. Empty if none passes. A period that is surely no whole
    number of blocks is not learnt: it could not be foretold for long, and being out of step is worse than expecting
    no cycle. On the clock (``known``) blocks divide the day and the week, and nobody needs to ask.
    """
    periods = range(2, len(blocks.number) // _CYCLES + 1)
    fits = [one for one in (_fit(blocks, mean, period, 1.0) for period in periods) if one is not None]
    passed = [one for one in fits if _chance(one) * len(periods) < _LEVEL]
    if not passed:
        return ()
    best = min(passed, key=lambda one: one.error)
    return best.phases if known or not _is_out_of_step(blocks, mean, best) else ()


def _chance(one: _Fit) -> float:
    return f_tail(one.ratio, len(one.phases) - 1, one.freedom)


def _is_out_of_step(blocks: Blocks, mean: float, best: _Fit) -> bool:
    """Say whether a period up to half a block longer or shorter explains surely more."""
    bins, many = len(best.phases), len(blocks.number)
    reach = 0.5 / bins
    lengths = 1.0 + np.linspace(-reach, reach, 2 * math.ceil(_FINER * reach * many) + 1)
    tried = [one.within for length in lengths.tolist() if (one := _fit(blocks, mean, bins, length)) is not None]
    return best.within - min(tried) > _SURE * min(tried) / best.freedom


def _fit(blocks: Blocks, mean: float, bins: int, length: float) -> _Fit | None:
    """Fit a period of so many ``bins``, each ``length`` blocks long; None where one of them has no rows.

    The means are drawn to the overall one by 1 - 1/F, as far as chance explains them (James and Stein, 1961).
    """
    phase = np.floor((blocks.number + 0.5) / length).astype(np.int64) % bins
    rows = np.bincount(phase, weights=blocks.rows, minlength=bins)
    if (rows == 0).any():
        return None
    means = np.bincount(phase, weights=blocks.rows * blocks.means, minlength=bins) / rows
    within = float(blocks.rows @ np.square(blocks.means - means[phase]))
    freedom = len(blocks.number) - bins
    ratio = float(rows @ np.square(means - mean)) / (bins - 1) / max(within / freedom, 1e-300)
    drawn = mean + (max(0.0, 1.0 - 1.0 / ratio) if ratio > 0.0 else 0.0) * (means - mean)
    return _Fit(tuple(drawn.tolist()), within, ratio, freedom)


def f_tail(ratio: float, above: int, below: int) -> float:
    """Return P(F >= ratio) with these degrees of freedom (Abramowitz and Stegun, 1964, 26.6.2)."""
    return beta_share(below / 2.0, above / 2.0, below / (below + above * ratio))
