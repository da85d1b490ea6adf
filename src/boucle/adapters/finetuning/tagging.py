"""One fine-tuning of a tagger: token-classification learned from marked texts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from boucle.adapters.finetuning import leaving, workspace
from boucle.adapters.finetuning.learning import Pace, learn
from boucle.adapters.finetuning.ready import Ready
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.finetuning.tags import Tagged, Tags
from boucle.adapters.finetuning.training import BASELINE
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.errors import TrainingError
from boucle.core.signature import Field, Signature
from boucle.ports.trainer import Fitted, Job, Progress, Unseen


class Tagging:
    """One job of marked texts; there is no probe, for it has one vector a text."""

    def __init__(self, job: Job, examples: Tagged, start: Start, ready: Ready, progress: Progress) -> None:
        self.job, self.examples, self.start, self.ready, self.progress = job, examples, start, ready, progress
        if ready.recipe.method == "probe":
            raise TrainingError("A probe has one answer a text, not one a word.", hint="use  method: frozen")
        if job.threshold is not None:
            raise TrainingError("`threshold` is for two classes of whole texts, not for spans.", hint="leave it out")

    def run(self, folder: Path, kept_every: float) -> Fitted:
        """Train in ``folder``; the state is kept there every so many seconds."""
        goal = Tags(self.examples, self.ready, self.job.metric, balanced=self.job.class_weight == "balanced")
        pace = Pace(self.job.seed, kept_every, self.progress)
        base = partial(_anew, self.start, self.examples, self.job.seed)
        whole, course = learn(self.ready, goal, self.job.task, base, folder, pace)
        made = leaving.written(whole, self.start.checkpoint, workspace.fresh_model(folder))
        workspace.cleared(folder)
        given, held = self.examples.field, self.ready.held
        signature = Signature(
            (Field(given.name, "text", pii=given.pii),), (Field("prediction", "json"),), task=self.job.task
        )
        column = np.array([self.examples.inputs[row] for row in held], dtype=object)
        answers = predictor(made, TorchEngine(made), signature).predict({given.name: column})
        recipe = self.ready.recipe
        return Fitted(
            model=made,
            runtime=made.runtime,
            signature=signature,
            params={**recipe.plain(), "best_epoch": course.best_epoch},
            scores={BASELINE: goal.score([[] for _ in held]), recipe.method: goal.score(list(answers["prediction"]))},
            chosen=recipe.method,
            warnings=tuple(dict.fromkeys([*self.examples.notes, *self.start.notes, *self.ready.notes])),
            unseen=Unseen(held, answers),
            curves={name: tuple(points) for name, points in course.curves.items()},
        )


def _anew(start: Start, examples: Tagged, seed: int) -> Any:
    return load(start, examples, seed)[0]
