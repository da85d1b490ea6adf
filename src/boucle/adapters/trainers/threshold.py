"""The decision threshold of a binary classifier, applied by the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import FixedThresholdClassifier

from boucle.measures.metrics import compute

TUNABLE = ("accuracy", "balanced_accuracy", "f1")


def applied(threshold: float, positive: Any) -> Callable[[Any], Any]:
    """Return what wraps an unfitted model so that its ``predict`` answers ``positive`` from ``threshold`` on."""
    return lambda model: FixedThresholdClassifier(
        model, threshold=threshold, pos_label=positive, response_method="predict_proba"
    )


def tuned(metric: str, truth: NDArray[Any], shares: NDArray[np.float64], positive: Any, negative: Any) -> float:
    """Choose the threshold with the best ``metric`` among the percentiles of the positive label's ``shares``.

    ``truth`` and ``shares`` have shape (rows,); the shares come from models that did not see their rows. A metric that
    does not depend on the threshold, or is won by an extreme one, gives way: precision and recall to F1, the rest to
    balanced accuracy.
    """
    if metric not in TUNABLE:
        metric = "f1" if metric in ("precision", "recall") else "balanced_accuracy"
    cuts = np.unique(np.quantile(shares, np.linspace(0.005, 0.995, 199)))
    classes = (negative, positive)
    scores = [
        compute(metric, truth, labelled(shares, cut, *classes, truth.dtype), None, classes, positive) for cut in cuts
    ]
    best = np.flatnonzero(np.isclose(scores, np.nanmax(scores), rtol=0, atol=1e-12))
    return float(cuts[best[len(best) // 2]])


def labelled(
    shares: NDArray[np.float64], cut: float, negative: Any, positive: Any, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Return the labels that ``cut`` gives to probabilities of the positive label."""
    return np.array([negative, positive], dtype=dtype)[(shares >= cut).astype(np.intp)]
