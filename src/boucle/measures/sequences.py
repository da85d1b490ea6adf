"""Judgements that hold however often one looks: confidence sequences and e-processes.

A test that is repeated with every new label finds a difference sooner or later where there is none. The bounds here
hold at all times together (Ville, 1939), so a canary may be judged after each row and stopped when it is clear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

LEVEL = 0.05
_RATIOS = (1.15, 1.3, 1.6, 2.0, 3.0, 5.0)
_DRAW = 100.0
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


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


def mean_sequence(values: Floats, planned: float, level: float = LEVEL) -> Band:
    """Bound the mean of ``values``, shape (rows,), in order of time: paired differences, say."""
    if len(values) < 2:
        return UNKNOWN
    spread = float(np.std(values, ddof=1))
    return _band(float(np.mean(values)), float(len(values)), spread, planned, level)


def blocks(second: Marks, least: int = 5) -> NDArray[np.int64]:
    """Number the stretches of time in which both samples are compared, shape (rows,); -1 for the last, unfinished one.

    ``second`` says for each row, in order of time, which of the two samples it is in. A block ends as soon as both
    have ``least`` rows in it, which looks at no outcome.
    """
    ends = np.full(len(second), -1, dtype=np.int64)
    start = number = ones = 0
    for i, mark in enumerate(second.tolist()):
        ones += mark
        if ones >= least and i + 1 - start - ones >= least:
            ends[start : i + 1] = number
            start, number, ones = i + 1, number + 1, 0
    return ends


def difference_sequence(values: Floats, second: Marks, planned: float, level: float = LEVEL) -> Band:
    """Bound the mean of the second sample minus that of the first, both seen over the same time.

    Compared block by block, so that neither a changing base rate nor a changing share of the traffic is mistaken for
    a difference (Simpson's paradox); blocks weigh as in Mantel and Haenszel (1959). ``planned`` rows of the second
    sample are when the bound is to be narrowest.
    """
    block = blocks(second)
    kept = block >= 0
    many = int(block.max(initial=-1)) + 1
    if not many:
        return UNKNOWN
    first_arm = _arm(values, block, kept & ~second, many)
    second_arm = _arm(values, block, kept & second, many)
    first_arm, second_arm = _shrunk(first_arm, second_arm), _shrunk(second_arm, first_arm)
    weight = first_arm.rows * second_arm.rows / (first_arm.rows + second_arm.rows)
    total = float(weight.sum())
    noise = np.square(weight) * (first_arm.variance / first_arm.rows + second_arm.variance / second_arm.rows)
    estimate = float((weight * (second_arm.means - first_arm.means)).sum()) / total
    share = total / float(second_arm.rows.sum())
    return _band(estimate, total, math.sqrt(float(noise.sum()) / total), planned * share, level)


@dataclass(frozen=True, slots=True)
class _Arm:
    rows: Floats
    means: Floats
    variance: float


def _arm(values: Floats, block: NDArray[np.int64], among: Marks, many: int) -> _Arm:
    """Return rows and mean per block, and the variance within blocks."""
    rows = np.bincount(block[among], minlength=many).astype(np.float64)
    means = np.bincount(block[among], weights=values[among], minlength=many) / rows
    left = values[among] - means[block[among]]
    return _Arm(rows, means, float(left @ left) / max(1.0, float(rows.sum()) - many))


def _shrunk(arm: _Arm, other: _Arm) -> _Arm:
    """Draw the variance towards both arms' where that is larger: a few rows without a single error are not certain."""
    rows, others = float(arm.rows.sum()), float(other.rows.sum())
    pooled = (rows * arm.variance + others * other.variance) / (rows + others)
    drawn = (rows * arm.variance + _DRAW * pooled) / (rows + _DRAW)
    return replace(arm, variance=max(arm.variance, drawn))


def _band(estimate: float, rows: float, spread: float, planned: float, level: float) -> Band:
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


def rate_process(errors: Marks, second: Marks, ratios: Sequence[float] = _RATIOS) -> Floats:
    """Return the evidence that the second sample errs more often, after each block, shape (blocks,): e-values.

    An exact two-sample e-process (Turner, Ly and Grünwald, 2024; for canaries with counts: Lindon and Malek, 2022).
    In each block both rates are guessed from what came before (the first sample's rate so far, times each of
    ``ratios``) and compared with one common rate. If the second is no worse, the chance that a value ever reaches
    1/a is at most a, at any path of the rate and any share of the traffic.
    """
    block = blocks(second)
    many = int(block.max(initial=-1)) + 1
    kept = block >= 0

    def counts(among: Marks) -> Floats:
        return np.bincount(block[kept & among], minlength=many).astype(np.float64)

    rows_a, rows_b = counts(~second), counts(second)
    wrong_a, wrong_b = counts(~second & errors), counts(second & errors)
    before = np.cumsum(wrong_a) - wrong_a, np.cumsum(rows_a) - rows_a
    rate_a = ((before[0] + 0.5) / (before[1] + 1.0))[:, None]
    rate_b = np.minimum(rate_a * np.array(ratios)[None, :], (1.0 + rate_a) / 2.0)
    common = (rows_a[:, None] * rate_a + rows_b[:, None] * rate_b) / (rows_a + rows_b)[:, None]
    logs = _likelihood(wrong_a, rows_a, rate_a, common) + _likelihood(wrong_b, rows_b, rate_b, common)
    logs[:1] = 0.0  # nothing is known of the rate in the first block: it does not count
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(np.cumsum(logs, axis=0)).mean(axis=1), dtype=np.float64)


def _likelihood(wrong: Floats, rows: Floats, rate: Floats, common: Floats) -> Floats:
    right = (rows - wrong)[:, None]
    return np.asarray(wrong[:, None] * np.log(rate / common) + right * np.log((1.0 - rate) / (1.0 - common)))


def rise_evidence(errors: float, rows: float, rate: float) -> float:
    """Return the e-value of "more than ``rate`` of the rows are wrong", on all rows so far (0 < rate < 1).

    The mean of likelihood ratios of higher rates (Ville, 1939): it reaches 1/a with a chance of at most a, ever, if
    the rate is right.
    """
    return sum(math.exp(min(_ratio(errors, rows, rate, step), 700.0)) for step in _STEPS) / len(_STEPS)


def _ratio(errors: float, rows: float, rate: float, step: float) -> float:
    """Return the log likelihood ratio of rate + step (1 - rate) to rate."""
    risen = rate + step * (1.0 - rate)
    return errors * math.log(risen / rate) + (rows - errors) * math.log((1.0 - risen) / (1.0 - rate))


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
