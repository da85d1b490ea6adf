"""One fine-tuning of a classifier under way: the constant answer, the probe, the method, the rows held out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.finetuning import leaving, probe, workspace
from boucle.adapters.finetuning.classification import Classes, Scored, constant
from boucle.adapters.finetuning.course import Course
from boucle.adapters.finetuning.examples import Examples, labelled
from boucle.adapters.finetuning.learning import Pace, learn
from boucle.adapters.finetuning.ready import Ready
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.adapters.trainers import threshold
from boucle.adapters.trainers.rows import sides
from boucle.core.errors import TrainingError
from boucle.core.signature import Field, Signature, outputs_of
from boucle.ports.trainer import Fitted, Job, Progress, Unseen

BASELINE, PROBE = "baseline", "probe"
Floats = NDArray[np.float64]


class Training:
    """One job. Its steps are in the order of ``run``."""

    def __init__(self, job: Job, examples: Examples, start: Start, ready: Ready, progress: Progress) -> None:
        self.job, self.examples, self.start, self.ready, self.progress = job, examples, start, ready, progress
        self.recipe = ready.recipe
        self.notes = [*examples.notes, *start.notes, *ready.notes]
        self.positive, _ = sides(job, examples.labels)
        self.scored = Scored(job.metric, examples.classes, self.positive)
        self.scores: dict[str, float] = {}
        self.course = Course()

    def run(self, folder: Path, kept_every: float) -> Fitted:
        """Train in ``folder``; the state is kept there every so many seconds."""
        if self.recipe.method == "probe":
            return self._probed(workspace.fresh_model(folder))
        self._first_answers()
        whole = self._trained(folder, kept_every)
        self.progress("writing the model, and asking it the rows held out", 0.95)
        made = leaving.written(whole, self.start.checkpoint, workspace.fresh_model(folder))
        workspace.cleared(folder)
        answered = self._answered(made, self.ready.held)
        return self._fitted(made, self.ready.held, answered, self.scored(self._truth(self.ready.held), answered))

    def _first_answers(self) -> None:
        """Score the constant answer and the linear one, both on the rows held out."""
        learned, held = self.ready.learned, self.ready.held
        self.scores[BASELINE] = self.scored(self._truth(held), constant(self.examples, learned, len(held)))
        found = probe.fit(
            self.ready.vectors[learned], self.examples.codes[learned], len(self.examples.classes),
            folds=self.job.folds, seed=self.job.seed, balanced=self._balanced,
        )  # fmt: skip
        self.scores[PROBE] = self.scored(self._truth(held), found.shares(self.ready.vectors[held]))
        self.progress(f"a first answer, the linear probe: {self.job.metric} {self.scores[PROBE]:.4g}", 0.22)

    def _probed(self, place: Path) -> Fitted:
        """Make the probe the model; its answers to rows unseen come from cross-validation."""
        codes, vectors = self.examples.codes, self.ready.vectors
        how: dict[str, Any] = {"folds": self.job.folds, "seed": self.job.seed, "balanced": self._balanced}
        found = probe.fit(vectors, codes, len(self.examples.classes), **how)
        rows, shares = probe.unseen(vectors, codes, len(self.examples.classes), found.strength, **how)
        self.scores[BASELINE] = self.scored(self._truth(rows), constant(self.examples, rows, len(rows)))
        self.progress("writing the model", 0.95)
        made = leaving.probed(self.ready.model.base_model, found, self.start.checkpoint, place)
        return self._fitted(made, rows, shares, self.scored(self._truth(rows), shares), C=found.strength)

    def _trained(self, folder: Path, kept_every: float) -> Any:
        """Train; returns the whole model."""
        goal = Classes(self.examples, self.ready, self.scored, balanced=self._balanced)
        pace = Pace(self.job.seed, kept_every, self.progress)
        base = partial(_anew, self.start, self.examples, self.job.seed)
        whole, self.course = learn(self.ready, goal, self.job.task, base, folder, pace)
        self.notes += self.course.notes
        return whole

    def _fitted(self, made: Checkpoint, rows: NDArray[np.intp], shares: Floats, score: float, **more: Any) -> Fitted:
        cut = self._threshold(rows, shares)
        places = shares.argmax(1) if cut is None else (shares[:, 1] >= cut).astype(np.intp)
        self.scores[self.recipe.method] = score
        self._warn(self.recipe.method)
        return Fitted(
            model=made if cut is None else made.with_options(threshold=cut),
            runtime=made.runtime,
            signature=self._signature,
            params={
                "checkpoint": str(self.start.checkpoint.origin),
                **self.recipe.plain(),
                **more,
                "best_epoch": self.course.best_epoch,
            },
            scores=dict(self.scores),
            chosen=self.recipe.method,
            threshold=cut,
            warnings=tuple(dict.fromkeys(self.notes)),
            unseen=Unseen(rows, {"prediction": labelled(self.examples.classes, places), "probabilities": shares}),
            curves={name: tuple(points) for name, points in self.course.curves.items()},
        )

    def _answered(self, made: Checkpoint, rows: NDArray[np.intp]) -> Floats:
        """Return the probabilities that the model as it was written gives to some rows."""
        column = np.array([self.examples.inputs[row] for row in rows], dtype=object)
        found = predictor(made, TorchEngine(made), self._signature).predict({self.examples.field.name: column})
        return np.asarray(found["probabilities"], dtype=np.float64)

    def _threshold(self, rows: NDArray[np.intp], shares: Floats) -> float | None:
        """Return from which probability on the last of two classes is answered; None for the likeliest."""
        wanted = self.job.threshold
        if wanted is None:
            return None
        if len(self.examples.classes) != 2:
            raise TrainingError(
                f"`threshold` is for two classes, the target has {len(self.examples.classes)}.", hint="leave it out"
            )
        place = self.examples.classes.index(self.positive)
        cut = wanted
        if isinstance(cut, str):
            other = self.examples.classes[1 - place]
            cut = threshold.tuned(self.job.metric, self._truth(rows), shares[:, place], self.positive, other)
        return float(cut) if place == 1 else float(np.nextafter(1.0 - cut, 1.0))

    def _warn(self, method: str) -> None:
        for other, what in ((BASELINE, "the constant answer"), (PROBE, "the linear probe")):
            if other != method and not self.scored.better(self.scores[method], self.scores[other]):
                self.notes.append(
                    f"{method} does not beat {what}: {self.job.metric} {self.scores[method]:.4g} against "
                    f"{self.scores[other]:.4g}"
                )

    def _truth(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        return self.examples.labels[rows]

    @property
    def _signature(self) -> Signature:
        given = self.examples.field
        dtype = "image" if given.dtype == "image" else "text"
        field = Field(given.name, dtype, optional=False, pii=given.pii)  # type: ignore[arg-type]
        return Signature((field,), outputs_of(self.examples.classes), task=self.job.task)

    @property
    def _balanced(self) -> bool:
        return self.job.class_weight == "balanced"


def _anew(start: Start, examples: Examples, seed: int) -> Any:
    return load(start, examples, seed)[0]
