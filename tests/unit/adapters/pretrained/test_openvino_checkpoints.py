"""The same ``model.onnx`` computed by OpenVINO: the answers of ONNX Runtime, and torch is not there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.assets import asset
from tests.contracts.tiny_bundles import TEXTS, bundle

import boucle
from boucle.adapters.exporters import graph, parents, smaller
from boucle.adapters.exporters.smaller import Int4Exporter, OnnxExporter, OpenvinoExporter
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.pretrained import openvino_engine
from boucle.adapters.pretrained.checkpoints import Checkpoint, resolve
from boucle.adapters.pretrained.openvino_engine import OpenvinoEngine
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
from boucle.adapters.runtimes.pretrained_openvino import PretrainedOpenvinoRuntime
from boucle.core.errors import BundleError, MissingExtra, RequestError
from boucle.core.model import BundleInfo
from boucle.core.signature import Task
from boucle.ports.runtime import Embedding

Tiny = Callable[[str], Path]
TASKS: dict[str, Task] = {
    "classifier": "text-classification",
    "tagger": "token-classification",
    "answers": "question-answering",
    "gaps": "fill-mask",
    "encoder": "feature-extraction",
    "vit": "image-classification",
}
LONE = """
import sys
import numpy as np
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.plugins import load
importer = PretrainedImporter(options={"engine": "openvino"})
opened = importer.open(sys.argv[1], None)
signature = importer.signature(opened.model)
batch = {signature.names[0]: np.array([sys.argv[2]], dtype=object)}
print(load("runtimes", opened.runtime)().wrap(opened.model, signature).predict(batch)["prediction"][0])
heavy = {"torch", "transformers", "pandas", "huggingface_hub", "safetensors", "onnxruntime"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def made(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    """Return a tiny checkpoint as an ONNX file."""
    root = tmp_path_factory.mktemp("files")

    def exported(kind: str) -> Checkpoint:
        checkpoint = resolve(tiny(kind), TASKS[kind])
        if not (root / kind).exists():
            (root / kind).mkdir()
            graph.write(checkpoint, root / kind)
        return parents.moved(checkpoint, root / kind)

    return exported


def asked(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """Return inputs of every kind the task takes."""
    texts = np.array(["a film", "a much longer film than that one", "", "dull " * 30], dtype=object)
    names = PretrainedImporter().signature(checkpoint).names
    if checkpoint.task == "image-classification":
        file = asset("skimage", "data", "coffee.png").read_bytes()
        return {names[0]: np.array([file], dtype=object)}
    if checkpoint.task == "question-answering":
        texts = texts[[0, 1, 3]]
    if checkpoint.task == "fill-mask":
        texts = np.array(["a [MASK] film", "the film was [MASK] long"], dtype=object)
    return dict.fromkeys(names, texts)


@pytest.mark.parametrize("kind", list(TASKS))
def test_in_float32_both_engines_give_the_same_numbers(made: Callable[[str], Checkpoint], kind: str) -> None:
    checkpoint = made(kind)
    signature, rows = PretrainedImporter().signature(checkpoint), asked(checkpoint)
    here = PretrainedOpenvinoRuntime().wrap(checkpoint.with_options(precision="float32"), signature)
    there = PretrainedOnnxRuntime().wrap(checkpoint, signature)
    one, two = here.predict(rows), there.predict(rows)
    for name in one.keys() & {"probabilities"}:
        assert np.allclose(one[name], two[name], atol=1e-4)
    if kind == "encoder":
        assert np.allclose(one["prediction"], two["prediction"], atol=1e-3)
    assert isinstance(here, Embedding) == isinstance(there, Embedding)
    if isinstance(here, Embedding) and isinstance(there, Embedding):
        assert np.allclose(here.embed(rows), there.embed(rows), atol=1e-3)


def test_bfloat16_is_the_processors_choice_and_float32_can_be_asked_for(
    made: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = made("classifier")
    assert OpenvinoEngine(checkpoint).precision == ("bf16" if openvino_engine.multiplies_bf16() else "f32")
    assert OpenvinoEngine(checkpoint.with_options(precision="float32")).precision == "f32"
    monkeypatch.setattr(openvino_engine, "multiplies_bf16", lambda: False)
    assert OpenvinoEngine(checkpoint).precision == "f32"


def test_many_threads_may_ask_at_once(made: Callable[[str], Checkpoint]) -> None:
    checkpoint = made("classifier")
    predictor = PretrainedOpenvinoRuntime().wrap(checkpoint, PretrainedImporter().signature(checkpoint))
    texts = [np.array([f"a film, {'dull ' * n}"], dtype=object) for n in range(8)]
    wanted = [predictor.predict({"text": one})["probabilities"] for one in texts]
    found: list[Any] = [None] * len(texts)

    def ask(place: int) -> None:
        found[place] = [predictor.predict({"text": texts[place]})["probabilities"] for _ in range(5)]

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(one, other) for one, other in zip(wanted, found, strict=True))


def test_a_version_for_openvino_keeps_the_onnx_file_and_says_who_computes_it(tmp_path: Path) -> None:
    directory, info, rows = bundle(tmp_path)
    (tmp_path / "made").mkdir()
    exported = OpenvinoExporter().export(directory, info, tmp_path / "made", rows)
    assert exported.runtime == "pretrained-openvino"
    (tmp_path / "kept").mkdir()
    saved = PretrainedOpenvinoRuntime().save(exported.model, tmp_path / "kept", info.signature)
    assert any(one.startswith("openvino==") for one in saved.requirements)
    assert (tmp_path / "kept" / "checkpoint" / "model.onnx").is_file()
    again = BundleInfo("tone", info.signature, exported.runtime, 0.0, options=saved.options)
    answered = PretrainedOpenvinoRuntime().load(tmp_path / "kept", again).predict(rows)
    assert set(answered["prediction"]) <= set(info.signature.classes or ())
    assert resolve(tmp_path / "kept" / "checkpoint").runtime == "pretrained-openvino"
    with pytest.raises(BundleError, match="OpenVINO already"):
        OpenvinoExporter().export(tmp_path / "kept", again, tmp_path / "made", rows)


def test_an_onnx_version_becomes_one_for_openvino_unless_it_is_in_few_bits(tmp_path: Path) -> None:
    directory, info, rows = bundle(tmp_path)
    for name, exporter in (("onnx", OnnxExporter()), ("int4", Int4Exporter())):
        for folder in (name, f"{name}-kept", f"{name}-again"):
            (tmp_path / folder).mkdir()
        exported = exporter.export(directory, info, tmp_path / name, rows)
        saved = PretrainedOnnxRuntime().save(exported.model, tmp_path / f"{name}-kept", info.signature)
        parent = BundleInfo("tone", info.signature, exported.runtime, 0.0, options=saved.options)
        if name == "onnx":
            made = OpenvinoExporter().export(tmp_path / "onnx-kept", parent, tmp_path / "onnx-again", rows)
            assert made.runtime == "pretrained-openvino"
        else:
            with pytest.raises(BundleError, match="4 bits already"):
                OpenvinoExporter().export(tmp_path / "int4-kept", parent, tmp_path / "int4-again", rows)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, info, rows = bundle(tmp_path)
    monkeypatch.setattr(smaller, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="openvino") as refused:
        OpenvinoExporter().export(directory, info, tmp_path / "made", rows)
    assert "boucle[openvino]" in str(refused.value.hint)


def test_serving_imports_neither_torch_nor_onnx_runtime(made: Callable[[str], Checkpoint]) -> None:
    command = [sys.executable, "-c", LONE, str(made("classifier").folder), "a film"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in {"bad", "fair", "good"}


def test_a_file_that_is_no_model_and_rows_it_cannot_compute_are_refused(
    made: Callable[[str], Checkpoint], tmp_path: Path
) -> None:
    checkpoint = made("classifier")
    engine = OpenvinoEngine(checkpoint)
    for outside in (np.ones((1, 9000), dtype=np.int64), np.full((1, 3), 10**6), np.full((1, 3), -1)):
        with pytest.raises(RequestError, match="cannot compute"):
            engine.run(dict.fromkeys(engine.takes, outside))
    shutil.copytree(checkpoint.folder, tmp_path / "broken")
    (tmp_path / "broken" / "model.onnx").write_bytes((checkpoint.folder / "model.onnx").read_bytes()[:5000])
    with pytest.raises(BundleError, match=r"OpenVINO .* cannot load"):
        boucle.load(tmp_path / "broken", task="text-classification", engine="openvino")


def test_an_engine_there_is_not_is_named(made: Callable[[str], Checkpoint]) -> None:
    with pytest.raises(BundleError, match="'engine' is 'tensorrt'"):
        made("classifier").with_options(engine="tensorrt")


def test_texts_of_every_length_are_answered_as_by_themselves(made: Callable[[str], Checkpoint]) -> None:
    checkpoint = made("classifier").with_options(precision="float32")
    predictor = PretrainedOpenvinoRuntime().wrap(checkpoint, PretrainedImporter().signature(checkpoint))
    together = predictor.predict({"text": TEXTS})["probabilities"]
    alone = [predictor.predict({"text": TEXTS[row : row + 1]})["probabilities"][0] for row in range(len(TEXTS))]
    assert np.allclose(together, np.array(alone), atol=1e-5)
