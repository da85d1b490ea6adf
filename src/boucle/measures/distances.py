"""Many tests at once, and counts too small to be tested by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EXPECTED = 5.0
"""Levels with a smaller expectation are pooled (Cochran, 1954)."""

Floats = NDArray[np.float64]


def effective_rows(reference: float, current: float) -> float:
    """Return the rows that a comparison of two samples is worth: 1 / (1/m + 1/n)."""
    return reference * current / (reference + current) if reference > 0 and current > 0 else 0.0


def pooled(old: Floats, new: Floats) -> tuple[Floats, Floats]:
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


def benjamini_hochberg(pvalues: Sequence[float], level: float, tried: int = 0) -> tuple[list[bool], list[float]]:
    """Return which hypotheses are rejected, and the adjusted p-values (Benjamini and Hochberg, 1995).

    Of the rejected ones a share of ``level`` is expected to be wrong; if all are true, any is rejected that rarely.
    ``tried`` is the number of tests when those with p = 1 are left out of ``pvalues``.
    """
    many = len(pvalues)
    tried = max(tried, many)
    order = sorted(range(many), key=lambda i: -pvalues[i])
    adjusted = [1.0] * many
    smallest = 1.0
    for behind, i in enumerate(order):
        smallest = min(smallest, pvalues[i] * tried / (many - behind))
        adjusted[i] = smallest
    return [value <= level for value in adjusted], adjusted
