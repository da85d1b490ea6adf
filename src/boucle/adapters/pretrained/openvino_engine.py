"""Compute a checkpoint's ``model.onnx`` with OpenVINO: in bfloat16 where the processor multiplies it itself."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from boucle.adapters.pretrained import onnx_files
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.engines import Tensors
from boucle.core.errors import BundleError, RequestError

DEVICE = "CPU"
STEP = 8
"""Widths are rounded up to multiples of so many tokens: a new shape costs more than the tokens that are added."""
_PER_TOKEN = ("token-classification", "question-answering", "fill-mask", "feature-extraction")


class OpenvinoEngine:
    """A compiled model; one thread a call. ``precision`` is what it computes in: bf16 or f32.

    The option ``precision: float32`` has it compute in that also where bfloat16 would be quicker.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        onnx_files.require_scores(checkpoint, "OpenVINO")
        self.precision = _precision(checkpoint)
        self._model = _compiled(checkpoint, self.precision)
        self._inputs = {_name(port, onnx_files.INPUTS): port for port in self._model.inputs}
        self._image = onnx_files.picture(checkpoint, list(self._inputs))
        self.takes = frozenset({"pixel_values"} if self._image else self._inputs)
        self.budget, self.slack = int(checkpoint.options.get("batch_tokens", 1024)), 8
        known = (*onnx_files.wanted(checkpoint), onnx_files.VECTOR)
        ports = {_name(port, known): port for port in self._model.outputs}
        self._outputs = {ours: ports[theirs] for ours, theirs in onnx_files.outputs(checkpoint, list(ports)).items()}
        self.vectors = onnx_files.VECTOR in self._outputs
        said = checkpoint.config
        self._most, self._words = int(said.get("max_position_embeddings") or 0), int(said.get("vocab_size") or 0)
        self._cut = frozenset(self._outputs) - {onnx_files.VECTOR} if checkpoint.task in _PER_TOKEN else frozenset()
        self._own = threading.local()

    def run(self, feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        """Compute one batch; raises RequestError when the model refuses it."""
        if self._image:
            feeds = {self._image: feeds["pixel_values"]}
        self._require(feeds)
        width = next(iter(feeds.values())).shape[1]
        feeds = self._widened(feeds, width)
        given = {
            port: np.ascontiguousarray(feeds[name], dtype=port.element_type.to_dtype())
            for name, port in self._inputs.items()
            if name in feeds
        }
        request = self._request()
        try:
            request.infer(given, share_inputs=True)
        except Exception as error:
            raise RequestError(f"The model cannot compute these rows: {_line(error)}") from error
        found = {ours: request.get_tensor(port).data for ours, port in self._outputs.items()}
        return {ours: np.array(one[:, :width] if ours in self._cut else one) for ours, one in found.items()}

    def _require(self, feeds: Tensors) -> None:
        """Raise RequestError for what lies outside the model's tables: OpenVINO would read past their ends."""
        ids = feeds.get("input_ids")
        if ids is None or not ids.size:
            return
        if self._most and ids.shape[1] > self._most:
            raise RequestError(f"The model cannot compute these rows: {ids.shape[1]} tokens, it reads {self._most}.")
        if self._words and not 0 <= int(ids.min()) <= int(ids.max()) < self._words:
            raise RequestError(f"The model cannot compute these rows: it knows {self._words} tokens, they have others.")

    def _widened(self, feeds: Tensors, width: int) -> Tensors:
        """Return texts with some tokens more, which the mask hides."""
        more = min(-width % STEP, max(0, self._most - width))
        if self._image or not more or "attention_mask" not in self._inputs:
            return feeds
        return {name: np.pad(one, ((0, 0), (0, more))) for name, one in feeds.items()}

    def _request(self) -> Any:
        """Return the calling thread's own request: a request holds what goes in and out of one call."""
        if not hasattr(self._own, "request"):
            self._own.request = self._model.create_infer_request()
        return self._own.request


def _name(port: Any, known: tuple[str, ...]) -> str:
    """Return the name we know an input or output by: the same one may have several, in no order."""
    return next((name for name in known if name in port.names), port.any_name)


def multiplies_bf16() -> bool:
    """Say whether OpenVINO computes in bfloat16 on this machine without taking a detour."""
    return "BF16" in _core().get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    return openvino.Core()


def _precision(checkpoint: Checkpoint) -> str:
    return "bf16" if checkpoint.options.get("precision") != "float32" and multiplies_bf16() else "f32"


def _compiled(checkpoint: Checkpoint, precision: str) -> Any:
    file = checkpoint.folder / ONNX
    if not file.is_file():
        raise BundleError(f"The model file {file} cannot be read: it is not there.", hint="fetch the checkpoint again")
    settings = {
        "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    try:
        return _core().compile_model(str(file), DEVICE, settings)
    except Exception as error:
        raise BundleError(
            f"OpenVINO {openvino.__version__} cannot load {file}: {_line(error)}.",
            hint="export it again, or serve the file with ONNX Runtime: boucle optimize REF --target onnx",
        ) from error


def _line(error: Exception) -> str:
    """Return the line of OpenVINO's message that says what is wrong: the first ones name its own source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]
