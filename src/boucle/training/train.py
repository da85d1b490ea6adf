"""Train: run a trainer on a job and leave a bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.model import BundleInfo
from boucle.core.run import Environment
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Runtime
from boucle.ports.trainer import Fitted, Job, Progress, Trainer
from boucle.training import bundling


@dataclass(frozen=True, slots=True)
class Trained:
    """A published bundle, and the fitted model it holds."""

    fitted: Fitted
    info: BundleInfo
    directory: Path
    digest: str


def train(
    job: Job,
    trainer: Trainer,
    runtime: Callable[[str], Runtime],
    root: Path,
    *,
    name: str,
    lineage: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
    progress: Progress = lambda text, share: None,
    times: NDArray[np.float64] | None = None,
    window: int | None = None,
) -> Trained:
    """Fit the job and publish its bundle under ``root``, the state directory.

    ``runtime`` finds a runtime by name. The reference profile holds the training inputs with answers by models that
    did not see them, where the trainer gives those: a model's answers to the rows it was fitted on are no measure
    of its answers to new ones. With ``times`` (Unix seconds, one a row of the job) and the rows of a ``window``, cycles
    and bursts are learnt from it. Raises TrainingError or BundleError; then nothing is left behind.
    """
    fitted = trainer.fit(job, lambda text, share: progress(text, 0.85 * share))
    progress("saving the model and checking that it answers the same", 0.88)
    sample = to_batch(job.frame, fitted.signature.inputs)
    truth = None
    if fitted.unseen is not None:
        sample = bundling.rows_of(sample, fitted.unseen.rows)
        truth = job.frame[job.target].to_numpy()[fitted.unseen.rows]
        times = None if times is None else times[fitted.unseen.rows]
    plan = bundling.Plan(
        name=name,
        model=fitted.model,
        signature=fitted.signature,
        sample=sample,
        answers=None if fitted.unseen is None else fitted.unseen.answers,
        lineage=described(lineage, environment, fitted),
        threshold=fitted.threshold,
        truth=truth,
        times=times,
        window=window,
    )
    info, directory, digest = bundling.make(plan, runtime(fitted.runtime), root)
    progress("the model is kept", 1.0)
    return Trained(fitted, info, directory, digest)


def described(lineage: Mapping[str, Any] | None, environment: Environment | None, fitted: Fitted) -> dict[str, Any]:
    """Return the lineage with what was trained and where; plain values only."""
    found: dict[str, Any] = {key: value for key, value in (lineage or {}).items() if value is not None}
    if fitted.params:
        found["params"] = dict(fitted.params)
    if environment is not None:
        found["python"] = environment.python
        if environment.git_commit is not None:
            found.setdefault("commit", environment.git_commit)
            found["dirty"] = bool(environment.git_dirty)
    return found
