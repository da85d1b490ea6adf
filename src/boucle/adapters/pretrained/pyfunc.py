"""Load a checkpoint through MLflow's ``mlflow.pyfunc``: the module that ``MLmodel`` names as its loader."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from boucle.adapters.pretrained.checkpoints import Checkpoint, resolve
from boucle.adapters.pretrained.signatures import signature_of
from boucle.core.errors import RequestError

_RUNTIMES = {
    "pretrained": "PretrainedRuntime",
    "pretrained-onnx": "PretrainedOnnxRuntime",
    "pretrained-openvino": "PretrainedOpenvinoRuntime",
}


class PyFunc:
    """What MLflow calls: a frame of texts or picture files in, the answers out."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        module = import_module(f"boucle.adapters.runtimes.{checkpoint.runtime.replace('-', '_')}")
        self._signature = signature_of(checkpoint)
        self._predictor = getattr(module, _RUNTIMES[checkpoint.runtime])().wrap(checkpoint, self._signature)

    def predict(self, frame: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions for the columns of ``frame``, taken in their order."""
        names = self._signature.names
        if frame.shape[1] != len(names):
            raise RequestError(f"The model takes {len(names)} columns ({', '.join(names)}), not {frame.shape[1]}.")
        columns = (frame.iloc[:, place].to_numpy(dtype=object) for place in range(len(names)))
        return np.asarray(self._predictor.predict(dict(zip(names, columns, strict=True)))["prediction"])


def _load_pyfunc(path: str) -> PyFunc:
    return PyFunc(resolve(Path(path)))
