"""Teach a smaller classifier of texts or images what its teacher answers: the teacher's probabilities and the labels.

Hinton, Vinyals, Dean: Distilling the knowledge in a neural network (2015). The loss of a row is
0.9 T² KL(teacher / T || student / T) + 0.1 cross entropy, the second where there is a label, with T = 2.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from boucle.adapters.exporters.students import begun
from boucle.adapters.finetuning import leaving, ready
from boucle.adapters.finetuning.anatomy import Anatomy, size
from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.classification import Classes, Scored
from boucle.adapters.finetuning.examples import Examples, validation_rows
from boucle.adapters.finetuning.feeding import Material, Pictures, Rows, Texts
from boucle.adapters.finetuning.goals import Tensors
from boucle.adapters.finetuning.hardware import Hardware, seeded, silent
from boucle.adapters.finetuning.learning import Pace, learn
from boucle.adapters.finetuning.ready import Ready
from boucle.adapters.finetuning.recipe import Facts, plan
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.pretrained.pictures import Preparation
from boucle.adapters.pretrained.tokens import Tokens, limit_of
from boucle.core.errors import TrainingError
from boucle.core.model import BundleInfo
from boucle.ports.exporter import Exported, Lessons
from boucle.ports.trainer import Progress

TEMPERATURE, OF_TEACHER, RATE = 2.0, 0.9, 2e-4
EPOCHS = 4
"""Passes: twice those of a fine-tuning, for probabilities teach without being learned by heart."""
TASKS = ("text-classification", "image-classification")
KEPT_EVERY = 1e9
_TAKES = ("input_ids", "attention_mask", "token_type_ids")


class PretrainedDistiller:
    """Students are checkpoints of the Hugging Face hub, or layers of the teacher."""

    name = "pretrained"

    def distill(
        self,
        directory: Path,
        info: BundleInfo,
        student: str,
        lessons: Lessons,
        folder: Path,
        settings: Mapping[str, Any],
        progress: Progress,
    ) -> Exported:
        """Train the student; raises TrainingError for a teacher of another task."""
        if info.signature.task not in TASKS or len(info.signature.names) != 1:
            raise TrainingError(
                f"{info.signature.task} is not taught here.", hint=f"what is: {', '.join(TASKS)}, of one column"
            )
        asked = Asked(
            checkpoint=student, method="full", epochs=settings.get("epochs") or EPOCHS, learning_rate=RATE,
            freeze_embeddings=True, max_tokens=info.options.get("options", {}).get("max_length"),
        )  # fmt: skip
        examples = Examples(
            info.signature.inputs[0], lessons.inputs.tolist(), lessons.labels, tuple(info.signature.classes or ())
        )
        places = {name: folder / name for name in ("begun", "work", "student")}
        for place in places.values():
            place.mkdir()
        seed = int(settings.get("seed", 0))
        with seeded(seed), silent():
            progress("opening the student", 0.0)
            began = begun(directory, info, student, asked, examples, places["begun"], str(settings["directory"]))
            began = ready.limited(began, asked)
            prepared = _prepared(began, examples, asked, seed)
            metric = str(settings["metric"])
            goal = Taught(examples, prepared, Scored(metric, examples.classes, examples.classes[-1]), lessons.shares)
            base = partial(_anew, began, examples, seed)
            pace = Pace(seed, KEPT_EVERY, progress)
            model, course = learn(prepared, goal, info.signature.task, base, places["work"], pace)
            made = leaving.written(model, began.checkpoint, places["student"])
        params: dict[str, Any] = {
            "student": student, "temperature": TEMPERATURE, "labelled": int((lessons.labels >= 0).sum()),
            "unlabelled": int((lessons.labels < 0).sum()), "layers": 0 if prepared.anatomy is None else
            len(prepared.anatomy.layers), **prepared.recipe.plain(), "best_epoch": course.best_epoch,
        }  # fmt: skip
        return Exported(made, made.runtime, params, (*began.notes, *prepared.notes))


class Taught(Classes):
    """The goal of a student. ``shares`` are its teacher's probabilities, shape (rows, classes)."""

    truths = ("labels", "told")

    def __init__(self, examples: Examples, ready: Ready, scored: Scored, shares: NDArray[np.float64]) -> None:
        super().__init__(examples, ready, scored)
        self._told = torch.from_numpy(np.log(np.maximum(shares, 1e-9)).astype(np.float32))

    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return the places of the classes, -1 where nobody has labelled, and the teacher's logarithms."""
        return {**super().truth(rows, feeds), "told": self._told[torch.from_numpy(np.asarray(rows))]}

    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the mean loss."""
        labels, told = truth["labels"], truth["told"]
        wanted = (told / TEMPERATURE).log_softmax(1)
        own = (scores / TEMPERATURE).log_softmax(1)
        taught = functional.kl_div(own, wanted, reduction="batchmean", log_target=True) * TEMPERATURE**2
        known = labels >= 0
        if not bool(known.any()):
            return OF_TEACHER * taught
        right = functional.cross_entropy(scores[known], labels[known], reduction="sum") / len(labels)
        return OF_TEACHER * taught + (1 - OF_TEACHER) * right


def _prepared(began: Start, examples: Examples, asked: Asked, seed: int) -> Ready:
    """Open the student and plan; unlike a fine-tuning, nothing is asked of it before it has learned."""
    hardware = Hardware.here()
    model, fresh = load(began, examples, seed)
    model.to(hardware.device)
    material = _material(model, began, examples)
    anatomy = Anatomy.of(model)
    facts = Facts(
        lengths=material.lengths,
        layers=0 if anatomy is None else len(anatomy.layers),
        width=int(getattr(model.config, "hidden_size", 768)),
        parameters=size(model.parameters()),
        cacheable=False,
    )
    limit = 0 if isinstance(material, Pictures) else limit_of(began.checkpoint)
    recipe = plan(asked, facts, hardware, limit)
    held = validation_rows(examples, recipe.validation, seed)
    learned = np.setdiff1d(np.arange(len(examples)), held)
    nothing = np.empty((len(examples), 0), dtype=np.float32)
    return Ready(model, fresh, material, hardware, anatomy, recipe, learned, held, nothing, None, ())


def _material(model: Any, began: Start, examples: Examples) -> Material:
    name = examples.field.name
    if began.checkpoint.task == "image-classification":
        return Pictures(Preparation.read(began.checkpoint.folder), examples.inputs, name)
    known = inspect.signature(model.forward).parameters
    takes = frozenset(one for one in _TAKES if one in known)
    return Texts(Tokens(began.checkpoint), examples.inputs, takes, name)


def _anew(began: Start, examples: Examples, seed: int) -> Any:
    return load(began, examples, seed)[0]
