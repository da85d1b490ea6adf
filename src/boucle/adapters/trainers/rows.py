"""A job's rows as estimators take them; what no estimator can use is refused here, with its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.errors import TrainingError
from boucle.core.signature import KINDS
from boucle.measures.metrics import metric_of, ordered
from boucle.ports.frames import to_batch, to_frame
from boucle.ports.trainer import Job


def inputs(job: Job) -> pd.DataFrame:
    """Return the canonical input columns of a job."""
    if KINDS[job.task] not in ("class", "quantity"):
        raise TrainingError(
            f"No estimator of scikit-learn does {job.task}.",
            hint="name a checkpoint to fine-tune:  model: {pretrained: hf://org/name}  or a folder",
        )
    if metric_of(job.metric).kind != KINDS[job.task]:
        raise TrainingError(f"The metric '{job.metric}' does not belong to {job.task}.", metric=job.metric)
    if job.target not in job.frame.columns:
        raise TrainingError(f"The data has no target column '{job.target}'.", target=job.target)
    if len(job.frame) < 4:
        raise TrainingError(
            f"{len(job.frame)} rows are too few to train on.", hint="cross-validation needs four or more"
        )
    rows = to_frame(to_batch(job.frame, job.fields), job.fields)
    numbers = rows.select_dtypes("float64")
    endless = [str(name) for name in numbers.columns if np.isinf(numbers[name].to_numpy()).any()]
    if endless:
        raise TrainingError(f"Column '{endless[0]}' holds infinite values.", hint="mend them or drop the column")
    return rows


def target_of(job: Job) -> NDArray[Any]:
    """Return the target's values: float64, or labels as whole numbers, booleans or text, shape (rows,)."""
    target = job.frame[job.target]
    absent = int(target.isna().sum())
    if absent:
        raise TrainingError(
            f"The target '{job.target}' is missing in {absent} of {len(target)} rows.",
            hint="drop these rows, or find out why they have no value",
        )
    values = target.to_numpy()
    if KINDS[job.task] == "quantity":
        return _number_target(job.target, values)
    if values.dtype.kind not in "biu":
        whole = values.dtype.kind == "f" and bool((values == np.rint(values)).all())
        values = values.astype(np.int64) if whole else np.array([str(value) for value in values.tolist()], dtype=object)
    if len(np.unique(values)) < 2:
        raise TrainingError(
            f"The target '{job.target}' has a single class, {values[0]!r}.", hint="a classifier needs two or more"
        )
    return values


def _number_target(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise TrainingError(
            f"The target '{name}' is no number: {error}.", hint="classes need  task: tabular-classification"
        ) from error
    if not np.isfinite(numbers).all():
        raise TrainingError(f"The target '{name}' holds infinite values.", hint="mend or drop these rows")
    if len(np.unique(numbers)) < 2:
        raise TrainingError(f"The target '{name}' is {numbers[0]:g} in every row.", hint="there is nothing to learn")
    return numbers


def sides(job: Job, y: NDArray[Any]) -> tuple[Any, Any]:
    """Return the positive and the negative label of a binary task, (None, None) otherwise."""
    if KINDS[job.task] == "quantity":
        return None, None
    labels = ordered(np.unique(y).tolist())
    if job.positive is not None and job.positive not in labels:
        raise TrainingError(f"The positive label {job.positive!r} is not in the data.", hint=f"it has: {labels[:12]}")
    if len(labels) != 2:
        return job.positive, None
    positive = labels[1] if job.positive is None else job.positive
    return positive, labels[0] if positive == labels[1] else labels[1]
