"""Batches of near equal lengths under a budget of tokens, so that next to nothing computed is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Lengths = NDArray[np.int64]
SLACK = 1.25
"""How far the longest of a batch may exceed its shortest, on small rests excepted."""


def cut(lengths: Lengths, tokens: int, rows: int) -> list[tuple[int, int]]:
    """Part sorted ``lengths`` into runs of at most ``rows`` and about ``tokens`` padded tokens; from, to.

    A run goes on while padding it to its longest costs no more than SLACK of what is real, and no run is shorter than
    it has to be: runs within the budget are made even.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for place in range(1, len(lengths) + 1):
        if place == len(lengths) or _full(lengths, start, place, tokens, rows):
            found.append((start, place))
            start = place
    return found


def _full(lengths: Lengths, start: int, place: int, tokens: int, rows: int) -> bool:
    count = place - start
    longest = int(lengths[place])
    return count >= rows or (count + 1) * longest > tokens or longest > SLACK * int(lengths[start]) + 1


def waste(lengths: Lengths, batches: Sequence[Sequence[int] | NDArray[np.intp]]) -> float:
    """Return padded tokens over real ones: 1 is none wasted."""
    padded = sum(len(batch) * int(lengths[np.asarray(batch)].max()) for batch in batches)
    return padded / max(1, sum(int(lengths[np.asarray(batch)].sum()) for batch in batches))


class Batches:
    """The batches of each epoch: another order every time, the same for the same seed and epoch.

    Rows of one length change places between batches, so their number and shapes stay the same. It is a batch sampler
    of torch: ``set_epoch`` before iterating.
    """

    def __init__(self, lengths: Lengths, tokens: int, rows: int, seed: int) -> None:
        self.lengths = lengths
        self.seed = seed
        self.epoch = 0
        self.runs = cut(np.sort(lengths), tokens, rows)

    def __len__(self) -> int:
        return len(self.runs)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        order = np.lexsort((random.random(len(self.lengths)), self.lengths))
        for number in random.permutation(len(self.runs)):
            start, end = self.runs[number]
            yield order[start:end].tolist()

    @property
    def waste(self) -> float:
        """Padded tokens over real ones, of any epoch."""
        return waste(self.lengths, list(self))
