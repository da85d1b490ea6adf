"""A predictor and the rows it is judged on: predicts, and pairs what it says with the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from boucle.core.errors import DataError
from boucle.core.signature import Batch, Column, Label, Signature, Task
from boucle.measures.intervals import SALT
from boucle.measures.metrics import Answers, answers
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor, Tried


@dataclass(frozen=True)
class Scored:
    """One predictor on one batch with its truth, shape (rows,)."""

    predictor: Predictor
    signature: Signature
    batch: Batch
    truth: Column
    positive: Label | None = None

    @property
    def task(self) -> Task:
        return self.signature.task

    @property
    def media(self) -> bool:
        """Say whether texts or images go in, which take models long."""
        return any(field.dtype in ("text", "image") for field in self.signature.inputs)

    @property
    def written(self) -> bool:
        """Say whether answers are written word by word, which takes a model longest of all."""
        return isinstance(self.predictor, Tried)

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def output(self) -> Batch:
        return self.predictor.predict(self.batch)

    @cached_property
    def answers(self) -> Answers:
        """The truth paired with what the predictor says on the rows as they are."""
        return self.pair(self.output, self.truth)

    def on(self, batch: Mapping[str, Column], truth: Column) -> Answers:
        """Predict on other inputs and pair with ``truth``."""
        return self.pair(self.predictor.predict(batch), truth)

    def pair(self, output: Batch, truth: Column) -> Answers:
        """Pair what was told with the truth."""
        told = output.get("probabilities")
        return answers(self.task, truth, output["prediction"], told, self.signature.classes, self.positive)

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Scored:
        """Return the same predictor on some of the rows."""
        part = {name: column[rows] for name, column in self.batch.items()}
        return Scored(self.predictor, self.signature, part, self.truth[rows], self.positive)

    def sample(self, rows: int, seed: int) -> Scored:
        """Return at most ``rows`` of them, drawn without order."""
        if len(self) <= rows:
            return self
        return self.take(np.sort(np.random.default_rng([seed, SALT]).choice(len(self), rows, replace=False)))


def prepare(
    predictor: Predictor, signature: Signature, frame: pd.DataFrame, target: str, positive: Label | None = None
) -> Scored:
    """Turn rows whose truth is known into a batch; raises DataError when they do not fit the signature."""
    batch = to_batch(frame, signature.inputs)
    problems = signature.problems(batch)
    if problems:
        raise DataError(
            f"The rows do not fit the model: {'; '.join(problems[:3])}.", hint="give rows with the model's own columns"
        )
    return Scored(predictor, signature, batch, truth_of(frame, target, signature), positive)


def truth_of(frame: pd.DataFrame, target: str, signature: Signature) -> Column:
    """Read the target as the model's own numbers or labels; raises DataError when none of them is."""
    column = frame[target]
    if signature.kind not in ("class", "quantity"):
        return objects(column.tolist())
    if signature.kind == "quantity":
        truth = np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
        if len(truth) and np.isnan(truth).any():
            raise DataError(
                f"The target '{target}' is not a number in {int(np.isnan(truth).sum())} rows.", field=target
            )
        return truth
    classes = signature.classes or ()
    by_text = {str(label): label for label in classes}
    known = set(classes)
    values = [v if v in known else by_text.get(str(v), v) for v in column.tolist()]
    if values and not any(v in known for v in values):
        raise DataError(
            f"The target '{target}' holds none of the model's labels ({', '.join(list(by_text)[:5])}).",
            hint="evaluate the model on the target it was trained for",
            field=target,
        )
    return objects(values)


def objects(values: list[Any]) -> Column:
    """Return values as a column of objects, shape (rows,), lists among them left whole."""
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def labelled_rows(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """Return the rows whose target is known; raises DataError when the column or every value is missing."""
    if target not in frame.columns:
        raise DataError(f"The rows have no column '{target}' to compare with.", hint="give labelled rows", field=target)
    kept = frame[frame[target].notna()]
    if kept.empty:
        raise DataError(f"No row has a value in '{target}'.", hint="give labelled rows", field=target)
    return kept
