"""Business measures: what came of the answers of each version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from boucle.measures.intervals import wilson
from boucle.measures.special import normal_quantile
from boucle.ports.stores import Transaction
from boucle.project.settings import Business

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of one version: events, their summed value, and events per answered row with its interval.

    ``value`` is None where the measure counts events. The interval is Wilson's for shares, else that of a Poisson
    count; no row answered, no rate.
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


def measure_business(
    tx: Transaction, model: str, declared: Mapping[str, Business], since: float = 0.0
) -> list[Measure]:
    """Return every declared measure for every version that answered since then."""
    totals = {
        (event, version): (n, value) for version, event, n, value in tx.observations.events_by_version(model, since)
    }
    versions = sorted({version for _, version in totals})
    rows = {version: tx.observations.count(model, version, since) for version in versions}
    return [
        _measure(name, one, version, rows[version], *totals.get((one.event, version), (0, 0.0)))
        for name, one in declared.items()
        for version in versions
    ]


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
