"""A checkpoint and an engine make a predictor: each task is a small class of its own."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine
from boucle.core.errors import MissingExtra
from boucle.core.signature import Signature, Task
from boucle.ports.runtime import Predictor

_TASKS: dict[Task, tuple[str, str]] = {
    "text-classification": ("classify", "Classifier"),
    "zero-shot-classification": ("entail", "ZeroShot"),
    "token-classification": ("tag", "Tagger"),
    "question-answering": ("answer", "Answerer"),
    "fill-mask": ("fill", "Filler"),
    "summarization": ("write", "Author"),
    "translation": ("write", "Author"),
    "text-generation": ("write", "Author"),
    "feature-extraction": ("embed", "Embedder"),
    "image-classification": ("look", "Viewer"),
    "object-detection": ("detect", "Detector"),
}
_EXTRAS = {"PIL": "onnx-image", "tokenizers": "onnx-text"}


def predictor(checkpoint: Checkpoint, engine: Engine, signature: Signature) -> Predictor:
    """Return the predictor of a checkpoint; raises BundleError when they do not belong together."""
    module, name = _TASKS[checkpoint.task]
    try:
        # Pictures need no tokenizer, texts no PIL: neither has to be installed for the other.
        found = import_module(f"boucle.adapters.pretrained.tasks.{module}")
    except ModuleNotFoundError as missing:
        package = (missing.name or "?").split(".")[0]
        raise MissingExtra.of(
            package, {"PIL": "onnx-image", "tokenizers": "onnx-text"}.get(package, "text")
        ) from missing
    return cast("Predictor", getattr(found, name)(checkpoint, engine, signature))
