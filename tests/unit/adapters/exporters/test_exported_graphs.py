"""Checkpoints of every task as ONNX files, and in bfloat16: the same answers, or a refusal that says what to use."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tests import checkpoints

from boucle.adapters.exporters import graph, halves, parents
from boucle.adapters.exporters.smaller import Bf16Exporter, Int8Exporter
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.pretrained import pooled
from boucle.adapters.pretrained.checkpoints import Checkpoint, resolve
from boucle.adapters.pretrained.onnx_engine import OnnxEngine
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Task
from boucle.ports.runtime import Embedding

TASKS: dict[str, Task] = {
    "classifier": "text-classification",
    "tagger": "token-classification",
    "answers": "question-answering",
    "gaps": "fill-mask",
    "encoder": "feature-extraction",
    "vit": "image-classification",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("tiny")


def made(folder: Path, kind: str) -> Checkpoint:
    place = folder / kind
    return resolve(place if place.exists() else checkpoints.tiny(kind, place), TASKS[kind])


def kept(checkpoint: Checkpoint, folder: Path) -> BundleInfo:
    """Put a checkpoint into a bundle's folder, and say what the bundle says."""
    runtime: Any = PretrainedRuntime() if checkpoint.runtime == "pretrained" else PretrainedOnnxRuntime()
    signature = PretrainedImporter().signature(checkpoint)
    folder.mkdir()
    return BundleInfo("tone", signature, runtime.name, 0.0, options=runtime.save(checkpoint, folder, signature).options)


@pytest.mark.parametrize("kind", list(TASKS))
def test_every_task_that_gives_scores_is_exported_with_its_vector(folder: Path, tmp_path: Path, kind: str) -> None:
    checkpoint = made(folder, kind)
    assert graph.write(checkpoint, tmp_path) < 1e-4
    exported = parents.moved(checkpoint, tmp_path)
    signature = PretrainedImporter().signature(exported)
    here, there = PretrainedOnnxRuntime().wrap(exported, signature), PretrainedRuntime().wrap(checkpoint, signature)
    assert isinstance(here, Embedding) == isinstance(there, Embedding)
    assert not list(tmp_path.glob("*.safetensors"))


def test_vectors_of_drift_are_those_of_the_original(folder: Path, tmp_path: Path) -> None:
    checkpoint = made(folder, "classifier")
    graph.write(checkpoint, tmp_path)
    signature = PretrainedImporter().signature(checkpoint)
    batch = {"text": np.array(["a film", "a much longer film than that one", ""], dtype=object)}
    both = [
        PretrainedOnnxRuntime().wrap(parents.moved(checkpoint, tmp_path), signature),
        PretrainedRuntime().wrap(checkpoint, signature),
    ]
    one, two = (predictor.embed(batch) for predictor in both if isinstance(predictor, Embedding))
    assert np.allclose(one, two, atol=1e-4)


def test_a_probes_head_is_exported_with_its_encoder(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(made(folder, "encoder").folder, tmp_path / "probe")
    pooled.save(place, torch.randn(2, 32), torch.zeros(2))
    checkpoint = resolve(place, "text-classification", labels=("bad", "good"))
    (tmp_path / "made").mkdir()
    assert graph.write(checkpoint, tmp_path / "made") < 1e-4
    signature = PretrainedImporter().signature(checkpoint)
    batch = {"text": np.array(["a film", "a much longer film than that one"], dtype=object)}
    here = PretrainedOnnxRuntime().wrap(parents.moved(checkpoint, tmp_path / "made"), signature).predict(batch)
    there = PretrainedRuntime().wrap(checkpoint, signature).predict(batch)
    assert np.allclose(here["probabilities"], there["probabilities"], atol=1e-5)


@pytest.mark.parametrize(("kind", "task"), [("gpt", "text-generation"), ("t5", "summarization")])
def test_what_writes_texts_is_refused_with_what_to_use(folder: Path, tmp_path: Path, kind: str, task: Task) -> None:
    checkpoint = resolve(checkpoints.tiny(kind, folder / kind), task)
    with pytest.raises(BundleError, match="writes texts") as refused:
        graph.write(checkpoint, tmp_path)
    assert "bf16" in str(refused.value.hint)


def test_in_8_bits_an_answer_does_not_depend_on_its_neighbours(folder: Path, tmp_path: Path) -> None:
    info = kept(made(folder, "classifier"), tmp_path / "bundle")
    (tmp_path / "made").mkdir()
    model = Int8Exporter().export(tmp_path / "bundle", info, tmp_path / "made", {}).model
    predictor = PretrainedOnnxRuntime().wrap(model, info.signature)
    texts = np.array(["dull", "a warm and lovely film in the end", "odd", "a film"], dtype=object)
    together = np.asarray(predictor.predict({"text": texts})["probabilities"])
    alone = [np.asarray(predictor.predict({"text": texts[row : row + 1]})["probabilities"])[0] for row in range(4)]
    assert np.array_equal(together, np.array(alone))
    again = kept(model, tmp_path / "again")
    with pytest.raises(BundleError, match="8 bits already"):
        Int8Exporter().export(tmp_path / "again", again, tmp_path / "made", {})


def test_bfloat16_halves_the_weights_and_says_where_it_is_slow(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "quick", lambda: False)
    checkpoint = made(folder, "classifier")
    info = kept(checkpoint, tmp_path / "bundle")
    (tmp_path / "made").mkdir()
    exported = Bf16Exporter().export(tmp_path / "bundle", info, tmp_path / "made", {})
    assert "slower" in exported.notes[0]
    assert exported.model.options["precision"] == "bfloat16"
    with safe_open(tmp_path / "made" / "model.safetensors", framework="pt") as opened:
        assert {opened.get_tensor(name).dtype for name in opened.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert PretrainedRuntime().wrap(exported.model, info.signature).predict({"text": np.array(["a"], dtype=object)})


def test_an_engine_says_how_many_scores_its_file_gives(folder: Path, tmp_path: Path) -> None:
    checkpoint = made(folder, "vit")
    graph.write(checkpoint, tmp_path)
    assert OnnxEngine(parents.moved(checkpoint, tmp_path)).scores in (2, None)
