"""Train with the Trainer of transformers, by our recipe: which rows a step takes, what is weighed, what is kept."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from boucle.adapters.finetuning.batches import Batches
from boucle.adapters.finetuning.course import BEST, WATCHED, Course, Judge, Watch, take_best
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.precision import Descent, Narrow, narrows
from boucle.adapters.finetuning.recipe import Recipe
from boucle.ports.trainer import Progress

WARM_UP, DECAY, LARGEST_GRADIENT = 0.1, 0.01, 1.0
Collate = Callable[[Sequence[int]], dict[str, torch.Tensor]]
Loss = Callable[[Any, dict[str, torch.Tensor]], torch.Tensor]
"""The loss of a batch, given the model and what ``Collate`` made of its rows."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is trained, on what, and how it is judged. ``fresh`` are the names of parameters that begin at random.

    ``narrow`` keeps the float32 weights of what computes in bfloat16.
    """

    model: Any
    batches: Batches
    collate: Collate
    loss: Loss
    judge: Judge | None
    fresh: frozenset[str]
    narrow: Narrow = field(default_factory=Narrow)


def run(
    work: Work, recipe: Recipe, hardware: Hardware, folder: Path, progress: Progress, *, seed: int, every: float
) -> Course:
    """Train; the best epoch's weights are in the model afterwards. Goes on where a run killed in ``folder`` stood."""
    left = _newest(folder)
    course = Course() if left is None else Course.read(left / WATCHED)
    watch = Watch(course, work.batches, work.judge, folder, progress, recipe.patience, every, work.narrow)
    steps = len(work.batches) * recipe.epochs
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        warmup_steps=round(WARM_UP * steps),
        max_grad_norm=LARGEST_GRADIENT,
        bf16=recipe.bf16 and not narrows(work.model),
        use_cpu=hardware.device == "cpu",
        seed=seed,
        logging_strategy="no",
        save_strategy="no",
        save_total_limit=1,
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=hardware.device != "cpu",
        log_level="error",
        logging_nan_inf_filter=False,
    )
    trainer = _Recipe(work, recipe, watch, arguments)
    gc.freeze()  # the Trainer has garbage looked for, and to walk through all that was imported takes half a second
    try:
        trainer.train(resume_from_checkpoint=None if left is None else str(left))
    finally:
        gc.unfreeze()
    trainer.accelerator.unwrap_model(work.model, keep_fp32_wrapper=False)  # else it goes on computing in bfloat16
    if (folder / BEST).is_file():
        take_best(work.model, folder, work.narrow.wide)
    return course


class _Recipe(Trainer):
    def __init__(self, work: Work, recipe: Recipe, watch: Watch, arguments: TrainingArguments) -> None:
        super().__init__(model=work.model, args=arguments, callbacks=[watch])
        self.work, self.recipe, self.watch = work, recipe, watch
        self._usual_rows = len(work.batches.lengths) / len(work.batches)
        for callback in ("PrinterCallback", "ProgressCallback"):
            for found in [c for c in self.callback_handler.callbacks if type(c).__name__ == callback]:
                self.remove_callback(found)

    def get_train_dataloader(self) -> Any:
        rows = range(len(self.work.batches.lengths))
        loader = DataLoader(rows, batch_sampler=self.work.batches, collate_fn=self._collate)
        return self.accelerator.prepare(loader)

    def _collate(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        return self.work.collate(rows)

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Weigh each row the same, whatever the number of rows of its batch."""
        rows = len(next(iter(inputs.values())))
        loss = self.work.loss(model, inputs)
        self.watch.lost(float(loss.detach()))
        return loss * (rows / self._usual_rows)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Count nothing: it walks through all parameters at every step."""
        return 0

    def create_optimizer(self, model: Any = None) -> Any:
        """Let what begins at random learn faster; leave biases and norms undecayed."""
        if getattr(self, "optimizer", None) is None:
            if self.recipe.bf16 and narrows(self.model):  # not before: a training that goes on has its weights by now
                self.work.narrow.begin(self.model)
            groups: dict[tuple[float, float], list[Any]] = {}
            for name, parameter in self.model.named_parameters():
                if parameter.requires_grad:
                    plain = name.replace(".modules_to_save.default", "")  # how peft names a head it trains
                    fresh = any(plain.endswith(one) for one in self.work.fresh)
                    rate = self.recipe.head_rate if fresh else self.recipe.learning_rate
                    groups.setdefault((rate, DECAY if parameter.ndim > 1 else 0.0), []).append(parameter)
            listed = [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]
            self.optimizer = Descent(listed, self.work.narrow.wide, self.recipe.learning_rate)
        return self.optimizer


def _newest(folder: Path) -> Path | None:
    """Return the last state that was kept whole; what was being written when the run was killed is removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in [path for path in found if not (path / WATCHED).is_file()]:
        shutil.rmtree(path, ignore_errors=True)
        found.remove(path)
    return found[-1] if found else None
