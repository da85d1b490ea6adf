"""The examples of images: EfficientNet is adopted and served without torch; garments are told apart."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.e2e.example_pages import EXAMPLES, walked
from tests.integration.debian import unpacked

from boucle.handle import open_loop
from boucle.loop.project import Project
from boucle.loop.turn import run_turn

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
INSIDE = """
import sys
sys.modules.update(dict.fromkeys(("torch", "transformers")))  # whoever imports them gets an ImportError
import boucle
print(boucle.attach(".").predict({"image": sys.stdin.read()})["predictions"][0])
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walked("photos", tmp_path_factory.mktemp("examples"))


def test_the_coffee_is_an_espresso_from_a_file_and_over_http(photos: Path) -> None:
    assert pd.read_csv(photos / "coffee.csv")["prediction"].tolist() == ["espresso"]
    assert json.loads((photos / "coffee.json").read_text())["predictions"] == ["espresso"]


def test_it_is_an_espresso_too_where_torch_cannot_be_imported(photos: Path) -> None:
    picture = base64.b64encode((photos / "photos" / "espresso" / "coffee.png").read_bytes()).decode()
    done = subprocess.run(
        [sys.executable, "-c", INSIDE], cwd=photos, input=picture, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().splitlines()[-1:] == ["espresso"], done.stderr


def test_a_sample_of_three_is_called_inconclusive(photos: Path) -> None:
    with open_loop(photos) as loop:
        [adopted] = [event for event in loop.history() if event.kind == "adopted"]
    assert adopted.data["verdict"]["status"] == "inconclusive"


def test_garments_are_told_apart_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
    place = unpacked(("dataset-fashion-mnist",), "usr/share/datasets/fashion-mnist", names)
    monkeypatch.setenv("FASHION_MNIST", str(place))
    shutil.copytree(EXAMPLES / "digits", tmp_path / "digits")
    monkeypatch.setenv("BOUCLE_DATA__SOURCE", "images.py:fashion")
    project = Project.open(tmp_path / "digits")
    result = run_turn(project, lambda *_: None)
    project.close()
    assert (result.verdict.status, result.runtime) == ("pass", "sklearn")
    assert result.metrics["accuracy"] > 0.8
