"""A float32 ONNX file in 8 bits: evened out on the user's rows, and no further than they are answered alike."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from boucle.adapters.exporters import evening, parents
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.engines import Tensors
from boucle.adapters.pretrained.onnx_engine import OnnxEngine
from boucle.adapters.pretrained.predictors import predictor
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature
from boucle.measures.alike import alike

ENOUGH = 0.98
"""The share of rows that 8 bits throughout have to answer as before; else the widest matrices stay in float32."""
SHOWN, TRIED = 64, 400
"""Rows on which channels are looked at, and rows on which forms are tried: fewer where that takes long."""
SECONDS = 20.0
_QUANTIZED = ("MatMul", "Gemm", "Gather", "Attention", "EmbedLayerNormalization")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to put a model into 8 bits: ``share`` of rows answered as before, and the matrices ``left`` in float."""

    share: float
    matrices: int
    left: int
    raw: bytes


class Heard:
    """An engine that keeps what it is fed."""

    def __init__(self, engine: OnnxEngine) -> None:
        self._engine, self.fed = engine, list[Tensors]()
        self.takes, self.budget, self.slack = engine.takes, engine.budget, engine.slack
        self.vectors = engine.vectors

    def run(self, feeds: Tensors) -> dict[str, Any]:
        """Compute one batch."""
        self.fed.append(feeds)
        return self._engine.run(feeds)


def quantize(source: Checkpoint, folder: Path, signature: Signature, rows: Batch) -> dict[str, Any]:
    """Write ``model.onnx`` in 8 bits into ``folder``; ``rows`` may be none. Returns what was done.

    Raises BundleError when no matrix became so.
    """
    model = onnx.load(source.folder / ONNX)
    if _in_8_bits(model):
        raise BundleError("This version is in 8 bits already.", hint="name the version it was made from")
    if not len(next(iter(rows.values()), ())):
        return {"matrices": _written(model, folder / ONNX)}
    rows, before, fed = _asked(source, signature, rows)
    model = evening.evened(model, fed)
    best: Form | None = None
    for left in _ladder(model):
        matrices = _written(model, folder / ONNX, left)
        made = parents.moved(source, folder)
        answered = predictor(made, OnnxEngine(made), signature).predict(rows)
        share = float(alike(signature.kind, before, answered).mean())
        if best is None or share > best.share:
            best = Form(share, matrices, len(left), (folder / ONNX).read_bytes())
        if share >= ENOUGH:
            break
    assert best is not None
    (folder / ONNX).write_bytes(best.raw)
    tried = {"tried_rows": len(before["prediction"]), "tried_agreement": best.share}
    return {"matrices": best.matrices, "left_in_float": best.left, "evened": evening.STRENGTH, **tried}


def _ladder(model: Any) -> list[list[str]]:
    """Return what to leave in float32, the quickest form first."""
    widest = evening.narrowing(model)
    return [[], widest] if widest else [[]]


def _asked(source: Checkpoint, signature: Signature, rows: Batch) -> tuple[Batch, Batch, Sequence[Tensors]]:
    """Return the rows to try forms on, what the file as it is says of them, and what it was fed for the first."""
    engine = Heard(OnnxEngine(source))
    asked = predictor(source, engine, signature)
    begun = time.process_time()
    asked.predict({name: column[:SHOWN] for name, column in rows.items()})
    fed, spent = list(engine.fed), max(time.process_time() - begun, 1e-9)
    count = min(TRIED, max(SHOWN, int(SHOWN * SECONDS / spent)))
    rows = {name: column[:count] for name, column in rows.items()}
    return rows, asked.predict(rows), fed


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
    matrices = _in_8_bits(onnx.load(target))
    if not matrices:
        target.unlink()
        raise BundleError(
            "The model has no matrices to put into 8 bits: convolutions would need a calibration.",
            hint="use --target onnx or --target bf16",
        )
    return matrices


def _in_8_bits(model: Any) -> int:
    return sum(node.op_type in ("MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul") for node in model.graph.node)
