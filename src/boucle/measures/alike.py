"""Whether two models say the same of a row, whatever kind of answer they give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch
from boucle.measures.boxes import counts
from boucle.measures.spans import spans_of

COSINE = 0.99
"""From which two vectors count as the same."""


def alike(kind: str, before: Batch, after: Batch) -> NDArray[np.bool_]:
    """Say for each row whether two answers are the same; scores do not count, and boxes may differ by half."""
    one, two = before["prediction"], after["prediction"]
    if kind == "vector":
        one, two = (np.asarray(side, dtype=np.float64) for side in (one, two))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        return np.asarray((one * two).sum(1) >= COSINE * lengths)
    if kind == "spans":
        return np.array([set(spans_of(a)) == set(spans_of(b)) for a, b in zip(one, two, strict=True)], dtype=bool)
    if kind == "boxes":
        both = counts(one.tolist(), two.tolist())
        return np.asarray((both == both[:, :1]).all(axis=1))
    if kind == "candidates":
        return np.array([_best(a) == _best(b) for a, b in zip(one, two, strict=True)], dtype=bool)
    if kind == "quantity":
        return np.isclose(np.asarray(one, dtype=np.float64), np.asarray(two, dtype=np.float64), rtol=1e-3)
    return np.array([a == b for a, b in zip(one.tolist(), two.tolist(), strict=True)], dtype=bool)


def _best(candidates: Sequence[dict[str, object]]) -> object:
    return candidates[0]["token"] if candidates else None
