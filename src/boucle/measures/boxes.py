"""Boxes around things in a picture: read as they are written in data, answers and feedback, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boucle.measures.spans import listed

ENOUGH = 0.5
"""From which overlap on two boxes are of one thing: that of PASCAL VOC (Everingham et al. 2010)."""
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Box(NamedTuple):
    """A thing: its label, how sure that is, and the corners of its box in pixels."""

    label: str
    score: float
    corners: tuple[float, float, float, float]


def boxes_of(value: Any) -> tuple[Box, ...]:
    """Read ``[{"label", "box": {"xmin", "ymin", "xmax", "ymax"}, …}, …]``, as objects or as JSON text.

    The surest come first. Nothing at all is no box; a box without a score is sure. Raises ValueError saying what is
    wrong.
    """
    return tuple(sorted(map(_box, listed(value, "boxes")), key=lambda box: -box.score))


def counts(truth: Sequence[Any], told: Sequence[Any]) -> NDArray[np.float64]:
    """Count per row the boxes found right, those told and those true, shape (rows, 3).

    A box is right when it has the label of a true one that no surer box has taken, and overlaps it by half: their
    common area by that of both together (Everingham et al. 2010). Of several, the one it overlaps most is taken.
    """
    found = np.zeros((len(truth), 3))
    for row, (right, answer) in enumerate(zip(truth, told, strict=True)):
        one, other = boxes_of(right), boxes_of(answer)
        found[row] = _hits(one, other), len(other), len(one)
    return found


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the common area of two boxes by that of both together, 0 to 1; of boxes without an area 0."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0.0 or high <= 0.0:
        return 0.0
    common = wide * high
    return common / (_area(one) + _area(other) - common)


def _hits(truth: Sequence[Box], told: Sequence[Box]) -> int:
    left = list(truth)
    for box in told:
        near = [(overlap(box.corners, one.corners), -place) for place, one in enumerate(left) if one.label == box.label]
        best = max(near, default=(0.0, 0))
        if best[0] >= ENOUGH:
            del left[-best[1]]
    return len(truth) - len(left)


def _area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box(one: Any) -> Box:
    if isinstance(one, Box):
        return one
    if not isinstance(one, dict) or not {"label", "box"} <= set(one) or not isinstance(one["box"], dict):
        raise ValueError(f"{str(one)[:60]} has no `label` and `box`")
    try:
        left, top, right, bottom = (float(one["box"][name]) for name in CORNERS)
        score = float(one.get("score", 1.0))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{str(one)[:60]}: a box has {', '.join(CORNERS)}, in pixels") from error
    if not (np.isfinite([left, top, right, bottom]).all() and left <= right and top <= bottom):
        raise ValueError(f"{str(one)[:60]}: a corner of the box is not where it has to be")
    return Box(str(one["label"]), score if score == score else 0.0, (left, top, right, bottom))
