"""Keep and run checkpoints of texts and images with torch: safetensors and transformers' model classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import saving
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import SEEING, Signature
from boucle.ports.runtime import Predictor, Saved

_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")


class PretrainedRuntime:
    """A model in memory is a ``Checkpoint``: a folder, a task, labels and options."""

    name = "pretrained"

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Copy the checkpoint's files into ``checkpoint/``; raises BundleError."""
        return saving.save(required(model), directory, _packages(signature))

    def wrap(self, model: Any, signature: Signature) -> Predictor:
        """Return the predictor of a checkpoint on disk."""
        checkpoint = required(model)
        return predictor(checkpoint, TorchEngine(checkpoint), signature)

    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        """Load a verified bundle."""
        return self.wrap(saving.opened(directory, info), info.signature)


def required(model: Any) -> Checkpoint:
    """Return ``model`` if it is a checkpoint; raises BundleError."""
    if not isinstance(model, Checkpoint):
        raise BundleError(
            f"A {type(model).__name__} is no checkpoint.",
            hint="save it in a folder, and resolve that",
        )
    return model


def _packages(signature: Signature) -> tuple[str, ...]:
    return (*_PACKAGES, "pillow") if signature.task in SEEING else _PACKAGES
