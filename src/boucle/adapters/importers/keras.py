"""Take in Keras 3 models: a ``.keras`` file or a model in memory, read with torch underneath and served as ONNX."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boucle.adapters.importers.onnx import OnnxImporter
from boucle.core.errors import BundleError, MissingExtra, UnsafeBundle
from boucle.ports.importer import Opened

BACKEND, SAVED_MODEL = "torch", "saved_model.pb"


class KerasImporter(OnnxImporter):
    """Models that take columns as one tensor."""

    name = "keras"

    def accepts(self, model: Path | Any) -> bool:
        if isinstance(model, Path):
            return model.suffix.lower() in (".keras", ".h5") or (model / SAVED_MODEL).is_file()
        return is_keras(model)

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        """Export it; raises UnsafeBundle for a model that brings code, BundleError for one that takes no columns."""
        found, shape = opened(model)
        if len(shape) != 1:
            raise BundleError(
                f"The model takes {' x '.join(map(str, shape))} numbers a row, which is no row of columns.",
                hint="for pictures put it into a folder as model.keras, with labels.json and preprocess.json",
            )
        from boucle.adapters.exporters.modules import to_onnx  # torch; is_keras is asked of every model

        return Opened(to_onnx(found, shape), "onnx")


def is_keras(model: Any) -> bool:
    """Say whether an object is a model of Keras, without importing it."""
    return any(kind.__name__ == "Model" and kind.__module__.startswith("keras.") for kind in type(model).__mro__)


def opened(model: Path | Any) -> tuple[Any, tuple[int, ...]]:
    """Return a model that is a torch module too, and the shape of one row; pictures are (height, width, channels)."""
    keras = _keras()
    if isinstance(model, Path):
        if model.suffix.lower() != ".keras":
            raise BundleError(
                f"{model} is of Keras 2, in a form that Keras 3 does not read.",
                hint="load it where it was made and save it as one file: model.save('model.keras')",
            )
        try:
            model = keras.saving.load_model(model, compile=False, safe_mode=True)
        except Exception as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            if "unsafe" in str(error) or "safe_mode" in str(error):
                raise UnsafeBundle(
                    f"The Keras model brings code of its own (a Lambda layer): {why}",
                    hint="replace the Lambda by a layer of Keras, or export the model to ONNX yourself",
                ) from error
            raise BundleError(
                f"The Keras model cannot be read: {why}", hint="save it again: model.save('model.keras')"
            ) from error
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:]:
        raise BundleError(
            f"The Keras model takes {shape}; one input of a known shape is understood.",
            hint="give it an Input layer with its shape",
        )
    return _evaluating(model), tuple(int(size) for size in shape[1:])


def _evaluating(model: Any) -> Any:
    """Return it as a module that never trains: in Keras that is an argument of each call."""
    from torch import nn  # brought by Keras already

    class Evaluating(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Any) -> Any:
            return self.model(x, training=False)

    return Evaluating().eval()


def _keras() -> Any:
    if find_spec("keras") is None:
        raise MissingExtra.of("keras", "keras")
    os.environ.setdefault("KERAS_BACKEND", BACKEND)
    try:
        import keras  # seconds; and the backend has to be chosen first
    except ImportError as error:
        raise BundleError(
            f"Keras cannot be imported: {error}", hint="export KERAS_BACKEND=torch (boucle doctor says more)"
        ) from error
    if keras.backend.backend() != BACKEND:
        raise BundleError(
            f"Keras runs on {keras.backend.backend()} in this process; models are taken in on {BACKEND}.",
            hint="export KERAS_BACKEND=torch",
        )
    return keras
