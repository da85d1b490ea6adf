"""A job's rows as texts with labels; what nothing can be learned from is refused here, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.trainers.rows import target_of
from boucle.core.errors import TrainingError
from boucle.core.signature import Field, Label
from boucle.measures.metrics import METRICS, compute, ordered
from boucle.ports.trainer import Job

LEAST = 8
MANY = 0.5
"""The share of rows with a class of their own beyond which the target cannot be meant as classes."""


@dataclass(frozen=True, slots=True)
class Examples:
    """``inputs`` are texts, or the bytes of images; ``codes`` the places of their labels in ``classes``."""

    field: Field
    inputs: list[Any]
    codes: NDArray[np.int64]
    classes: tuple[Label, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The inputs."""
        return (self.field,)

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The inputs' values by the names of their fields."""
        return {self.field.name: self.inputs}

    @property
    def truths(self) -> NDArray[Any]:
        """What is right for each row, shape (rows,)."""
        return self.labels

    @property
    def constant(self) -> list[Any]:
        """An answer to each row that takes no model."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        """The classes as a checkpoint writes them."""
        return tuple(str(label) for label in self.classes)

    def ordered_as(self, names: list[str]) -> Examples:
        """Return it with its classes in the order of ``names``, which are the same."""
        order = sorted(range(len(self.classes)), key=lambda code: names.index(self.names[code]))
        codes = np.argsort(order)[self.codes]
        return replace(self, classes=tuple(self.classes[code] for code in order), codes=codes)

    @property
    def labels(self) -> NDArray[Any]:
        """The label of each row, shape (rows,), in the type that answers have."""
        return labelled(self.classes, self.codes)


def labelled(classes: tuple[Label, ...], codes: NDArray[Any]) -> NDArray[Any]:
    """Return labels by their places, in the type that answers have."""
    plain = all(type(label) is int for label in classes) or all(type(label) is bool for label in classes)
    return np.array(classes, dtype=None if plain else object)[codes]


def read(job: Job) -> Examples:
    """Read a job of classification; raises TrainingError."""
    if len(job.frame) < LEAST:
        raise TrainingError(f"{len(job.frame)} rows are too few to fine-tune on.", hint=f"it takes {LEAST} or more")
    field = input_of(job)
    labels = target_of(job)
    classes = tuple(ordered(np.unique(labels).tolist()))
    place = {label: code for code, label in enumerate(classes)}
    codes = np.array([place[label] for label in labels.tolist()], dtype=np.int64)
    counts = np.bincount(codes)
    inputs = list(job.frame[field.name])
    notes = [*check_inputs(inputs, field), *_torn(inputs, field, codes)]
    single = [str(classes[code]) for code in np.flatnonzero(counts == 1)]
    if len(single) > MANY * len(inputs):
        raise TrainingError(
            f"The target '{job.target}' has {len(classes)} classes in {len(inputs)} rows, {len(single)} of them with "
            "a single example: it looks like a name or a number of the row.",
            hint="data.target has to name the column of labels",
        )
    if single:
        notes.append(
            f"{_some(single)} {'has' if len(single) == 1 else 'have'} one example only: nothing says whether it is "
            "learned. Add examples, or drop the class"
        )
    return Examples(field, inputs, codes, classes, tuple(notes))


def validation_rows(examples: Examples, share: float, seed: int) -> NDArray[np.intp]:
    """Choose about ``share`` of the rows of each class, none of a class with one; equal inputs stay on one side."""
    random = np.random.default_rng(seed)
    groups: dict[tuple[int, Any], list[int]] = {}
    seen: dict[Any, int] = {}
    for row, (value, code) in enumerate(zip(examples.inputs, examples.codes.tolist(), strict=True)):
        groups.setdefault((seen.setdefault(value, code), value), []).append(row)
    chosen: list[int] = []
    for code in np.unique(examples.codes).tolist():
        own = [rows for (first, _), rows in groups.items() if first == code]
        wanted = min(round(share * sum(map(len, own))) or 1, sum(map(len, own)) - 1)
        taken = 0
        for number in random.permutation(len(own))[: len(own) - 1]:
            if taken >= wanted:
                break
            chosen += own[number]
            taken += len(own[number])
    return np.sort(np.array(chosen, dtype=np.intp))


def input_of(job: Job) -> Field:
    wanted = "image" if job.task == "image-classification" else "text"
    fields = [f for f in job.fields if f.dtype in (wanted, *(("string",) if wanted == "text" else ()))]
    if len(job.fields) != 1 or len(fields) != 1:
        raise TrainingError(
            f"{job.task} learns from one column of {wanted}s; the inputs are: "
            f"{', '.join(f'{f.name} ({f.dtype})' for f in job.fields) or 'none'}.",
            hint="name the column under data.features, and its type under data.checks",
        )
    return fields[0]


def check_inputs(inputs: list[Any], field: Field) -> list[str]:
    """Refuse inputs that are no texts or no images; returns what is odd about them. Raises TrainingError."""
    kind: type = bytes if field.dtype == "image" else str
    wrong = [row for row, value in enumerate(inputs) if not isinstance(value, kind)]
    if wrong:
        raise TrainingError(
            f"{len(wrong)} of {len(inputs)} rows of '{field.name}' hold no {field.dtype}, the first is row {wrong[0]}.",
            hint="drop these rows, or mend the column",
            field=field.name,
            row=wrong[0],
        )
    notes = []
    empty = sum(not value.strip() for value in inputs)
    if empty == len(inputs):
        raise TrainingError(f"'{field.name}' is empty in every row.", hint="name another column under data.features")
    if empty:
        notes.append(f"{empty} rows of '{field.name}' are empty")
    return notes


def judged(metric: str, examples: Examples, rows: NDArray[np.intp], told: Sequence[Any]) -> float:
    """Score what is told of some rows; what is undefined is the worst value."""
    value = compute(metric, column([examples.truths[row] for row in rows]), column(told))
    found = METRICS[metric]
    return (found.low if found.greater_is_better else found.high) if np.isnan(value) else value


def column(values: Sequence[Any]) -> NDArray[Any]:
    """Return values of any kind as an array of objects, shape (rows,)."""
    made = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        made[place] = value
    return made


def _torn(inputs: list[Any], field: Field, codes: NDArray[np.int64]) -> list[str]:
    said: dict[Any, int] = {}
    torn = sum(said.setdefault(value, code) != code for value, code in zip(inputs, codes.tolist(), strict=True))
    return [f"{torn} rows have another label than an equal {field.dtype} before them"] if torn else []


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return f"Class {shown}" if len(names) == 1 else f"{len(names)} classes ({shown}{', …' if len(names) > 3 else ''})"
