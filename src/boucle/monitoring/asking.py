"""Which rows to label next, when labels cost: the doubtful ones more often, and still an unbiased estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Column, Signature
from boucle.measures.intervals import LEVEL, SALT, Estimate, student
from boucle.monitoring.columns import answers
from boucle.monitoring.newest import newest
from boucle.ports.stores import Transaction

Floats = NDArray[np.float64]

FLOOR = 0.1
"""The least uncertainty of a row, so that sure rows are asked about too, and none weighs without bound."""
NEWEST = 10_000
"""Requests that are chosen from."""
_STRATUM = 4.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One row to label: the ``row`` of observation ``id``, and the chance with which it was chosen (its inclusion)."""

    id: str
    row: int
    inclusion: float


def choose(doubt: Floats, scores: Floats, k: int, seed: int = 0) -> tuple[NDArray[np.int64], Floats]:
    """Choose ``k`` of the rows; returns their positions and the chance each of them had.

    Chances are proportional to ``doubt`` (rows,), not below 0.1 of the largest, none above 1. Rows stand in strata of
    their ``scores`` from which about four are taken, in random order within one, and are taken systematically, so that
    every stretch of the scores has its share (Madow, 1949; Hartley and Rao, 1962). The same seed chooses the same
    rows. All are chosen when there are no more than ``k``.
    """
    chances = inclusions(doubt, k)
    random = np.random.default_rng([SALT, seed])
    order = np.argsort(scores, kind="stable")
    strata = np.floor(np.cumsum(chances[order]) / _STRATUM)
    order = order[np.lexsort((random.random(len(chances)), strata))]
    edges = np.cumsum(chances[order])
    start = random.random()
    hits = np.floor(edges - start + 1e-9) - np.floor(np.concatenate(([0.0], edges[:-1])) - start + 1e-9)
    taken = np.sort(order[hits > 0])
    return taken.astype(np.int64), chances[taken]


def inclusions(doubt: Floats, k: int) -> Floats:
    """Return each row's chance, proportional to doubt, summing to ``k``, shape (rows,).

    Rows whose chance would pass 1 are certain, and the rest share what is left (Särndal, Swensson and Wretman, 1992).
    """
    many = len(doubt)
    if k >= many:
        return np.ones(many)
    known = np.nan_to_num(np.asarray(doubt, dtype=np.float64), nan=1.0, posinf=1.0, neginf=0.0)
    size = np.maximum(known, FLOOR * max(float(known.max(initial=0.0)), 1e-12))
    certain = np.zeros(many, dtype=bool)
    chances = np.zeros(many)
    while k > 0:
        left = k - int(certain.sum())
        chances = np.where(certain, 1.0, left * size / size[~certain].sum())
        if not (chances > 1.0).any():
            break
        certain |= chances >= 1.0
    return chances


def uncertainty(probabilities: Floats) -> Floats:
    """Return the standard deviation of each answer's error, sqrt(p (1 - p)) of its likeliest class, shape (rows,).

    With chances proportional to it, the estimated error rate varies least (Neyman, 1934). NaN where a row has no
    probabilities.
    """
    best = probabilities.max(axis=1) if probabilities.ndim == 2 else np.maximum(probabilities, 1.0 - probabilities)
    return np.asarray(np.sqrt(np.clip(best * (1.0 - best), 0.0, 0.25)), dtype=np.float64)


def weighted(losses: Floats, chances: Floats, rows: int, level: float = LEVEL) -> Estimate:
    """Estimate the mean loss of all ``rows`` from those that were labelled, with the chances they had.

    The sum of loss / chance over ``rows`` is unbiased whatever the chances (Horvitz and Thompson, 1952). The interval
    takes the rows as drawn with replacement (Hansen and Hurwitz, 1943), which for a systematic sample is wide rather
    than narrow.
    """
    n = len(losses)
    if not n or rows < 1:
        return Estimate(math.nan, math.nan, math.nan, n)
    each = n * losses / (chances * rows)
    mean = float(each.mean())
    if n < 2:
        return Estimate(mean, math.nan, math.nan, n)
    off = student(n - 1, level) * float(each.std(ddof=1)) / math.sqrt(n) if (chances < 1.0).any() else 0.0
    return Estimate(mean, mean - off, mean + off, n)


def ask(tx: Transaction, model: str, version: int, signature: Signature, k: int, seed: int = 0) -> list[Asked]:
    """Choose ``k`` of the newest unlabelled rows to label next; fewer when there are fewer.

    Without probabilities every row is as doubtful as any other, and the sample is even over the answers.
    """
    page = newest(tx, model, version, NEWEST)
    told = tx.observations.joined(model, version, since=min((one.time for one in page), default=0.0))
    known = set(zip(told.ids, told.positions, strict=True))
    predicted, probabilities = answers(page, signature)
    keys = [(one.id, row) for one in page for row in range(one.rows)]
    open_ = np.array([i for i, key in enumerate(keys) if key not in known], dtype=np.int64)
    if not len(open_) or k < 1:
        return []
    doubt = np.ones(len(open_)) if probabilities is None else uncertainty(probabilities[open_])
    scores = _scores(predicted[open_], None if probabilities is None else probabilities[open_])
    taken, chances = choose(doubt, scores, k, seed)
    chosen = [keys[i] for i in open_[taken].tolist()]
    return [Asked(id_, row, chance) for (id_, row), chance in zip(chosen, chances.tolist(), strict=True)]


def _scores(predicted: Column, probabilities: Floats | None) -> Floats:
    """Return the number that rows are spread over: the probability of the last class, or the answer itself."""
    if probabilities is not None:
        return probabilities[:, -1]
    if predicted.dtype.kind == "f":
        return np.asarray(predicted, dtype=np.float64)
    _, codes = np.unique(predicted.astype(str), return_inverse=True)
    return codes.astype(np.float64)
