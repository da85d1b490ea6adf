"""What a version's losses are expected to be, and what its scores mean: kept with its bundle."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_LEAST, _MOST = 1e-6, 1.0 - 1e-6
_SURE = 2.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The law of one bounded loss in the reference: its ``mean`` and the ``spread`` (standard deviation) of a row.

    ``errors`` says that losses are 0 or 1. Other losses above ``cut`` count as ``cut``, and all are divided by it.
    ``rows`` are the reference's (0: not known), ``design`` is how many of them say as much as one independent row.
    ``phases`` are the means in the parts of a cycle, each ``span`` long, the first one beginning at ``origin``; empty
    where none was found.
    """

    mean: float
    rows: float
    spread: float
    errors: bool = True
    cut: float = 1.0
    design: float = 1.0
    phases: tuple[float, ...] = ()
    span: float = 1.0
    origin: float = 0.0

    @property
    def error(self) -> float:
        """The standard error of ``mean``."""
        return self.spread * math.sqrt(self.design / self.rows) if self.rows > 0 else 0.0

    def at(self, time: float | None) -> float:
        """Return the mean to expect at ``time``, in the unit of ``span``; the overall mean where that is unknown."""
        if not self.phases or time is None or not math.isfinite(time):
            return self.mean
        return self.phases[math.floor((time - self.origin) / self.span) % len(self.phases)]

    def tolerated(self, tolerance: float, time: float | None = None) -> float:
        """Return the largest mean that is still no loss: ``tolerance`` above it, two standard errors at least.

        Of errors the tolerance is a share of the rows, of other losses a share of their mean. Nobody can tell a model
        that has become worse from one whose reference was lucky within its own error. That of a share is Wilson's
        (1927): no error in ten rows does not mean that there are none.
        """
        room = tolerance if self.errors else tolerance * self.mean
        return min(max(self.at(time) + max(room, self._unsure()), _LEAST), _MOST)

    def _unsure(self) -> float:
        """Return how far above ``mean`` the true one may be."""
        if not self.errors or self.rows <= 0.0:
            return _SURE * self.error
        n, p, square = self.rows / self.design, self.mean, _SURE * _SURE
        reach = _SURE * math.sqrt(p * (1.0 - p) / n + square / (4.0 * n * n))
        return (p + square / (2.0 * n) + reach) / (1.0 + square / n) - p


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often a score came true: step by step, the scores from ``lows`` to ``highs`` with ``shares`` of ``rows``."""

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    shares: tuple[float, ...]
    rows: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class QualityReference:
    """What the monitors of quality compare with, from answers to rows that the model had not learned from.

    ``losses`` by the loss's name (``zero_one``, ``brier``, ``squared``, ``absolute``; ``precision`` and ``recall`` are
    errors among the rows predicted, or truly, positive). ``slices``: column, level, then the loss of the task.
    ``calibrations``: one for each class, in their order (two classes: one, of the positive class).
    """

    losses: dict[str, Expected] = field(default_factory=dict)
    slices: dict[str, dict[str, Expected]] = field(default_factory=dict)
    calibrations: tuple[Calibration, ...] = ()
