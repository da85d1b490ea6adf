"""Labelled rows as arrays: what was answered beside what was right, ready to be scored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.observation import Joined
from boucle.core.signature import KINDS, Column, Label, Task
from boucle.measures.counting import level
from boucle.measures.metrics import Answers, Floats, answers, losses, ordered
from boucle.measures.structured import readable
from boucle.monitoring.columns import numbers, shares


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows in order of request time; ``keys`` are (observation id, row in it), ``dropped`` counts unusable rows.

    ``columns`` are the inputs, where they were read.
    """

    task: Task
    keys: list[tuple[str, int]]
    times: Floats
    arrived: Floats
    truth: Column
    prediction: Column
    probabilities: Floats | None
    classes: tuple[Label, ...] | None
    dropped: int = 0
    columns: dict[str, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[Any] | slice) -> Labelled:
        places = np.arange(len(self))[rows]
        return Labelled(
            self.task,
            [self.keys[i] for i in places],
            self.times[places],
            self.arrived[places],
            self.truth[places],
            self.prediction[places],
            None if self.probabilities is None else self.probabilities[places],
            self.classes,
            self.dropped,
            {name: column[places] for name, column in self.columns.items()},
        )

    def answers(self) -> Answers:
        return answers(self.task, self.truth, self.prediction, self.probabilities, self.classes)

    def losses(self, metric: str) -> Floats:
        return losses(metric, self.truth, self.prediction, self.probabilities, self.classes)


def labelled(
    joined: Joined, task: Task, classes: Sequence[Label] | None = None, roles: Collection[str] = ()
) -> Labelled:
    """Turn joined rows into arrays; rows of other ``roles`` are left out, unusable ones counted.

    ``classes`` is the order of the probabilities. Without it they are used only if every class was met.
    """
    rows = [i for i, role in enumerate(joined.roles) if not roles or role in roles]
    truths, predictions = [joined.truths[i] for i in rows], [joined.predictions[i] for i in rows]
    told = [joined.probabilities[i] for i in rows]
    truth: Column
    prediction: Column
    kind = KINDS[task]
    if kind == "quantity":
        values, predicted = numbers(truths), numbers(predictions)
        usable = np.isfinite(values) & np.isfinite(predicted)
        truth, prediction, probabilities = values, predicted, None
    elif kind != "class":
        truth, prediction, probabilities = _objects(truths), _objects(predictions), None
        usable = np.array(
            [readable(kind, t) and readable(kind, p) for t, p in zip(truths, predictions, strict=True)], dtype=bool
        )
    else:
        known, probabilities = _known(classes, truths, predictions, told)
        classes = known if classes is None else tuple(classes)
        truth, prediction = _objects(_named(truths, known)), _objects(_named(predictions, known))
        usable = np.array([t is not None and p is not None for t, p in zip(truth, prediction, strict=True)], dtype=bool)
    places = np.arange(len(rows))
    found = Labelled(
        task,
        [(joined.ids[i], joined.positions[i]) for i in rows],
        np.array([joined.times[i] for i in rows], dtype=np.float64),
        np.array([joined.arrived[i] for i in rows], dtype=np.float64),
        truth,
        prediction,
        probabilities,
        None if classes is None else tuple(classes),
        int(len(rows) - usable.sum()),
        {name: _objects([column[i] for i in rows]) for name, column in joined.inputs.items()},
    )
    return found.take(places[usable])


def _known(
    classes: Sequence[Label] | None, truths: list[Any], predictions: list[Any], told: list[Any]
) -> tuple[tuple[Label, ...], Floats | None]:
    """Return the classes, and the probabilities where every row has one a class."""
    if classes is None:
        classes = ordered({v for v in (*truths, *predictions) if v is not None and v == v})
    widths = {len(row) if isinstance(row, list | tuple) else 0 for row in told}
    if widths != {len(classes)}:
        return tuple(classes), None
    probabilities = shares(told, len(classes))
    return tuple(classes), None if np.isnan(probabilities).any() else probabilities


def _named(values: list[Any], classes: Sequence[Label]) -> list[Any]:
    """Bring labels into the classes' own type: the truth "1" about the class 1 is the class 1."""
    kind = "bool" if all(isinstance(label, bool) for label in classes) else "categorical"
    names = {level(label, kind): label for label in classes}
    return [None if v is None or v != v else names.get(level(v, kind), v) for v in values]


def _objects(values: list[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
