"""Compute a checkpoint's ``model.onnx`` with ONNX Runtime: no torch, no transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from boucle.adapters.pretrained import onnx_files
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.engines import Tensors
from boucle.core.errors import BundleError, RequestError

_TYPES: dict[str, Any] = {
    "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float)": np.float32,
    "tensor(float16)": np.float16, "tensor(bool)": np.bool_,
}  # fmt: skip


_QUANTIZER = "onnx.quantize"
"""Who made a file of 8 bits, whose scales are those of a whole batch: rows are computed one by one, so that an answer
does not depend on its neighbours. It costs nothing: on a CPU the matrices of one row fill it."""


class OnnxEngine:
    """A session; one thread a call."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        onnx_files.require_scores(checkpoint, "ONNX Runtime")
        self._session = _session(checkpoint)
        self._types = {given.name: _TYPES.get(given.type, np.float32) for given in self._session.get_inputs()}
        names = [given.name for given in self._session.get_inputs()]
        self._image = onnx_files.picture(checkpoint, names)
        self.takes = frozenset({"pixel_values"} if self._image else names)
        self.budget, self.slack = int(checkpoint.options.get("batch_tokens", 1024)), 8
        if self._session.get_modelmeta().producer_name == _QUANTIZER:
            self.budget = 1
        self._outputs = onnx_files.outputs(checkpoint, [output.name for output in self._session.get_outputs()])
        self.vectors = onnx_files.VECTOR in self._outputs

    @property
    def scores(self) -> int | None:
        """How many scores the file gives for a row or a token; None where it does not say."""
        last = self._session.get_outputs()[0].shape[-1]
        return last if isinstance(last, int) else None

    def run(self, feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        """Compute one batch; raises RequestError when the session refuses it."""
        if self._image:
            feeds = {self._image: feeds["pixel_values"]}
        given = {name: feeds[name].astype(kind, copy=False) for name, kind in self._types.items() if name in feeds}
        try:
            answers = self._session.run(list(self._outputs.values()), given)
        except Exception as error:
            raise RequestError(f"The model cannot compute these rows: {str(error).splitlines()[0]}") from error
        return dict(zip(self._outputs, answers, strict=True))


def _session(checkpoint: Checkpoint) -> Any:
    file = checkpoint.folder / ONNX
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not file.is_file():
        raise BundleError(f"The model file {file} cannot be read: it is not there.", hint="fetch the checkpoint again")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {file}: {str(error).splitlines()[0]}.",
            hint="export it again, for an opset this version knows",
        ) from error
