"""One fine-tuning under way: survey, probe, plan, training, and the answers on the rows held out."""

from __future__ import annotations

import inspect
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from boucle.adapters.finetuning import leaving, probe, running, workspace
from boucle.adapters.finetuning.anatomy import Anatomy, size
from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.batches import Batches
from boucle.adapters.finetuning.classification import Classes, Scored, constant
from boucle.adapters.finetuning.course import Course
from boucle.adapters.finetuning.examples import Examples, labelled, validation_rows
from boucle.adapters.finetuning.feeding import Kept, Texts, survey
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.recipe import Facts, Recipe, max_tokens, plan
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.tokens import Tokens, limit_of
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.adapters.trainers.rows import sides
from boucle.core.signature import Field, Signature, outputs_of
from boucle.ports.trainer import Fitted, Job, Progress, Unseen

BASELINE, PROBE = "baseline", "probe"
_TAKES = ("input_ids", "attention_mask", "token_type_ids", "pixel_values")


class Training:
    """One job. Its steps are in the order of ``run``."""

    def __init__(
        self, job: Job, asked: Asked, examples: Examples, start: Start, progress: Progress, kept_every: float
    ) -> None:
        self.job, self.asked, self.examples, self.start = job, asked, examples, start
        self.progress, self.kept_every = progress, kept_every
        self.notes = [*examples.notes, *start.notes]
        self.hardware = Hardware.here()
        limit = max_tokens(asked, limit_of(start.checkpoint))
        self.checkpoint = start.checkpoint.with_options(max_length=limit)
        self.positive = sides(job, examples.labels)[0]
        self.scored = Scored(job.metric, examples.classes, self.positive)
        self.scores: dict[str, float] = {}

    def run(self) -> Fitted:
        self.progress("opening the checkpoint", 0.01)
        model, fresh = load(self.start, self.examples, self.job.seed)
        model.to(self.hardware.device)
        texts = self._encode(model)
        anatomy = Anatomy.of(model)
        recipe = self._plan(model, texts, anatomy)
        held = validation_rows(self.examples, recipe.validation, self.job.seed)
        learned = np.setdiff1d(np.arange(len(self.examples)), held)
        vectors, kept = survey(
            model, texts, self.hardware, anatomy, recipe.frozen if recipe.cached else 0,
            lambda share: self.progress("reading all rows with the checkpoint", 0.02 + 0.18 * share),
        )  # fmt: skip
        self._probe(vectors, learned, held)
        folder = workspace.opened(self.job, self.examples, self._digest())
        course = self._train(model, fresh, anatomy, texts, recipe, learned, held, kept, folder)
        self.progress("writing the model", 0.95)
        made = leaving.written(model, self.checkpoint, workspace.fresh_model(folder))
        workspace.cleared(folder)
        return self._fitted(made, recipe, held, course)

    def _encode(self, model: Any) -> Texts:
        known = inspect.signature(model.forward).parameters
        takes = frozenset(name for name in _TAKES if name in known)
        texts = Texts(Tokens(self.checkpoint), self.examples.inputs, takes, self.examples.field.name)
        cut = sum(bool(one.overflowing) for one in texts.encodings)
        if cut:
            limit = self.checkpoint.options["max_length"]
            self.notes.append(f"{cut} of {len(texts.encodings)} texts are cut after {limit} tokens (max_tokens)")
        return texts

    def _plan(self, model: Any, texts: Texts, anatomy: Anatomy | None) -> Recipe:
        facts = Facts(
            lengths=texts.lengths,
            layers=0 if anatomy is None else len(anatomy.layers),
            width=int(getattr(model.config, "hidden_size", 0) or 768),
            parameters=size(model.parameters()),
            cacheable=anatomy is not None and anatomy.feed is not None,
        )
        return plan(self.asked, facts, self.hardware, int(self.checkpoint.options["max_length"]))

    def _probe(self, vectors: NDArray[np.float32], learned: NDArray[np.intp], held: NDArray[np.intp]) -> None:
        """Score the constant answer and the linear one, both on the rows held out."""
        truth = self.examples.labels[held]
        self.scores[BASELINE] = self.scored(truth, constant(self.examples, learned, len(held)))
        found = probe.fit(
            vectors[learned], self.examples.codes[learned], len(self.examples.classes),
            folds=self.job.folds, seed=self.job.seed, balanced=self._balanced,
        )  # fmt: skip
        self.scores[PROBE] = self.scored(truth, found.shares(vectors[held]))
        self.progress(f"a first answer, the linear probe: {self.job.metric} {self.scores[PROBE]:.4g}", 0.22)

    def _train(
        self, model: Any, fresh: frozenset[str], anatomy: Anatomy | None, texts: Texts, recipe: Recipe,
        learned: NDArray[np.intp], held: NDArray[np.intp], kept: Kept | None, folder: Path,
    ) -> Course:  # fmt: skip
        with ExitStack() as stack:
            injected = None
            if anatomy is not None:
                anatomy.freeze(recipe.frozen, recipe.freeze_embeddings)
                if kept is not None:
                    injected = stack.enter_context(anatomy.above(recipe.frozen))
            classes = Classes(
                self.examples, texts, learned, held, self.hardware,
                kept=kept, injected=injected, balanced=self._balanced,
            )  # fmt: skip
            batches = Batches(texts.lengths[learned], recipe.batch_tokens, recipe.batch_rows, self.job.seed)
            work = running.Work(
                model, batches, classes.collate, classes.loss, lambda: classes.judge(model, self.scored), fresh
            )
            return running.run(
                work, recipe, self.hardware, folder, lambda text, share: self.progress(text, 0.22 + 0.7 * share),
                seed=self.job.seed, every=self.kept_every,
            )  # fmt: skip

    def _fitted(self, made: Checkpoint, recipe: Recipe, held: NDArray[np.intp], course: Course) -> Fitted:
        field = Field(self.examples.field.name, "text", pii=self.examples.field.pii)
        signature = Signature((field,), outputs_of(self.examples.classes), task=self.job.task)
        answers = self._answers(made, signature, held)
        self.scores[recipe.method] = self.scored(self.examples.labels[held], answers["probabilities"])
        self._warn(recipe.method)
        return Fitted(
            model=made,
            runtime=made.runtime,
            signature=signature,
            params={"checkpoint": self.asked.checkpoint, **recipe.plain(), "best_epoch": course.best_epoch},
            scores=dict(self.scores),
            chosen=recipe.method,
            warnings=tuple(dict.fromkeys(self.notes)),
            unseen=Unseen(held, answers),
            curves={name: tuple(points) for name, points in course.curves.items()},
        )

    def _answers(self, made: Checkpoint, signature: Signature, held: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Answer the rows held out with the model as it was written."""
        column = np.array([self.examples.inputs[row] for row in held], dtype=object)
        found = predictor(made, TorchEngine(made), signature).predict({self.examples.field.name: column})
        shares = np.asarray(found["probabilities"], dtype=np.float64)
        return {"prediction": labelled(self.examples.classes, shares.argmax(1)), "probabilities": shares}

    def _warn(self, method: str) -> None:
        for other, what in ((BASELINE, "the constant answer"), (PROBE, "the linear probe")):
            if other != method and not self.scored.better(self.scores[method], self.scores[other]):
                self.notes.append(
                    f"{method} does not beat {what}: {self.job.metric} {self.scores[method]:.4g} against "
                    f"{self.scores[other]:.4g}"
                )

    @property
    def _balanced(self) -> bool:
        return self.job.class_weight == "balanced"

    def _digest(self) -> str:
        file = self.checkpoint.folder / "model.safetensors"
        changed = file.stat() if file.is_file() else None
        return f"{self.checkpoint.origin} {self.checkpoint.revision} {changed and (changed.st_size, changed.st_mtime_ns)}"
