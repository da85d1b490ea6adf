"""One fine-tuning of what tells more than a class: spans, answers, written texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from boucle.adapters.finetuning import leaving, workspace
from boucle.adapters.finetuning.examples import Examples, column, judged
from boucle.adapters.finetuning.feeding import Rows
from boucle.adapters.finetuning.goals import Goal, Tensors
from boucle.adapters.finetuning.learning import Pace, learn
from boucle.adapters.finetuning.pairs import ENDS, IGNORED, Pairs
from boucle.adapters.finetuning.questions import Windows
from boucle.adapters.finetuning.ready import Ready
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.finetuning.training import BASELINE
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.signatures import outputs
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.signature import Field, Signature
from boucle.measures.metrics import METRICS
from boucle.ports.trainer import Fitted, Job, Progress, Unseen


class Writings(Goal):
    """The goal of a writer: the right next token, all tokens of a batch weighing the same."""

    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return the tokens that are right."""
        assert isinstance(self.ready.material, Pairs)
        return {"labels": self.ready.material.labels(rows)}

    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the mean cross entropy over tokens."""
        return functional.cross_entropy(scores.flatten(0, 1), truth["labels"].flatten(), ignore_index=IGNORED)


class Places(Goal):
    """The goal of an answerer: the first and the last token of the answer."""

    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return begins and ends, shape (rows, 2)."""
        assert isinstance(self.ready.material, Windows)
        return {"labels": self.ready.material.places(rows)}

    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the mean cross entropy of both."""
        return functional.cross_entropy(scores.flatten(0, 1), truth["labels"].flatten())


class Telling:
    """One job. There is no probe: it has one vector a text, and this takes more."""

    def __init__(self, job: Job, examples: Examples, start: Start, ready: Ready, progress: Progress) -> None:
        self.job, self.examples, self.start, self.ready, self.progress = job, examples, start, ready, progress

    def run(self, goal: Goal, folder: Path, kept_every: float) -> Fitted:
        """Train in ``folder``; the state is kept there every so many seconds."""
        pace = Pace(self.job.seed, kept_every, self.progress)
        base = partial(_anew, self.start, self.examples, self.job.seed)
        whole, course = learn(self.ready, goal, self.job.task, base, folder, pace)
        self.progress("writing the model, and asking it the rows held out", 0.95)
        made = leaving.written(_plain(whole), self._checkpoint(), workspace.fresh_model(folder))
        workspace.cleared(folder)
        held, recipe = self.ready.held, self.ready.recipe
        fields = tuple(Field(given.name, "text", pii=given.pii) for given in self.examples.fields)
        signature = Signature(fields, outputs(made), task=self.job.task)
        asked = {name: column([values[row] for row in held]) for name, values in self.examples.columns.items()}
        answers = predictor(made, TorchEngine(made), signature).predict(asked)
        scores = {
            BASELINE: self._score([self.examples.constant[row] for row in held]),
            recipe.method: self._score(list(answers["prediction"])),
        }
        notes = [*self.examples.notes, *self.start.notes, *self.ready.notes, *course.notes, *self._poor(scores)]
        return Fitted(
            model=made,
            runtime=made.runtime,
            signature=signature,
            params={
                "checkpoint": str(self.start.checkpoint.origin),
                **recipe.plain(),
                "best_epoch": course.best_epoch,
            },
            scores=scores,
            chosen=recipe.method,
            warnings=tuple(dict.fromkeys(notes)),
            unseen=Unseen(held, answers),
            curves={name: tuple(points) for name, points in course.curves.items()},
        )

    def _checkpoint(self) -> Any:
        """Return the checkpoint with room for texts as long as those it has learned to write."""
        material = self.ready.material
        if not isinstance(material, Pairs):
            return self.start.checkpoint
        return self.start.checkpoint.with_options(max_new_tokens=material.longest + ENDS)

    def _score(self, told: Sequence[Any]) -> float:
        return judged(self.job.metric, self.examples, self.ready.held, told)

    def _poor(self, scores: dict[str, float]) -> list[str]:
        (_, constant), (method, own) = scores.items()
        if METRICS[self.job.metric].sign * (own - constant) > 0:
            return []
        return [f"{method} does not beat an answer without a model: {self.job.metric} {own:.4g} against {constant:.4g}"]


def _plain(model: Any) -> Any:
    """Take out of a model's configuration how it wrote for other tasks: beams and lengths of other texts."""
    if getattr(model.config, "task_specific_params", None):
        model.config.task_specific_params = None
    return model


def _anew(start: Start, examples: Examples, seed: int) -> Any:
    return load(start, examples, seed)[0]
