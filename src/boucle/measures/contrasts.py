"""Two samples compared stratum by stratum, as sums that add up: what a canary is judged by.

A stratum is a stretch of time in which both samples were seen: an interval of a dashboard, or some labels in order of
arrival. Only differences inside a stratum count, so neither a changing base rate nor a changing share of the traffic
is mistaken for a difference (Simpson's paradox).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from boucle.measures.sequences import LEVEL, UNKNOWN, Band, Floats, Marks, band_of

RATIOS = (1.15, 1.3, 1.6, 2.0, 3.0, 5.0)
"""How much more often the second sample may err, in the alternatives that are averaged."""
FALLS = tuple(1.0 / ratio for ratio in RATIOS)
LEAST = 5
"""Rows of each sample in a stratum; one with fewer waits for the next."""
_FIRST_RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
_ODDS = (0.55, 0.65, 0.75, 0.85, 0.95)
_DRAW = 100.0
_MOST = 700.0


@dataclass(frozen=True, slots=True)
class Arm:
    """Rows of one sample with the sum of their losses and of the squares; for 0/1 losses both are the errors."""

    rows: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, losses: Floats) -> Arm:
        return cls(float(len(losses)), float(losses.sum()), float(losses @ losses))

    @classmethod
    def counted(cls, errors: float, rows: float) -> Arm:
        return cls(rows, errors, errors)

    def __add__(self, other: Arm) -> Arm:
        return Arm(self.rows + other.rows, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        return self.total / self.rows if self.rows else math.nan

    @property
    def variance(self) -> float:
        """Return the unbiased variance of one row."""
        return max(0.0, self.squares - self.total**2 / self.rows) / max(self.rows - 1.0, 1.0)

    @property
    def binary(self) -> bool:
        """Whether these may be 0/1 losses: as far as the sums can say, exactly then."""
        return self.total == self.squares


@dataclass(slots=True)
class Contrast:
    """The difference of means, second minus first, with the evidence that the second is worse.

    ``past`` are rows of the first sample from before, which only choose what is tested. ``ratios`` are the alternatives
    of the e-process: the second's rate over the first's. State, saved as it stands; two of them add up to one.
    """

    ratios: tuple[float, ...] = RATIOS
    past: Arm = field(default_factory=Arm)
    first: Arm = field(default_factory=Arm)
    second: Arm = field(default_factory=Arm)
    waiting_first: Arm = field(default_factory=Arm)
    waiting_second: Arm = field(default_factory=Arm)
    strata: int = 0
    weight: float = 0.0
    weighted: float = 0.0
    noise: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (0.0, 0.0)
    logs: tuple[float, ...] = ()
    best: float = 1.0
    binary: bool = True

    def add(self, first: Arm, second: Arm) -> None:
        """Count one more stratum; while it has too few rows of either, it goes on with the next."""
        self.waiting_first += first
        self.waiting_second += second
        if min(self.waiting_first.rows, self.waiting_second.rows) < LEAST:
            return
        first, second = self.waiting_first, self.waiting_second
        self.waiting_first = self.waiting_second = Arm()
        self.binary = self.binary and first.binary and second.binary
        self._test(first, second)
        self._sum(first, second)

    def add_rows(self, losses: Floats, second: Marks) -> None:
        """Count rows in order of time, shape (rows,), in strata as short as can be; ``second`` marks the sample."""
        start = ones = 0
        lacking = LEAST - int(self.waiting_first.rows), LEAST - int(self.waiting_second.rows)
        for i, mark in enumerate(second.tolist()):
            ones += mark
            if ones >= lacking[1] and i + 1 - start - ones >= lacking[0]:
                self._add_part(losses[start : i + 1], second[start : i + 1])
                start, ones, lacking = i + 1, 0, (LEAST, LEAST)
        self._add_part(losses[start:], second[start:])

    def _add_part(self, losses: Floats, second: Marks) -> None:
        self.add(Arm.of(losses[~second]), Arm.of(losses[second]))

    def _sum(self, first: Arm, second: Arm) -> None:
        """Strata weigh as in Mantel and Haenszel (1959)."""
        weight = first.rows * second.rows / (first.rows + second.rows)
        self.strata += 1
        self.weight += weight
        self.weighted += weight * (second.mean - first.mean)
        scales = weight**2 / first.rows, weight**2 / second.rows
        self.scale = self.scale[0] + scales[0], self.scale[1] + scales[1]
        self.noise = self.noise[0] + scales[0] * first.variance, self.noise[1] + scales[1] * second.variance
        self.first += first
        self.second += second

    def _test(self, first: Arm, second: Arm) -> None:
        """Add a stratum to the e-process, at rates chosen before it: for the very first, at several, averaged."""
        if not self.binary:
            self.logs = ()
            return
        known = self.past + self.first
        rates = ((known.total + 0.5) / (known.rows + 1.0),) if known.rows else _FIRST_RATES
        logs = self.logs or (0.0,) * len(self.ratios)
        self.logs = tuple(
            log + _mean_exp([_evidence(first, second, rate, ratio) for rate in rates])
            for log, ratio in zip(logs, self.ratios, strict=True)
        )
        self.best = max(self.best, self.e_value or 1.0)

    @property
    def e_value(self) -> float | None:
        """Return the evidence so far that the second sample errs more often (with ``FALLS``: less); None if not 0/1.

        An exact two-sample e-process (Turner, Ly and Grünwald, 2024; for canaries with counts: Lindon and Malek, 2022).
        If the second is no worse, the chance that it ever reaches 1/a is at most a (Ville, 1939), at any path of the
        rate and any share of the traffic.
        """
        if not self.binary:
            return None
        return math.exp(min(_mean_exp(self.logs), _MOST)) if self.logs else 1.0

    def band(self, planned: float, level: float = LEVEL) -> Band:
        """Bound the difference at all times together; ``planned`` rows of the second sample: narrowest there."""
        if not self.weight or self.second.rows < 2 or self.first.rows < 2:
            return UNKNOWN
        spreads = self._variance(self.first, 0), self._variance(self.second, 1)
        pooled = (self.first.rows * spreads[0] + self.second.rows * spreads[1]) / (self.first.rows + self.second.rows)
        noise = sum(
            scale * max(spread, (arm.rows * spread + _DRAW * pooled) / (arm.rows + _DRAW))
            for scale, spread, arm in zip(self.scale, spreads, (self.first, self.second), strict=True)
        )
        share = self.weight / self.second.rows
        spread = math.sqrt(noise / self.weight)
        return band_of(self.weighted / self.weight, self.weight, spread, planned * share, level)

    def _variance(self, arm: Arm, place: int) -> float:
        """Return the variance inside strata; of 0/1 losses never less than one error more would give."""
        found = self.noise[place] / self.scale[place]
        if not self.binary:
            return found
        rate = (arm.total + 1.0) / (arm.rows + 2.0)
        return max(found, min(rate, 1.0 / (arm.rows + 2.0)) * (1.0 - min(rate, 0.5)))

    def __add__(self, other: Contrast) -> Contrast:
        """Return both as one: strata of either stand side by side, and their evidence multiplies."""
        if not other.strata:
            return self._with_waiting(other)
        if not self.strata:
            return other._with_waiting(self)
        binary = self.binary and other.binary
        found = Contrast(
            self.ratios, self.past + other.past, self.first + other.first, self.second + other.second,
            strata=self.strata + other.strata, weight=self.weight + other.weight,
            weighted=self.weighted + other.weighted, noise=_plus(self.noise, other.noise),
            scale=_plus(self.scale, other.scale), binary=binary,
            logs=tuple(a + b for a, b in zip(self.logs, other.logs, strict=True)) if binary else (),
        )  # fmt: skip
        found.best = max(1.0, found.e_value or 1.0)
        found.add(self.waiting_first + other.waiting_first, self.waiting_second + other.waiting_second)
        return found

    def _with_waiting(self, other: Contrast) -> Contrast:
        found = Contrast(**{name: getattr(self, name) for name in Contrast.__slots__})
        found.past += other.past
        found.add(other.waiting_first, other.waiting_second)
        return found


@dataclass(slots=True)
class Pairs:
    """Differences of losses on the same rows, challenger minus champion, as a shadow gives them."""

    rows: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    worse: float = 0.0
    better: float = 0.0
    best: float = 1.0
    binary: bool = True

    def add(self, champion: Floats, challenger: Floats) -> None:
        """Count rows that both answered, shape (rows,)."""
        off = challenger - champion
        self.rows += len(off)
        self.total += float(off.sum())
        self.squares += float(off @ off)
        self.worse += float((off > 0).sum())
        self.better += float((off < 0).sum())
        both = np.concatenate((champion, challenger))
        self.binary = self.binary and bool(((both == 0.0) | (both == 1.0)).all())
        self.best = max(self.best, self.e_value or 1.0)

    @property
    def e_value(self) -> float | None:
        """Return the evidence that of the rows where one errs and the other not, more are the challenger's.

        McNemar's (1947) question as a bet against a fair coin (Waudby-Smith and Ramdas, 2024); None if not 0/1.
        """
        if not self.binary:
            return None
        logs = [self.worse * math.log(2 * p) + self.better * math.log(2 * (1 - p)) for p in _ODDS]
        return math.exp(min(_mean_exp(logs), _MOST))

    def band(self, planned: float, level: float = LEVEL) -> Band:
        if self.rows < 2:
            return UNKNOWN
        mean = self.total / self.rows
        variance = max(0.0, self.squares - self.rows * mean**2) / (self.rows - 1.0)
        if self.binary:
            variance = max(variance, 1.0 / (self.rows + 2.0))
        return band_of(mean, self.rows, math.sqrt(variance), planned, level)


def _plus(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return one[0] + other[0], one[1] + other[1]


def _evidence(first: Arm, second: Arm, rate: float, ratio: float) -> float:
    """Return the log likelihood ratio of the rates ``rate`` and ``rate`` times ``ratio`` to one common rate."""
    other = min(rate * ratio, (1.0 + rate) / 2.0)
    common = (first.rows * rate + second.rows * other) / (first.rows + second.rows)
    return _log(first, rate, common) + _log(second, other, common)


def _log(arm: Arm, rate: float, common: float) -> float:
    return arm.total * math.log(rate / common) + (arm.rows - arm.total) * math.log((1.0 - rate) / (1.0 - common))


def _mean_exp(logs: Sequence[float]) -> float:
    """Return the logarithm of the mean of the exponentials."""
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))
