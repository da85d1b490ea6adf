"""Keep and run checkpoints of texts and images with OpenVINO: no torch, no transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import saving
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.openvino_engine import OpenvinoEngine
from boucle.adapters.pretrained.predictors import predictor
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Signature
from boucle.ports.runtime import Predictor, Saved


class PretrainedOpenvinoRuntime:
    """A model in memory is a ``Checkpoint`` whose folder holds ``model.onnx``, with the option ``engine: openvino``.

    It has threads of its own, which do not survive a fork: each worker loads it.
    """

    name = "pretrained-openvino"

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Copy the checkpoint's files, without other weights, into ``checkpoint/``; raises BundleError."""
        reader = "pillow" if signature.task == "image-classification" else "tokenizers"
        return saving.save(_required(model), directory, ("openvino", reader, "numpy"))

    def wrap(self, model: Any, signature: Signature) -> Predictor:
        """Return the predictor of a checkpoint on disk."""
        checkpoint = _required(model)
        return predictor(checkpoint, OpenvinoEngine(checkpoint), signature)

    def load(self, directory: Path, info: BundleInfo) -> Predictor:
        """Load a verified bundle."""
        return self.wrap(saving.opened(directory, info), info.signature)


def _required(model: Any) -> Checkpoint:
    if not isinstance(model, Checkpoint):
        raise BundleError(f"A {type(model).__name__} is no checkpoint.", hint="resolve a folder that holds model.onnx")
    return model
