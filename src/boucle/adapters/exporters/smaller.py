"""The targets of ``boucle optimize``: the same model as ONNX, in 8 or 4 bits, in bfloat16, for OpenVINO."""

from __future__ import annotations

import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boucle.adapters.exporters import parents
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError, MissingExtra
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch
from boucle.ports.exporter import Exported

WITHOUT_BF16 = "this machine does not multiply bfloat16 itself: here the version is smaller, but slower"
WITHOUT_BF16_HERE = "this machine does not multiply bfloat16 itself: OpenVINO computes in float32 here"


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
        return _in_few_bits(self.name, "quantizing", directory, info, folder, rows, per_channel=True)


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
    """The ONNX file computed by OpenVINO: in bfloat16 where the processor multiplies it itself."""

    name = "openvino"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Export the version, or take the float32 file it holds; raises BundleError, MissingExtra."""
        if find_spec("openvino") is None:
            raise MissingExtra.of("openvino", "openvino")
        checkpoint = parents.checkpoint_of(directory, info)
        if checkpoint.runtime == "pretrained-openvino":
            raise BundleError(
                "This version is computed by OpenVINO already.", hint="make it smaller with --target int8"
            )
        made, told = _in_float(checkpoint, folder)
        made = made.with_options(engine="openvino")
        from boucle.adapters.pretrained.openvino_engine import OpenvinoEngine  # openvino: for this target alone

        precision = OpenvinoEngine(made).precision
        notes = () if precision == "bf16" else (WITHOUT_BF16_HERE,)
        return Exported(made, made.runtime, {"target": self.name, "precision": precision, **told}, notes)


class Int4Exporter:
    """Matrices in 4 bits, in blocks with a scale each, tables in 8: the smallest file."""

    name = "int4"

    def export(self, directory: Path, info: BundleInfo, folder: Path, rows: Batch) -> Exported:
        """Make the exported file smaller, or the one the version holds; raises BundleError."""
        return _in_few_bits(self.name, "four_bits", directory, info, folder, rows)


def _in_few_bits(
    target: str, module: str, directory: Path, info: BundleInfo, folder: Path, rows: Batch, **told: object
) -> Exported:
    """Have a module of this package quantize the exported file, or the one the version holds."""
    checkpoint = parents.checkpoint_of(directory, info)
    made = checkpoint
    if checkpoint.runtime == "pretrained":
        whole = folder / "float32"
        whole.mkdir()
        made, _ = _exported(checkpoint, whole)
    quantizing = _needing_onnx(module)
    parents.taken_along(made, folder)
    done = quantizing.quantize(made, folder, info.signature, rows)
    shutil.rmtree(folder / "float32", ignore_errors=True)
    made = parents.moved(made, folder)
    return Exported(made, made.runtime, {"target": target, **told, **done})


def _in_float(checkpoint: Checkpoint, folder: Path) -> tuple[Checkpoint, dict[str, float]]:
    """Return the float32 file of a checkpoint in ``folder``, and how far it was seen to be from torch."""
    if checkpoint.runtime == "pretrained":
        made, worst = _exported(checkpoint, folder)
        return made, {"largest_difference": worst}
    _needing_onnx("trying").opened(checkpoint.folder / ONNX)
    parents.taken_along(checkpoint, folder)
    shutil.copyfile(checkpoint.folder / ONNX, folder / ONNX)
    return parents.moved(checkpoint, folder), {}


def _exported(checkpoint: Checkpoint, folder: Path) -> tuple[Checkpoint, float]:
    for package in ("torch", "onnx"):
        if find_spec(package) is None:
            raise MissingExtra.of(package, "text")
    from boucle.adapters.exporters import graph  # torch: a file that is there already is quantized without

    worst = graph.write(checkpoint, folder)
    return parents.moved(checkpoint, folder), worst


def _needing_onnx(module: str) -> Any:
    """Return a module of this package that reads ONNX files: only who makes one has the package for it."""
    try:
        return import_module(f"boucle.adapters.exporters.{module}")
    except ModuleNotFoundError as error:
        raise MissingExtra.of((error.name or "onnx").split(".")[0], "text") from error
