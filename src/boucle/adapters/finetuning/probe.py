"""The first answer: a linear model on frozen embeddings, its strength chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
MOST_ROWS = 5_000
"""Rows the strength is chosen on; more of them choose the same."""


@dataclass(frozen=True, slots=True)
class Probe:
    """``weights`` (classes, width) and ``bias`` (classes,) on embeddings as they are; ``strength`` is C."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    strength: float

    def shares(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return probabilities, shape (rows, classes)."""
        logits = vectors.astype(np.float64) @ self.weights.T + self.bias
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return shares


def fit(
    vectors: NDArray[np.float32], codes: NDArray[np.int64], classes: int, *, folds: int, seed: int, balanced: bool
) -> Probe:
    """Fit on ``vectors`` (rows, width); a class that has no row gets no share of the answers."""
    mean, scale = vectors.mean(0), vectors.std(0) + 1e-6
    scaled = (vectors - mean) / scale
    with threadpool_limits(1):
        strength = _strength(scaled, codes, folds, seed, balanced)
        model = _logistic(strength, balanced).fit(scaled, codes)
    return _as_is(model, classes, mean.astype(np.float64), scale.astype(np.float64), strength)


def unseen(
    vectors: NDArray[np.float32], codes: NDArray[np.int64], classes: int, strength: float, *, folds: int, seed: int,
    balanced: bool,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:  # fmt: skip
    """Return rows and their probabilities by probes that did not see them; classes of one row are left out."""
    kept, parts = _parts(codes, folds, seed)
    shares = np.zeros((len(codes), classes))
    for train, test in parts:
        rows, others = kept[train], kept[test]
        mean, scale = vectors[rows].mean(0), vectors[rows].std(0) + 1e-6
        model = _logistic(strength, balanced).fit((vectors[rows] - mean) / scale, codes[rows])
        probe = _as_is(model, classes, mean.astype(np.float64), scale.astype(np.float64), strength)
        shares[others] = probe.shares(vectors[others])
    return kept, shares[kept]


def _strength(scaled: NDArray[np.float32], codes: NDArray[np.int64], folds: int, seed: int, balanced: bool) -> float:
    """Choose C by the log loss over folds, from the weakest up to where it grows worse."""
    rows = np.random.default_rng(seed).permutation(len(codes))[:MOST_ROWS]
    scaled, codes = scaled[rows], codes[rows]
    kept, parts = _parts(codes, folds, seed)
    best, chosen = np.inf, GRID[1]
    for strength in GRID:
        loss = 0.0
        for train, test in parts:
            model = _logistic(strength, balanced).fit(scaled[kept[train]], codes[kept[train]])
            found = model.predict_log_proba(scaled[kept[test]])
            places = np.searchsorted(model.classes_, codes[kept[test]])
            loss -= float(found[np.arange(len(test)), places].sum())
        if loss >= best:
            break
        best, chosen = loss, strength
    return chosen


def _parts(codes: NDArray[np.int64], folds: int, seed: int) -> tuple[NDArray[np.intp], list[Any]]:
    counts = np.bincount(codes)
    kept = np.flatnonzero(counts[codes] > 1)
    if len(np.unique(codes[kept])) < 2:
        return kept, []
    folds = int(max(2, min(folds, counts[counts > 1].min())))
    return kept, list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(kept, codes[kept]))


def _logistic(strength: float, balanced: bool) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=500, tol=1e-3, class_weight="balanced" if balanced else None)


def _as_is(model: Any, classes: int, mean: NDArray[np.float64], scale: NDArray[np.float64], strength: float) -> Probe:
    """Turn a model of scaled vectors into one of vectors as they are; two classes get a row each."""
    found, offset = model.coef_ / scale, model.intercept_ - (model.coef_ / scale) @ mean
    if len(found) == 1:
        found, offset = np.vstack([-found / 2, found / 2]), np.concatenate([-offset / 2, offset / 2])
    weights, bias = np.zeros((classes, len(mean))), np.full(classes, -30.0)
    weights[model.classes_], bias[model.classes_] = found, offset
    return Probe(weights, bias, strength)
