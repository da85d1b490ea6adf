"""Scores to classes: what classification of texts, of pictures and by entailment share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch, Signature


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return shares that add up to one along the last axis, in float64."""
    exact = scores.astype(np.float64)
    raised = np.exp(exact - exact.max(axis=-1, keepdims=True, initial=-np.inf))
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def sigmoid(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return each score's own probability, in float64."""
    return np.exp(-np.logaddexp(0.0, -scores.astype(np.float64)))


def answer(shares: NDArray[np.float64], signature: Signature) -> Batch:
    """Return the columns of a classifier: the likeliest label and all probabilities."""
    labels = np.array(signature.classes, dtype=object)
    return {"prediction": labels[shares.argmax(axis=1)], "probabilities": shares}
