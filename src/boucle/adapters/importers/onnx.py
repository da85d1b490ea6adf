"""Take in ONNX models: a file, its bytes, or an ``onnx.ModelProto``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boucle.adapters.runtimes.onnx import content, names_of, outputs_from, session
from boucle.core.signature import Batch, Field
from boucle.ports.importer import Opened


class OnnxImporter:
    """ONNX models, which know neither the names of their columns (in one tensor) nor all of their labels."""

    name = "onnx"

    def accepts(self, model: Path | Any) -> bool:
        if isinstance(model, Path):
            return model.suffix.lower() == ".onnx"
        return type(model).__name__ == "ModelProto"

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        raw = content(model)
        session(raw)  # a broken file is refused here, not when it is first asked
        return Opened(raw, "onnx")

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        return names_of(session(model))

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        return outputs_from(session(model), fields, sample)
