"""What a reference teaches: its cycle, how bursty its rows are, and which columns are clocks.

Independent rows from one law are the exception. Traffic has days and weeks, users send bursts of near-equal rows, ids
and times only grow. A window is compared with the reference of its own phase; counts are divided by a design effect.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import RATES, Counts, Profile
from boucle.core.signature import Batch
from boucle.core.signature import Column as Values
from boucle.measures.counting import Counting
from boucle.measures.profiles import OUTPUTS, PREDICTION, output
from boucle.measures.smooth import ORDER, Basis, normal_scores
from boucle.measures.special import beta_share

CYCLES = 3
"""Whole cycles that the reference has to hold for one to be learnt."""
GRAIN = ("whole", "common")
_CAUTION = 2.0
_LEVEL = 0.01
_CLOCK_SHARE, _CLOCK_ORDER, _CLOCK_BLOCKS = 0.8, 0.9, 5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """One column over some windows: level shares, means and covariance of its basis, reference rows behind it."""

    shares: Floats
    means: Floats
    covariance: Floats | None
    rows: float


class Law:
    """A reference with what it teaches. ``period`` is the cycle's length in blocks, 1 without one.

    ``design`` (columns,) is what the rows of each column are divided by; ``typical`` is the median, for all else.
    ``unsteady`` is the squared coefficient of variation of the design effect from block to block.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.total: Counts = profile.total
        self.counting = Counting(profile.columns)
        self.offsets = self.counting.offsets
        scores = normal_scores(profile.columns, self.offsets, self.total.bins)
        self.counting.scores = scores
        self.squares = scores**2
        self.bases = [Basis.of(c, self.total.bins[self.place(i)]) for i, c in enumerate(profile.columns)]
        self.known = [float(self.total.bins[self.place(i)].sum()) for i in range(len(profile.columns))]
        self._tables = np.zeros((int(self.offsets[-1]) + 1, ORDER))
        self._orders = [0 if basis is None else basis.order for basis in self.bases]
        for i, basis in enumerate(self.bases):
            if basis is not None:
                self._tables[self.place(i), : basis.order] = basis.table
        self.clocks: frozenset[str] = frozenset()
        self.period, self.cyclic = 1, np.zeros(len(profile.columns), dtype=bool)
        self.typical, self.design, self.unsteady = 1.0, np.ones(len(profile.columns)), 0.0
        blocks = len(profile.block_rows)
        if profile.ordered and blocks > 1:
            self.clocks = self._clocks()
            self.period, self.cyclic = self._cycle()
        phases = np.arange(blocks) % self.period
        self.phase_rows = np.bincount(phases, weights=profile.block_rows, minlength=self.period)
        self.phase_bins = _grouped(profile.bins, phases, self.period)
        self.phase_rates = _grouped(profile.rates, phases, self.period)
        self.phase_pairs = _grouped(profile.pairs, phases, self.period)
        self.phase_triples = _grouped(profile.triples, phases, self.period)
        if profile.ordered and blocks > 1:
            self.typical, self.design, self.unsteady = self._design(phases)

        self.has_rate = np.array(
            [[self._has(i, rate) for rate in RATES] for i in range(len(profile.columns))], dtype=bool
        )
        self.testable = [i for i, basis in enumerate(self.bases) if basis is not None and not self.silent(i)]
        # The range is widened so much for "far" that its own rate needs no more caution.
        self.caution = np.array([0.0 if rate == "far" else _CAUTION for rate in RATES])

    def _has(self, i: int, rate: str) -> bool:
        """Say whether a column can have a rate. A score has no unit."""
        column = self.profile.columns[i]
        if column.judged is not None:
            return rate in column.judged
        if rate == "missing":
            return True
        if rate == "unseen":
            return not column.numeric
        if column.kind != "numeric" or column.name in self.clocks:
            return False
        return not (column.name in OUTPUTS and rate in ("small", "large", *GRAIN))

    def means(self, bins: NDArray[Any]) -> list[Floats]:
        """Return the means of every column's functions over counted rows, shape (order,) each."""
        padded = np.append(bins, 0).astype(np.float64)
        starts = self.offsets[:-1]
        sums = np.add.reduceat(padded[:, None] * self._tables, starts) if len(starts) else np.zeros((0, ORDER))
        rows = np.maximum(np.add.reduceat(padded, starts), 1.0) if len(starts) else np.zeros(0)
        return [sums[i, :order] / rows[i] for i, order in enumerate(self._orders)]

    def silent(self, i: int) -> bool:
        """Say whether a column cannot be judged: it was empty, or only grows."""
        column = self.profile.columns[i]
        # Times always move on; how, an unordered reference cannot tell.
        moving = column.kind == "datetime" and self.blocks == 1
        return moving or column.name in self.clocks or not self.total.bins[self.place(i)].any()

    def place(self, i: int) -> slice:
        """Return where the bins of a column stand."""
        return slice(int(self.offsets[i]), int(self.offsets[i + 1]))

    def count(self, batch: Batch, prediction: Values | None = None, probabilities: Floats | None = None) -> Counts:
        """Count a window's rows and the answers to them; columns that are not there are all missing.

        ``prediction`` has shape (rows,), ``probabilities`` (rows, classes).
        """
        rows = max((len(column) for column in batch.values()), default=0)
        if prediction is not None:
            rows, batch = len(prediction), {**batch, PREDICTION: output(prediction, probabilities)}
        return self.counting.count(batch, rows)

    def phase(self, number: int, time: float | None = None) -> float:
        """Return the phase of window ``number`` (from 0) after the reference, or of the one about ``time``.

        A whole number where the window is as long as a block; else its middle lies between the middles of two.
        """
        if time is not None and self.profile.span > 0.0:
            place = (time - self.profile.origin) / self.profile.span
        else:
            windows = self.profile.windows
            before = round(self.profile.rows * windows / max(self.profile.length, 1))
            place = (before + number + 0.5) / windows
        return (place - 0.5) % self.period

    @property
    def blocks(self) -> int:
        return len(self.profile.block_rows)

    def weights(self, phases: Sequence[float], rows: Sequence[int]) -> Floats:
        """Return each phase's share of the rows of some windows, shape (period,); one between two is of both."""
        found = np.zeros(self.period)
        for phase, many in zip(phases, rows, strict=True):
            first = math.floor(phase)
            found[first % self.period] += many * (1.0 - (phase - first))
            found[(first + 1) % self.period] += many * (phase - first)
        return np.asarray(found / max(found.sum(), 1.0), dtype=np.float64)

    def expected(self, i: int, weights: Floats) -> Expected:
        """Return what to expect of a column over windows that mix the phases like ``weights``."""
        basis, place = self.bases[i], self.place(i)
        assert basis is not None
        if not self.cyclic[i]:
            counts = self.total.bins[place]
            rows = float(counts.sum())
            return Expected(counts / max(rows, 1.0), np.zeros(basis.order), None, rows)
        counts = self.phase_bins[:, place]
        rows_of = np.maximum(counts.sum(axis=1), 1.0)
        covariance = sum(w * basis.covariance(c) for w, c in zip(weights, counts, strict=True) if w)
        return Expected(
            weights @ (counts / rows_of[:, None]),
            weights @ basis.means(counts),
            np.asarray(covariance),
            1.0 / float((weights**2 / rows_of).sum()),
        )

    def moments(self, bins: NDArray[Any], rows: float | Floats) -> tuple[Floats, Floats]:
        """Return mean and mean square of the normal scores of the paired columns, shape (..., paired)."""
        assert self.counting.scores is not None
        chosen = self.counting.paired
        if not chosen:
            return np.zeros((*bins.shape[:-1], 0)), np.zeros((*bins.shape[:-1], 0))
        starts, end = self.offsets[:-1], int(self.offsets[-1])
        first, second = (
            np.add.reduceat(bins * of[:end], starts, axis=-1)[..., chosen]
            for of in (self.counting.scores, self.squares)
        )
        return first / rows, second / rows

    @cached_property
    def phase_products(self) -> tuple[Floats, Floats, Floats]:
        """Mean products of two scores, and means and mean squares of each, by phase."""
        rows = np.asarray(self.phase_rows[:, None], dtype=np.float64)
        return self.phase_pairs / rows, *self.moments(self.phase_bins, rows)

    @cached_property
    def phase_cubes(self) -> Floats:
        """Mean products of three scores, by phase."""
        return np.asarray(self.phase_triples / self.phase_rows[:, None])

    @cached_property
    def held(self) -> Floats:
        """Which share of a level's rows the rest of the reference would have known it by, shape (bins,)."""
        return np.asarray(self.profile.met / np.maximum(self.total.bins, 1))

    @cached_property
    def ticking(self) -> NDArray[np.bool_]:
        """Which columns are clocks."""
        return np.isin([c.name for c in self.profile.columns], list(self.clocks))

    def _clocks(self) -> frozenset[str]:
        """Find columns whose block means explain most of the variance and follow one another (Kendall, 1938)."""
        if self.blocks < _CLOCK_BLOCKS:
            return frozenset()
        found = set()
        order = np.sign(np.subtract.outer(np.arange(self.blocks), np.arange(self.blocks)))
        pairs = self.blocks * (self.blocks - 1)
        for i, column in enumerate(self.profile.columns):
            basis = self.bases[i]
            if basis is None or not column.numeric:
                continue
            ranks = basis.means(self.profile.bins[:, self.place(i)])[:, 0]
            tau = float((np.sign(np.subtract.outer(ranks, ranks)) * order).sum()) / pairs
            if float(np.var(ranks)) > _CLOCK_SHARE and abs(tau) > _CLOCK_ORDER:
                found.add(column.name)
        return frozenset(found)

    def _cycle(self) -> tuple[int, NDArray[np.bool_]]:
        """Find the period that explains the block means best, by analysis of variance (Fisher, 1925).

        A column has a cycle when its F test for some period is significant after Bonferroni; of these periods the one
        with the least generalised cross-validation error (Craven and Wahba, 1979) over these columns is taken.
        """
        tested = [i for i, basis in enumerate(self.bases)
                  if basis is not None and self.profile.columns[i].name not in self.clocks]  # fmt: skip
        periods = range(2, self.blocks // CYCLES + 1)
        none = np.zeros(len(self.bases), dtype=bool)
        if not tested or not periods:
            return 1, none
        means = [self.bases[i].means(self.profile.bins[:, self.place(i)]) for i in tested]  # type: ignore[union-attr]
        widths = np.array([m.shape[1] for m in means])
        values = np.concatenate(means, axis=1)
        starts = np.concatenate(([0], np.cumsum(widths)[:-1]))
        whole = np.add.reduceat(((values - values.mean(axis=0)) ** 2).sum(axis=0), starts)
        left = {t: np.add.reduceat(self._left(values, t), starts) for t in periods}
        level = _LEVEL / (len(tested) * len(periods))
        sure = {t: np.array([_f_tail(whole[c], left[t][c], self.blocks, t, int(widths[c])) <= level
                             for c in range(len(tested))]) for t in periods}  # fmt: skip
        any_period = np.array(list(sure.values())).any(axis=0)
        if not any_period.any():
            return 1, none
        error = {t: float((left[t] / np.maximum(whole, 1e-300))[any_period].sum()) / (1.0 - t / self.blocks) ** 2
                 for t in periods if sure[t].any()}  # fmt: skip
        best = min(error, key=lambda t: (error[t], t))
        cyclic = none.copy()
        cyclic[np.array(tested)[sure[best]]] = True
        return best, cyclic

    def _left(self, values: Floats, period: int) -> Floats:
        """Return the sum of squares about the means of the phases."""
        phases = np.arange(len(values)) % period
        means = _grouped(values, phases, period) / np.bincount(phases, minlength=period)[:, None]
        return np.asarray(((values - means[phases]) ** 2).sum(axis=0))

    def steadiness(self, rows: float) -> float:
        """Return how many degrees of freedom the design effect of so many rows is known by, infinite without bursts.

        That of one window varies with the bursts it happens to hold: 2 over the squared coefficient of variation
        (Satterthwaite, 1946), which falls as the rows grow.
        """
        return 2.0 * rows / (self.unsteady * self.profile.length) if self.unsteady else math.inf

    def _design(self, phases: Ints) -> tuple[float, Floats, float]:
        """Return the typical design effect, every column's own where it is surely larger (Kish, 1965), and how much
        it changes from block to block."""
        freedom, orders = np.zeros(len(self.bases)), np.zeros(len(self.bases))
        spread = np.zeros((len(self.bases), self.blocks))
        for i, basis in enumerate(self.bases):
            if basis is None or self.profile.columns[i].name in self.clocks:
                continue
            lost = self.period if self.cyclic[i] else 1
            freedom[i], orders[i] = max(self.blocks - lost, 1) * basis.order, basis.order
            spread[i] = self._spread(i, basis, phases)
        used = freedom > 0.0
        if not used.any():
            return 1.0, np.ones(len(self.bases)), 0.0
        wide = np.divide(spread.sum(axis=1), freedom, out=np.ones(len(self.bases)), where=used)
        fine = np.where(self.cyclic, 1.0, self.profile.fine)
        typical = 1.0
        for found, free in ((wide, freedom), (fine, freedom * 8.0)):
            middle = float(np.median(found[used]))
            if middle > 1.0 + 2.0 * float(np.sqrt(2.0 / np.median(free[used]))):
                typical = max(typical, middle)
        own = np.maximum(wide, fine)
        surely = used & (own > typical * (1.0 + 4.0 * np.sqrt(2.0 / np.maximum(freedom, 1.0))))
        unsteady = _unsteady(spread[used].sum(axis=0), float(orders.sum())) if typical > 1.0 else 0.0
        return typical, np.where(surely, own, typical), unsteady

    def _spread(self, i: int, basis: Basis, phases: Ints) -> Floats:
        """Return each block's squared distance from what is expected of it, times its rows, shape (blocks,)."""
        bins = self.profile.bins[:, self.place(i)]
        rows = bins.sum(axis=1)
        if not self.cyclic[i]:
            off = basis.means(bins) - basis.means(bins.sum(axis=0))
            return np.asarray(rows * (off**2).sum(axis=1), dtype=np.float64)
        within = self.phase_bins[:, self.place(i)]
        off = basis.means(bins) - basis.means(within)[phases]
        covariance = np.mean([basis.covariance(c) for c in within], axis=0) + 1e-3 * np.eye(basis.order)
        return np.asarray(rows * np.einsum("bj,jk,bk->b", off, np.linalg.inv(covariance), off), dtype=np.float64)


def _unsteady(spreads: Floats, freedom: float) -> float:
    """Return the squared coefficient of variation of ``spreads`` beyond that of chi-squared sums with ``freedom``.

    One standard error of so few spreads is added: too little would be believed for ever.
    """
    mean, blocks = float(spreads.mean()), len(spreads)
    if mean <= 0.0 or blocks < _CLOCK_BLOCKS:
        return 0.0
    found = float(spreads.var(ddof=1)) / mean**2
    return max(0.0, found * (1.0 + math.sqrt(2.0 / (blocks - 1))) - 2.0 / freedom)


def _grouped(values: NDArray[Any], phases: Ints, period: int) -> Floats:
    """Return the sums over blocks of one phase, shape (period, ...)."""
    found = np.zeros((period, *values.shape[1:]))
    np.add.at(found, phases, values)
    return found


def _f_tail(whole: float, left: float, blocks: int, period: int, width: int) -> float:
    """Return the p-value of the F test that the phases have one mean."""
    one, two = width * (period - 1), width * (blocks - period)
    between = max(whole - left, 0.0)
    if left <= 1e-12 * whole:
        return 0.0 if between > 0.0 else 1.0
    ratio = (between / one) / (left / two)
    return beta_share(two / 2.0, one / 2.0, two / (two + one * ratio))
