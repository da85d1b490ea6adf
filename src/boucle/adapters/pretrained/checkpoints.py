"""Checkpoint: a pretrained model on disk and what it is asked to do; the ``model`` of the pretrained runtimes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import folders, heads, hub
from boucle.adapters.pretrained.options import checked
from boucle.core.errors import BundleError
from boucle.core.signature import SEEING, Task

SAID = "checkpoint.json"
"""What a checkpoint that we wrote says of itself, beside the files of its framework."""
ONNX = "model.onnx"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder in the form of the Hugging Face hub, or one with ``model.onnx``, and the task it does.

    ``labels`` are the classes in the order of the model's scores (the candidates of zero-shot-classification; empty
    where a task has none), ``options`` what pretrained/options.py lists, ``origin`` where it came from
    (``hf://org/name`` or a folder), ``revision`` the commit on the hub.
    """

    folder: Path
    task: Task
    labels: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    revision: str = ""

    @property
    def config(self) -> dict[str, Any]:
        """The model's own ``config.json``; empty where there is none."""
        return folders.read_json(self.folder / "config.json", optional=True)

    @property
    def runtime(self) -> str:
        """The runtime that keeps it: ``pretrained`` but where the folder holds ``model.onnx``.

        That file is computed by ``pretrained-onnx``, with the option ``engine: openvino`` by ``pretrained-openvino``.
        """
        if not (self.folder / ONNX).is_file():
            return "pretrained"
        return "pretrained-openvino" if self.options.get("engine") == "openvino" else "pretrained-onnx"

    def with_options(self, **options: Any) -> Checkpoint:
        """Return it with some options changed; raises BundleError for one that is not known."""
        return dataclasses.replace(self, options=checked({**self.options, **options}))

    def said(self) -> dict[str, Any]:
        """Return what ``checkpoint.json`` holds: all but the folder, as JSON values."""
        return {
            "task": self.task,
            "labels": list(self.labels),
            "options": dict(self.options),
            "origin": self.origin,
            "revision": self.revision,
        }


def resolve(
    source: str | Path,
    task: Task | None = None,
    *,
    labels: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    trained: bool = True,
) -> Checkpoint:
    """Open ``hf://org/name[@revision]`` or a folder, checked: weights whole and safe, right task, tokenizer there.

    ``task`` may be left out where the checkpoint's own is plain. With ``trained`` false a checkpoint without a head
    for the task is taken too: it is about to be fine-tuned. Raises BundleError or UnsafeBundle, saying what to do.
    """
    folder, origin, revision = hub.located(source)
    said = folders.read_json(folder / SAID, optional=True)
    folders.require_weights(folder)
    config = folders.read_json(folder / "config.json", optional=True)
    task = task or said.get("task") or heads.task_of(config, folder, origin)
    if trained:
        heads.require(config, task, folder, origin)
    folders.require_input(folder, task)
    same = said.get("task") == task
    if labels and trained:
        _require_count(labels, config, folder, task)
    found = tuple(labels or (said.get("labels") if same else None) or _labels(config, folder, task))
    kept = said.get("options", {}) if same else {}
    return Checkpoint(
        folder=folder,
        task=task,
        labels=_distinct(found, origin) if trained else found,
        options=checked({**kept, **(options or {})}),
        origin=str(said.get("origin") or origin),
        revision=str(said.get("revision") or revision),
    )


def load(folder: Path, said: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint a bundle holds; ``said`` is what ``Checkpoint.said`` gave. Raises BundleError."""
    try:
        return Checkpoint(
            folder,
            said["task"],
            tuple(said["labels"]),
            checked(said["options"]),
            str(said.get("origin", "")),
            str(said.get("revision", "")),
        )
    except (KeyError, TypeError) as error:
        raise BundleError(f"The bundle does not say what the checkpoint {folder} does: {error!r}.") from error


def _labels(config: Mapping[str, Any], folder: Path, task: Task) -> tuple[str, ...]:
    """Read the classes from ``labels.json`` or the model's configuration."""
    if task not in ("text-classification", "token-classification", *SEEING):
        return ()
    listed: Any = None
    if (folder / "labels.json").is_file():
        listed = _json(folder / "labels.json")
    else:
        listed = config.get("id2label")
    if isinstance(listed, dict):
        try:
            listed = [listed[key] for key in sorted(listed, key=int)]
        except ValueError as error:
            raise BundleError(f"The labels of {folder} are not numbered: {error}.") from error
    if not listed:
        raise BundleError(
            f"The checkpoint {folder} does not name its classes.",
            hint="add a labels.json beside the model: a list of names in the order of its scores",
        )
    return tuple(str(label) for label in listed)


def _require_count(labels: Sequence[str], config: Mapping[str, Any], folder: Path, task: Task) -> None:
    """Compare names that somebody gives with the scores a checkpoint is known to have."""
    if task == "zero-shot-classification":
        if len(set(labels)) < 2 or len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise BundleError(
                f"The labels to choose from are {', '.join(map(repr, labels))}.", hint="give two or more, each once"
            )
        return
    known = len(config.get("id2label") or labels)
    if known != len(labels):
        raise BundleError(
            f"{len(labels)} labels are given, the checkpoint {folder} has {known} classes.",
            hint="name each of them, in the order of its scores",
        )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}.", hint="fetch the checkpoint again") from error


def _distinct(labels: tuple[str, ...], origin: str) -> tuple[str, ...]:
    """Tell equal names apart by their place: ImageNet has two classes called crane."""
    seen: dict[str, int] = {}
    named = []
    for place, label in enumerate(labels):
        named.append(f"{label} ({place})" if label in seen else label)
        seen[label] = place
    return tuple(named)
