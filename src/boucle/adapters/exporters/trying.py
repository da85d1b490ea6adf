"""Forms of a model with less in them, tried on the user's rows: the first that answers nearly alike, else the best."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from boucle.adapters.exporters import parents
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.adapters.pretrained.engines import Tensors
from boucle.adapters.pretrained.onnx_engine import OnnxEngine
from boucle.adapters.pretrained.predictors import predictor
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Signature
from boucle.measures.alike import alike

ENOUGH = 0.98
"""The share of rows that the smallest form has to answer as before; else some matrices keep more of their bits."""
SHOWN, TRIED = 64, 400
"""Rows on which channels are looked at, and rows on which forms are tried: fewer where that takes long."""
SECONDS = 20.0
_IN_8_BITS = ("MatMulInteger", "DynamicQuantizeMatMul", "QLinearMatMul")


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a model: ``share`` of rows answered as before, its ``matrices`` of few bits, the ones ``spared``."""

    share: float
    matrices: int
    spared: int
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


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows, what the file as it is says of them, and what it was fed for the first of them."""

    source: Checkpoint
    signature: Signature
    rows: Batch
    before: Batch
    fed: Sequence[Tensors]

    @classmethod
    def of(cls, source: Checkpoint, signature: Signature, rows: Batch, shown: int = SHOWN) -> Trial:
        """Ask the file as it is; so many rows as it answers in some seconds."""
        engine = Heard(OnnxEngine(source))
        asked = predictor(source, engine, signature)
        begun = time.process_time()
        asked.predict({name: column[:shown] for name, column in rows.items()})
        fed, spent = list(engine.fed), max(time.process_time() - begun, 1e-9)
        count = min(TRIED, max(shown, int(shown * SECONDS / spent)))
        rows = {name: column[:count] for name, column in rows.items()}
        return cls(source, signature, rows, asked.predict(rows), fed)

    def best(self, ladder: Iterable[Sequence[str]], folder: Path, write: Callable[[Sequence[str]], int]) -> Form:
        """Have ``write`` make ``model.onnx`` in ``folder`` sparing the matrices of each step, and keep the best form.

        It returns how many matrices it made small. The first form that answers enough rows as before ends the search.
        """
        best: Form | None = None
        for spared in ladder:
            matrices = write(spared)
            made = parents.moved(self.source, folder)
            answered = predictor(made, OnnxEngine(made), self.signature).predict(self.rows)
            share = float(alike(self.signature.kind, self.before, answered).mean())
            if best is None or share > best.share:
                best = Form(share, matrices, len(spared), (folder / ONNX).read_bytes())
            if share >= ENOUGH:
                break
        assert best is not None
        (folder / ONNX).write_bytes(best.raw)
        return best

    def told(self, best: Form) -> dict[str, Any]:
        """Return what is written down of it."""
        return {"matrices": best.matrices, "tried_rows": len(self.before["prediction"]), "tried_agreement": best.share}


def there(rows: Batch) -> bool:
    """Say whether there are rows to try anything on."""
    return len(next(iter(rows.values()), ())) > 0


def bits(model: Any) -> int:
    """Return in how many bits the matrices of an ONNX file are kept: 4, 8, or 32 where none are small."""
    kinds = {node.op_type for node in model.graph.node}
    if "MatMulNBits" in kinds:
        return 4
    return 8 if kinds & set(_IN_8_BITS) else 32


def in_8_bits(model: Any) -> int:
    """Return how many products of an ONNX file are of 8 bits."""
    return sum(node.op_type in _IN_8_BITS for node in model.graph.node)


def opened(file: Path) -> Any:
    """Read an ONNX file of float32; raises BundleError for one in few bits: what it has lost does not come back."""
    model = onnx.load(file)
    if (found := bits(model)) < 32:
        raise BundleError(f"This version is in {found} bits already.", hint="name the version it was made from")
    return model
