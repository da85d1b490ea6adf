"""An axis of time, and where its labels stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

from boucle.ui.words.catalogue import Words

_HOUR, _DAY = 3600.0, 86400.0
_STEPS = (60.0, 300.0, 900.0, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 5 * _DAY, 7 * _DAY, 14 * _DAY)


@dataclass(frozen=True, slots=True)
class Axis:
    """Puts times (Unix seconds) between ``left`` and ``right``, in the drawing's units; what lies outside is cut."""

    since: float
    until: float
    left: float
    right: float

    def __call__(self, time: float) -> float:
        share = (time - self.since) / max(self.until - self.since, 1e-9)
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)


def time_ticks(since: float, until: float, say: Words, most: int) -> list[tuple[float, str]]:
    """Return round times of the reader's clock between two, with their labels, ``most`` at most."""
    span = max(until - since, 1.0)
    step = next((one for one in _STEPS if span / one <= most), math.ceil(span / most / _DAY) * _DAY)
    offset = say.offset(until)
    first = math.ceil((since + offset) / step) * step - offset
    ticks = []
    time = first
    while time <= until:
        midnight = (time + offset) % _DAY == 0
        ticks.append((time, say.day(time) if step >= _DAY or midnight else say.clock(time)))
        time += step
    return ticks
