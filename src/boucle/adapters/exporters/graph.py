"""A checkpoint as one ONNX file: the scores of its task and, where it has one, the vector drift is watched on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from boucle.adapters.pretrained import pooled
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.onnx_engine import OnnxEngine
from boucle.adapters.pretrained.onnx_files import VECTOR
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.errors import BundleError
from boucle.core.signature import KINDS

OPSET = 17
PARITY = 1e-3
"""How far scores may differ, in units of their deviation; what is wrong is wrong by far more."""
_OUTPUTS = {"question-answering": ("start_logits", "end_logits"), "feature-extraction": ("last_hidden_state",)}
_TEXT = ("input_ids", "attention_mask", "token_type_ids")
_SHAPES = ((1, 3), (2, 8), (3, 17), (5, 40))
"""Rows and tokens on which the file has to answer as its original."""


class Plain(nn.Module):
    """A model that takes tensors by their order and gives tensors: what can be traced."""

    def __init__(self, model: nn.Module, takes: tuple[str, ...], gives: tuple[str, ...], vector: bool) -> None:
        super().__init__()
        self.inner, self._takes, self._gives = model, takes, gives
        self._last: torch.Tensor | None = None
        if vector:
            encoder = getattr(model, str(getattr(model, "base_model_prefix", "encoder")))
            encoder.register_forward_hook(self._keep)
        self._vector = vector

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        feeds = dict(zip(self._takes, tensors, strict=True))
        found = self.inner(**feeds, return_dict=True)
        outputs = [getattr(found, name) for name in self._gives]
        if self._vector:
            assert self._last is not None
            outputs.append(pooled.averaged(self._last, feeds.get("attention_mask")))
            self._last = None
        return tuple(outputs)

    def _keep(self, _: Any, __: Any, output: Any) -> None:
        self._last = output.last_hidden_state


def write(checkpoint: Checkpoint, folder: Path) -> float:
    """Write ``model.onnx`` into ``folder``; returns the largest difference of a score from torch's.

    Raises BundleError for a task ONNX Runtime does not run here, or when the file answers otherwise.
    """
    if KINDS[checkpoint.task] == "text" and checkpoint.task != "question-answering":
        raise BundleError(
            f"{checkpoint.task} writes texts token by token, which ONNX Runtime does not do here.",
            hint="make it smaller with --target bf16",
        )
    if checkpoint.task == "object-detection":
        raise BundleError(
            "object-detection gives boxes beside its scores, which ONNX Runtime does not do here.",
            hint="make it smaller with --target bf16",
        )
    engine = TorchEngine(checkpoint.with_options(precision="float32", device="cpu", bits=None))
    known = ("pixel_values",) if checkpoint.task == "image-classification" else _TEXT
    takes = tuple(name for name in known if name in engine.takes)
    gives = _OUTPUTS.get(checkpoint.task, ("logits",))
    names = [*gives, *([VECTOR] if engine.vectors else [])]
    # A new module is in training mode, and the exporter would leave its parts so.
    plain = Plain(engine.model, takes, gives, engine.vectors).eval()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # it is the old exporter: the one whose files can be made int8
        try:
            torch.onnx.export(
                plain, tuple(_tensors(checkpoint, takes, 2, 9).values()), str(folder / ONNX), opset_version=OPSET,
                input_names=list(takes), output_names=names, dynamic_axes=_axes(takes, names), dynamo=False,
            )  # fmt: skip
        except Exception as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise BundleError(
                f"{checkpoint.config.get('model_type', 'This model')} cannot be exported to ONNX: {why}",
                hint="make it smaller with --target bf16",
            ) from error
    return _proved(checkpoint, engine, folder, takes)


def _proved(checkpoint: Checkpoint, engine: TorchEngine, folder: Path, takes: tuple[str, ...]) -> float:
    """Compare the file with torch on inputs of several shapes."""
    from boucle.adapters.exporters.parents import moved, taken_along  # they read this folder once the file is there

    taken_along(checkpoint, folder)
    other, worst = OnnxEngine(moved(checkpoint, folder)), 0.0
    for rows, width in _SHAPES:
        feeds = {name: tensor.numpy() for name, tensor in _tensors(checkpoint, takes, rows, width).items()}
        before, after = engine.run(feeds), other.run(feeds)
        for name in before.keys() & after.keys():
            scale = max(1.0, float(np.std(before[name])))
            worst = max(worst, float(np.abs(before[name] - after[name]).max()) / scale)
    if worst > PARITY:
        raise BundleError(
            f"The exported file answers otherwise than the model: a score differs by {worst:.2g} deviations.",
            hint="make it smaller with --target bf16",
        )
    return worst


def _tensors(checkpoint: Checkpoint, takes: tuple[str, ...], rows: int, width: int) -> dict[str, torch.Tensor]:
    """Make inputs of a shape; all rows but the first are padded a little."""
    if takes == ("pixel_values",):
        return {"pixel_values": torch.rand(min(rows, 2), *_picture(checkpoint)) - 0.5}
    random = torch.Generator().manual_seed(rows)
    vocabulary = int(checkpoint.config.get("vocab_size", 1000))
    ids = torch.randint(3, max(4, min(vocabulary, 1000)), (rows, width), generator=random)
    mask = torch.ones_like(ids)
    mask[1:, width - width // 3 :] = 0
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return {name: made[name] for name in takes}


def _picture(checkpoint: Checkpoint) -> tuple[int, int, int]:
    """Return the shape of a prepared picture: channels, height, width."""
    from io import BytesIO

    from PIL import Image  # pictures need it, texts do not

    from boucle.adapters.pretrained.pictures import Preparation

    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    channels, height, width = Preparation.read(checkpoint.folder).pixels(file.getvalue(), 0, "image").shape
    return channels, height, width


def _axes(takes: tuple[str, ...], names: list[str]) -> dict[str, dict[int, str]]:
    inputs = {name: {0: "rows"} if name == "pixel_values" else {0: "rows", 1: "tokens"} for name in takes}
    return {**inputs, **{name: {0: "rows"} for name in names}}
