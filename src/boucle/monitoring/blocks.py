"""Labelled rows in blocks by the time of their request: each is counted once, however late or often its truth comes.

The newest blocks are counted anew from the newest truth at each look, so a row never counts twice and a corrected truth
replaces the wrong one; labels of older blocks are added. For each block at which a loss may have begun, the evidence of
all rows since then is an e-process in the order in which labels arrive: so the e-CUSUM's promise holds for any delay,
per block of requests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from boucle.measures.expected import Floats
from boucle.measures.tallies import Tally, Watch

FRESH = 2
"""Full blocks that are counted anew at each look, beside the open one."""
KEPT = 16
"""Blocks that late labels are added to; a label that comes later than that is too late to judge with."""
Count = Callable[[NDArray[np.bool_]], Tally]


@dataclass(frozen=True, slots=True)
class Blocks:
    """``base`` is the watch after the ``over`` blocks that are over, with ``counted`` rows.

    The others begin at ``starts`` (Unix seconds of a request) and have ``tallies``.
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
        """The request time from which on all labelled rows have to be read."""
        return self.starts[-FRESH - 1] if self.over + len(self.starts) > FRESH + 1 else 0.0

    def watch(self) -> Watch:
        """Return the watch after all blocks."""
        found = self.base
        for start, one in zip(self.starts, self.tallies, strict=True):
            found = found.after(start, one)
        return found


def recount(before: Blocks, times: Floats, covered: float, size: int, count: Count) -> Blocks:
    """Count labelled rows with these request times (in order), all there are from ``covered`` on.

    A block is closed when it has ``size`` rows and a later one has come. ``count`` tallies a set of rows. Blocks that
    began before ``covered`` stay as they are, unless none did.
    """
    starts = _starts([start for start in before.starts if start >= covered], times, size)
    old = len(before.starts) - sum(start >= covered for start in before.starts)
    place = np.searchsorted(np.array(starts), times, side="right") - 1
    if not before.over + old:
        place = np.maximum(place, 0)
    tallies = tuple(count(place == i) for i in range(len(starts)))
    found = replace(before, starts=before.starts[:old] + tuple(starts), tallies=before.tallies[:old] + tallies)
    return _over(found, max(0, len(found.starts) - KEPT))


def add_late(blocks: Blocks, times: Floats, count: Count) -> Blocks:
    """Add rows, none of them counted before, to the blocks their requests were in; others are too late."""
    place = np.searchsorted(np.array(blocks.starts), times, side="right") - 1
    if not blocks.over:
        place = np.maximum(place, 0)
    met = set(place.tolist())
    tallies = [one.added(count(place == i)) if i in met else one for i, one in enumerate(blocks.tallies)]
    return replace(blocks, tallies=tuple(tallies))


def _over(blocks: Blocks, many: int) -> Blocks:
    """Let the first ``many`` blocks be over: nothing is added to them any more."""
    gone = replace(blocks, starts=blocks.starts[:many], tallies=blocks.tallies[:many])
    return Blocks(gone.watch(), blocks.over + many, gone.rows, blocks.starts[many:], blocks.tallies[many:])


def _starts(starts: list[float], times: Floats, size: int) -> list[float]:
    """Return when blocks begin, new ones with them: each as soon as the one before has its rows."""
    if not starts and len(times):
        starts = [float(times[0])]
    while starts:
        full = int(np.searchsorted(times, starts[-1])) + size
        if full > len(times):
            break
        later = int(np.searchsorted(times, times[full - 1], side="right"))
        if later >= len(times):
            break
        starts.append(float(times[later]))
    return starts
