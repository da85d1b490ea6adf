"""A verified bundle of a tiny text classifier, as exporters, distillers and cards are given one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests import checkpoints

from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch

TEXTS = np.array(["a lovely film", "no", "dull and far too long, I fear", "été 中文"], dtype=object)


def bundle(folder: Path) -> tuple[Path, BundleInfo, Batch]:
    """Return its directory, what it says of itself, and rows it answers."""
    checkpoint = resolve(checkpoints.tiny("classifier", folder / "checkpoint"), "text-classification")
    signature, directory = PretrainedImporter().signature(checkpoint), folder / "bundle"
    directory.mkdir()
    saved = PretrainedRuntime().save(checkpoint, directory, signature)
    info = BundleInfo("tone", signature, "pretrained", 0.0, options=saved.options)
    return directory, info, {signature.names[0]: TEXTS}
