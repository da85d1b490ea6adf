"""Which rows are computed together: by length, so that next to nothing is padded, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_PADDING = 0.05
"""The share of padding in a batch beyond which it is cut, unless the padding is less than ``slack`` tokens."""


def by_length(lengths: Sequence[int], budget: int, slack: int = 0) -> list[NDArray[np.intp]]:
    """Part rows into batches, the longest first; returns the places of the rows of each.

    ``budget`` is the most tokens of a batch, padding included; a row longer than it is a batch by itself. ``slack``
    is how many tokens of padding are cheaper than another call of the model.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    batches: list[NDArray[np.intp]] = []
    start, padding = 0, 0
    for end, row in enumerate(order):
        longest = int(sizes[order[start]])
        more = longest - int(sizes[row])
        full = longest * (end - start + 1)
        if end > start and (full > budget or padding + more > max(slack, MOST_PADDING * full)):
            batches.append(order[start:end])
            start, padding, more = end, 0, 0
        padding += more
    if len(order):
        batches.append(order[start:])
    return batches
