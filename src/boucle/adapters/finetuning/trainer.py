"""Fine-tune pretrained models of texts and images: a linear probe first, then the method asked for."""

from __future__ import annotations

import time
from dataclasses import replace

from boucle.adapters.finetuning.asked import METHODS, Asked
from boucle.adapters.finetuning.examples import Examples, read
from boucle.adapters.finetuning.start import Start, aligned, opened
from boucle.adapters.pretrained import bits, versions
from boucle.core.errors import TrainingError
from boucle.core.signature import KINDS, Task
from boucle.ports.trainer import Fitted, Job, Progress

METHODS_OF: dict[Task, tuple[str, ...]] = {
    "text-classification": METHODS,
    "image-classification": METHODS,
    "token-classification": ("full", "lora", "qlora", "frozen"),
    "question-answering": ("full", "lora", "qlora", "frozen"),
    "summarization": ("full", "qlora", "lora"),
    "translation": ("full", "qlora", "lora"),
    "text-generation": ("full", "qlora", "lora"),
}
KEPT_EVERY = 30.0
"""Seconds after which the state of a training is kept again."""


class PretrainedTrainer:
    """Fits checkpoints of the Hugging Face hub to a project's rows."""

    name = "pretrained"

    def __init__(self, kept_every: float = KEPT_EVERY) -> None:
        self.kept_every = kept_every

    def fit(self, job: Job, progress: Progress) -> Fitted:
        """Fit ``job``; the same job gives the same model. Raises TrainingError, BundleError for the checkpoint."""
        started = time.perf_counter()
        asked = Asked.of(job)
        _require(job, asked)
        progress("reading the rows", 0.0)
        examples = _examples(job)
        start = opened(asked, job, examples)
        fitted = self._trained(job, asked, aligned(examples, start), start, progress)
        return replace(fitted, seconds=round(time.perf_counter() - started, 3))

    def _trained(self, job: Job, asked: Asked, examples: Examples, start: Start, progress: Progress) -> Fitted:
        versions.attribute("Trainer")  # says what is missing, or in the way, before anything is computed
        if asked.method == "qlora":
            bits.package()
        # torch and transformers take seconds, and a job that is wrong needs neither.
        from boucle.adapters.finetuning import ready, workspace
        from boucle.adapters.finetuning.goals import Goal
        from boucle.adapters.finetuning.hardware import seeded, silent
        from boucle.adapters.finetuning.pairs import prepared as asked_as_taught
        from boucle.adapters.finetuning.questions import Questioned
        from boucle.adapters.finetuning.tags import Tagged, Tags
        from boucle.adapters.finetuning.telling import Places, Telling, Writings
        from boucle.adapters.finetuning.training import Training

        start = asked_as_taught(ready.limited(start, asked))
        with seeded(job.seed), silent():
            prepared = ready.made(job, asked, examples, start, progress)
            folder = workspace.opened(job, examples, start.digest)
            if KINDS[job.task] == "class":
                return Training(job, examples, start, prepared, progress).run(folder, self.kept_every)
            goal: Goal
            if isinstance(examples, Tagged):
                goal = Tags(examples, prepared, job.metric, balanced=job.class_weight == "balanced")
            else:
                goal = Places(prepared) if isinstance(examples, Questioned) else Writings(prepared)
            return Telling(job, examples, start, prepared, progress).run(goal, folder, self.kept_every)


def _require(job: Job, asked: Asked) -> None:
    """Refuse what a task has no way to do; raises TrainingError."""
    methods = METHODS_OF.get(job.task)
    if methods is None:
        raise TrainingError(f"{job.task} cannot be fine-tuned.", hint=f"what can is: {', '.join(METHODS_OF)}")
    if asked.method is not None and asked.method not in methods:
        raise TrainingError(
            f"{job.task} has no method '{asked.method}'.",
            hint=f"use  method: {methods[-1]}; there are: {', '.join(methods)}",
        )
    if job.threshold is not None and KINDS[job.task] != "class":
        raise TrainingError(f"`threshold` is for two classes; {job.task} has none.", hint="leave it out")
    if job.class_weight is not None and KINDS[job.task] == "text":
        raise TrainingError(f"`class_weight` is for classes; {job.task} has none.", hint="leave it out")


def _examples(job: Job) -> Examples:
    kind = KINDS[job.task]
    if kind == "class":
        return read(job)
    # These bring torch, which a job of classes that is wrong does not need.
    from boucle.adapters.finetuning import pairs, questions, tags

    if kind == "spans":
        return tags.read(job)
    return questions.read(job) if job.task == "question-answering" else pairs.read(job)
