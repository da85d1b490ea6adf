"""Fine-tune pretrained models of texts and images: a linear probe first, then the method asked for."""

from __future__ import annotations

import time
from dataclasses import replace

from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.examples import Examples, read
from boucle.adapters.finetuning.start import Start, aligned, opened
from boucle.adapters.pretrained import versions
from boucle.core.errors import TrainingError
from boucle.ports.trainer import Fitted, Job, Progress

TASKS = ("text-classification", "image-classification", "token-classification")
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
        if job.task not in TASKS:
            raise TrainingError(f"{job.task} cannot be fine-tuned.", hint=f"what can is: {', '.join(TASKS)}")
        progress("reading the rows", 0.0)
        examples = read(job) if job.task != "token-classification" else _marked(job)
        start = opened(asked, job, examples)
        fitted = self._trained(job, asked, aligned(examples, start), start, progress)
        return replace(fitted, seconds=round(time.perf_counter() - started, 3))

    def _trained(self, job: Job, asked: Asked, examples: Examples, start: Start, progress: Progress) -> Fitted:
        versions.attribute("Trainer")  # says what is missing, or in the way, before anything is computed
        # torch and transformers take seconds, and a job that is wrong needs neither.
        from boucle.adapters.finetuning import ready, workspace
        from boucle.adapters.finetuning.hardware import seeded, silent
        from boucle.adapters.finetuning.tagging import Tagging
        from boucle.adapters.finetuning.tags import Tagged
        from boucle.adapters.finetuning.training import Training

        start = ready.limited(start, asked)
        with seeded(job.seed), silent():
            prepared = ready.made(job, asked, examples, start, progress)
            folder = workspace.opened(job, examples, start.digest)
            if isinstance(examples, Tagged):
                return Tagging(job, examples, start, prepared, progress).run(folder, self.kept_every)
            return Training(job, examples, start, prepared, progress).run(folder, self.kept_every)


def _marked(job: Job) -> Examples:
    from boucle.adapters.finetuning.tags import read as marked  # brings torch

    return marked(job)
