"""Tallies: what the labels of one block of requests say, added up in any order and by any number of workers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import Expected
from boucle.measures.detectors import (
    THRESHOLD,
    Cusum,
    Floats,
    advance,
    count_growth,
    growth_of_each,
    log_mean,
    loss_growth,
    pooled,
)
from boucle.measures.levels import Parted

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tally:
    """Labelled rows, the sum of their losses, and their log evidence: of all rows, and of each slice by its name."""

    rows: int = 0
    total: float = 0.0
    growth: tuple[float, ...] = ()
    slices: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def added(self, other: Tally) -> Tally:
        """Add other rows of the same block."""
        names = {**self.slices, **other.slices}
        return Tally(
            self.rows + other.rows,
            self.total + other.total,
            _sum(self.growth, other.growth),
            {name: _sum(self.slices.get(name, ()), other.slices.get(name, ())) for name in names},
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """The e-CUSUM of all rows and those of the slices after some blocks."""

    whole: Cusum = field(default_factory=Cusum)
    slices: dict[str, Cusum] = field(default_factory=dict)

    @property
    def evidence(self) -> float:
        """The log evidence of all of them together."""
        return pooled(self.whole, list(self.slices.values()))

    @property
    def alarm(self) -> bool:
        return self.evidence >= math.log(THRESHOLD)

    @property
    def leading(self) -> str:
        """The slice that says most, empty where all rows say as much as the mean of the slices."""
        if not self.slices or self.whole.evidence >= log_mean([one.evidence for one in self.slices.values()]):
            return ""
        return max(self.slices, key=lambda name: self.slices[name].evidence)

    @property
    def since(self) -> float | None:
        """The estimated time of the change."""
        return self.slices[self.leading].since if self.leading else self.whole.since

    def after(self, time: float, tally: Tally) -> Watch:
        """Take a block that begins at ``time``."""
        if not tally.rows:
            return self
        nothing = (0.0,) * len(tally.growth)
        moved = {name: advance(one, tally.slices.get(name, nothing), time) for name, one in self.slices.items()}
        return Watch(advance(self.whole, tally.growth, time), moved)


def watch(names: Iterable[str]) -> Watch:
    """Begin to watch all rows and the slices ``names``."""
    return Watch(Cusum(), {name: Cusum() for name in names})


def tally(
    losses: Floats, expected: Expected, tolerance: float, times: Floats | None = None, parts: Sequence[Parted] = ()
) -> Tally:
    """Tally raw ``losses``, shape (rows,); NaN ones are left out.

    ``times`` are the requests', for the phase of the cycle; ``parts`` the rows' slices. A slice follows its own course
    through the cycle of all rows where it is known, else theirs.
    """
    kept = np.isfinite(losses)
    scaled = np.minimum(losses[kept] / expected.cut, 1.0)
    phase, limits = _limits(expected, tolerance, None if times is None else times[kept], len(scaled))
    found = {}
    for one in parts:
        codes = one.codes[kept]
        if expected.errors and len(limits) == 1:
            found.update(_growths(one, codes, scaled, limits[0], expected, tolerance))
            continue
        for i, (name, own) in enumerate(zip(one.names, one.expected, strict=True)):
            among = codes == i
            found[name] = _growth(scaled[among], phase[among], _own(own, expected, tolerance, limits), expected)
    return Tally(len(scaled), float(losses[kept].sum()), _growth(scaled, phase, limits, expected), found)


def _growths(
    one: Parted, codes: Places, wrong: Floats, limit: float, expected: Expected, tolerance: float
) -> dict[str, tuple[float, ...]]:
    """Return the evidence of one column's slices at once, where there is no cycle."""
    among = codes >= 0
    rows = np.bincount(codes[among], minlength=len(one.names))
    errors = np.bincount(codes[among], weights=wrong[among], minlength=len(one.names))
    more = limit - expected.tolerated(tolerance)
    limits = np.array([own.tolerated(tolerance) for own in one.expected]) + more
    found = growth_of_each(errors, rows, limits, expected.design).tolist()
    return {name: tuple(growth) for name, growth in zip(one.names, found, strict=True)}


def _limits(expected: Expected, tolerance: float, times: Floats | None, rows: int) -> tuple[Places, Floats]:
    """Return each row's phase and the tolerated mean in each."""
    if not expected.phases or times is None:
        return np.zeros(rows, dtype=np.int64), np.array([expected.tolerated(tolerance)])
    many = len(expected.phases)
    middles = expected.origin + (np.arange(many) + 0.5) * expected.span
    limits = [expected.tolerated(tolerance, middle) for middle in middles.tolist()]
    phase = np.floor((times - expected.origin) / expected.span).astype(np.int64) % many
    return phase, np.array(limits)


def _own(own: Expected, expected: Expected, tolerance: float, limits: Floats) -> Floats:
    """Return the tolerated mean of a slice in each phase."""
    if len(own.phases) != len(limits):
        return limits + own.tolerated(tolerance) - expected.tolerated(tolerance)
    middles = own.origin + (np.arange(len(limits)) + 0.5) * own.span
    return np.array([own.tolerated(tolerance, middle) for middle in middles.tolist()])


def _growth(scaled: Floats, phase: Places, limits: Floats, expected: Expected) -> tuple[float, ...]:
    if expected.errors:
        rows = np.bincount(phase, minlength=len(limits))
        wrong = np.bincount(phase, weights=scaled, minlength=len(limits))
        return _plain(count_growth(wrong, rows, limits, expected.design))
    return _plain(loss_growth(scaled, limits[phase], expected.design))


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())


def _sum(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True)) if one and other else one or other
