"""What clients of others write that is not quite JSON, or not quite the protocol, and what is refused all the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.core.signature import Field, Signature, missing, outputs_of
from boucle.serving.codec import TableReader, parse
from boucle.serving.grpc import tensors
from boucle.serving.grpc.messages import CLASSES
from boucle.serving.messages import Answer, Raw
from boucle.serving.protocols import mlflow, v1, v2
from boucle.serving.schemas import TIME

READER = TableReader(Signature((Field("x", "float64", optional=True), Field("n", "int64")), outputs_of(None)), 100)
TABLE = {"name": "table", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 2]}


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        (mlflow, '{"dataframe_split": {"columns": ["x", "n"], "data": [[NaN, 2]]}}'),
        (v1, '{"instances": [[NaN, 2]]}'),
        (v2, '{"inputs": [{"name": "t", "shape": [1, 2], "datatype": "FP64", "data": [NaN, 2]}]}'),
    ],
)
def test_nan_written_by_python_is_a_missing_value(protocol: object, body: str) -> None:
    asked = protocol.decode(Raw(body.encode()), READER)  # type: ignore[attr-defined]
    assert missing(asked.batch["x"]).tolist() == [True]
    assert asked.batch["n"].tolist() == [2]


@pytest.mark.parametrize(
    "body", [b"[Infinity]", b"[-Infinity, NaN]", b"[NaN", b'{"NaN": nan}', b"[" * 100_000 + b"NaN"]
)
def test_what_is_no_json_is_refused_even_so(body: bytes) -> None:
    with pytest.raises(RequestError):
        parse(body, lenient=True)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_leniency_changes_nothing_of_what_is_json(data: object) -> None:
    body = json.dumps(data).encode()
    assert parse(body, lenient=True) == parse(body)


def test_what_a_client_leaves_out_may_be_null() -> None:
    body = {"id": None, "parameters": None, "outputs": None, "inputs": [TABLE | {"parameters": None}]}
    asked = v2.decode(Raw(json.dumps(body).encode()), READER)
    assert (asked.id, asked.wants, asked.rows) == ("", {}, 1)


@pytest.mark.parametrize("wrong", [{"outputs": 0}, {"outputs": "x"}, {"parameters": []}, {"parameters": {"a": []}}])
def test_what_is_there_and_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        v2.decode(Raw(json.dumps({"inputs": [TABLE], **wrong}).encode()), READER)


def test_typed_contents_are_answered_as_typed_contents() -> None:
    request = CLASSES["ModelInferRequest"](model_name="m", id="7")
    request.inputs.add(name="x", datatype="FP32", shape=[2]).contents.fp32_contents.extend([0.5, 1])
    request.inputs.add(name="n", datatype="UINT8", shape=[2, 1]).contents.uint_contents.extend([3, 4])
    asked = tensors.decode(Raw(b"", table=request), READER)
    assert asked.batch is not None
    assert (asked.batch["x"].tolist(), asked.batch["n"].tolist()) == ([0.5, 1.0], [3, 4])
    answer = Answer("a", "m", 1, "champion", lambda: {"prediction": np.array([0.5, 0.25])}, [0.5, 0.25])
    said = CLASSES["ModelInferResponse"].FromString(tensors.encode(asked, answer).body)
    assert (said.id, list(said.outputs[0].contents.fp64_contents)) == ("7", [0.5, 0.25])
    assert not said.raw_output_contents


@pytest.mark.parametrize(
    ("kind", "contents", "raw"),
    [
        ("FP64", {"fp32_contents": [1]}, []),
        ("FP16", {"fp32_contents": [1]}, []),
        ("BYTES", {"bytes_contents": [b"\xff"]}, []),
        ("FP64", {}, [b"1234567"]),
        ("FP64", {}, [b"12345678", b"12345678"]),
        ("FLOAT", {}, [b"12345678"]),
    ],
)
def test_a_tensor_that_is_not_what_it_says_is_refused(
    kind: str, contents: dict[str, list[object]], raw: object
) -> None:
    request = CLASSES["ModelInferRequest"](raw_input_contents=raw)
    tensor = request.inputs.add(name="x", datatype=kind, shape=[1])
    for name, values in contents.items():
        getattr(tensor.contents, name).extend(values)
    with pytest.raises(RequestError):
        tensors.decode(Raw(b"", table=request), READER)


def test_a_request_without_inputs_is_refused() -> None:
    with pytest.raises(RequestError):
        tensors.decode(Raw(b"", table=CLASSES["ModelInferRequest"]()), READER)


@given(st.from_regex(re.compile(TIME), fullmatch=True))
def test_every_time_the_schema_allows_is_read(text: str) -> None:
    reader = TableReader(Signature((Field("day", "datetime"),), outputs_of(None)), 10)
    assert len(reader.records([{"day": text.rstrip()}])["day"]) == 1


def test_without_its_port_nothing_of_grpc_is_imported() -> None:
    code = "import sys, boucle.serving.worker; assert not {'grpc', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
