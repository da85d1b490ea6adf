"""Neyman's smooth test on counts: is the law of the new rows that of the reference, and if not, by how much?

Bins are given their mid-ranks under the reference, and four polynomials of these, orthonormal under the reference's
counts (so ties and zeros do no harm). Their means over new rows are about normal with unit variance over n, and see a
shift, a scale, a skew and a kurtosis first (Neyman, 1937; Ledwina, 1994; Thas, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import Column
from boucle.measures.special import chi2_tail, normal_quantile

ORDER = 4
TRIFLE = 0.03
"""Effect, in standard deviations, that is not told apart from none (Hodges and Lehmann, 1954)."""
SCORED = 64
_FEW = 100.0
_LEAST = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Functions of a column's bin, orthonormal under the reference's counts: ``table`` has shape (bins, order)."""

    table: Floats

    @classmethod
    def of(cls, column: Column, counts: NDArray[Any]) -> Basis | None:
        """Return polynomials of the mid-rank, or contrasts of the commonest levels; None for a constant column."""
        total = int(counts.sum())
        if not total:
            return None
        weights = counts / total
        if column.numeric:
            ranks = np.cumsum(weights) - weights / 2.0
            raw = np.vander(2.0 * ranks - 1.0, ORDER + 1, increasing=True)[:, 1:]
        else:
            common = np.argsort(-counts, kind="stable")[:ORDER]
            raw = np.zeros((len(counts), len(common)))
            raw[common, np.arange(len(common))] = 1.0
        table = _orthonormal(raw, weights)
        return cls(table) if table.shape[1] else None

    @property
    def order(self) -> int:
        return int(self.table.shape[1])

    def means(self, counts: NDArray[Any]) -> Floats:
        """Return the functions' means over rows counted in bins, shape (..., order)."""
        rows = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
        return np.asarray(counts @ self.table / rows, dtype=np.float64)

    def covariance(self, counts: NDArray[Any]) -> Floats:
        """Return the functions' covariance over rows counted in bins, shape (order, order)."""
        rows = max(int(counts.sum()), 1)
        mean = counts @ self.table / rows
        return np.asarray((self.table * (counts / rows)[:, None]).T @ self.table - np.outer(mean, mean))

    def design_effect(self, counts: NDArray[Any], lost: float = 1.0) -> float:
        """Return how much more block means vary than those of independent rows would; counts have shape (blocks, bins).

        The variance of the means over its independent value (Kish, 1965), averaged over the functions. ``lost`` are the
        degrees of freedom that the expected means have taken.
        """
        rows = counts.sum(axis=1)
        off = self.means(counts) - self.means(counts.sum(axis=0))
        freedom = max(len(counts) - lost, 1.0) * self.order
        return float((rows[:, None] * off**2).sum() / freedom)


def _orthonormal(raw: Floats, weights: Floats) -> Floats:
    """Make columns orthonormal, and to the constant, under ``weights``; what depends on earlier ones is left out."""
    kept: list[Floats] = [np.ones(len(weights))]
    for column in raw.T:
        size = float(np.sqrt(weights @ column**2))
        rest = column.astype(np.float64)
        for _ in range(2):  # once more for what rounding leaves
            for before in kept:
                rest = rest - (weights @ (rest * before)) * before
        left = float(np.sqrt(weights @ rest**2))
        if size > 0.0 and left > _LEAST * size:
            kept.append(rest / left)
    return np.column_stack(kept[1:]) if len(kept) > 1 else np.zeros((len(weights), 0))


@dataclass(frozen=True, slots=True)
class Found:
    """A test's p-value, and its effect in about standard deviations, without its noise.

    ``worth`` are the effective rows behind it, ``order`` its degrees of freedom.
    """

    p: float
    effect: float
    worth: float = 0.0
    order: int = 0


NOTHING = Found(1.0, 0.0)


def smooth_test(
    off: Floats, covariance: Floats | None, rows: float, trifle: float = TRIFLE, floor: float = 0.0,
    known: float = math.inf,
) -> Found:  # fmt: skip
    """Test means that are ``off`` the expected ones, shape (order,), on ``rows`` effective rows.

    The statistic is S = off' C⁻¹ off, with C the covariance of one row (None: the identity), and rows times S is
    chi-squared with ``order`` degrees of freedom, non-central by rows times trifle². The effect is
    sqrt(S - order / rows), or 0; below ``floor`` p is 1 and not computed. ``known`` is as for ``settled``. Of few rows
    the first two functions alone are tested, shift and width: the others would only add their noise.
    """
    if rows < _FEW:
        off, covariance = off[:2], None if covariance is None else covariance[:2, :2]
    order = len(off)
    if rows <= 0.0 or not order:
        return NOTHING
    if covariance is None:
        square = float(off @ off)
    else:
        ridge = covariance + 1e-3 * np.eye(order)
        square = float(off @ np.linalg.solve(ridge, off))
    effect = float(np.sqrt(max(0.0, square - order / rows)))
    if effect < floor:
        return Found(1.0, effect, rows, order)
    p = chi2_tail(settled(rows * square, known), order, rows * trifle * trifle)
    return Found(p, effect, rows, order)


def settled(square: float, known: float) -> float:
    """Return the chi-squared value that is as rare as ``square``, of a variance known by ``known`` degrees of freedom.

    known log(1 + square / known): the likelihood ratio of a mean when the variance is estimated (Anderson, 1958, 5.2).
    How many rows a window of bursts is worth changes from window to window, so its tails are as heavy.
    """
    return known * math.log1p(square / known) if math.isfinite(known) else square


def normal_scores(columns: Sequence[Column], offsets: NDArray[Any], total: NDArray[Any]) -> Floats:
    """Return each bin's normal score (van der Waerden, 1952), mean 0 and variance 1 under the reference, shape (bins,).

    Only the numeric columns whose pairs are counted have scores; the rest are zero.
    """
    scores = np.zeros(int(offsets[-1]))
    numeric = [i for i, c in enumerate(columns) if c.kind == "numeric"][:SCORED]
    for i in numeric:
        place = slice(int(offsets[i]), int(offsets[i + 1]))
        counts = total[place]
        rows = int(counts.sum())
        if not rows:
            continue
        ranks = np.clip((np.cumsum(counts) - counts / 2.0) / rows, 0.5 / rows, 1.0 - 0.5 / rows)
        raw = np.array([normal_quantile(float(rank)) for rank in ranks])
        weights = counts / rows
        raw -= weights @ raw
        spread = float(np.sqrt(weights @ raw**2))
        scores[place] = raw / spread if spread > _LEAST else 0.0
    return scores
