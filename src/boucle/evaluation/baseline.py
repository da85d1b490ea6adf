"""The answers of a model that knows nothing of the inputs: the least a version has to beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from boucle.measures.metrics import Answers

NAME = "always the same answer"


def constant(given: Answers, known: Answers | None) -> Answers:
    """Answer every row with the mean, or the most frequent label and the shares of all, of ``known`` (default: itself).

    Where answers are texts or spans, every row is answered with nothing.

    ``known`` holds the training rows' truth; taking the judged rows' own makes the baseline a little better than it is.
    """
    if given.parts:
        none = {name: np.column_stack([np.zeros(len(given)), part[:, 1]]) for name, part in given.parts.items()}
        return replace(given, prediction=np.zeros(len(given), dtype=np.int64), parts=none)
    source = given if known is None else known
    if not given.declared:
        return replace(given, prediction=np.full(len(given), float(np.mean(source.truth))))
    counts = np.bincount(source.truth[source.truth < given.declared].astype(np.int64), minlength=given.declared)
    shares = counts / max(int(counts.sum()), 1)
    told = np.tile(shares, (len(given), 1)) if given.probabilities is not None else None
    return replace(given, prediction=np.full(len(given), int(counts.argmax()), dtype=np.int64), probabilities=told)
