"""Train what is ready towards a goal: layers left as they are, the lower ones cut off, or adapters put on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from boucle.adapters.finetuning import quantized, running
from boucle.adapters.finetuning.batches import Batches
from boucle.adapters.finetuning.course import Course
from boucle.adapters.finetuning.goals import Goal, scores
from boucle.adapters.finetuning.ready import Ready
from boucle.core.errors import TrainingError
from boucle.core.signature import Task
from boucle.ports.trainer import Progress

PROVED_ROWS, PROVED_TOKENS, ALIKE = 16, 1024, 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """The seed of a training, after how many seconds its state is kept, and where it is told."""

    seed: int
    every: float
    progress: Progress


def learn(
    ready: Ready, goal: Goal, task: Task, base: Callable[[], Any], folder: Path, pace: Pace
) -> tuple[Any, Course]:
    """Train; returns the whole model, adapters merged, and the course it took. ``base`` loads the model anew."""
    recipe = ready.recipe
    _still(ready.model)
    if recipe.method in ("lora", "qlora"):
        from boucle.adapters.finetuning import lora  # peft: only adapters need it

        adapters = lora.adapted(ready.model, task, recipe.rank)
        course = _run(ready, adapters, goal, folder, pace)
        count = max(1, min(PROVED_ROWS, PROVED_TOKENS // int(ready.material.lengths.max())))
        few = ready.held[:count] if len(ready.held) else np.arange(1)
        feeds = ready.material.tensors(few)
        if recipe.method == "lora":
            return lora.merged(adapters, base, folder, feeds)[0], course
        wide, off = quantized.widened(adapters, base)
        whole, apart = lora.merged(adapters, lambda: wide, folder, feeds)
        course.notes.append(
            f"qlora: the layers are the checkpoint's as {quantized.BITS} bits keep them, {off:.0%} off; merged in "
            f"float32 the model answers {len(few)} rows as it was trained, up to {apart:.0e} in a probability"
        )
        return whole, course
    with ExitStack() as stack:
        if ready.anatomy is not None:
            ready.anatomy.freeze(recipe.frozen, recipe.freeze_embeddings)
            if _cut_answers_alike(ready):
                goal.injected = stack.enter_context(ready.anatomy.above(recipe.frozen))
        return ready.model, _run(ready, ready.model, goal, folder, pace)


def _cut_answers_alike(ready: Ready) -> bool:
    """Say whether the model without its lower layers, given what they gave, answers as the whole one does."""
    if ready.kept is None or ready.anatomy is None:
        return False
    rows, model = ready.learned[:4], ready.model.eval()
    feeds = {name: value.to(ready.hardware.device) for name, value in ready.material.tensors(rows).items()}
    with torch.inference_mode(), ready.hardware.autocast(model):
        whole = scores(model(**feeds)).float().softmax(-1)
        try:
            with ready.anatomy.above(ready.recipe.frozen) as injected:
                injected.given = ready.kept.get(rows).to(ready.hardware.device)
                found = scores(model(**feeds)).float().softmax(-1)
        except (RuntimeError, AttributeError, TypeError, ValueError, IndexError):
            return False  # an architecture that does more with its layers than one after the other
    return found.shape == whole.shape and bool(torch.allclose(found, whole, atol=ALIKE))


def _still(model: torch.nn.Module) -> None:
    """Leave dropout out: in two or three epochs it taught nothing that was measured, at up to a third of the time."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def _run(ready: Ready, model: Any, goal: Goal, folder: Path, pace: Pace) -> Course:
    recipe = ready.recipe
    lengths = ready.material.lengths[ready.learned]
    batches = Batches(lengths, recipe.batch_tokens, recipe.batch_rows, pace.seed)
    judge = (lambda: goal.judge(model)) if len(ready.held) else None
    work = running.Work(model, batches, goal.collate, goal.loss, judge, ready.fresh)
    try:
        return running.run(
            work, recipe, ready.hardware, folder, lambda text, share: pace.progress(text, 0.22 + 0.7 * share),
            seed=pace.seed, every=pace.every,
        )  # fmt: skip
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        fits = max(16, recipe.batch_tokens // 2)
        raise TrainingError(
            f"A step of {recipe.batch_tokens} tokens does not fit into memory.",
            hint=f"set  batch_tokens: {fits}  and  max_tokens: {min(fits, recipe.max_tokens or fits)},"
            "  or  method: frozen",
            batch_tokens=recipe.batch_tokens,
        ) from error
    finally:
        work.narrow.end()
