"""Business measures: what came of the answers of each version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from boucle.measures.expected import CUT
from boucle.measures.intervals import Estimate, student, wilson
from boucle.measures.special import normal_quantile
from boucle.ports.stores import Transaction
from boucle.project.watching import Business

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of one version: events, their summed value, and events per answered row with its interval.

    ``value`` is None where the measure counts events. The interval is Wilson's for shares, else that of a Poisson
    count; no row answered, no rate. ``each`` is the value per answered row with the interval ``each_low`` to
    ``each_high``, the values of a request cut at ``cut`` so that one large sale decides nothing.
    """

    name: str
    event: str
    version: int
    rows: int
    count: int
    value: float | None
    rate: float | None
    low: float | None
    high: float | None
    each: float | None = None
    each_low: float | None = None
    each_high: float | None = None
    cut: float | None = None


def measure_business(
    tx: Transaction, model: str, declared: Mapping[str, Business], since: float = 0.0
) -> list[Measure]:
    """Return every declared measure for every version that answered since then."""
    totals = {
        (event, version): (n, value) for version, event, n, value in tx.observations.events_by_version(model, since)
    }
    versions = sorted({version for _, version in totals})
    rows = {version: tx.observations.count(model, version, since) for version in versions}
    found = []
    for name, one in declared.items():
        measures = [_measure(name, one, v, rows[v], *totals.get((one.event, v), (0, 0.0))) for v in versions]
        found += (
            measures if one.value is None else _valued(measures, tx.observations.event_values(model, one.event, since))
        )
    return found


def revenue(values: Sequence[float], rows: int, cut: float) -> Estimate:
    """Estimate the value per row of ``rows`` rows, of which these have one above or below nought, the others none.

    Values above ``cut``, or below its negative, count as that (winsorised: Tukey, 1962). Student's interval.
    """
    if rows < 1:
        return Estimate(math.nan, math.nan, math.nan, 0)
    held = np.clip(np.asarray(values, dtype=np.float64), -cut, cut)
    return mean_of(float(held.sum()), float(held @ held), rows)


def mean_of(total: float, squares: float, rows: int) -> Estimate:
    """Return the mean of ``rows`` values by their sum and their sum of squares, with Student's 95 % interval.

    The interval is NaN for a single row; ``rows`` is 1 or more.
    """
    mean = total / rows
    if rows < 2:
        return Estimate(mean, math.nan, math.nan, rows)
    spread = max(0.0, squares - rows * mean * mean) / (rows - 1)
    off = student(rows - 1, _LEVEL) * math.sqrt(spread / rows)
    return Estimate(mean, mean - off, mean + off, rows)


def cut_of(values: Sequence[float]) -> float:
    """Return where values are cut: the 99.5 % quantile of their sizes; 0 without any."""
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    return float(np.quantile(sizes, CUT)) if len(sizes) else 0.0


def _valued(measures: list[Measure], values: Sequence[tuple[int, float]]) -> list[Measure]:
    """Add the value per row; all versions are cut at the same place, that of all their values."""
    usable = [(version, value) for version, value in values if math.isfinite(value)]
    cut = cut_of([value for _, value in usable])
    found = []
    for one in measures:
        each = revenue([value for version, value in usable if version == one.version], one.rows, cut)
        mean, low, high = (v if v == v else None for v in (each.value, each.low, each.high))
        found.append(replace(one, each=mean, each_low=low, each_high=high, cut=cut))
    return found


def _measure(name: str, declared: Business, version: int, rows: int, count: int, value: float) -> Measure:
    total = value if declared.value is not None else None
    if not rows:
        return Measure(name, declared.event, version, rows, count, total, None, None, None)
    low, high = wilson(count, rows) if count <= rows else _poisson(count, rows)
    return Measure(name, declared.event, version, rows, count, total, count / rows, low, high)


def _poisson(count: int, rows: int) -> tuple[float, float]:
    """Return the interval of a Poisson rate on the square-root scale (Anscombe, 1948)."""
    z = normal_quantile((1.0 + _LEVEL) / 2.0)
    middle = math.sqrt(count + 0.375)
    low, high = (max(0.0, (middle + sign * z / 2.0) ** 2 - 0.375) / rows for sign in (-1.0, 1.0))
    return low, high
