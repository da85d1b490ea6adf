"""Take in checkpoints of texts and images: ``hf://org/name[@revision]`` or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import signatures
from boucle.adapters.pretrained.checkpoints import SAID, Checkpoint, resolve
from boucle.adapters.pretrained.hub import SCHEME
from boucle.core.signature import Batch, Field, Signature, Task
from boucle.ports.importer import Asked, Opened

_MARKS = (SAID, "config.json", "preprocess.json", "preprocessor_config.json")


class PretrainedImporter:
    """Folders in the form of the Hugging Face hub, and those with ``model.onnx``."""

    name = "pretrained"

    def __init__(
        self,
        task: Task | None = None,
        labels: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.asked = Asked(task, tuple(labels or ()), options or {})

    def accepts(self, model: Path | Any) -> bool:
        if isinstance(model, Checkpoint):
            return True
        if isinstance(model, str):
            return model.startswith(SCHEME)
        return isinstance(model, Path) and model.is_dir() and any((model / name).is_file() for name in _MARKS)

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        checkpoint = model if isinstance(model, Checkpoint) else self._resolved(model)
        return Opened(checkpoint, checkpoint.runtime)

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        return None

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        return signatures.outputs(model)

    def signature(self, model: Any, fields: Sequence[Field] | None = None) -> Signature:
        """Return the signature of a checkpoint over the columns of a sample, or under our own names."""
        chosen = None if fields is None else signatures.chosen(model.task, fields)
        return signatures.signature_of(model, chosen)

    def _resolved(self, model: str | Path) -> Checkpoint:
        asked = self.asked
        return resolve(model, asked.task, labels=asked.labels, options=asked.options)
