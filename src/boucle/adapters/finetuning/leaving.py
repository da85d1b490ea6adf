"""A trained model as a checkpoint in a folder: weights, tokenizer, and what it does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import versions
from boucle.adapters.pretrained.checkpoints import Checkpoint

_TAKEN = (
    "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model", "*.spm",
    "*.jinja", "preprocessor_config.json", "preprocess.json", "LICENSE*",
)  # fmt: skip
"""What goes along from the checkpoint a training started from."""


def written(model: Any, start: Checkpoint, folder: Path, **options: Any) -> Checkpoint:
    """Write ``model`` into ``folder`` with what belongs to it, and return it as a checkpoint."""
    take_along(start, folder)
    with versions.quiet():
        model.save_pretrained(str(folder))
    return replace(start, folder=folder).with_options(**options)


def take_along(start: Checkpoint, folder: Path) -> None:
    """Copy tokenizer, preprocessing and licence."""
    for pattern in _TAKEN:
        for file in start.folder.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
