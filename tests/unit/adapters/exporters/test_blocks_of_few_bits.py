"""Numbers of 4 and 8 bits: each is within half a step of what it stands for, and packed as ONNX Runtime reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper

from boucle.adapters.exporters import blocks, four_bits
from boucle.adapters.exporters.compensating import compensated

MATRICES = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 80), st.integers(1, 5)),
    elements=st.floats(-100, 100, width=32),
)


@given(MATRICES, st.sampled_from([4, 8]))
@settings(max_examples=40, deadline=None)
def test_no_number_is_further_off_than_a_step_of_its_blocks_whole_range(matrix: np.ndarray, bits: int) -> None:
    found = blocks.rounded(matrix, bits)
    padded = np.zeros((found.scales.shape[1] * blocks.BLOCK, matrix.shape[1]), dtype=np.float32)
    padded[: len(matrix)] = matrix
    parts = padded.reshape(-1, blocks.BLOCK, matrix.shape[1])
    step = (np.maximum(parts.max(1), 0) - np.minimum(parts.min(1), 0)) / (2**bits - 1)
    off = np.zeros_like(padded)
    off[: len(matrix)] = matrix - found.whole()
    # A range that is cut is taken only where the squares add up to less than with the whole one.
    lost = np.square(off).reshape(-1, blocks.BLOCK, matrix.shape[1]).sum(1)
    assert (lost <= blocks.BLOCK * np.square(step) * 1.01 + 1e-6).all()


@pytest.mark.parametrize("height", [96, 50])
def test_what_rounding_loses_is_made_up_for_by_channels_that_go_along(height: int) -> None:
    random = np.random.default_rng(0)
    matrix = random.normal(size=(height, 24)).astype(np.float32)
    x = (
        random.normal(size=(400, 8)) @ random.normal(size=(8, height)) + 0.1 * random.normal(size=(400, height))
    ).astype(np.float32)
    made = [blocks.rounded(matrix, 4), compensated(matrix, 4, x[:300].T @ x[:300])]
    plain, better = (np.square(x[300:] @ (one.whole() - matrix)).mean() for one in made)
    assert better < plain / 2


def test_channels_that_never_carry_anything_are_rounded_as_they_are() -> None:
    matrix = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    made = compensated(matrix, 4, np.zeros((32, 32), dtype=np.float32))
    assert np.array_equal(made.whole(), blocks.rounded(matrix, 4).whole())


@given(arrays.arrays(np.float32, (7, 12), elements=st.floats(-50, 50, width=32)))
@settings(max_examples=20, deadline=None)
def test_a_vector_of_a_table_is_within_half_a_step(vectors: np.ndarray) -> None:
    numbers, scales = blocks.table(vectors)
    assert (np.abs(numbers * scales - vectors) <= scales / 2 * 1.001).all()


def product(height: int, width: int, turned: bool) -> Any:
    """Return a file that multiplies with one matrix: as MatMul, or as Gemm that holds it turned, with a bias."""
    random = np.random.default_rng(height)
    matrix = random.normal(size=(height, width)).astype(np.float32)
    kept = [numpy_helper.from_array(matrix.T.copy() if turned else matrix, "w")]
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="one")
    if turned:
        kept.append(numpy_helper.from_array(random.normal(size=width).astype(np.float32), "b"))
        node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="one", transB=1)
    shapes = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["rows", w]) for n, w in (("x", height), ("y", width))
    ]
    drawn = helper.make_graph([node], "drawn", shapes[:1], shapes[1:], kept)
    return helper.make_model(drawn, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answered(model: Any, x: np.ndarray) -> np.ndarray:
    raw = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (130, 40), (96, 1000)])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("spared", [(), ("one",)])
def test_the_runtime_multiplies_with_the_matrix_that_the_blocks_stand_for(
    height: int, width: int, turned: bool, spared: tuple[str, ...], tmp_path: Any
) -> None:
    model = product(height, width, turned)
    assert four_bits.Writing(model, {}).write(tmp_path / "model.onnx", spared) == 1
    x = np.random.default_rng(1).normal(size=(5, height)).astype(np.float32)
    given = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    matrix = given["w"].T if turned else given["w"]
    wanted = x @ blocks.rounded(matrix, 8 if spared else 4).whole() + given.get("b", 0.0)
    found = answered((tmp_path / "model.onnx").read_bytes(), x)
    # What is multiplied is rounded to 8 bits as well.
    assert np.abs(found - wanted).max() < 0.03 * np.abs(wanted).max()
    rows = np.concatenate([answered((tmp_path / "model.onnx").read_bytes(), x[row : row + 1]) for row in range(5)])
    assert np.allclose(found, rows, rtol=1e-4, atol=1e-4), "a row's answer does not depend on its neighbours"
