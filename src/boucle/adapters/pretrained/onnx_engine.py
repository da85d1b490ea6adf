"""Compute a checkpoint's ``model.onnx`` with ONNX Runtime: no torch, no transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.engines import Tensors
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import KINDS

_OUTPUTS = {
    "question-answering": ("start_logits", "end_logits"),
    "feature-extraction": ("last_hidden_state",),
}
VECTOR = "vector"
"""An output a file may have besides: one vector a row, of what goes in; drift of meaning is found on it."""
_VECTORS = (VECTOR, "sentence_embedding", "pooler_output", "embeddings")
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
        if KINDS[checkpoint.task] == "text" and checkpoint.task != "question-answering":
            raise BundleError(
                f"{checkpoint.task} writes texts, which ONNX Runtime does not do here.",
                hint="use the checkpoint with its safetensors weights: the runtime `pretrained`",
            )
        self._session = _session(checkpoint)
        self._types = {given.name: _TYPES.get(given.type, np.float32) for given in self._session.get_inputs()}
        names = [given.name for given in self._session.get_inputs()]
        self._image = names[0] if checkpoint.task == "image-classification" and len(names) == 1 else None
        self.takes = frozenset({"pixel_values"} if self._image else names)
        self.budget, self.slack = int(checkpoint.options.get("batch_tokens", 1024)), 8
        if self._session.get_modelmeta().producer_name == _QUANTIZER:
            self.budget = 1
        self._outputs = self._named(checkpoint)
        self.vectors = "vector" in self._outputs

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

    def _named(self, checkpoint: Checkpoint) -> dict[str, str]:
        """Return our names of the outputs and the session's."""
        there = [output.name for output in self._session.get_outputs()]
        wanted = _OUTPUTS.get(checkpoint.task, ("logits",))
        also = {VECTOR: VECTOR} if VECTOR in there else {}
        if all(name in there for name in wanted):
            return {name: name for name in wanted} | also
        if checkpoint.task == "feature-extraction":
            for name in _VECTORS:
                if name in there:
                    return {VECTOR: name}
        if len(there) == len(wanted):
            return dict(zip(wanted, there, strict=True))
        raise BundleError(
            f"{checkpoint.folder / ONNX} gives {', '.join(there)}; {checkpoint.task} needs {' and '.join(wanted)}.",
            hint="export the checkpoint again, for this task",
        )


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
