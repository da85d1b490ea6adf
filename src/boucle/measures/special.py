"""Tails of the distributions that the tests need: scalars, in plain floating point, good to about ten digits.

Series and continued fractions as in Abramowitz and Stegun (1964), chapters 6 and 26, evaluated with Lentz's method
(Thompson and Barnett, 1986).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_NORMAL = NormalDist()
_SMALL = 1e-300
_ENOUGH = 1e-15
_TERMS = 100_000


def normal_tail(z: float) -> float:
    """Return P(Z >= z) of a standard normal, exact far out as well."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """Return z with P(Z <= z) = p, for 0 < p < 1."""
    return _NORMAL.inv_cdf(p)


def gamma_tail(a: float, x: float) -> float:
    """Return the regularised upper incomplete gamma function Q(a, x), for a > 0 and x >= 0 (A&S 6.5.29, 6.5.31)."""
    if x <= 0.0:
        return 1.0
    if math.isinf(x):
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1.0:
        term = total = 1.0 / a
        for k in range(1, _TERMS):
            term *= x / (a + k)
            total += term
            if term < total * _ENOUGH:
                break
        return max(0.0, 1.0 - front * total)
    return min(1.0, front / _continued(x + 1.0 - a, lambda k: (-k * (k - a), x + 2.0 * k + 1.0 - a)))


def chi2_tail(x: float, df: float, noncentrality: float = 0.0) -> float:
    """Return P(X >= x) of a chi-squared law, also a non-central one: a Poisson mixture (A&S 26.4.25).

    From a non-centrality of 10,000 on it is the normal law with the same mean and variance.
    """
    if x <= 0.0:
        return 1.0
    if noncentrality < 1e-12:
        return gamma_tail(df / 2.0, x / 2.0)
    if noncentrality >= 1e4:
        return normal_tail((x - df - noncentrality) / math.sqrt(2.0 * (df + 2.0 * noncentrality)))
    mean = noncentrality / 2.0
    reach = 8.0 * math.sqrt(mean) + 12.0
    first, last = max(0, math.floor(mean - reach)), math.ceil(mean + reach)
    total = sum(_poisson(k, mean) * gamma_tail(df / 2.0 + k, x / 2.0) for k in range(first, last + 1))
    return min(1.0, total)


def binomial_tail(x: float, n: float, p: float) -> float:
    """Return P(X >= x) of a binomial law; x and n may be fractions, as of counts divided by a design effect."""
    if x <= 0.0 or p >= 1.0:
        return 1.0
    if x > n or p <= 0.0:
        return 0.0
    return beta_share(x, n - x + 1.0, p)


def beta_share(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (A&S 26.5.8)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_share(b, a, 1.0 - x)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)

    def step(k: int) -> tuple[float, float]:
        m = k // 2
        if k % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return min(1.0, math.exp(log) / (a * _continued(1.0, step)))


def _poisson(k: int, mean: float) -> float:
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1.0))


def _continued(first: float, step: Callable[[int], tuple[float, float]]) -> float:
    """Return first + a1 / (b1 + a2 / (b2 + ...)) with (a_k, b_k) = step(k)."""
    value = upper = first or _SMALL
    lower = 0.0
    for k in range(1, _TERMS):
        above, below = step(k)
        lower = 1.0 / (below + above * lower or _SMALL)
        upper = below + above / upper or _SMALL
        change = upper * lower
        value *= change
        if abs(change - 1.0) < _ENOUGH:
            break
    return value
