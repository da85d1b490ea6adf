"""Low-rank adapters (Hu and others, 2021): small, and proved to answer the same once written and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training

from boucle.adapters.finetuning.goals import scores
from boucle.adapters.pretrained import versions
from boucle.core.errors import TrainingError
from boucle.core.signature import Task

FOLDER = "adapter"
TOLERANCE = 1e-6
"""How far a probability may lie from what it was before the adapters were written, or merged."""
DROPOUT, SCALE = 0.05, 2
# Without its kind of task peft trains adapters over a head that stays at random and is not saved, unless it is named;
# where the task is to find an answer, its model of that kind is never told which text a token is of.
_KINDS: dict[Task, TaskType | None] = {
    "text-classification": TaskType.SEQ_CLS,
    "token-classification": TaskType.TOKEN_CLS,
    "image-classification": None,
    "question-answering": None,
    "summarization": TaskType.SEQ_2_SEQ_LM,
    "translation": TaskType.SEQ_2_SEQ_LM,
    "text-generation": TaskType.CAUSAL_LM,
}
_HEADS = ("classifier", "score", "pre_classifier", "qa_outputs")


def adapted(model: Any, task: Task, rank: int) -> Any:
    """Put adapters on every linear layer but the head's, which is trained whole; the layers may be in 4 bits."""
    if getattr(model, "is_loaded_in_4bit", False):
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    kind = _KINDS[task]
    heads = [name for name, _ in model.named_children() if name in _HEADS]
    config = LoraConfig(
        task_type=kind,
        r=rank,
        lora_alpha=SCALE * rank,
        lora_dropout=DROPOUT,
        target_modules="all-linear",
        modules_to_save=heads or None,  # by itself peft adapts some heads first, and cannot save them then
    )
    made = get_peft_model(model, config)
    saved = [name for name, value in made.named_parameters() if value.requires_grad and "modules_to_save" in name]
    if not saved and kind not in (TaskType.SEQ_2_SEQ_LM, TaskType.CAUSAL_LM):
        raise TrainingError(
            f"The head of a {type(model).__name__} is not known: its adapters would answer at random.",
            hint="use  method: full  or  method: frozen",
        )
    return made


def merged(
    adapters: Any, base: Callable[[], Any], folder: Path, feeds: Mapping[str, torch.Tensor]
) -> tuple[Any, float]:
    """Write adapters under ``folder``, read them onto a fresh ``base``, merge; returns the whole model.

    ``feeds`` are rows that all three have to answer the same, up to TOLERANCE; by how much a probability does differ
    is returned too. Raises TrainingError when that is more.
    """
    place = folder / FOLDER
    with versions.quiet():
        adapters.save_pretrained(str(place), save_embedding_layers=False)
        wanted = _shares(adapters.to("cpu", torch.float32), feeds)
        again = PeftModel.from_pretrained(base(), str(place))
    apart = _require_same(wanted, _shares(again, feeds), "read again")
    whole = again.merge_and_unload()
    return whole, max(apart, _require_same(wanted, _shares(whole, feeds), "merged into the model"))


def _shares(model: Any, feeds: Mapping[str, torch.Tensor]) -> torch.Tensor:
    model.eval()
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        found: torch.Tensor = scores(model(**feeds)).double().softmax(-1)
    return found


def _require_same(wanted: torch.Tensor, found: torch.Tensor, when: str) -> float:
    apart = float((wanted - found).abs().max())
    if not apart <= TOLERANCE:
        raise TrainingError(
            f"The adapters answer otherwise once {when}: a probability differs by {apart:.2g}.",
            hint="something trained was not kept; use  method: full",
            difference=apart,
        )
    return apart
