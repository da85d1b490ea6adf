"""What each version was worth over time: a business measure in equal stretches, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from boucle.measures.intervals import wilson
from boucle.monitoring.business import mean_of
from boucle.ports.stores import Transaction
from boucle.project.watching import Business

LEVEL = 0.95
_STEPS = (3600.0, 2 * 3600.0, 6 * 3600.0, 12 * 3600.0, 86400.0, 2 * 86400.0, 7 * 86400.0, 14 * 86400.0, 28 * 86400.0)
MOST = 16
"""Stretches at most, but for times beyond a year."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One version's measure over the ``requests`` it answered in [``start``, ``end``), Unix seconds.

    ``value`` is the value a request, or the share of requests with an event, with the interval from ``low`` to
    ``high``.
    """

    version: int
    start: float
    end: float
    value: float
    low: float | None
    high: float | None
    requests: int


def stretches(since: float, until: float) -> list[tuple[float, float]]:
    """Part a time into stretches of one round length that begin at round times, so that past ones stay the same."""
    step = next((one for one in _STEPS if (until - since) / one <= MOST - 1), _STEPS[-1])
    first = math.floor(since / step) * step
    return [(first + i * step, first + (i + 1) * step) for i in range(math.ceil((until - first) / step))]


def measured(
    tx: Transaction, model: str, declared: Business, versions: Sequence[int], stretch: tuple[float, float], cut: float
) -> tuple[Stretch, ...]:
    """Measure one stretch for every version that answered in it; what one request brings counts up to ``cut``."""
    start, end = stretch
    if declared.value is None:
        told = tx.observations.converted(model, versions, declared.event, start, end)
        return tuple(_share(version, stretch, hits, n) for version, (n, hits) in sorted(told.items()) if n)
    earned = tx.observations.earned(model, versions, declared.event, start, end, cut)
    found = sorted(earned.items())
    return tuple(_mean(version, stretch, n, total, squares) for version, (n, total, squares) in found if n)


def _share(version: int, stretch: tuple[float, float], hits: int, n: int) -> Stretch:
    low, high = wilson(hits, n, LEVEL)
    return Stretch(version, *stretch, hits / n, low, high, n)


def _mean(version: int, stretch: tuple[float, float], n: int, total: float, squares: float) -> Stretch:
    found = mean_of(total, squares, n)
    low, high = (None, None) if n < 2 else (found.low, found.high)
    return Stretch(version, *stretch, found.value, low, high, n)
