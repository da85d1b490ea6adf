"""How far counts are from the reference's counts: tests with an effect size, and rates against a reference rate.

Every test answers the question that matters, "is it further away than a trifle", and not "is anything different":
its null hypothesis is an interval (Hodges and Lehmann, 1954), so at large numbers a trifle stays a trifle. Effects
are in about standard deviations, and free of the noise that a small window adds to any distance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boucle.measures.special import binomial_tail, chi2_tail, kolmogorov_tail, normal_quantile, normal_tail

_EXPECTED = 5.0
"""Levels with a smaller expectation are pooled (Cochran, 1954)."""
_KS_NOISE = math.pi**2 / 12.0
"""E K² of the Kolmogorov law: what noise alone adds to the squared distance, times the effective number of rows."""


@dataclass(frozen=True, slots=True)
class Distance:
    """A test's statistic, its p-value, and the effect, in about standard deviations and without its noise."""

    statistic: float
    p: float
    effect: float


NONE = Distance(0.0, 1.0, 0.0)


def effective_rows(reference: float, current: float) -> float:
    """Return the rows that a comparison of two samples is worth: 1 / (1/m + 1/n)."""
    return reference * current / (reference + current) if reference > 0 and current > 0 else 0.0


def ks_test(reference: ArrayLike, current: ArrayLike, trifle: float = 0.0) -> Distance:
    """Compare two rows of counts over the same ordered bins (Kolmogorov, 1933; Smirnov, 1939).

    The statistic is the largest gap between the two distributions at the cut points; binning can only shrink it, so
    p is too large rather than too small. ``trifle`` is the shift, in standard deviations, that is not told apart from
    none. The effect is the shift of a normal law that makes the same gap.
    """
    old, new, rows = _shares(reference, current)
    if not rows:
        return NONE
    gap = float(np.max(np.abs(np.cumsum(new - old))))
    allowed = 2.0 * (0.5 - normal_tail(trifle / 2.0))
    p = kolmogorov_tail(math.sqrt(rows) * max(0.0, gap - allowed))
    return Distance(gap, p, shift_of(math.sqrt(max(0.0, gap * gap - _KS_NOISE / rows))))


def shift_of(gap: float) -> float:
    """Return by how many standard deviations a normal law is shifted whose distribution moves by ``gap`` at most."""
    return 2.0 * normal_quantile(0.5 + min(gap, 1.0 - 1e-9) / 2.0)


def chi2_test(reference: ArrayLike, current: ArrayLike, trifle: float = 0.0) -> Distance:
    """Compare two rows of counts of the same levels (Pearson, 1900); rare levels are pooled.

    ``trifle`` is the effect that is not told apart from none. The effect is Cohen's w (1988) without its noise
    (compare Bergsma, 2013).
    """
    old, new = _pooled(np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64))
    before, now, rows = _shares(old, new)
    freedom = len(old) - 1
    if not rows or freedom < 1:
        return NONE
    together = (old + new) / (old.sum() + new.sum())
    square = float(np.sum(np.square(now - before) / together))
    statistic = rows * square
    p = chi2_tail(statistic, freedom, rows * trifle * trifle)
    return Distance(statistic, p, math.sqrt(max(0.0, square - freedom / rows)))


def _shares(reference: ArrayLike, current: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    old, new = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    if old.shape != new.shape:
        raise ValueError(f"{old.shape[0]} bins cannot be compared with {new.shape[0]}")
    before, now = float(old.sum()), float(new.sum())
    rows = effective_rows(before, now)
    return (old / before, new / now, rows) if rows else (old, new, 0.0)


def _pooled(old: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put the levels of small expectation into one, with the next larger ones until it is large enough itself."""
    both = old + new
    total = float(both.sum())
    if not total:
        return old, new
    expected = both * min(float(old.sum()), float(new.sum())) / total
    order = np.argsort(expected, kind="stable")
    rising = expected[order]
    many = int(np.count_nonzero(rising < _EXPECTED))
    while many and many < len(rising) and rising[:many].sum() < _EXPECTED:
        many += 1
    pool, kept = order[:many], order[many:]
    if not many:
        return old, new
    return np.append(old[kept], old[pool].sum()), np.append(new[kept], new[pool].sum())


def benjamini_hochberg(pvalues: Sequence[float], level: float) -> tuple[list[bool], list[float]]:
    """Return which hypotheses are rejected, and the adjusted p-values (Benjamini and Hochberg, 1995).

    Of the rejected ones a share of ``level`` is expected to be wrong; if all are true, any is rejected that rarely.
    """
    many = len(pvalues)
    order = sorted(range(many), key=lambda i: -pvalues[i])
    adjusted = [1.0] * many
    smallest = 1.0
    for behind, i in enumerate(order):
        smallest = min(smallest, pvalues[i] * many / (many - behind))
        adjusted[i] = smallest
    return [value <= level for value in adjusted], adjusted


@dataclass(frozen=True, slots=True)
class Excess:
    """A rate against the reference's: the observed one, the largest that was to be expected, and the p-value."""

    rate: float
    expected: float
    p: float


def rate_test(seen: float, rows: float, reference: float, reference_rows: float, caution: float = 2.0) -> Excess:
    """Ask whether ``seen`` of ``rows`` is more than the reference's rate: the exact binomial upper tail.

    The reference's rate is taken at its upper side, (r + 1.5) / (m + 1.5) and ``caution`` standard errors, since it
    is an estimate itself.
    """
    share = min(1.0, (reference + 1.5) / (reference_rows + 1.5))
    expected = min(1.0, share + caution * math.sqrt(share * (1.0 - share) / (reference_rows + 1.5)))
    if rows <= 0:
        return Excess(0.0, expected, 1.0)
    return Excess(seen / rows, expected, binomial_tail(seen, rows, expected))
