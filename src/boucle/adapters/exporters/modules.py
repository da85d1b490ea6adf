"""A torch module as ONNX, whatever made it: columns in, a number or probabilities out; or a picture in, scores out."""

from __future__ import annotations

import io
import warnings
from typing import Literal

import numpy as np
import onnxruntime
import torch
from torch import nn

from boucle.core.errors import BundleError

Ends = Literal["number", "chance", "shares", "scores"]
"""What comes out: a number, the probability of the second of two classes, probabilities, or scores of classes."""
OPSET, PARITY, ROWS = 17, 1e-4, (1, 2, 7)


class Answering(nn.Module):
    """A module whose output is what the runtimes read; with ``channels_last`` it takes pictures as Keras does."""

    def __init__(self, module: nn.Module, ends: Ends, channels_last: bool = False, scores: bool = False) -> None:
        super().__init__()
        self.module, self._ends, self._last, self._scores = module, ends, channels_last, scores

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.module(x.permute(0, 2, 3, 1) if self._last else x)
        if self._ends == "number":
            return found.reshape(-1, 1)
        if self._ends == "chance":
            found = found.reshape(-1, 1)
            found = torch.cat([1.0 - found, found], 1)
        elif self._ends == "scores" and not self._scores:
            found = found.softmax(1)
        return found.clamp(min=1e-9).log() if self._scores and self._ends != "scores" else found


def to_onnx(module: nn.Module, shape: tuple[int, ...], *, channels_last: bool = False, scores: bool = False) -> bytes:
    """Return the ONNX file of a module that takes (rows, *shape) float32; with ``scores`` it gives logits.

    Raises BundleError when it cannot be exported, or answers otherwise once it is.
    """
    plain = Answering(module, ends_of(module, shape, channels_last), channels_last, scores)
    file = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain, (torch.randn(2, *shape),), file, dynamo=False, opset_version=OPSET, input_names=["x"],
                output_names=["y"], dynamic_axes={"x": {0: "rows"}, "y": {0: "rows"}},
                training=torch.onnx.TrainingMode.PRESERVE,
            )  # fmt: skip
    except Exception as error:
        raise BundleError(
            f"The module cannot be exported to ONNX: {_line(error)}",
            hint="export it yourself, and adopt the .onnx file",
        ) from error
    _require_parity(plain, file.getvalue(), shape)
    return file.getvalue()


def ends_of(module: nn.Module, shape: tuple[int, ...], channels_last: bool) -> Ends:
    """Find out what a module gives, by asking it: small, large and huge inputs. Raises BundleError."""
    random = torch.Generator().manual_seed(0)
    rows = torch.cat([torch.randn(8, *shape, generator=random) * scale for scale in (0.1, 1.0, 100.0)])
    try:
        with torch.no_grad():
            found = module(rows.permute(0, 2, 3, 1) if channels_last else rows)
    except Exception as error:
        size = " x ".join(map(str, shape))
        raise BundleError(
            f"The module does not take rows of {size} numbers, several at once: {_line(error)}",
            hint="for torch.export make the first dimension dynamic: dynamic_shapes=({0: torch.export.Dim('rows')},)",
        ) from error
    if not torch.is_tensor(found) or found.ndim not in (1, 2) or len(found) != len(rows):
        raise BundleError(
            "The module does not give one tensor with a line for each row.", hint="wrap it in one that does"
        )
    bounded = bool((found >= 0).all() and (found <= 1).all())
    if found.ndim == 1 or found.shape[1] == 1:
        return "chance" if bounded and float(found.std()) > 0 else "number"
    return "shares" if bounded and bool(torch.allclose(found.sum(1), torch.ones(len(found)), atol=1e-4)) else "scores"


def _require_parity(plain: nn.Module, raw: bytes, shape: tuple[int, ...]) -> None:
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    for rows in ROWS:
        given = torch.randn(rows, *shape)
        with torch.no_grad():
            before = plain(given).numpy()
        after = session.run(None, {"x": given.numpy()})[0]
        apart = float(np.abs(before - after).max() / max(1.0, float(np.abs(before).max())))
        if apart > PARITY:
            raise BundleError(
                f"As ONNX the module answers otherwise: a value differs by {apart:.2g}.",
                hint="it does something that depends on the rows it was traced with; export it yourself",
            )


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
