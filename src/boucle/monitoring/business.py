"""Business measures: what came of the answers of each version."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


_NONE, _NO_REQUESTS = np.empty(0), np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Brought:
    """What one event brought to one version: ``requests`` many requests brought each of ``amounts``, in ``events``."""

    events: int = 0
    amounts: NDArray[np.float64] = field(default_factory=_NONE.copy)
    requests: NDArray[np.int64] = field(default_factory=_NO_REQUESTS.copy)

    def __add__(self, other: Brought) -> Brought:
        amounts, requests = (self.amounts, other.amounts), (self.requests, other.requests)
        return Brought(self.events + other.events, np.concatenate(amounts), np.concatenate(requests))


@dataclass(frozen=True, slots=True)
class Takings:
    """The rows that each version answered in some time, and what each event brought it, by event and version.

    Takings of times that do not overlap add up.
    """

    rows: Mapping[int, int]
    brought: Mapping[tuple[str, int], Brought]

    def __add__(self, other: Takings) -> Takings:
        versions, keys = self.rows.keys() | other.rows.keys(), self.brought.keys() | other.brought.keys()
        return Takings(
            {one: self.rows.get(one, 0) + other.rows.get(one, 0) for one in versions},
            {one: self.brought.get(one, Brought()) + other.brought.get(one, Brought()) for one in keys},
        )


def take(
    tx: Transaction, model: str, declared: Mapping[str, Business], since: float = 0.0, until: float | None = None
) -> Takings:
    """Read what came of the requests made in [since, until), Unix seconds."""
    found: dict[tuple[str, int], Brought] = {}
    for event in sorted({one.event for one in declared.values()}):
        told = tx.observations.brought(model, event, since, until)
        for version in {one[0] for one in told}:
            own = [one for one in told if one[0] == version]
            finite = [one for one in own if math.isfinite(one[1])]
            amounts = np.array([amount for _, amount, _, _ in finite], dtype=np.float64)
            requests = np.array([many for _, _, many, _ in finite], dtype=np.int64)
            found[event, version] = Brought(sum(events for *_, events in own), amounts, requests)
    return Takings(tx.observations.answered(model, since, until) if found else {}, found)


def measure_business(tx: Transaction, model: str, declared: Mapping[str, Business]) -> list[Measure]:
    """Return every declared measure for every version that something came back for."""
    return measures(declared, take(tx, model, declared)) if declared else []


def measures(declared: Mapping[str, Business], taken: Takings) -> list[Measure]:
    """Return the declared measures of what was taken, by version."""
    versions = sorted({version for _, version in taken.brought})
    found = []
    for name, one in declared.items():
        told = [(version, taken.brought.get((one.event, version), Brought())) for version in versions]
        own = [_measure(name, one, version, taken.rows.get(version, 0), brought) for version, brought in told]
        found += own if one.value is None else _valued(own, [brought for _, brought in told])
    return found


def revenue(amounts: ArrayLike, rows: int, cut: float, requests: ArrayLike = 1) -> Estimate:
    """Estimate the value per row of ``rows`` rows: ``requests`` of them brought each amount, the others nothing.

    Amounts above ``cut``, or below its negative, count as that (winsorised: Tukey, 1962). Student's interval.
    """
    if rows < 1:
        return Estimate(math.nan, math.nan, math.nan, 0)
    held = np.clip(np.asarray(amounts, dtype=np.float64), -cut, cut)
    many = np.asarray(requests)
    return mean_of(float(np.sum(many * held)), float(np.sum(many * held * held)), rows)


def cut_of(amounts: ArrayLike, requests: ArrayLike = 1) -> float:
    """Return where amounts are cut: the 99.5 % quantile of their sizes, each there so many times; 0 without any."""
    sizes = np.abs(np.asarray(amounts, dtype=np.float64))
    if not len(sizes):
        return 0.0
    order = np.argsort(sizes)
    ranked, ends = sizes[order], np.cumsum(np.broadcast_to(np.asarray(requests), sizes.shape)[order])
    place = CUT * float(ends[-1] - 1)  # as NumPy's quantile: between the two that are nearest
    low, high = (float(ranked[np.searchsorted(ends, at, side="right")]) for at in (math.floor(place), math.ceil(place)))
    return low + (high - low) * (place - math.floor(place))


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


def _valued(measures: list[Measure], brought: list[Brought]) -> list[Measure]:
    """Add the value per row; all versions are cut at the same place, that of all their amounts."""
    everything = sum(brought, Brought())
    cut = cut_of(everything.amounts, everything.requests)
    found = []
    for one, own in zip(measures, brought, strict=True):
        each = revenue(own.amounts, one.rows, cut, own.requests)
        mean, low, high = (v if v == v else None for v in (each.value, each.low, each.high))
        found.append(replace(one, each=mean, each_low=low, each_high=high, cut=cut))
    return found


def _measure(name: str, declared: Business, version: int, rows: int, brought: Brought) -> Measure:
    count = brought.events
    total = float(np.sum(brought.amounts * brought.requests)) if declared.value is not None else None
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
