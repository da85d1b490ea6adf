"""Performance before labels: what a model's own calibrated probabilities say about its answers.

Right as long as a score means what it meant: P(y|x) unchanged. It sees a harder mix of rows, and is blind to a world
that has changed its mind about the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import Calibration
from boucle.measures.intervals import LEVEL, SALT, Estimate
from boucle.measures.metrics import Answers, Codes, score

Floats = NDArray[np.float64]

METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc")
"""The metrics that can be estimated."""
ROWS, DRAWS = 5000, 200
"""Rows estimated from at most, evenly taken, and worlds drawn for the interval."""


def calibrate(scores: Floats, came_true: NDArray[np.bool_]) -> Calibration:
    """Fit the increasing step function from scores to shares that is nearest to what came true, both (rows,).

    Isotonic regression by pooling adjacent violators (Ayer, Brunk, Ewing, Reid and Silverman, 1955), which calibrates
    the scores of any classifier (Zadrozny and Elkan, 2002). The scores must come from rows that the model had not
    learned from. NaN scores are left out; raises ValueError when none is left.
    """
    usable = np.isfinite(scores)
    if not usable.any():
        raise ValueError("no score to calibrate on")
    distinct, of = np.unique(scores[usable], return_inverse=True)
    rows = np.bincount(of).astype(np.float64)
    hits = np.bincount(of, weights=came_true[usable].astype(np.float64))
    first: list[int] = []
    pools: list[tuple[float, float]] = []
    for i, (hit, many) in enumerate(zip(hits.tolist(), rows.tolist(), strict=True)):
        start = i
        while pools and pools[-1][0] * many >= hit * pools[-1][1]:
            before = pools.pop()
            hit, many, start = hit + before[0], many + before[1], first.pop()
        pools.append((hit, many))
        first.append(start)
    last = [*(start - 1 for start in first[1:]), len(distinct) - 1]
    return Calibration(
        tuple(distinct[first].tolist()),
        tuple(distinct[last].tolist()),
        tuple(hit / many for hit, many in pools),
        tuple(many for _, many in pools),
    )


def calibrated(scores: Floats, table: Calibration, shares: Floats | None = None) -> Floats:
    """Return the share that comes true at each score, shape (rows,): straight lines between the steps.

    Scores beyond the reference's ends have the share of the end. ``shares`` replace the table's.
    """
    told = np.array(table.shares) if shares is None else shares
    knots = np.column_stack((table.lows, table.highs)).ravel()
    values = np.repeat(told, 2)
    apart = np.concatenate(([True], np.diff(knots) > 0))
    return np.asarray(np.interp(scores, knots[apart], values[apart]), dtype=np.float64)


def estimate(given: Answers, tables: Sequence[Calibration], metrics: Sequence[str] = METRICS) -> dict[str, Estimate]:
    """Estimate the metrics of answers whose truth is not known (``given.truth`` is not looked at).

    Confidence-based performance estimation: with calibrated probabilities the expected confusion matrix is a sum over
    rows (CBPE: Białek, Kuberski, Perrakis and Bifet, 2024); the ROC AUC likewise over pairs. ``tables`` has one table
    for each class, or one of the positive class. The interval holds both the chance in the labels to come and the
    reference's own: worlds are drawn whose shares by step vary as its rows allow, and then labels.
    Empty without probabilities.
    """
    if given.probabilities is None or not len(given) or not tables:
        return {}
    usable = np.flatnonzero(np.isfinite(given.probabilities).all(axis=1))
    rows = usable[:: max(1, math.ceil(len(usable) / ROWS))]
    if not len(rows):
        return {}
    part = given.take(rows)
    wanted = [name for name in metrics if name in METRICS]
    values = _expected(part, classes_of(part, tables), wanted)
    random = np.random.default_rng([SALT, len(rows)])
    drawn = [_world(part, tables, wanted, random) for _ in range(DRAWS)]
    narrow = math.sqrt(len(rows) / len(usable))
    return {name: _around(values[name], [one[name] for one in drawn], narrow, len(usable)) for name in wanted}


def classes_of(given: Answers, tables: Sequence[Calibration], shares: Sequence[Floats] | None = None) -> Floats:
    """Return the calibrated probabilities, shape (rows, classes), each row's summing to 1."""
    assert given.probabilities is not None
    told = [None] * len(tables) if shares is None else list(shares)
    if given.binary and len(tables) == 1:
        up = calibrated(given.probabilities[:, given.positive], tables[0], told[0])
        return np.stack((1.0 - up, up) if given.positive == 1 else (up, 1.0 - up), axis=1)
    each = [calibrated(given.probabilities[:, c], table, told[c]) for c, table in enumerate(tables)]
    found = np.stack(each, axis=1)
    total = found.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, found / np.where(total > 0, total, 1.0), 1.0 / len(tables)))


def _expected(given: Answers, chances: Floats, metrics: Sequence[str]) -> dict[str, float]:
    """Return the metrics under the chances of each class: each row stands for all classes, weighted."""
    rows, classes = chances.shape
    probabilities = None if given.probabilities is None else np.repeat(given.probabilities, classes, axis=0)
    truth: Codes = np.tile(np.arange(classes, dtype=np.int64), rows)
    predicted = np.repeat(given.prediction.astype(np.int64), classes)
    spread = Answers(
        truth, predicted, probabilities,
        given.labels, given.declared, given.positive,
    )  # fmt: skip
    return {name: score(name, spread, chances.ravel()) for name in metrics}


def _world(
    given: Answers, tables: Sequence[Calibration], metrics: Sequence[str], random: np.random.Generator
) -> dict[str, float]:
    """Draw shares as the reference's rows allow (Jeffreys, 1946), labels by them, and score the answers."""
    shares = [random.beta(hits + 0.5, many - hits + 0.5) for hits, many in map(_counts, tables)]
    chances = classes_of(given, tables, shares)
    edges = np.cumsum(chances, axis=1)
    truth: Codes = (random.random((len(given), 1)) > edges[:, :-1]).sum(axis=1).astype(np.int64)
    drawn = Answers(
        truth, given.prediction, given.probabilities, given.labels, given.declared, given.positive
    )  # fmt: skip
    return {name: score(name, drawn) for name in metrics}


def _counts(table: Calibration) -> tuple[Floats, Floats]:
    rows = np.array(table.rows)
    return np.array(table.shares) * rows, rows


def _around(value: float, drawn: Sequence[float], narrow: float, rows: int) -> Estimate:
    known = np.array([one for one in drawn if one == one])
    if not len(known) or value != value:
        return Estimate(value, math.nan, math.nan, rows)
    low, high = np.quantile(known, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return Estimate(
        value, value + min(0.0, float(low) - value) * narrow, value + max(0.0, float(high) - value) * narrow, rows
    )
