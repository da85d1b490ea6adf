"""A trained model as a checkpoint in a folder: weights, tokenizer, and what it does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from boucle.adapters.finetuning.hardware import silent
from boucle.adapters.finetuning.probe import Probe
from boucle.adapters.pretrained import pooled
from boucle.adapters.pretrained.checkpoints import Checkpoint

_TAKEN = (
    "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model", "*.spm",
    "*.jinja", "preprocessor_config.json", "preprocess.json", "LICENSE*",
)  # fmt: skip
"""What goes along from the checkpoint a training started from."""


def written(model: Any, start: Checkpoint, folder: Path) -> Checkpoint:
    """Write ``model`` into ``folder`` with what belongs to it, and return it as a checkpoint."""
    take_along(start, folder)
    with silent():
        model.save_pretrained(str(folder))
    return replace(start, folder=folder)


def probed(encoder: Any, probe: Probe, start: Checkpoint, folder: Path) -> Checkpoint:
    """Write an encoder with a linear head on its embeddings."""
    made = written(encoder, start, folder)
    weight, bias = (torch.tensor(value, dtype=torch.float32) for value in (probe.weights, probe.bias))
    pooled.save(folder, weight, bias)
    return made


def take_along(start: Checkpoint, folder: Path) -> None:
    """Copy tokenizer, preprocessing and licence."""
    for pattern in _TAKEN:
        for file in start.folder.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
