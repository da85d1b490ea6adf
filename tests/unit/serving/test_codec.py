from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.errors import NotFound, RequestError
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.serving.codec import TableReader
from boucle.serving.messages import Answer, Asked, Raw
from boucle.serving.protocols import friendly, mlflow, v1, v2

SIGNATURE = Signature(
    inputs=(
        Field("pH", "float64", minimum=0, maximum=14),
        Field("count", "int64"),
        Field("old", "bool", optional=True),
        Field("colour", "string", optional=True, categories=("red", "white")),
        Field("made", "datetime", optional=True),
    ),
    outputs=outputs_of(None),
)
READER = TableReader(SIGNATURE, max_rows=100)
STRICT = TableReader(SIGNATURE, max_rows=100, refuse=("range", "category"))
NUMBERS = TableReader(Signature((Field("a", "float64"), Field("b", "int64")), outputs_of(None)), max_rows=100)
GOOD = {"pH": 3.2, "count": 4, "old": True, "colour": "red", "made": "2024-05-01T12:00:00"}
ROWS = [GOOD, {"pH": 3, "count": 5}]
DECODERS = {"friendly": friendly.decode, "mlflow": mlflow.decode, "v1": v1.decode, "v2": v2.decode}


def friendly_error(body: Any, reader: TableReader = READER) -> RequestError:
    with pytest.raises(RequestError) as caught:
        friendly.decode(Raw(body if isinstance(body, bytes) else json.dumps(body).encode()), reader)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        ROWS,
        {"inputs": ROWS},
        {"pH": [3.2, 3], "count": [4, 5], "old": [True, None], "colour": ["red", None], "made": [GOOD["made"], None]},
        {"inputs": [[3.2, 4, True, "red", GOOD["made"]], [3, 5, None, None, None]]},
    ],
)
def test_records_columns_and_rows_are_the_same_table(body: Any) -> None:
    batch = table(friendly.decode(Raw(json.dumps(body).encode()), READER))
    assert SIGNATURE.problems(batch) == []
    assert batch["pH"].tolist() == [3.2, 3.0]
    assert batch["count"].tolist() == [4, 5]
    np.testing.assert_array_equal(batch["old"], np.array([1.0, np.nan]))
    assert batch["colour"].tolist() == ["red", None]
    assert np.isnat(batch["made"]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"pH": "3.2"}, "pH", "wrong_type"),
        ({"pH": True}, "pH", "wrong_type"),
        ({"pH": None}, "pH", "missing_value"),
        ({"pH": [1]}, "pH", "wrong_type"),
        ({"count": 4.5}, "count", "wrong_type"),
        ({"count": "4"}, "count", "wrong_type"),
        ({"count": False}, "count", "wrong_type"),
        ({"count": 2**63}, "count", "wrong_type"),
        ({"count": 10**400}, "count", "wrong_type"),
        ({"pH": 10**400}, "pH", "wrong_type"),
        ({"old": 1}, "old", "wrong_type"),
        ({"old": "true"}, "old", "wrong_type"),
        ({"colour": 7}, "colour", "wrong_type"),
        ({"made": "yesterday"}, "made", "wrong_type"),
        ({"made": "0001-01-01"}, "made", "wrong_type"),
        ({"made": 1714564800}, "made", "wrong_type"),
    ],
)
def test_a_wrong_value_is_refused_with_its_column_row_and_what_was_expected(
    change: dict[str, Any], field: str, code: str
) -> None:
    error = friendly_error([GOOD, GOOD | change])
    assert (error.facts["field"], error.facts["row"], error.facts["code"]) == (field, 1, code)
    assert error.facts["expected"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"pH": NaN}',
        b'{"pH": Infinity, "count": 1}',
        b"[]",
        b"7",
        b'"x"',
        b"null",
        b"[" * 5000,
    ],
)
def test_a_body_that_is_no_table_is_refused(body: bytes) -> None:
    assert friendly_error(body).facts["code"] in ("malformed", "empty")


def table(asked: Asked) -> Batch:
    assert asked.batch is not None
    return asked.batch


def test_an_unknown_column_is_refused_with_the_near_name() -> None:
    error = friendly_error({"ph": 3.2, "count": 4})
    assert error.facts["field"] == "ph"
    assert "did you mean 'pH'?" in str(error)


def test_a_missing_column_is_named_with_its_row() -> None:
    error = friendly_error([GOOD, {"pH": 3.2}])
    assert (error.facts["field"], error.facts["row"], error.facts["code"]) == ("count", 1, "missing_column")


def test_more_rows_than_allowed_are_refused() -> None:
    assert friendly_error([GOOD] * 101).facts["code"] == "too_many_rows"


def test_values_outside_the_declared_are_answered_unless_the_project_refuses_them() -> None:
    for change, code in (({"pH": 15.0}, "out_of_range"), ({"colour": "rouge"}, "unknown_category")):
        body = json.dumps(GOOD | change).encode()
        assert friendly.decode(Raw(body), READER).rows == 1
        assert friendly_error(body, STRICT).facts["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["count", "pH"], "data": [[4, 3.2], [5, 3]]}},
        {"dataframe_records": [{"pH": 3.2, "count": 4}, {"pH": 3, "count": 5}]},
        {"instances": [{"pH": 3.2, "count": 4}, {"pH": 3, "count": 5}]},
        {"inputs": {"pH": [3.2, 3], "count": [4, 5]}},
        {"inputs": {"pH": [[3.2], [3]], "count": [[4], [5]]}},
    ],
)
def test_every_mlflow_shape_is_the_same_table(body: Any) -> None:
    batch = table(mlflow.decode(Raw(json.dumps(body).encode()), READER))
    assert (batch["pH"].tolist(), batch["count"].tolist()) == ([3.2, 3.0], [4, 5])


def test_csv_is_read_by_its_head_and_empty_cells_are_missing() -> None:
    raw = Raw(b"count,pH,colour,old\n4,3.2,red,true\n5,3,,\n", csv=True)
    batch = table(mlflow.decode(raw, READER))
    assert (batch["pH"].tolist(), batch["count"].tolist()) == ([3.2, 3.0], [4, 5])
    assert batch["colour"].tolist() == ["red", None]


def test_tensors_by_column_and_one_tensor_of_all_columns_are_the_same_table() -> None:
    by_column = {
        "inputs": [
            {"name": "a", "shape": [2], "datatype": "FP64", "data": [1.5, 2]},
            {"name": "b", "shape": [2, 1], "datatype": "INT64", "data": [[3], [4]]},
        ]
    }
    whole = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1.5, 3, 2, 4]}]}
    for body in (by_column, whole):
        batch = table(v2.decode(Raw(json.dumps(body).encode()), NUMBERS))
        assert (batch["a"].tolist(), batch["b"].tolist()) == ([1.5, 2.0], [3, 4])


def test_tensors_sent_as_bytes_are_read_and_answered_as_bytes() -> None:
    values = np.array([[1.5, 3], [2, 4]], dtype="<f4").tobytes()
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP32", "parameters": {"binary_data_size": len(values)}}
    head = json.dumps({"id": "r-1", "inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    asked = v2.decode(Raw(head + values, {v2.HEADER: str(len(head)).encode()}), NUMBERS)
    assert table(asked)["b"].tolist() == [3, 4]
    said = {"prediction": np.array([0.5, 0.25])}
    reply = v2.encode(asked, Answer("x", "wine", 3, "champion", lambda: said, [0.5, 0.25]))
    cut = int(dict(reply.headers)[v2.HEADER])
    assert np.frombuffer(reply.body[cut:], "<f8").tolist() == [0.5, 0.25]
    assert json.loads(reply.body[:cut])["id"] == "r-1"


def test_a_classifier_answers_probabilities_with_the_order_of_the_labels() -> None:
    shares = [[0.25, 0.75], [1.0, 0.0]]
    answer = Answer("r", "wine", 3, "champion", dict, ["b", "a"], shares, ("a", "b"))
    assert json.loads(friendly.encode(Asked({}), answer).body) == {
        "id": "r",
        "model": "wine",
        "version": 3,
        "predictions": ["b", "a"],
        "probabilities": [[0.25, 0.75], [1.0, 0.0]],
        "labels": ["a", "b"],
    }
    assert json.loads(v1.encode(Asked({}), answer).body) == {"predictions": ["b", "a"]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["red", "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["pH", "count", "old", "colour", "made", "inputs", "instances", "dataframe_split", "dataframe_records",
             "columns", "data", "name", "shape", "datatype", "id", "parameters", "outputs", "binary_data_size"]
        ) | st.text(max_size=4),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip
TENSOR = st.fixed_dictionaries(
    {"name": st.sampled_from(["pH", "count", "x"]) | JSON, "shape": st.lists(st.integers(-1, 5), max_size=3) | JSON,
     "datatype": st.sampled_from(["FP64", "INT64", "BYTES", "BOOL"]) | JSON, "data": JSON},
    optional={"parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40) | JSON}) | JSON},
)  # fmt: skip
BODIES = (
    st.binary(max_size=80)
    | JSON.map(lambda data: json.dumps(data).encode())
    | st.fixed_dictionaries({"inputs": st.lists(TENSOR, max_size=3)}).map(lambda data: json.dumps(data).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from([b"content-type", v2.HEADER]),
    st.sampled_from([b"text/csv", b"5", b"-1", b"9" * 400]) | st.binary(max_size=6),
)


@settings(deadline=None, max_examples=300)
@given(body=BODIES, headers=HEADERS, protocol=st.sampled_from(sorted(DECODERS)))
def test_no_garbage_raises_anything_but_a_request_error(
    body: bytes, headers: dict[bytes, bytes], protocol: str
) -> None:
    try:
        asked = DECODERS[protocol](Raw(body, headers), STRICT)
    except (RequestError, NotFound):
        return
    assert SIGNATURE.problems(table(asked)) == []
