"""One column in the reference and now, over shared bins: counts, and where the bins lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import RATES, Column, Counts
from boucle.measures.keys import value_of
from boucle.measures.law import Law

PARTS, LEVELS = 16, 10
OTHERS = "…"


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin with its rows in the reference and now. Numbers: from ``low`` to ``high``; else the level ``name``."""

    name: str
    low: float | None
    high: float | None
    reference: int
    current: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """``kind`` is numeric, datetime, categorical or bool. ``reference`` and ``current`` are all rows with a value.

    ``rates`` are the shares of rows that are missing, unseen and outside the range, before and now.
    """

    column: str
    kind: str
    reference: int
    current: int
    bins: tuple[Bin, ...]
    rates: dict[str, tuple[float, float]]


def histogram(law: Law, counts: Counts, name: str) -> Histogram:
    """Return the column's counts in the reference of ``law`` and in ``counts``; raises KeyError."""
    columns = law.profile.columns
    i = next((i for i, one in enumerate(columns) if one.name == name), None)
    if i is None:
        raise KeyError(name)
    column, place = columns[i], law.place(i)
    before, now = law.total.bins[place], counts.bins[place]
    bins = _parts(column, before, now) if column.numeric else _levels(column, before, now)
    rates = {
        rate: (_share(law.total, i, rate), _share(counts, i, rate))
        for rate in ("missing", "unseen", "outside")
        if rate == "missing" or law.has_rate[i, RATES.index(rate)]
    }
    unseen = RATES.index("unseen")
    if not column.numeric:
        more = int(law.total.rates[i, unseen]), int(counts.rates[i, unseen])
        if any(more):
            bins = (*bins, Bin("", None, None, *more))
    total = (sum(b.reference for b in bins), sum(b.current for b in bins))
    return Histogram(name, column.kind, *total, bins, rates)


def _parts(column: Column, before: NDArray[Any], now: NDArray[Any]) -> tuple[Bin, ...]:
    """Join bins to parts of about equal counts; the first and the last are what lies beyond the reference."""
    edges = [value_of(cut, column.centre, column.scale) for cut in column.cuts]
    low = column.low if column.low is not None else edges[0]
    high = column.high if column.high is not None else edges[-1]
    inner = before[1:-1]
    middle = np.cumsum(inner) - inner / 2.0
    part = np.floor(middle / max(float(inner.sum()), 1.0) * PARTS).astype(np.int64)
    starts = np.flatnonzero(np.concatenate(([True], part[1:] != part[:-1]))) if len(part) else np.zeros(0, np.int64)
    found = [Bin("", None, low, int(before[0]), int(now[0]))]
    for place, start in enumerate(starts.tolist()):
        end = int(starts[place + 1]) if place + 1 < len(starts) else len(inner)
        first = low if start == 0 else edges[start]
        last = high if end == len(inner) else edges[end]
        found.append(Bin("", first, last, int(inner[start:end].sum()), int(now[1 + start : 1 + end].sum())))
    found.append(Bin("", high, None, int(before[-1]), int(now[-1])))
    return tuple(b for b in found if (b.low is not None and b.high is not None) or b.reference or b.current)


def _levels(column: Column, before: NDArray[Any], now: NDArray[Any]) -> tuple[Bin, ...]:
    """Return the levels that are the commonest in either, and the others together."""
    share = np.maximum(before / max(int(before.sum()), 1), now / max(int(now.sum()), 1))
    order = np.argsort(-share, kind="stable")
    shown, rest = np.sort(order[:LEVELS]).tolist(), order[LEVELS:]
    found = [Bin(column.levels[j], None, None, int(before[j]), int(now[j])) for j in shown]
    if len(rest):
        found.append(Bin(OTHERS, None, None, int(before[rest].sum()), int(now[rest].sum())))
    return tuple(found)


def _share(counts: Counts, i: int, rate: str) -> float:
    return float(counts.rates[i, RATES.index(rate)] / counts.rows) if counts.rows else 0.0
