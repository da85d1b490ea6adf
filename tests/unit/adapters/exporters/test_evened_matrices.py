"""8 bits: channels evened out change nothing by themselves, and what is answered otherwise keeps its float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from boucle.adapters.exporters import evening, parents, quantizing, trying
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime

TEXTS = np.array([f"a {one} film, number {n}" for n in range(12) for one in ("dull", "warm", "lovely")], dtype=object)
FLOATS = TensorProto.FLOAT


def answered(model: Any, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def product(random: np.random.Generator, height: int, width: int) -> Any:
    """Return a file with two matrices: one on its input, one on what comes of that."""
    matrices = [random.normal(size=(height, width)), random.normal(size=(width, 3))]
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["middle"], name="one"),
        helper.make_node("Relu", ["middle"], ["bent"]),
        helper.make_node("MatMul", ["bent", "second"], ["y"], name="two"),
    ]
    shapes = [helper.make_tensor_value_info(n, FLOATS, ["rows", w]) for n, w in (("x", height), ("y", 3))]
    kept = [
        numpy_helper.from_array(m.astype(np.float32), n) for m, n in zip(matrices, ("first", "second"), strict=True)
    ]
    drawn = helper.make_graph(nodes, "drawn", shapes[:1], shapes[1:], kept)
    return helper.make_model(drawn, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("height", "width"), [(8, 16), (48, 16), (1, 1)])
def test_evened_channels_give_the_same_product(height: int, width: int) -> None:
    random = np.random.default_rng(height)
    model = product(random, height, width)
    x = random.normal(size=(5, height)).astype(np.float32)
    x[:, 0] *= 80.0
    before = answered(model, x)
    assert np.allclose(answered(evening.evened(model, [{"x": x}]), x), before, rtol=1e-3, atol=1e-3)


def test_a_channel_that_drowns_the_others_costs_less_once_evened(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(64, 96)).astype(np.float32)
    x[:, 3] *= 60.0
    lost = []
    for rows in ([], [{"x": x}]):
        model = product(np.random.default_rng(1), 96, 32)
        before = answered(model, x)
        quantizing._written(evening.evened(model, rows), tmp_path / "model.onnx")
        lost.append(float(np.abs(answered(onnx.load(tmp_path / "model.onnx"), x) - before).mean()))
    assert lost[1] < lost[0] / 2


@pytest.mark.parametrize(("enough", "left"), [(0.0, 0), (1.1, 2)])
def test_the_widest_matrices_stay_in_float_where_too_many_answers_change(
    exported: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: float, left: int
) -> None:
    monkeypatch.setattr(trying, "ENOUGH", enough)
    signature = PretrainedImporter().signature(exported)
    parents.taken_along(exported, tmp_path)
    done = quantizing.quantize(exported, tmp_path, signature, {"text": TEXTS})
    assert done["left_in_float"] in (0, left), "the better of the two is kept"
    assert done["tried_rows"] == len(TEXTS)
    made = PretrainedOnnxRuntime().wrap(parents.moved(exported, tmp_path), signature)
    before = PretrainedOnnxRuntime().wrap(exported, signature).predict({"text": TEXTS})["prediction"]
    assert (made.predict({"text": TEXTS})["prediction"] == before).mean() == done["tried_agreement"]
    assert sorted(file.name for file in tmp_path.glob("*.onnx")) == ["model.onnx"]


def test_the_matrices_that_take_in_the_widest_layers_are_found(exported: Checkpoint) -> None:
    found = evening.narrowing(onnx.load(exported.folder / "model.onnx"))
    assert len(found) == 2
    assert all("/output/dense" in name and "attention" not in name for name in found)
