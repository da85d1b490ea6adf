"""What is watched while a model is trained: losses, the best epoch, when to stop, what a killed run goes on from."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from boucle.adapters.finetuning.batches import Batches
from boucle.adapters.finetuning.precision import Narrow, Wide
from boucle.ports.trainer import Progress

WATCHED, BEST = "watched.json", "best.safetensors"
_POINTS = 20
"""Points of an epoch's loss curve."""
Judge = Callable[[], dict[str, float]]
"""Measure the model on the validation rows: ``loss``, lower is better, and whatever else is worth a curve."""
Point = tuple[float, float]


@dataclass
class Course:
    """The way so far. ``best`` is the lowest validation loss, ``waited`` the epochs since.

    ``notes`` tell of what was made of it in the end.
    """

    curves: dict[str, list[Point]] = field(default_factory=dict)
    best: float = float("inf")
    best_epoch: float = 0.0
    waited: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, name: str, epoch: float, value: float) -> None:
        self.curves.setdefault(name, []).append((round(epoch, 4), value))

    def plain(self) -> dict[str, Any]:
        return {
            "curves": self.curves,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self.waited,
        }

    @classmethod
    def read(cls, file: Path) -> Course:
        found = json.loads(file.read_text(encoding="utf-8"))
        found["curves"] = {name: [tuple(point) for point in points] for name, points in found["curves"].items()}
        return cls(**found)


class Watch(TrainerCallback):
    """Called by the Trainer of transformers at every step; keeps the best weights in ``folder``.

    ``every`` is after how many seconds the state of the training is kept, so that it can go on after a kill.
    """

    def __init__(
        self, course: Course, batches: Batches, judge: Judge | None, folder: Path, progress: Progress, patience: int,
        every: float, narrow: Narrow,
    ) -> None:  # fmt: skip
        self.course, self.batches, self.judge, self.folder = course, batches, judge, folder
        self.progress, self.patience, self.every, self.narrow = progress, patience, every, narrow
        self._losses: list[float] = []
        self._kept = self._begun = time.monotonic()
        self._first: int | None = None

    def lost(self, loss: float) -> None:
        """Take the loss of a step."""
        self._losses.append(loss)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        self.batches.set_epoch(int((state.epoch or 0) + 1e-6))

    def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        if self._first is None:
            self._first = state.global_step - 1
        if state.global_step % max(1, len(self.batches) // _POINTS) == 0:
            self._draw(state)
        self._tell(state)
        if time.monotonic() - self._kept >= self.every:
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **named: Any) -> None:
        self._draw(state)
        if self.judge is None:
            return
        measured = self.judge()
        for name, value in measured.items():
            self.course.note(f"validation_{name}", state.epoch, value)
        if measured["loss"] < self.course.best:
            self.course.best, self.course.best_epoch, self.course.waited = measured["loss"], state.epoch, 0
            keep_best(model, self.folder, self.narrow.wide)
        else:
            self.course.waited += 1
            if self.patience and self.course.waited >= self.patience:
                control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **named: Any) -> None:
        self._kept = time.monotonic()
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        _write(checkpoint / WATCHED, json.dumps(self.course.plain()))

    def _draw(self, state: Any) -> None:
        if self._losses:
            self.course.note("train_loss", state.epoch, sum(self._losses) / len(self._losses))
            self._losses.clear()

    def _tell(self, state: Any) -> None:
        done = state.global_step - (self._first or 0)
        left = (time.monotonic() - self._begun) / max(1, done) * (state.max_steps - state.global_step)
        losses = self.course.curves.get("train_loss")
        loss = f", loss {losses[-1][1]:.3f}" if losses else ""
        epoch = min(int(state.epoch), int(state.num_train_epochs) - 1) + 1
        self.progress(
            f"epoch {epoch} of {state.num_train_epochs}{loss}, about {_span(left)} left",
            state.global_step / max(1, state.max_steps),
        )


def keep_best(model: Any, folder: Path, wide: Wide) -> None:
    """Write what is trained, whole or not at all."""
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    kept = {name: wide.get(value, value).detach().contiguous() for name, value in trained.items()}
    save_file(kept, folder / f"{BEST}.part")
    os.replace(folder / f"{BEST}.part", folder / BEST)


def take_best(model: Any, folder: Path, wide: Wide) -> None:
    """Put the best weights back."""
    kept = load_file(folder / BEST)
    for name, value in model.named_parameters():
        if name in kept:
            wide.get(value, value).data.copy_(kept[name])


def _write(file: Path, text: str) -> None:
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, file)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
