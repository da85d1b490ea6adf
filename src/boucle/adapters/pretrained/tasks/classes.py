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


def answer(shares: NDArray[np.float64], signature: Signature, threshold: float | None = None) -> Batch:
    """Return the columns of a classifier: the likeliest label and all probabilities.

    With a ``threshold`` the last of two classes is answered from that probability on.
    """
    labels = np.array(signature.classes, dtype=signature.prediction.storage)
    places = shares.argmax(axis=1)
    if threshold is not None and len(labels) == 2:
        places = (shares[:, 1] >= threshold).astype(np.intp)
    return {"prediction": labels[places], "probabilities": shares}
