"""Answers that are neither numbers nor labels, row by row: every metric of them is one weighted sum over another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Kind
from boucle.measures import boxes, spans, texts

Floats = NDArray[np.float64]
Parts = dict[str, Floats]
"""For each metric what stands above and below its fraction, shape (rows, 2)."""
FIRST = 5


def _spans(truth: Sequence[Any], told: Sequence[Any]) -> Parts:
    hit, answered, true = spans.counts(truth, told).T
    return {
        "span_f1": np.column_stack([2.0 * hit, answered + true]),
        "span_precision": np.column_stack([hit, answered]),
        "span_recall": np.column_stack([hit, true]),
    }


def _boxes(truth: Sequence[Any], told: Sequence[Any]) -> Parts:
    hit, answered, true = boxes.counts(truth, told).T
    return {
        "box_f1": np.column_stack([2.0 * hit, answered + true]),
        "box_precision": np.column_stack([hit, answered]),
        "box_recall": np.column_stack([hit, true]),
    }


def _texts(truth: Sequence[Any], told: Sequence[Any]) -> Parts:
    measures = {
        "exact_match": texts.exact_match, "word_f1": texts.word_f1, "rouge_l": texts.rouge_l, "chrf": texts.chrf,
    }  # fmt: skip
    return {name: _mean(texts.alike(measure, truth, told)) for name, measure in measures.items()}


def _candidates(truth: Sequence[Any], told: Sequence[Any]) -> Parts:
    """The truth is the token that was masked; an answer lists candidates, the best first."""
    places = np.array([_place(right, answer) for right, answer in zip(truth, told, strict=True)], dtype=np.float64)
    return {
        "accuracy_at_1": _mean(np.asarray(places == 1, dtype=np.float64)),
        "accuracy_at_5": _mean(np.asarray(places <= FIRST, dtype=np.float64)),
        "reciprocal_rank": _mean(1.0 / places),
    }


def _place(truth: Any, told: Any) -> float:
    tokens = [str(one["token"] if isinstance(one, Mapping) else one).strip().casefold() for one in told]
    wanted = str(truth).strip().casefold()
    return float(tokens.index(wanted) + 1) if wanted in tokens else float("inf")


def _vectors(truth: Sequence[Any], told: Sequence[Any]) -> Parts:
    if not len(truth):
        return {"cosine": np.zeros((0, 2))}
    one, other = (np.asarray(list(side), dtype=np.float64).reshape(len(side), -1) for side in (truth, told))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return {"cosine": np.column_stack([(one * other).sum(axis=1) / np.maximum(lengths, 1e-300), np.ones(len(one))])}


def _mean(each: Floats) -> Floats:
    return np.column_stack([each, np.ones(len(each))])


def readable(kind: Kind, truth: Any) -> bool:
    """Say whether a truth that somebody sent can be read as an answer of this kind."""
    read = {"boxes": boxes.boxes_of, "spans": spans.spans_of}.get(kind)
    try:
        return truth is not None and (read is None or read(truth) is not None)
    except (TypeError, ValueError):
        return False


WAYS: dict[Kind, Callable[[Sequence[Any], Sequence[Any]], Parts]] = {
    "boxes": _boxes,
    "spans": _spans,
    "text": _texts,
    "candidates": _candidates,
    "vector": _vectors,
}
