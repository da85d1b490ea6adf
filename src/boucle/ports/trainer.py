"""Trainer: turns labelled rows into a fitted model, by what the project asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch, Field, Signature, Task

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, float], None]
"""Called with what is happening and the share done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to train. ``fields`` are the inputs in order; ``frame`` has those columns and ``target``.

    ``estimator`` is ``auto``, an import path, ``module:function``, or a list of those; ``params`` its parameters.
    ``metric`` decides between candidates and search trials. ``positive`` is the label of interest of a binary task.
    ``pretrained`` asks for fine-tuning: ``checkpoint`` and the keys of the project's model section that were given.
    ``workspace`` is a folder where a trainer keeps what a training that was killed goes on from; empty: none is kept.
    """

    task: Task
    fields: tuple[Field, ...]
    target: str
    frame: pd.DataFrame
    estimator: str | tuple[str, ...] = "auto"
    params: dict[str, Any] = field(default_factory=dict)
    metric: str = "rmse"
    trials: int = 0
    timeout: float | None = None
    folds: int = 5
    seed: int = 0
    class_weight: str | None = None
    threshold: float | str | None = None
    positive: Any = None
    directory: str = "."
    pretrained: Mapping[str, Any] | None = None
    workspace: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Answers to training rows by models that did not see them: what the final model's answers to new rows look like.

    ``rows`` are their places in the job's frame, ``answers`` the columns ``prediction`` and ``probabilities``.
    """

    rows: NDArray[np.intp]
    answers: Batch


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model and what became of the candidates: ``scores`` maps each to its cross-validated metric.

    ``scores`` has the ``baseline`` too, the best constant answer; ``spread`` the standard deviation between folds;
    ``warnings`` what a person should know, such as that nothing beats the baseline. ``curves`` are what was measured
    along the way, such as ``train_loss``: pairs of the epoch and the value, in order.
    """

    model: Any
    runtime: str
    signature: Signature
    params: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    chosen: str = ""
    threshold: float | None = None
    seconds: float = 0.0
    spread: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unseen: Unseen | None = None
    curves: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)


class Trainer(Protocol):
    name: str

    def fit(self, job: Job, progress: Progress) -> Fitted:
        """Fit; the same job and seed give the same predictions. Raises TrainingError."""
        ...
