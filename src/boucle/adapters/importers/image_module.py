"""Take in a folder with a model of pictures by Keras or PyTorch, its labels, and how its pictures are prepared."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boucle.adapters.importers.keras import opened as opened_keras
from boucle.adapters.pretrained import checkpoints, signatures
from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Field, Signature, Task
from boucle.ports.importer import Asked, Opened

KERAS, EXPORTED = "model.keras", "model.pt2"
_ALONG = ("labels.json", "preprocess.json", "preprocessor_config.json", "config.json")
TASK: Task = "image-classification"


class ImageModuleImporter:
    """The folder holds ``model.keras`` or ``model.pt2``, ``labels.json`` and ``preprocess.json``."""

    name = "image-module"

    def __init__(self) -> None:
        self.asked = Asked()

    def accepts(self, model: Path | Any) -> bool:
        return isinstance(model, Path) and any((model / name).is_file() for name in (KERAS, EXPORTED))

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        """Export it beside its labels; raises BundleError, UnsafeBundle for a ``.pt2`` without consent."""
        asked = self.asked
        if asked.task not in (None, TASK):
            raise BundleError(f"A model of pictures does {TASK}, not {asked.task}.", hint="leave --task out")
        folder = Path(tempfile.mkdtemp(prefix="boucle-module-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        for name in _ALONG:
            if (model / name).is_file():
                shutil.copyfile(model / name, folder / name)
        if not asked.labels and not (folder / "labels.json").is_file():
            raise BundleError(
                f"{model} does not name its classes.",
                hint="add labels.json, a list of names in the order of the scores; or say them with --labels",
            )
        (folder / ONNX).write_bytes(_exported(model, consent))
        checkpoint = checkpoints.resolve(folder, TASK, labels=asked.labels, options=asked.options)
        _require_classes(checkpoint)
        return Opened(checkpoint, checkpoint.runtime)

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        return None

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        return signatures.outputs(model)

    def signature(self, model: Checkpoint, fields: Sequence[Field]) -> Signature:
        """Return the signature over the columns of a sample."""
        return signatures.signature_of(model, signatures.chosen(TASK, fields))


def _exported(folder: Path, consent: str | None) -> bytes:
    from boucle.adapters.exporters.factories import opened as opened_torch  # torch: only such a folder needs it
    from boucle.adapters.exporters.modules import to_onnx

    if (folder / KERAS).is_file():
        module, (height, width, channels) = _pictures(*opened_keras(folder / KERAS))
        return to_onnx(module, (channels, height, width), channels_last=True, scores=True)
    module, shape = _pictures(*opened_torch(folder / EXPORTED, consent))
    return to_onnx(module, shape, scores=True)


def _pictures(module: Any, shape: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    if len(shape) != 3:
        raise BundleError(f"The model takes {shape} a row: no picture has that shape.", hint="adopt its file by itself")
    return module, shape


def _require_classes(checkpoint: Checkpoint) -> None:
    """Compare the labels with what the file gives."""
    from boucle.adapters.pretrained.onnx_engine import OnnxEngine  # ONNX Runtime: only such a folder needs it

    given = OnnxEngine(checkpoint).scores
    if given is not None and given != len(checkpoint.labels):
        named = json.dumps(list(checkpoint.labels[:3]), ensure_ascii=False)
        raise BundleError(
            f"The model gives {given} scores, {len(checkpoint.labels)} are named ({named} …).",
            hint="name each of them, in their order",
        )
