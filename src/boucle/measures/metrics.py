"""Metrics of a model's answers. Every metric takes row weights, so that resampling is a matrix product.

What is undefined (no positive row, a constant truth, no probabilities) is NaN, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boucle.core.errors import NotFound, suggest
from boucle.core.signature import KINDS, Column, Kind, Label, Task
from boucle.measures.structured import WAYS

Loss = Literal["zero_one", "squared", "absolute", "log", "brier", "unlike"]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kernel = Callable[[Floats], Floats]
"""Row weights, shape (sets, rows), to the metric under each set of weights, shape (sets,)."""

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``low`` and ``high`` are the ends of what it can be.

    ``loss`` is the per-row loss that the metric is a mean of (``exact``; rmse is its root, accuracy one minus it),
    or else the nearest such loss, for places that can only average over rows.
    """

    name: str
    title: str
    kind: Kind
    greater_is_better: bool
    loss: Loss
    exact: bool
    low: float = 0.0
    high: float = float("inf")
    probabilities: bool = False

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks it measures."""
        return tuple(task for task, kind in KINDS.items() if kind == self.kind)

    @property
    def sign(self) -> float:
        """+1 where more is better, -1 where less is: sign times a difference is an improvement."""
        return 1.0 if self.greater_is_better else -1.0


def _table(*metrics: Metric) -> dict[str, Metric]:
    return {m.name: m for m in metrics}


METRICS: dict[str, Metric] = _table(
    Metric("accuracy", "Accuracy", "class", True, "zero_one", True, high=1.0),
    Metric("balanced_accuracy", "Balanced accuracy", "class", True, "zero_one", False, high=1.0),
    Metric("precision", "Precision", "class", True, "zero_one", False, high=1.0),
    Metric("recall", "Recall", "class", True, "zero_one", False, high=1.0),
    Metric("f1", "F1", "class", True, "zero_one", False, high=1.0),
    Metric("roc_auc", "ROC AUC", "class", True, "brier", False, high=1.0, probabilities=True),
    Metric("log_loss", "Log loss", "class", False, "log", True, probabilities=True),
    Metric("brier", "Brier score", "class", False, "brier", True, high=2.0, probabilities=True),
    Metric("rmse", "RMSE", "quantity", False, "squared", True),
    Metric("mse", "MSE", "quantity", False, "squared", True),
    Metric("mae", "MAE", "quantity", False, "absolute", True),
    Metric("r2", "R²", "quantity", True, "squared", False, low=float("-inf"), high=1.0),
    Metric("box_f1", "F1 of boxes", "boxes", True, "unlike", False, high=1.0),
    Metric("box_precision", "Precision of boxes", "boxes", True, "unlike", False, high=1.0),
    Metric("box_recall", "Recall of boxes", "boxes", True, "unlike", False, high=1.0),
    Metric("span_f1", "F1 of spans", "spans", True, "unlike", False, high=1.0),
    Metric("span_precision", "Precision of spans", "spans", True, "unlike", False, high=1.0),
    Metric("span_recall", "Recall of spans", "spans", True, "unlike", False, high=1.0),
    Metric("exact_match", "Exact match", "text", True, "unlike", False, high=1.0),
    Metric("word_f1", "F1 of words", "text", True, "unlike", False, high=1.0),
    Metric("rouge_l", "ROUGE-L", "text", True, "unlike", False, high=1.0),
    Metric("chrf", "chrF", "text", True, "unlike", False, high=1.0),
    Metric("accuracy_at_1", "Right at first", "candidates", True, "unlike", False, high=1.0),
    Metric("accuracy_at_5", "Among the first five", "candidates", True, "unlike", False, high=1.0),
    Metric("reciprocal_rank", "Mean reciprocal rank", "candidates", True, "unlike", False, high=1.0),
    Metric("cosine", "Cosine similarity", "vector", True, "unlike", False, low=-1.0, high=1.0),
)
_DEFAULTS: dict[Kind, tuple[str, ...]] = {
    "quantity": ("rmse", "mae", "r2"),
    "class": ("accuracy", "f1", "roc_auc", "log_loss"),
    "boxes": ("box_f1", "box_precision", "box_recall"),
    "spans": ("span_f1", "span_precision", "span_recall"),
    "text": ("rouge_l", "chrf", "exact_match"),
    "candidates": ("accuracy_at_1", "accuracy_at_5", "reciprocal_rank"),
    "vector": ("cosine",),
}
_OWN: dict[Task, tuple[str, ...]] = {
    "question-answering": ("word_f1", "exact_match"),
    "translation": ("chrf", "rouge_l", "exact_match"),
}


def metric_of(name: str) -> Metric:
    """Return the metric ``name``; raises NotFound with near names."""
    if name not in METRICS:
        raise NotFound(
            f"There is no metric '{name}'.", hint=f"{suggest(name, METRICS)}known: {', '.join(METRICS)}", name=name
        )
    return METRICS[name]


def default_metrics(task: Task) -> tuple[str, ...]:
    """Return the metrics of a task that names none; the first is the primary one."""
    return _OWN.get(task, _DEFAULTS[KINDS[task]])


@dataclass(frozen=True, slots=True)
class Answers:
    """Truth and answers on the same rows, ready to be scored any number of times.

    Quantities: ``truth`` and ``prediction`` are the numbers. Classes: they are positions in ``labels``, which
    begins with the ``declared`` classes (the columns of ``probabilities``) and goes on with labels met besides.
    Anything else: ``truth`` is 1, ``prediction`` 1 where it is wholly right, and ``parts`` holds for each metric, the
    deciding one first, what is above and below its fraction, shape (rows, 2).
    """

    truth: Floats | Codes
    prediction: Floats | Codes
    probabilities: Floats | None = None
    labels: tuple[Any, ...] = ()
    declared: int = 0
    positive: int = -1
    parts: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def kind(self) -> Kind:
        """What one answer is."""
        if self.parts:
            return METRICS[next(iter(self.parts))].kind
        return "class" if self.declared else "quantity"

    @property
    def binary(self) -> bool:
        return self.declared == 2

    def take(self, rows: NDArray[Any]) -> Answers:
        """Return the answers of ``rows``: positions or a mask."""
        kept = None if self.probabilities is None else self.probabilities[rows]
        parts = {name: part[rows] for name, part in self.parts.items()}
        return replace(self, truth=self.truth[rows], prediction=self.prediction[rows], probabilities=kept, parts=parts)


def numbers(truth: Column, prediction: Column) -> Answers:
    """Pair the numbers of a regression, both of shape (rows,)."""
    return Answers(np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64))


def labelled(
    truth: Column,
    prediction: Column,
    probabilities: Column | None = None,
    classes: Sequence[Label] | None = None,
    positive: Label | None = None,
) -> Answers:
    """Pair the labels of a classification. ``probabilities`` has shape (rows, classes), or (rows,) of ``positive``.

    ``classes`` default to the labels met, ``positive`` to the last of the classes in sorted order.
    """
    true, predicted = _plain(truth), _plain(prediction)
    declared = tuple(classes) if classes is not None else ordered(set(true) | set(predicted))
    labels = declared + ordered((set(true) | set(predicted)) - set(declared))
    place = {label: i for i, label in enumerate(labels)}
    special = ordered(declared)[-1:] if positive is None else (positive,)
    chosen = place.get(special[0], -1) if special else -1
    shares = None if probabilities is None else _shares(np.asarray(probabilities, dtype=np.float64), chosen)
    return Answers(
        np.fromiter((place[v] for v in true), dtype=np.int64, count=len(true)),
        np.fromiter((place[v] for v in predicted), dtype=np.int64, count=len(predicted)),
        shares,
        labels,
        max(len(declared), 1),
        chosen,
    )


def ordered(labels: Iterable[Any]) -> tuple[Any, ...]:
    """Sort labels; those of mixed types by their type's name and text."""
    listed = list(labels)
    try:
        return tuple(sorted(listed))
    except TypeError:
        return tuple(sorted(listed, key=lambda v: (type(v).__name__, str(v))))


def _plain(values: Column) -> list[Any]:
    return [None if v is None or v != v else v for v in np.asarray(values).tolist()]


def _shares(probabilities: Floats, positive: int) -> Floats:
    if probabilities.ndim == 2:
        return probabilities
    pair = (1.0 - probabilities, probabilities)
    return np.column_stack(pair if positive == 1 else pair[::-1])


def answers(
    task: Task,
    truth: Column,
    prediction: Column,
    probabilities: Column | None = None,
    classes: Sequence[Label] | None = None,
    positive: Label | None = None,
) -> Answers:
    """Pair truth and answers as the task asks; the first default metric of the task decides."""
    kind = KINDS[task]
    if kind == "quantity":
        return numbers(truth, prediction)
    if kind == "class":
        return labelled(truth, prediction, probabilities, classes, positive)
    return _structured(truth, prediction, default_metrics(task))


def _structured(truth: Column, prediction: Column, first: Sequence[str]) -> Answers:
    """Pair answers that are neither numbers nor labels; ``first`` are metrics of their kind, the deciding one first."""
    kind = METRICS[first[0]].kind
    names = list(dict.fromkeys([*first, *(m.name for m in METRICS.values() if m.kind == kind)]))
    parts = WAYS[kind](list(truth), list(prediction))
    right = (parts[names[0]][:, 0] >= parts[names[0]][:, 1] - _EPS).astype(np.int64)
    return Answers(np.ones(len(right), dtype=np.int64), right, parts={name: parts[name] for name in names})


def compute(
    metric: str,
    truth: Column,
    prediction: Column,
    probabilities: Column | None = None,
    classes: Sequence[Label] | None = None,
    positive: Label | None = None,
    weights: Floats | None = None,
) -> float:
    """Compute one metric. Two classes: of the positive label; more: the plain mean over classes.

    ``classes`` is the order of the columns of ``probabilities``. Raises NotFound for an unknown metric.
    """
    task = metric_of(metric).tasks[0]
    return score(metric, answers(task, truth, prediction, probabilities, classes, positive), weights)


def score(metric: str, given: Answers, weights: Floats | None = None) -> float:
    """Compute one metric of paired answers; NaN where it is undefined or belongs to another kind of answer."""
    rows = np.ones(len(given)) if weights is None else np.asarray(weights, dtype=np.float64)
    return float(kernel(metric, given)(rows[None, :])[0])


def losses(
    metric: str,
    truth: Column,
    prediction: Column,
    probabilities: Column | None = None,
    classes: Sequence[Label] | None = None,
    positive: Label | None = None,
) -> Floats:
    """Return the per-row losses of ``metric`` (see ``Metric.loss``), shape (rows,); lower is better.

    A loss that needs probabilities falls back on the 0/1 error where there are none.
    """
    kind = metric_of(metric)
    given = answers(kind.tasks[0], truth, prediction, probabilities, classes, positive)
    wanted: Loss = "zero_one" if kind.loss in ("log", "brier") and given.probabilities is None else kind.loss
    return row_losses(wanted, given)


def row_losses(loss: Loss, given: Answers) -> Floats:
    """Return one loss per row, shape (rows,); NaN where there are no probabilities for it."""
    if loss == "zero_one":
        return np.asarray(given.truth != given.prediction, dtype=np.float64)
    if loss in ("squared", "absolute"):
        error = np.asarray(given.truth - given.prediction, dtype=np.float64)
        return np.square(error) if loss == "squared" else np.abs(error)
    if loss == "unlike":
        return _unlike(given)
    if given.probabilities is None:
        return np.full(len(given), np.nan)
    told = _of_truth(given)
    if loss == "log":
        return np.asarray(-np.log(np.clip(told, _EPS, 1.0 - _EPS)), dtype=np.float64)
    # Brier (1950) sums over classes; halved for two classes, so that it is (p - y)².
    whole = np.square(given.probabilities).sum(axis=1) - 2.0 * told + 1.0
    return np.asarray(whole / 2.0 if given.binary else whole, dtype=np.float64)


def _unlike(given: Answers) -> Floats:
    """Return what each row lacks of the deciding metric; a row that has nothing to find lacks nothing."""
    if not given.parts:
        return np.full(len(given), np.nan)
    above, below = next(iter(given.parts.values())).T
    return np.where(below > 0, 1.0 - above / np.where(below > 0, below, 1.0), 0.0)


def _of_truth(given: Answers) -> Floats:
    """Return the probability each row gave its true label; 0 for a label the model does not know."""
    assert given.probabilities is not None
    known = given.truth < given.declared
    told = given.probabilities[np.arange(len(given)), np.where(known, given.truth, 0).astype(np.int64)]
    return np.where(known, told, 0.0)


def kernel(metric: str, given: Answers) -> Kernel:
    """Prepare ``metric`` on ``given`` for any number of row weightings."""
    kind = metric_of(metric)
    if kind.kind != given.kind:
        return lambda weights: np.full(len(weights), np.nan)
    if given.parts:
        above, below = given.parts[kind.name].T
        return lambda weights: _ratio(weights @ above, weights @ below)
    if kind.name == "r2":
        return _determination(given)
    if kind.name == "roc_auc":
        return _areas(given)
    if kind.exact:
        return _mean_loss(kind, given)
    return _by_class(kind.name, given)


def _mean_loss(kind: Metric, given: Answers) -> Kernel:
    each = row_losses(kind.loss, given)

    def apply(weights: Floats) -> Floats:
        mean = _ratio(weights @ each, weights.sum(axis=1))
        if kind.name == "rmse":
            return np.asarray(np.sqrt(mean), dtype=np.float64)
        return 1.0 - mean if kind.name == "accuracy" else mean

    return apply


def _determination(given: Answers) -> Kernel:
    squared = row_losses("squared", given)
    with np.errstate(invalid="ignore"):
        centred = np.asarray(given.truth - (np.mean(given.truth) if len(given) else 0.0), dtype=np.float64)
    square = np.square(centred)

    def apply(weights: Floats) -> Floats:
        second = weights @ square
        spread = second - _ratio(np.square(weights @ centred), weights.sum(axis=1))
        return 1.0 - _ratio(weights @ squared, np.where(spread > 1e-12 * second, spread, 0.0))

    return apply


def _by_class(name: str, given: Answers) -> Kernel:
    hit = given.truth == given.prediction

    def apply(weights: Floats) -> Floats:
        right = _sums(weights[:, hit], given.truth[hit], len(given.labels))
        true = _sums(weights, given.truth, len(given.labels))
        told = _sums(weights, given.prediction, len(given.labels))
        if name == "balanced_accuracy":
            return _row_mean(_ratio(right, true), true > 0)
        parts = {"precision": (right, told), "recall": (right, true), "f1": (2.0 * right, true + told)}
        each = _ratio(*parts[name])
        if given.binary and given.positive >= 0:
            return each[:, given.positive]
        # A class that stands on one side only scores 0, as in scikit-learn; one on neither side is left out.
        return _row_mean(np.nan_to_num(each, nan=0.0), (true > 0) | (told > 0))

    return apply


def _areas(given: Answers) -> Kernel:
    if given.probabilities is None or np.isnan(given.probabilities).any():
        return lambda weights: np.full(len(weights), np.nan)
    columns = [given.positive] if given.binary else list(range(given.declared))
    sides = [(given.probabilities[:, c], given.truth == c) for c in columns if 0 <= c < given.declared]

    def apply(weights: Floats) -> Floats:
        areas = np.stack([_area(s, p, weights) for s, p in sides], axis=1)
        return _row_mean(areas, ~np.isnan(areas))

    return apply


def _area(scores: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return the share of (positive, negative) pairs in the right order, ties half (Mann and Whitney, 1947)."""
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    ranked, side, weights = scores[order], positive[order], weights[:, order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    up = np.add.reduceat(weights * side, starts, axis=1)
    down = np.add.reduceat(weights * ~side, starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2.0
    return _ratio((up * below).sum(axis=1), up.sum(axis=1) * down.sum(axis=1))


def _sums(weights: Floats, codes: NDArray[Any], count: int) -> Floats:
    return np.stack([np.bincount(codes, weights=w, minlength=count) for w in weights]).astype(np.float64)


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def _row_mean(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    return _ratio(np.where(counted, values, 0.0).sum(axis=1), counted.sum(axis=1).astype(np.float64))
