"""Which tasks a checkpoint can do: read off the name of its architecture, which says what head it was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boucle.core.errors import BundleError
from boucle.core.signature import KINDS, Task

_HEADS: tuple[tuple[str, tuple[Task, ...]], ...] = (
    ("ForSequenceClassification", ("text-classification", "zero-shot-classification")),
    ("ForTokenClassification", ("token-classification",)),
    ("ForQuestionAnswering", ("question-answering",)),
    ("ForMaskedLM", ("fill-mask",)),
    ("ForPreTraining", ("fill-mask",)),
    ("ForImageClassification", ("image-classification",)),
    ("ForObjectDetection", ("object-detection",)),
    ("ForCausalLM", ("text-generation",)),
    ("ForConditionalGeneration", ("summarization", "translation", "text-generation")),
    ("MTModel", ("summarization", "translation", "text-generation")),
    ("LMHeadModel", ("text-generation",)),
)
_ENCODERS = ("ForMaskedLM", "ForPreTraining", "ForSequenceClassification", "ForTokenClassification", "Model")
"""What holds an encoder whose vectors can be used."""
_ENTAILED = "entail"
DETECTORS = {
    "detr": True, "table-transformer": True, "yolos": True, "conditional_detr": False, "dab-detr": False,
    "deformable_detr": False, "rt_detr": False, "rt_detr_v2": False, "d_fine": False, "lw_detr": False,
}  # fmt: skip
"""What finds things in pictures, by its type: whether the last of its scores stands for nothing at all, as in DETR
(Carion et al. 2020). Then they compete; else each stands for itself."""


def tasks_of(config: Mapping[str, Any]) -> tuple[Task, ...]:
    """Return the tasks the configuration names a trained head for; empty when it names no architecture."""
    found: list[Task] = []
    for name in _architectures(config):
        found += next((tasks for ending, tasks in _HEADS if name.endswith(ending)), ())
        if not found and name.endswith("Model"):
            found.append("feature-extraction")
    if "zero-shot-classification" in found and entailment(config) is None:
        found.remove("zero-shot-classification")
    return tuple(dict.fromkeys(found))


def task_of(config: Mapping[str, Any], folder: Path, origin: str) -> Task:
    """Return what a checkpoint is for, when nobody says; raises BundleError when that is not plain."""
    if not config and (folder / "model.onnx").is_file() and _sees(folder):
        return "image-classification"
    tasks = tasks_of(config)
    if not tasks:
        raise BundleError(
            f"The checkpoint {origin} does not say which task it was trained for.",
            hint=f"say it with task=…; the tasks are: {', '.join(_known())}",
        )
    if tasks[0] == "summarization":
        raise BundleError(
            f"The checkpoint {origin} writes texts: it could be for {', '.join(tasks)}.",
            hint="say which with task=…",
        )
    return tasks[0]


def require(config: Mapping[str, Any], task: Task, folder: Path, origin: str) -> None:
    """Refuse a checkpoint that has no trained head for ``task``; raises BundleError saying what it is for."""
    if task not in _known():
        raise BundleError(f"'{task}' is no task of texts or images.", hint=f"the tasks are: {', '.join(_known())}")
    tasks = tasks_of(config)
    onnx = (folder / "model.onnx").is_file()
    if task in tasks or (not tasks and onnx):
        _require_detector(config, task, origin)
        return
    if KINDS[task] == "class" and (folder / "head.safetensors").is_file():
        return  # a linear head on its encoder: pretrained/pooled.py
    if task == "feature-extraction" and any(name.endswith(_ENCODERS) for name in _architectures(config)):
        return
    names = ", ".join(_architectures(config)) or "no architecture"
    if task == "zero-shot-classification" and "text-classification" in tasks:
        raise BundleError(
            f"The checkpoint {origin} ({names}) has no label for entailment, so it cannot do zero-shot-classification.",
            hint="take one trained on natural language inference",
        )
    could = f"it is for {', '.join(tasks)}" if tasks else "it has no head"
    raise BundleError(
        f"The checkpoint {origin} ({names}) is not trained for {task}: {could}.",
        hint=f'load it with task="{tasks[0]}", or fine-tune it for {task} (model.pretrained in boucle.yaml)'
        if tasks
        else f"fine-tune it for {task} (model.pretrained in boucle.yaml)",
        task=task,
        tasks=list(tasks),
    )


def _require_detector(config: Mapping[str, Any], task: Task, origin: str) -> None:
    kind = str(config.get("model_type"))
    if task == "object-detection" and config and kind not in DETECTORS:
        raise BundleError(
            f"The checkpoint {origin} finds things in a way that is not known here ({kind}).",
            hint=f"take one of these: {', '.join(DETECTORS)}",
        )


def entailment(config: Mapping[str, Any]) -> int | None:
    """Return the place of the label that says one sentence follows from another; None where there is none."""
    for key, label in dict(config.get("id2label") or {}).items():
        if str(label).lower().startswith(_ENTAILED):
            return int(key)
    return None


def _architectures(config: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in config.get("architectures") or []]


def _known() -> list[Task]:
    return [task for task in KINDS if not task.startswith("tabular-")]


def _sees(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("preprocess.json", "preprocessor_config.json"))
