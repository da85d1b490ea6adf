"""A small classifier as a float32 ONNX file, for whatever makes it smaller."""

from __future__ import annotations

import pytest
import torch
from tests import checkpoints

from boucle.adapters.exporters import graph, parents
from boucle.adapters.pretrained.checkpoints import Checkpoint, resolve


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("exported")
    checkpoint = resolve(checkpoints.tiny("classifier", root / "torch"), "text-classification")
    (root / "onnx").mkdir()
    graph.write(checkpoint, root / "onnx")
    return parents.moved(checkpoint, root / "onnx")
