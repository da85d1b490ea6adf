"""A float32 ONNX file in 8 bits: evened out on the user's rows, and no further than they are answered alike."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from boucle.adapters.exporters import evening, trying
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature

_QUANTIZED = ("MatMul", "Gemm", "Gather", "Attention", "EmbedLayerNormalization")


def quantize(source: Checkpoint, folder: Path, signature: Signature, rows: Batch) -> dict[str, Any]:
    """Write ``model.onnx`` in 8 bits into ``folder``; ``rows`` may be none. Returns what was done.

    Raises BundleError when no matrix became so.
    """
    model = trying.opened(source.folder / ONNX)
    if not trying.there(rows):
        return {"matrices": _written(model, folder / ONNX)}
    trial = trying.Trial.of(source, signature, rows)
    model = evening.evened(model, trial.fed)
    best = trial.best(evening.ladder(model), folder, lambda left: _written(model, folder / ONNX, left))
    return {**trial.told(best), "left_in_float": best.spared, "evened": evening.STRENGTH}


def _written(model: Any, target: Path, left: Sequence[str] = ()) -> int:
    """Write a model in 8 bits but for the nodes ``left``; returns how many matrices became so."""
    source = target.with_name("float32.onnx")
    onnx.save(model, source)
    logging.disable(logging.WARNING)  # it advises a preprocessing that these files do not need
    try:
        quantize_dynamic(
            source, target, op_types_to_quantize=list(_QUANTIZED), per_channel=True, weight_type=QuantType.QInt8,
            nodes_to_exclude=list(left),
        )  # fmt: skip
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise BundleError(f"The file cannot be made int8: {why}", hint="use --target onnx or --target bf16") from error
    finally:
        logging.disable(logging.NOTSET)
        source.unlink()
    matrices = trying.in_8_bits(onnx.load(target))
    if not matrices:
        target.unlink()
        raise BundleError(
            "The model has no matrices to put into 8 bits: convolutions would need a calibration.",
            hint="use --target onnx or --target bf16",
        )
    return matrices
