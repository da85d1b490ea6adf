from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.core.signature import Batch, Field, Rows, Signature, outputs_of
from boucle.serving.intake import Intake
from boucle.serving.messages import Raw
from boucle.serving.protocols import friendly, mlflow, v1, v2
from boucle.serving.typed import matrix

NUMBERS = Signature((Field("a", "float64"), Field("b", "float64")), outputs_of(None))
GAPS = Signature((Field("a", "float64", optional=True), Field("n", "int64", optional=True)), outputs_of(None))
MIXED = Signature(
    (
        Field("a", "float64", minimum=-1.0, maximum=1.0),
        Field("n", "int64"),
        Field("ok", "bool"),
        Field("colour", "string", optional=True, categories=("red", "white")),
    ),
    outputs_of(None),
)
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.integers(-3, 3) | st.floats(allow_nan=False)
    | st.sampled_from(["red", "blue", "1", "", 1e999, 2**53, 2**53 + 1])
)  # fmt: skip


def tables(signature: Signature) -> st.SearchStrategy[Any]:
    """Rows and records that are often right."""
    width, names = len(signature.names), signature.names
    row = st.lists(VALUES, min_size=width, max_size=width)
    right = {
        "float64": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "int64": st.integers(-(2**62), 2**62),
        "bool": st.booleans(),
        "string": st.sampled_from(["red", "white", "rosé"]) | st.none(),
    }
    good = st.tuples(*(right[field.dtype] for field in signature.inputs)).map(list)
    rows = st.lists(good | row, max_size=3)
    return rows | rows.map(lambda found: [dict(zip(names, one, strict=True)) for one in found])


def bodies(signature: Signature) -> st.SearchStrategy[tuple[ModuleType, Any]]:
    table, names = tables(signature), list(signature.names)
    return st.one_of(
        st.tuples(st.just(friendly), table),
        st.tuples(st.just(friendly), table.map(lambda rows: {"inputs": rows})),
        st.tuples(st.just(friendly), table.map(lambda rows: rows[0] if rows else {})),
        st.tuples(st.just(mlflow), table.map(lambda rows: {"dataframe_split": {"columns": names, "data": rows}})),
        st.tuples(st.just(mlflow), table.map(lambda rows: {"dataframe_records": rows})),
        st.tuples(st.just(mlflow), table.map(lambda rows: {"inputs": rows})),
        st.tuples(st.just(v1), table.map(lambda rows: {"instances": rows})),
        st.tuples(st.just(v2), st.builds(_tensor, table, WANTS)),
    )


WANTS = st.sampled_from(
    [
        {},
        {"parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "prediction"}]},
        {"outputs": [{"name": "prediction", "parameters": {"binary_data": True}}]},
        {"outputs": [{"name": "prediction"}], "parameters": {"binary_data_output": True}},
        {"outputs": [{"name": "prediction", "parameters": {"binary_data": False}}], "parameters": {"other": 1}},
        {"outputs": [{"name": "nothing"}]},
        {"parameters": {"binary_data_output": 1}},
        {"outputs": [], "parameters": {}},
    ]
)


def _tensor(rows: list[Any], wants: dict[str, Any]) -> dict[str, Any]:
    flat = [value for row in rows for value in (row.values() if isinstance(row, dict) else row)]
    shape = [len(rows), len(rows[0]) if rows else 0]
    return {"inputs": [{"name": "x", "datatype": "FP64", "shape": shape, "data": flat}], **wants}


def same(one: Batch, other: Batch) -> bool:
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype
        and np.array_equal(one[name], other[name], equal_nan=one[name].dtype == "f8")
        for name in one
    )


@pytest.mark.parametrize("refuse", [(), ("range", "category")])
@pytest.mark.parametrize("signature", [NUMBERS, GAPS, MIXED])
def test_what_the_quick_way_takes_the_exact_reader_reads_the_same(
    signature: Signature, refuse: tuple[str, ...]
) -> None:
    intake = Intake(signature, 100, refuse)

    @given(bodies(signature))
    def check(asked: tuple[ModuleType, Any]) -> None:
        protocol, data = asked
        raw = Raw(json.dumps(data).encode())
        quick = intake._quick[protocol](raw)
        if quick is not None:
            exact = protocol.decode(raw, intake.exact)
            assert same(intake.join([quick]), exact.batch)
            assert (quick.id, quick.wants or {}) == (exact.id, exact.wants or {})

    check()


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        (friendly, {"a": 1, "b": 2.5}),
        (friendly, [{"b": 2.5, "a": 1}]),
        (friendly, [[1, 2.5]]),
        (friendly, {"inputs": [[1, 2.5]]}),
        (mlflow, {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5]]}}),
        (mlflow, {"dataframe_records": [{"a": 1, "b": 2.5}]}),
        (mlflow, {"instances": [[1, 2.5]]}),
        (mlflow, {"inputs": [{"a": 1, "b": 2.5}]}),
        (v1, {"instances": [[1, 2.5]]}),
        (v1, {"instances": [{"a": 1, "b": 2.5}]}),
        (v2, {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2.5]}]}),
        (
            v2,
            {
                "inputs": [
                    {"name": "b", "shape": [1], "datatype": "FP64", "data": [2.5]},
                    {"name": "a", "shape": [1, 1], "datatype": "FP32", "data": [1]},
                ]
            },
        ),
    ],
)
def test_plain_tables_come_in_the_quick_way(protocol: ModuleType, data: Any) -> None:
    intake = Intake(NUMBERS, 100)
    found = intake._quick[protocol](Raw(json.dumps(data).encode()))
    assert found is not None
    joined = intake.join([found])
    assert isinstance(joined, Rows)
    assert joined.matrix.tolist() == [[1.0, 2.5]]


@pytest.mark.parametrize("kind", ["FP32", "FP64"])
def test_tensors_of_bytes_come_in_the_quick_way_unless_a_value_is_none(kind: str) -> None:
    intake, dtype = Intake(NUMBERS, 5000), {"FP32": "<f4", "FP64": "<f8"}[kind]
    for rows, odd in ((1, 0.5), (3000, 0.5), (3000, np.nan), (2, np.inf)):
        values = np.full((rows, 2), 1.5, dtype)
        values[-1, -1] = odd
        tensor = {"name": "x", "shape": [rows, 2], "datatype": kind, "parameters": {"binary_data_size": values.nbytes}}
        head = json.dumps({"inputs": [tensor]}).encode()
        raw = Raw(head + values.tobytes(), {v2.HEADER: str(len(head)).encode()})
        found = intake._quick[v2](raw)
        if np.isfinite(odd):
            assert found is not None
            assert intake.join([found])["b"].tolist() == values[:, 1].tolist()
        else:
            assert found is None
            with pytest.raises(RequestError, match="b"):
                intake.read(v2, raw)


def test_requests_of_both_ways_join_to_one_batch() -> None:
    intake = Intake(GAPS, 100)
    quick = intake.read(friendly, Raw(b'{"a": null, "n": 3}'))
    exact = intake.read(friendly, Raw(b'{"a": [0.5], "n": [null]}'))
    assert quick.lists is not None
    assert exact.batch is not None
    joined = intake.join([quick, exact])
    assert same(joined, {"a": np.array([np.nan, 0.5]), "n": np.array([3, np.nan])})


@pytest.mark.parametrize("width", [1, 15, 16, 70_000])
@pytest.mark.parametrize("count", [1, 15, 16])
def test_rows_of_floats_are_a_matrix_to_the_last_bit(count: int, width: int) -> None:
    values = np.random.default_rng(0).normal(size=(count, width)) * 10.0 ** np.arange(count)[:, np.newaxis]
    values[0, 0], values[-1, -1] = -0.0, 5e-324
    made = matrix([tuple(row) for row in values.tolist()], width)
    assert made.flags.c_contiguous
    assert made.flags.owndata
    assert made.tobytes() == values.tobytes()


def test_many_rows_of_floats_are_a_matrix() -> None:
    values = np.random.default_rng(0).normal(size=(70_000, 2))
    assert (matrix([tuple(row) for row in values.tolist()], 2) == values).all()
