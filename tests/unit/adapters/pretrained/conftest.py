"""Checkpoints that the tests of this folder share: each is made once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests import checkpoints


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a tiny checkpoint by its name in ``checkpoints.MODELS``; do not change it."""
    torch.set_num_threads(1)  # threads that wait for each other cost a busy machine minutes
    root = tmp_path_factory.mktemp("tiny")

    def made(kind: str) -> Path:
        folder = root / kind
        return folder if folder.exists() else checkpoints.tiny(kind, folder)

    return made


@pytest.fixture(scope="session")
def minilm_onnx(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return MiniLM with a head for three classes, as safetensors and as ONNX."""
    root = tmp_path_factory.mktemp("minilm")
    plain = checkpoints.minilm_classifier(root / "torch")
    return plain, checkpoints.to_onnx(plain, root / "onnx")


@pytest.fixture(scope="session")
def efficientnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.efficientnet(tmp_path_factory.mktemp("images") / "efficientnet")
