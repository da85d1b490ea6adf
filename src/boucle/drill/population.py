"""What the drill replays: rows the champion never learned from, with its own answers and what was right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.errors import DataError
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.signature import KINDS, Batch, Column, Signature
from boucle.data import fields, split
from boucle.loop.project import Project
from boucle.measures.metrics import default_metrics, losses
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor
from boucle.project.settings import Settings

Floats = NDArray[np.float64]
Places = NDArray[np.intp]
FEWEST, MOST = 50, 20_000
"""Rows the drill can be held with, and rows it takes at most."""


@dataclass(frozen=True)
class Population:
    """The rows, as the model takes them, and the model. ``truth`` has one entry a row."""

    signature: Signature
    predictor: Predictor
    batch: Batch
    truth: Column
    metric: str

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def answers(self) -> Batch:
        return self.predictor.predict(self.batch)

    @cached_property
    def losses(self) -> Floats:
        """The champion's loss on each row, shape (rows,)."""
        told = self.answers[self.signature.prediction.name]
        shares = self.answers.get("probabilities")
        found = losses(self.metric, self.truth, told, shares, self.signature.classes)
        return np.nan_to_num(found)

    @cached_property
    def half(self) -> NDArray[np.bool_]:
        """Mark every second row: those whose truth a concept drift moves."""
        return np.asarray(np.arange(len(self)) % 2 == 0)

    def take(self, places: Places) -> dict[str, Column]:
        return {name: column[places] for name, column in self.batch.items()}


def population(project: Project, version: ModelVersion, settings: Settings) -> Population:
    """Return the held-out rows of a version; of an adopted one without any, all rows it came with.

    Raises NotFound when they are not kept here, DataError when there are too few.
    """
    predictor, info = project.predictor(version)
    frame = project.snapshots.load(version.fingerprint)
    target = settings.data.target
    if target not in frame.columns:
        raise DataError(f"The rows of {version.ref} have no column '{target}', so nobody knows what is right.")
    parts = split.split(frame, settings.data, KINDS[settings.task] == "class")
    rows = parts.test if len(parts.test) >= FEWEST else frame[frame[target].notna()].reset_index(drop=True)
    if len(rows) < FEWEST:
        raise DataError(f"{version.ref} has {len(rows)} rows to replay, a drill needs {FEWEST}.")
    if len(rows) > MOST:
        rows = rows.iloc[np.linspace(0, len(rows) - 1, MOST).astype(int)].reset_index(drop=True)
    batch = to_batch(fields.conform(rows, info.signature.inputs, target=target), info.signature.inputs)
    return Population(info.signature, predictor, batch, _truth(rows[target].to_numpy(), info), _metric(settings))


def _truth(values: NDArray[Any], info: BundleInfo) -> Column:
    if info.signature.classes is None:
        return np.asarray(values, dtype=np.float64)
    named = {str(label): label for label in info.signature.classes}
    truth = np.empty(len(values), dtype=object)
    truth[:] = [named.get(str(value), value) for value in values.tolist()]
    return truth


def _metric(settings: Settings) -> str:
    return (settings.evaluate.metrics or default_metrics(settings.task))[0]
