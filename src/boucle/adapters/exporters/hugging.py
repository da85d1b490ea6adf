"""A version as a folder of the Hugging Face hub: safetensors, tokenizer, configuration, and the card it comes with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from boucle.adapters.exporters.parents import taken_along, with_weights
from boucle.adapters.pretrained import checkpoints, versions
from boucle.adapters.pretrained.checkpoints import SAID, Checkpoint
from boucle.adapters.pretrained.hub import SCHEME
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.tokens import limit_of
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch

CARD, HEAD = "README.md", "head.safetensors"
CLOSE = 1e-4


class HubFolder:
    """Writes what ``from_pretrained`` reads, and proves it by reading it."""

    name = "huggingface"

    def write(self, directory: Path, info: BundleInfo, card: str, folder: Path, examples: Batch) -> dict[str, Any]:
        """Write the model and ``card``; returns how many rows were answered alike by what was read back.

        Raises BundleError for a version without safetensors, or when the folder answers otherwise.
        """
        checkpoint = with_weights(directory, info, "the hub's folder")
        taken_along(checkpoint, folder)
        for file in checkpoint.folder.glob("*.safetensors*"):
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / SAID).write_text(json.dumps(_said(checkpoint), indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / CARD).write_text(card, encoding="utf-8")
        return _proved(checkpoint, info, folder, examples)


def _said(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what ``boucle.load`` has to know; a folder of this machine is nobody else's concern."""
    said = checkpoint.said()
    public = checkpoint.origin.startswith(SCHEME)
    return said if public else {**said, "origin": "", "revision": ""}


def _proved(checkpoint: Checkpoint, info: BundleInfo, folder: Path, examples: Batch) -> dict[str, Any]:
    """Ask the same rows of the bundle, of what we read back, and of transformers by itself where it can."""
    before = predictor(checkpoint, TorchEngine(checkpoint), info.signature).predict(examples)
    read = checkpoints.resolve(folder, checkpoint.task)
    after = predictor(read, TorchEngine(read), info.signature).predict(examples)
    rows = len(before["prediction"])
    same = all(
        np.allclose(one, after[name], atol=CLOSE) if one.dtype.kind == "f" else bool((one == after[name]).all())
        for name, one in before.items()
    )
    if not same:
        raise BundleError(f"What was written to {folder} answers otherwise than {info.name}.")
    proof: dict[str, Any] = {"rows": rows}
    if checkpoint.task == "text-classification" and not (folder / HEAD).is_file() and len(info.signature.names) == 1:
        apart = np.abs(_by_transformers(read, examples[info.signature.names[0]]) - before["probabilities"]).max()
        if apart > CLOSE:
            raise BundleError(
                f"transformers reads {folder} and answers otherwise: a probability differs by {apart:.2g}."
            )
        proof["largest_difference"] = float(apart)
    return proof


def _by_transformers(checkpoint: Checkpoint, texts: Any) -> Any:
    """Return the probabilities that a user of transformers gets, one text at a time."""
    with versions.quiet():
        read = versions.attribute("AutoTokenizer").from_pretrained(str(checkpoint.folder), local_files_only=True)
    model = versions.load_model(checkpoint).eval()
    several = checkpoint.config.get("problem_type") == "multi_label_classification"
    found = []
    for text in texts:
        feeds = read(text, truncation=True, max_length=limit_of(checkpoint), return_tensors="pt")
        with torch.inference_mode():
            logits = model(**feeds).logits[0].double()
        found.append((logits.sigmoid() if several else logits.softmax(0)).numpy())
    return np.array(found)
