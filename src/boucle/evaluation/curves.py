"""Small counts that the report's plots are drawn from: never a row of the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boucle.evaluation.result import Calibration, Confusion, Curves, Grid, Roc
from boucle.measures.intervals import share
from boucle.measures.metrics import Answers, Floats, score

LABELS, BINS, CELLS, POINTS, CURVES = 20, 10, 24, 60, 5
OTHERS = "others"


def curves(answers: Answers) -> Curves:
    """Count what the plots of this task show."""
    if not len(answers):
        return Curves()
    if answers.parts:
        return Curves()
    if answers.declared:
        return Curves(confusion(answers), calibration(answers), rocs(answers))
    truth, told = answers.truth.astype(np.float64), answers.prediction.astype(np.float64)
    return Curves(predicted_by_true=grid(truth, told, square=True), residual_by_predicted=grid(told, truth - told))


def confusion(answers: Answers) -> Confusion:
    """Count true against answered labels; beyond 20 labels the rarest become one."""
    size = len(answers.labels)
    seen = np.bincount(answers.truth, minlength=size) + np.bincount(answers.prediction, minlength=size)
    kept = np.sort(np.argsort(-seen, kind="stable")[:LABELS]) if size > LABELS else np.arange(size)
    place = np.full(size, len(kept))
    place[kept] = np.arange(len(kept))
    names = [str(answers.labels[i]) for i in kept] + ([OTHERS] if size > LABELS else [])
    cells = place[answers.truth] * len(names) + place[answers.prediction]
    table = np.bincount(cells, minlength=len(names) ** 2).reshape(len(names), len(names))
    return Confusion(tuple(names), tuple(tuple(int(c) for c in row) for row in table))


def calibration(answers: Answers) -> Calibration | None:
    """Bin the told probability of the positive label, or with more classes that of the label answered."""
    told = answers.probabilities
    if told is None or np.isnan(told).any():
        return None
    if answers.binary and 0 <= answers.positive < told.shape[1]:
        chance, happened, of = told[:, answers.positive], answers.truth == answers.positive, _name(answers)
    else:
        chance, happened, of = told.max(axis=1), answers.truth == told.argmax(axis=1), "the likeliest label"
    bins = np.clip((chance * BINS).astype(int), 0, BINS - 1)
    used = [b for b in range(BINS) if (bins == b).any()]
    means = [float(chance[bins == b].mean()) for b in used]
    shares = [share(float(happened[bins == b].sum()), int((bins == b).sum())) for b in used]
    error = sum(e.n * abs(e.value - m) for m, e in zip(means, shares, strict=True)) / len(answers)
    return Calibration(of, tuple(means), tuple(shares), float(error))


def _name(answers: Answers) -> str:
    return str(answers.labels[answers.positive])


def rocs(answers: Answers) -> tuple[Roc, ...]:
    """Trace the curve of the positive label, or of each of the first five classes against the rest."""
    told = answers.probabilities
    if told is None or np.isnan(told).any():
        return ()
    columns = [answers.positive] if answers.binary else list(range(min(answers.declared, CURVES)))
    found = []
    for column in columns:
        side = answers.truth == column
        if not 0 <= column < told.shape[1] or not 0 < side.sum() < len(side):
            continue
        false, true = _trace(told[:, column], side)
        pair = np.column_stack((1.0 - told[:, column], told[:, column]))
        alone = Answers(side.astype(np.int64), side.astype(np.int64), pair, (False, True), 2, 1)
        found.append(Roc(str(answers.labels[column]), score("roc_auc", alone), false, true))
    return tuple(found)


def _trace(chance: Floats, side: NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    order = np.argsort(-chance, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(chance[order])), len(order) - 1)
    true = np.concatenate(([0.0], np.cumsum(side[order])[ends] / side.sum()))
    false = np.concatenate(([0.0], np.cumsum(~side[order])[ends] / (~side).sum()))
    kept = np.unique(np.linspace(0, len(true) - 1, min(POINTS, len(true))).astype(int))
    return tuple(np.round(false[kept], 4).tolist()), tuple(np.round(true[kept], 4).tolist())


def grid(x: Floats, y: Floats, square: bool = False) -> Grid | None:
    """Count pairs in 24 by 24 cells; None when nothing is finite."""
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return None
    x, y = x[known], y[known]
    across, up = _edges(x), _edges(y)
    if square:
        across = up = _edges(np.concatenate((x, y)))
    counts = np.histogram2d(y, x, bins=(up, across))[0].astype(int)
    return Grid(tuple(across.tolist()), tuple(up.tolist()), tuple(tuple(row) for row in counts.tolist()))


def _edges(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    if not low < high:
        low, high = low - 0.5 * max(1.0, abs(low) * 1e-6), high + 0.5 * max(1.0, abs(high) * 1e-6)
    return np.linspace(low, high, CELLS + 1)
