"""Labelled rows in blocks by the time of their request: each is counted once, however late or often its truth comes.

A block's labels are counted anew from the newest truth at each look, so a row never counts twice and a corrected truth
replaces the wrong one. For each block at which a loss may have begun, the evidence of all rows since then is an
e-process in the order in which labels arrive: so the e-CUSUM's promise holds for any delay, per block of requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from boucle.measures.expected import Floats
from boucle.measures.tallies import Tally, Watch

KEPT = 4
"""Full blocks that are counted again at each look; a label that comes later than that is too late to judge with."""
Count = Callable[[NDArray[np.bool_]], Tally]


@dataclass(frozen=True, slots=True)
class Blocks:
    """``base`` is the watch after the ``over`` blocks that are over, with ``counted`` rows.

    The others begin at ``starts`` (Unix seconds) and have ``tallies``.
    """

    base: Watch = field(default_factory=Watch)
    over: int = 0
    counted: int = 0
    starts: tuple[float, ...] = ()
    tallies: tuple[Tally, ...] = ()

    @property
    def rows(self) -> int:
        """Labelled rows counted so far."""
        return self.counted + sum(one.rows for one in self.tallies)

    @property
    def since(self) -> float:
        """The request time from which on labelled rows have to be read."""
        return self.starts[0] if self.starts and self.over else 0.0

    def watch(self) -> Watch:
        """Return the watch after all blocks."""
        found = self.base
        for start, one in zip(self.starts, self.tallies, strict=True):
            found = found.after(start, one)
        return found


def recount(before: Blocks, times: Floats, covered: float, size: int, count: Count) -> Blocks:
    """Count labelled rows with these request times (in order), all there are from ``covered`` on.

    A block is closed when it has ``size`` rows and a later one has come. ``count`` tallies a set of rows.
    """
    blocks = _over(before, sum(start < covered for start in before.starts))
    starts = _starts(list(blocks.starts), times, size)
    place = np.searchsorted(starts, times, side="right") - 1
    if not blocks.over:
        place = np.maximum(place, 0)
    tallies = tuple(count(place == i) for i in range(len(starts)))
    found = replace(blocks, starts=tuple(starts), tallies=tallies)
    return _over(found, max(0, len(starts) - KEPT - 1))


def _over(blocks: Blocks, many: int) -> Blocks:
    """Let the first ``many`` blocks be over: they are not counted again."""
    gone = replace(blocks, starts=blocks.starts[:many], tallies=blocks.tallies[:many])
    return Blocks(gone.watch(), blocks.over + many, gone.rows, blocks.starts[many:], blocks.tallies[many:])


def _starts(starts: list[float], times: Floats, size: int) -> list[float]:
    """Return when blocks begin, new ones with them: each as soon as the one before has its rows."""
    if not starts and len(times):
        starts.append(float(times[0]))
    while starts:
        full = int(np.searchsorted(times, starts[-1])) + size
        if full >= len(times):
            break
        later = int(np.searchsorted(times, max(times[full - 1], starts[-1]), side="right"))
        if later >= len(times):
            break
        starts.append(float(times[later]))
    return starts
