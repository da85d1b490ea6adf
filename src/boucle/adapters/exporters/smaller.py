"""The targets of ``boucle optimize``: the same model as ONNX, in 8 bits, in bfloat16; and why not in others."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boucle.adapters.exporters import parents
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.core.errors import BundleError, MissingExtra
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch
from boucle.ports.exporter import Exported

WITHOUT_BF16 = "this machine does not multiply bfloat16 itself: here the version is smaller, but slower"


class OnnxExporter:
    """The same arithmetic in float32, run by ONNX Runtime: no torch where it is served."""

    name = "onnx"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Write ``model.onnx``; raises BundleError."""
        checkpoint = parents.with_weights(directory, info, self.name)
        made, worst = _exported(checkpoint, folder)
        return Exported(made, made.runtime, {"target": self.name, "largest_difference": worst})


class Int8Exporter:
    """Matrices in 8 bits with a scale for each channel, what flows between them evened out and rounded as it comes."""

    name = "int8"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Quantize the exported file, or the one the version holds; raises BundleError."""
        checkpoint = parents.checkpoint_of(directory, info)
        made = checkpoint
        if checkpoint.runtime != "pretrained-onnx":
            whole = folder / "float32"
            whole.mkdir()
            made, _ = _exported(checkpoint, whole)
        quantizing = _quantizing()
        parents.taken_along(made, folder)
        told = quantizing.quantize(made, folder, info.signature, rows)
        shutil.rmtree(folder / "float32", ignore_errors=True)
        made = parents.moved(made, folder)
        return Exported(made, made.runtime, {"target": self.name, "per_channel": True, **told})


class Bf16Exporter:
    """Weights in bfloat16: half the size, twice as quick where the processor multiplies it."""

    name = "bf16"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Write the weights anew; raises BundleError."""
        checkpoint = parents.with_weights(directory, info, self.name)
        if checkpoint.options.get("precision") == "bfloat16":
            raise BundleError("This version computes in bfloat16 already.", hint="make it smaller with --target int8")
        from boucle.adapters.exporters import halves  # torch; the other targets of this module may do without

        halves.write(checkpoint, folder)
        made = parents.moved(checkpoint, folder, precision="bfloat16")
        notes = () if halves.quick() else (WITHOUT_BF16,)
        return Exported(made, made.runtime, {"target": self.name}, notes)


class OpenvinoExporter:
    """Not made here: its own runtime would be needed where the model is served."""

    name = "openvino"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Raise BundleError, saying what to do instead."""
        raise BundleError(
            "No version for OpenVINO is made: serving it would need a runtime that Boucle does not have.",
            hint="use --target bf16 or --target int8; OpenVINO itself reads the model.onnx of --target onnx",
        )


class Int4Exporter:
    """Not made here: on a CPU 4 bits save memory and cost time, and there is nothing to serve them with."""

    name = "int4"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Raise BundleError, saying what to do instead."""
        raise BundleError(
            "No version in 4 bits is made: it would be slower than 8 bits on a CPU, and on a GPU it needs bitsandbytes "
            "where it is served.",
            hint="use --target int8",
        )


def _exported(checkpoint: Checkpoint, folder: Path) -> tuple[Checkpoint, float]:
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise MissingExtra.of(package, "text")
    from boucle.adapters.exporters import graph  # torch: a file that is there already is quantized without

    worst = graph.write(checkpoint, folder)
    return parents.moved(checkpoint, folder), worst


def _quantizing() -> Any:
    try:
        from boucle.adapters.exporters import quantizing  # onnx: only who makes such a file needs it
    except ModuleNotFoundError as error:
        raise MissingExtra.of((error.name or "onnx").split(".")[0], "text") from error
    return quantizing
