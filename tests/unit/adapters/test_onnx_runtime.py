"""ONNX models of every shape that a table can be put into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from boucle.adapters.runtimes.onnx import OnnxRuntime, content, labels_of, outputs_from, session
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Batch, Column, Field, Signature, outputs_of

FIELDS = (Field("a", "float64"), Field("b", "float64"))


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def value(name: str, kind: int, *shape: int | str | None) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def passing(width: int | None) -> bytes:
    """Answer with the inputs themselves, as the probabilities of a network that ends in them."""
    shape = ("rows", width)
    return model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [value("x", TensorProto.FLOAT, *shape)],
        [value("y", TensorProto.FLOAT, *shape)],
    )


def predicted(raw: bytes, signature: Signature, batch: Batch) -> Batch:
    return OnnxRuntime().wrap(raw, signature).predict(batch)


def test_probabilities_alone_give_the_likeliest_label() -> None:
    batch: Batch = {"a": np.array([0.9, 0.2]), "b": np.array([0.1, 0.8])}
    answer = predicted(passing(2), Signature(FIELDS, outputs_of(["no", "yes"])), batch)
    assert answer["prediction"].tolist() == ["no", "yes"]
    assert answer["prediction"].dtype == object


def test_a_single_probability_is_that_of_the_second_label() -> None:
    signature = Signature(FIELDS[:1], outputs_of([0, 1]))
    answer = predicted(passing(1), signature, {"a": np.array([0.25, 0.75])})
    assert answer["prediction"].tolist() == [0, 1]
    assert answer["probabilities"].tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_text_and_truth_values_are_taken_column_by_column() -> None:
    raw = model(
        [helper.make_node("LabelEncoder", ["town"], ["y"], domain="ai.onnx.ml", keys_strings=["Lyon", ""],
                          values_floats=[5.0, 1.0], default_float=0.0)],
        [value("town", TensorProto.STRING, None, 1), value("garden", TensorProto.BOOL, None, 1)],
        [value("y", TensorProto.FLOAT, None, 1)],
    )  # fmt: skip
    fields = (Field("garden", "bool"), Field("town", "string", optional=True))
    batch: Batch = {"garden": np.array([True, False, True]), "town": np.array(["Lyon", "Nantes", None], dtype=object)}
    assert predicted(raw, Signature(fields, outputs_of(None)), batch)["prediction"].tolist() == [5.0, 0.0, 1.0]


def test_a_missing_value_where_the_model_takes_whole_numbers_is_a_bad_request() -> None:
    raw = model(
        [helper.make_node("Cast", ["n"], ["y"], to=TensorProto.FLOAT)],
        [value("n", TensorProto.INT64, None, 1)],
        [value("y", TensorProto.FLOAT, None, 1)],
    )
    signature = Signature((Field("n", "int64", optional=True),), outputs_of(None))
    assert predicted(raw, signature, {"n": np.array([3.0])})["prediction"].tolist() == [3.0]
    with pytest.raises(RequestError, match="column 'n' has missing values"):
        predicted(raw, signature, {"n": np.array([np.nan])})


def test_a_model_of_another_width_is_refused() -> None:
    with pytest.raises(BundleError, match="takes 3 columns, the signature has 2: a, b"):
        OnnxRuntime().wrap(passing(3), Signature(FIELDS, outputs_of(None)))


def test_a_model_cannot_name_other_files(tmp_path: Path) -> None:
    outside = tmp_path / "secret.bin"
    outside.write_bytes(np.ones(2, dtype=np.float32).tobytes())
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=str(outside))
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", [value("x", TensorProto.FLOAT, None, 2)],
        [value("y", TensorProto.FLOAT, None, 2)], [weights],
    )  # fmt: skip
    raw = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    with pytest.raises(BundleError, match="cannot load the model"):
        session(bytes(raw))


@pytest.mark.parametrize(
    ("answers", "labels"),
    [
        ([np.zeros(3)], None),
        ([np.zeros((3, 1))], None),
        ([np.zeros((3, 4))], (0, 1, 2, 3)),
        ([np.array(["b", "a"], dtype=object), [{"a": 0.1, "b": 0.9}, {"a": 0.9, "b": 0.1}]], ("a", "b")),
        ([np.array(["b", "a"], dtype=object), np.array([[0.9, 0.1], [0.1, 0.9]])], ("b", "a")),
        ([np.array([1, 0]), np.array([[0.1, 0.8, 0.1], [0.9, 0.1, 0.0]])], (0, 1, 2)),
    ],
)
def test_labels_are_read_off_the_answers(answers: list[Any], labels: tuple[Any, ...] | None) -> None:
    assert labels_of(answers) == labels


def test_labels_the_sample_does_not_show_are_asked_for() -> None:
    shown: Column = np.array(["a", "a"], dtype=object)
    with pytest.raises(BundleError, match="shows 1 of the model's 2 classes"):
        labels_of([shown, np.array([[0.9, 0.1], [0.8, 0.2]])])


def test_outputs_are_read_off_a_sample() -> None:
    batch: Batch = {"a": np.array([0.9]), "b": np.array([0.1])}
    assert outputs_from(session(passing(2)), FIELDS, batch) == outputs_of((0, 1))


def test_a_model_is_given_as_bytes_path_or_object(tmp_path: Path) -> None:
    raw = passing(2)
    (tmp_path / "m.onnx").write_bytes(raw)
    assert content(tmp_path / "m.onnx") == raw == content(onnx.load_from_string(raw))
    with pytest.raises(BundleError, match="A dict is not an ONNX model"):
        content({})
