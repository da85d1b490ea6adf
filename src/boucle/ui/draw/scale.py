"""Scales: values to places in a drawing, and round numbers beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Scale:
    """Puts values from ``low`` to ``high`` between two places; the first may be the larger, as heights are."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)

    def held(self, value: float) -> float:
        """Return the place of a value, or the nearest end."""
        return self(min(max(value, self.low), self.high))


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers between two, ``most`` at most: steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if not span > 0.0 or not math.isfinite(span):
        return [low]
    rough = span / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, math.floor(high / step + 1e-9) + 1)]


def places_for(values: list[float]) -> int:
    """Return how many places behind the point tell these round numbers apart."""
    if len(values) < 2:
        return 2
    step = min(b - a for a, b in pairwise(values))
    return max(0, math.ceil(-math.log10(step) - 1e-9)) if step > 0 else 2
