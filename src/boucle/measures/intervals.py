"""Intervals: how far a number measured on these rows may be from the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from boucle.measures.metrics import Answers, Floats, Kernel, kernel, metric_of, score

LEVEL = 0.95
RESAMPLES = 500
ROWS = 5000
"""Rows resampled at most; with more, a sample of them is, and its interval narrowed by the root of the ratio."""
_CELLS = 1 << 19
_GROUPS = 200
SALT = 20_211
"""Set beside every seed, so that data drawn from the same seed has nothing in common with our draws."""
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval and the rows behind it; NaN where it cannot be told."""

    value: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2.0

    def scaled(self, factor: float) -> Estimate:
        """Multiply by ``factor``; the ends change places when it is negative."""
        ends = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, ends[0], ends[1], self.n)


def wilson(successes: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the score interval of a share (Wilson, 1927); (0, 1) without rows."""
    if n <= 0:
        return 0.0, 1.0
    z2 = _NORMAL.inv_cdf((1.0 + level) / 2.0) ** 2
    share = successes / n
    middle = share + z2 / (2.0 * n)
    reach = math.sqrt(z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n)))
    below, above = (middle - reach) / (1.0 + z2 / n), (middle + reach) / (1.0 + z2 / n)
    return (0.0 if successes <= 0 else max(0.0, below)), (1.0 if successes >= n else min(1.0, above))


def share(successes: float, n: int, level: float = LEVEL) -> Estimate:
    """Return a share with its Wilson interval; NaN without rows."""
    low, high = wilson(successes, n, level)
    return Estimate(successes / n if n else math.nan, low, high, n)


def normal(values: Floats, level: float = LEVEL) -> Estimate:
    """Return the mean with Student's interval (Student, 1908); the ends are NaN with fewer than two values."""
    n = len(values)
    if n < 2:
        return Estimate(float(values[0]) if n else math.nan, math.nan, math.nan, n)
    mean = float(np.mean(values))
    reach = student(n - 1, level) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - reach, mean + reach, n)


def student(freedom: int, level: float = LEVEL) -> float:
    """Return t with P(|T| <= t) = level (Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4, by bisection)."""
    if freedom > 200:  # the expansion 26.7.5
        z = _NORMAL.inv_cdf((1.0 + level) / 2.0)
        return z + (z**3 + z) / (4.0 * freedom) + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
    below, above = 0.0, math.pi / 2.0
    for _ in range(60):
        angle = (below + above) / 2.0
        below, above = (angle, above) if _inside(angle, freedom) < level else (below, angle)
    return math.tan((below + above) / 2.0) * math.sqrt(freedom)


def _inside(angle: float, freedom: int) -> float:
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(odd + 1, freedom, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    return 2.0 / math.pi * (angle + sine * total) if odd else sine * total


def bootstrap(
    metrics: Sequence[str], given: Answers, *, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = 0
) -> dict[str, Estimate]:
    """Return every metric with its interval, all from the same resamples.

    Shares of rows (accuracy; precision and recall of two classes) have Wilson's interval, the others the bias-corrected
    and accelerated bootstrap (Efron, 1987). Where every resample gives the best value there is no spread to see: the
    interval is then that of a share without a single miss.
    """
    told = {m: _share_of(m, given, level) for m in metrics}
    rest = [m for m in metrics if told[m] is None]
    found = _resampled(lambda part: [kernel(m, part) for m in rest], (given,), resamples, level, seed) if rest else []
    spread = {m: _spread(m, estimate, level) for m, estimate in zip(rest, found, strict=True)}
    return {m: told[m] or spread[m] for m in metrics}


def paired(
    metrics: Sequence[str],
    first: Answers,
    second: Answers,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return second minus first for every metric, with an interval, both scored on the same resampled rows.

    Raises ValueError when the two have not the same rows.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} rows cannot be compared with {len(second)}")

    def differences(one: Answers, two: Answers) -> list[Kernel]:
        return [_difference(kernel(m, one), kernel(m, two)) for m in metrics]

    found = _resampled(differences, (first, second), resamples, level, seed)
    return dict(zip(metrics, found, strict=True))


def _difference(one: Kernel, two: Kernel) -> Kernel:
    return lambda weights: two(weights) - one(weights)


def _share_of(metric: str, given: Answers, level: float) -> Estimate | None:
    """Return the Wilson interval of a metric that is a plain share of rows; None for the others."""
    hit = given.truth == given.prediction
    if metric == "accuracy" and given.declared:
        return share(float(hit.sum()), len(given), level)
    if metric in ("precision", "recall") and given.binary:
        among = (given.prediction if metric == "precision" else given.truth) == given.positive
        return share(float((hit & among).sum()), int(among.sum()), level)
    return None


def _spread(metric: str, estimate: Estimate, level: float) -> Estimate:
    kind = metric_of(metric)
    if estimate.low < estimate.high or kind.low != 0.0 or kind.high != 1.0 or estimate.value != kind.high:
        return estimate
    return Estimate(estimate.value, wilson(estimate.n, estimate.n, level)[0], kind.high, estimate.n)


def _resampled(
    build: Callable[..., list[Kernel]], given: tuple[Answers, ...], resamples: int, level: float, seed: int
) -> list[Estimate]:
    """Resample rows for every kernel that ``build`` makes of ``given``; the ends are NaN with fewer than two rows."""
    n = len(given[0])
    ones = np.ones((1, n))
    values = [float(k(ones)[0]) for k in build(*given)]
    if n < 2:
        return [Estimate(v, math.nan, math.nan, n) for v in values]
    random = np.random.default_rng([seed, SALT])
    rows = n if n <= ROWS else ROWS
    if rows < n:
        picked = np.sort(random.choice(n, rows, replace=False))
        given = tuple(g.take(picked) for g in given)
    kernels = build(*given)
    draws = _apply(kernels, _draws(random, rows, resamples))
    without = _apply(kernels, _leave_out(random, rows))
    centres = values if rows == n else [float(k(np.ones((1, rows)))[0]) for k in kernels]
    narrow = math.sqrt(rows / n)
    found = []
    for value, centre, drawn, left in zip(values, centres, draws, without, strict=True):
        low, high = _bca(centre, drawn, left, level)
        found.append(Estimate(value, value + (low - centre) * narrow, value + (high - centre) * narrow, n))
    return found


def _apply(kernels: list[Kernel], weightings: Iterator[Floats]) -> list[Floats]:
    parts: list[list[Floats]] = [[] for _ in kernels]
    for weights in weightings:
        for part, run in zip(parts, kernels, strict=True):
            part.append(run(weights))
    return [np.concatenate(part) for part in parts]


def _draws(random: np.random.Generator, rows: int, resamples: int) -> Iterator[Floats]:
    """Yield multinomial row counts, a bounded number of resamples at a time."""
    step = max(1, _CELLS // rows)
    for start in range(0, resamples, step):
        many = min(step, resamples - start)
        places = random.integers(0, rows, (many, rows)) + rows * np.arange(many)[:, None]
        yield np.bincount(places.ravel(), minlength=many * rows).reshape(many, rows).astype(np.float64)


def _leave_out(random: np.random.Generator, rows: int) -> Iterator[Floats]:
    """Yield the weightings of the jackknife that leaves out one group of rows at a time."""
    groups = min(rows, _GROUPS)
    member = random.permutation(rows) % groups
    step = max(1, _CELLS // rows)
    for start in range(0, groups, step):
        chosen = np.arange(start, min(start + step, groups))
        yield (member[None, :] != chosen[:, None]).astype(np.float64)


def _bca(centre: float, draws: Floats, without: Floats, level: float) -> tuple[float, float]:
    draws, without = draws[np.isfinite(draws)], without[np.isfinite(without)]
    if not len(draws) or not math.isfinite(centre):
        return math.nan, math.nan
    below = (np.sum(draws < centre) + np.sum(draws == centre) / 2.0) / len(draws)
    bias = _NORMAL.inv_cdf(float(np.clip(below, 0.5 / len(draws), 1.0 - 0.5 / len(draws))))
    lean = without.mean() - without if len(without) else np.zeros(1)
    squares = float(np.sum(lean**2))
    skew = float(np.sum(lean**3)) / (6.0 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for tail in ((1.0 - level) / 2.0, (1.0 + level) / 2.0):
        shifted = bias + _NORMAL.inv_cdf(tail)
        ends.append(_NORMAL.cdf(bias + shifted / max(1.0 - skew * shifted, 0.1)))
    low, high = np.quantile(draws, ends)
    return min(float(low), centre), max(float(high), centre)


def score_all(metrics: Sequence[str], given: Answers) -> dict[str, float]:
    """Return every metric's value without an interval."""
    return {m: score(m, given) for m in metrics}
