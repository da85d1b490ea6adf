"""The checkpoint in a parent's bundle, and what a new form of it takes along."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from boucle.adapters.pretrained import saving
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo

RUNTIMES = ("pretrained", "pretrained-onnx", "pretrained-openvino")
_FOR_TORCH, _FOR_FILES = ("precision", "device", "bits"), ("engine",)


def checkpoint_of(directory: Path, info: BundleInfo) -> Checkpoint:
    """Return the checkpoint of a verified bundle; raises BundleError for a model that is none."""
    if info.runtime not in RUNTIMES:
        raise BundleError(
            f"{info.name} is kept by the runtime '{info.runtime}': only models of texts and images in the form of the "
            "hub can be made smaller.",
            hint="models of tables are compiled when they are trained (boucle show says how)",
        )
    return saving.opened(directory, info)


def with_weights(directory: Path, info: BundleInfo, target: str) -> Checkpoint:
    """Return a checkpoint that still has its safetensors; raises BundleError for one that is exported already."""
    checkpoint = checkpoint_of(directory, info)
    if checkpoint.runtime != "pretrained":
        raise BundleError(
            f"This version is an ONNX file already; {target} is made of weights that torch reads.",
            hint="name the version it was made from: boucle show says which",
        )
    return checkpoint


def taken_along(checkpoint: Checkpoint, folder: Path) -> None:
    """Copy what belongs to a checkpoint besides its weights: configuration, tokenizer, preprocessing, licence."""
    for file in sorted(checkpoint.folder.rglob("*")):
        name = file.relative_to(checkpoint.folder)
        if file.is_file() and file.suffix not in (".safetensors", ".onnx") and "safetensors" not in file.name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / name)


def moved(checkpoint: Checkpoint, folder: Path, **options: object) -> Checkpoint:
    """Return the checkpoint in its new folder; as ONNX, without what only torch understands, and who computes it."""
    left = (*_FOR_TORCH, *_FOR_FILES) if (folder / ONNX).is_file() else ()
    kept = {name: value for name, value in checkpoint.options.items() if name not in left}
    return replace(checkpoint, folder=folder, options=kept).with_options(**options)
