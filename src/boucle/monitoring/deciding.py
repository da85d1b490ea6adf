"""The loss that decides about a metric: bounded, one number a row, with its level in the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from boucle.core.expected import Expected, QualityReference
from boucle.measures.metrics import Answers, Floats, Loss, metric_of, row_losses

POINTS = 0.01
"""The least tolerance of an error rate: one point."""
_CUTS = {"squared": 8.0, "absolute": 3.5, "log": 5.0, "brier": 5.0}
"""Where a loss is cut when the bundle does not say: so many times its mean, about the 99.5 % quantile of normal errors.
The evidence is valid whatever the cut: cutting a loss only lowers its mean."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """``name`` of the loss, what it is expected to be, and the tolerance for it (see ``Expected.tolerated``)."""

    name: str
    expected: Expected
    tolerance: float


def deciding(
    metric: str, known: Mapping[str, float], reference: QualityReference | None, tolerance: float, binary: bool
) -> Deciding | None:
    """Choose the loss for ``metric``; None where nothing says how large it was in the reference.

    Precision and recall of two classes are error rates of their own. What is no mean over rows (F1, AUC, R²) is
    decided by the nearest loss that is. ``known`` are the reference's metrics, ``tolerance`` is relative to the
    metric's loss (1 - accuracy, RMSE, ...); of an error rate at least one point is tolerated.
    """
    for name in _candidates(metric, binary):
        expected = reference.losses.get(name) if reference is not None else None
        expected = expected or _guessed(name, known)
        if expected is not None:
            room = max(tolerance * expected.mean, POINTS) if expected.errors else tolerance
            power = 2.0 if name == "squared" and metric in ("rmse", "r2") else 1.0
            return Deciding(name, expected, room if expected.errors else (1.0 + room) ** power - 1.0)
    return None


def deciding_losses(name: str, given: Answers) -> Floats:
    """Return the losses named so, shape (rows,); NaN in rows it says nothing about."""
    if name in ("precision", "recall"):
        among = (given.prediction if name == "precision" else given.truth) == given.positive
        return np.where(among, row_losses("zero_one", given), np.nan)
    kind: Loss = name  # type: ignore[assignment]  # one of the names of a loss, by then
    return row_losses(kind, given)


def _candidates(metric: str, binary: bool) -> tuple[str, ...]:
    if metric in ("precision", "recall") and binary:
        return metric, "zero_one"
    loss = metric_of(metric).loss
    return (loss, "absolute") if loss == "squared" else (loss,) if loss == "absolute" else (loss, "zero_one")


def _guessed(name: str, known: Mapping[str, float]) -> Expected | None:
    """Return the expected loss from the metrics of the version, None where none tells it."""
    if name in ("zero_one", "precision", "recall"):
        share = known.get("accuracy" if name == "zero_one" else name)
        return None if share is None or not 0.0 <= share <= 1.0 else Expected(1.0 - share, 0.0, 0.0)
    mean = _mean(name, known)
    if mean is None or not 0.0 < mean < float("inf"):
        return None
    return Expected(1.0 / _CUTS[name], 0.0, 0.0, errors=False, cut=_CUTS[name] * mean)


def _mean(name: str, known: Mapping[str, float]) -> float | None:
    if name == "squared":
        root = known.get("rmse")
        return known.get("mse") if root is None else root * root
    return known.get({"absolute": "mae", "log": "log_loss", "brier": "brier"}.get(name, ""))
