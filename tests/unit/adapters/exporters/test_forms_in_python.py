"""``boucle.optimize`` and ``boucle.distill``: what the command line does, for notebooks."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from tests import checkpoints

import boucle
from boucle import handle
from boucle.core.errors import BundleError, RequestError
from boucle.loop import distilling, optimizing
from boucle.loop.adoption import adopt_model

WORDS = ("lovely", "dull", "long", "warm", "cold", "odd")


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose champion is a tiny classifier."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("forms")
    texts = [f"A {one} and {two} film." for one in WORDS for two in WORDS]
    rows = pd.DataFrame({"text": texts, "tone": [checkpoints.TONES[n % 3] for n in range(len(texts))]})
    adopt_model(root / "project", checkpoints.tiny("classifier", root / "tone"), rows, name="tone", target="tone")
    return root / "project"


@pytest.fixture
def folder(adopted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(adopted, tmp_path / "project"))


def test_a_version_is_made_smaller_from_a_notebook(folder: Path) -> None:
    made = boucle.optimize("tone/1", directory=folder, agreement=0.0)
    assert (made.parent, made.turn.version, made.turn.runtime) == ("tone/1", 2, "pretrained-onnx")
    with boucle.open(folder) as loop:
        version = loop.load("tone/2")
    assert set(version.predict({"text": "a warm film"})) <= set(checkpoints.TONES)


def test_the_champion_is_meant_when_no_version_is_named(folder: Path) -> None:
    told: list[str] = []
    with boucle.open(folder) as loop:
        made = loop.distill("layers=1", epochs=1, progress=lambda text, share: told.append(text))
        assert loop.optimize(target="onnx").parent == "tone/1"
    assert made.parent == "tone/1"
    assert told


def test_a_student_learns_from_a_file_besides(folder: Path, tmp_path: Path) -> None:
    pd.DataFrame({"text": [f"quite {one}" for one in WORDS]}).to_csv(tmp_path / "more.csv", index=False)
    made = boucle.distill("tone/1", "layers=0", folder, unlabelled=tmp_path / "more.csv", epochs=1)
    assert made.beside.after.size_bytes < made.beside.before.size_bytes


def test_what_cannot_be_made_is_refused_as_by_the_command(folder: Path) -> None:
    boucle.optimize("tone/1", "int4", folder, agreement=0.0)
    with pytest.raises(BundleError, match="in 4 bits already"):
        boucle.optimize("tone/2", "int8", folder)
    with pytest.raises(RequestError, match="layers=0,1"):
        boucle.distill("tone/1", "layers=0,1", folder)


def test_defaults_are_those_of_the_loop() -> None:
    ours, theirs = (inspect.signature(one).parameters for one in (handle.optimize, optimizing.optimize))
    assert {name: ours[name].default for name in ("target", "agreement")} == {
        name: theirs[name].default for name in ("target", "agreement")
    }
    assert set(inspect.signature(handle.distill).parameters) - {"directory"} <= set(
        inspect.signature(distilling.distill).parameters
    )
