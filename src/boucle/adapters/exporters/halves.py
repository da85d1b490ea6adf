"""A checkpoint's weights in bfloat16."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from boucle.adapters.exporters.parents import taken_along
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.pretrained.checkpoints import Checkpoint


def write(checkpoint: Checkpoint, folder: Path) -> None:
    """Write every file of weights with its floats in bfloat16, under its own name, and what belongs to it."""
    taken_along(checkpoint, folder)
    for file in sorted(checkpoint.folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            told = opened.metadata() or {"format": "pt"}
            halved = {name: _halved(opened.get_tensor(name)) for name in opened.keys()}  # noqa: SIM118
        save_file(halved, folder / file.name, metadata=told)
    for index in checkpoint.folder.glob("*.safetensors.index.json"):
        (folder / index.name).write_bytes(index.read_bytes())


def quick() -> bool:
    """Say whether this machine multiplies bfloat16 itself."""
    return Hardware.here().bf16


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.bfloat16) if tensor.is_floating_point() else tensor
