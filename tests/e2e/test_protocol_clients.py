"""Clients no one here wrote talk with a real data plane, over the quick way and over its ASGI twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from boucle.core.access import Key, Role
from boucle.formats.access import Access, digest_of

pytestmark = [pytest.mark.timeout(900)]  # installing the clients is part of it
WINE = [
    {"name": "x", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]},
    {"name": "pH", "shape": [2], "datatype": "FP64", "data": [3.0, 3.5]},
]
TABLE = {"name": "table", "shape": [2, 2], "datatype": "FP32", "data": [1.0, 3.0, 2.0, 3.5]}
SAID = pytest.approx([1031.0, 1037.0])
VISITS = [
    {"name": "city", "shape": [2, 1], "datatype": "BYTES", "data": ["Lyon", "Nîmes"]},
    {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [4, 7]},
    {"name": "score", "shape": [2, 1], "datatype": "FP32", "data": [2.0, 3.0]},
    {"name": "member", "shape": [2, 1], "datatype": "BOOL", "data": [True, False]},
    {"name": "day", "shape": [2, 1], "datatype": "BYTES", "data": ["2023-05-01", "2024-05-01T12:00:00"]},
]
SHARES = pytest.approx([0.5579, 0.4421, 0.42699, 0.57301])


@pytest.fixture(scope="module", params=[True, False], ids=["quick", "asgi"])
def both(request: pytest.FixtureRequest, start: Callable[..., Any]) -> Any:
    """A data plane with a regressor and a classifier."""
    return start(["wine", "visits"], quick=request.param, grpc_port=0)


def test_tritons_client_learns_what_there_is(both: Any, talk: Callable[..., Any]) -> None:
    told = talk("triton_tells", transport="http", url=both.address, model="wine")
    assert (told["live"], told["ready"], told["model_ready"], told["unknown_ready"]) == (True, True, True, False)
    assert told["server"]["name"] == "boucle"
    assert [(one["name"], one["datatype"], one["shape"]) for one in told["model"]["inputs"]] == [
        ("x", "FP64", [-1]), ("pH", "FP64", [-1]),
    ]  # fmt: skip
    assert told["model"]["versions"] == ["1", "2"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("inputs", [WINE, [TABLE]], ids=["columns", "table"])
def test_tritons_client_gets_numbers(both: Any, talk: Callable[..., Any], inputs: Any, binary: bool) -> None:
    outputs = {"prediction": binary}
    got = talk("triton_infers", transport="http", url=both.address, model="wine", inputs=inputs, outputs=outputs,
               binary=binary, request_id="order-7")  # fmt: skip
    assert got["values"]["prediction"] == SAID
    assert got["said"] == {"model_name": "wine", "model_version": "1", "id": "order-7"}
    assert got["shapes"] == {"prediction": [2]}


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_sends_every_kind_of_column(both: Any, talk: Callable[..., Any], binary: bool) -> None:
    got = talk("triton_infers", transport="http", url=both.address, model="visits", inputs=VISITS, binary=binary)
    assert got["values"]["probabilities"] == SHARES
    assert got["values"]["prediction"] == ["no", "yes"]
    assert got["shapes"] == {"prediction": [2], "probabilities": [2, 2]}


@pytest.mark.parametrize("binary", [True, False])
def test_missing_values_leave_a_column_out_or_say_nan(both: Any, talk: Callable[..., Any], binary: bool) -> None:
    gone = [{"name": "x", "shape": [2], "datatype": "FP64", "data": [float("nan"), 2.0]}, WINE[1]]
    for inputs in (gone, [WINE[1]]):
        got = talk("triton_infers", transport="http", url=both.address, model="wine", inputs=inputs, binary=binary)
        assert got["values"]["prediction"][0] == pytest.approx(1530.0)


def test_a_version_can_be_named(both: Any, talk: Callable[..., Any]) -> None:
    got = talk("triton_infers", transport="http", url=both.address, model="wine", inputs=WINE, model_version="2")
    assert got["said"]["model_version"] == "2"
    assert got["values"]["prediction"] == pytest.approx([2031.0, 2037.0])
    assert talk("triton_tells", transport="http", url=both.address, model="wine", version="2")["model_ready"]


def test_only_the_outputs_asked_for_come(both: Any, talk: Callable[..., Any]) -> None:
    for outputs in ({"probabilities": True}, {"probabilities": False}, {"prediction": True, "probabilities": False}):
        got = talk("triton_infers", transport="http", url=both.address, model="visits", inputs=VISITS, outputs=outputs)
        assert list(got["values"]) == list(outputs)
        assert got["values"]["probabilities"] == SHARES


@pytest.mark.parametrize(
    ("model", "inputs", "told"),
    [
        ("whine", WINE, "There is no model 'whine'"),
        ("wine", WINE[:1], "pH is missing"),
        ("wine", [{**WINE[0], "name": "acid"}, WINE[1]], "no column 'acid'"),
        ("wine", [{**WINE[0], "datatype": "BYTES", "data": ["a", "b"]}, WINE[1]], "x takes a number"),
        ("visits", [{**VISITS[3], "datatype": "INT32", "data": [1, 2]}], "missing"),
    ],
)
def test_an_error_reaches_the_callers_eyes(
    both: Any, talk: Callable[..., Any], model: str, inputs: Any, told: str
) -> None:
    got = talk("triton_infers", transport="http", url=both.address, model=model, inputs=inputs)
    assert got["failed"] == "InferenceServerException"
    assert told in got["message"]


def test_kserves_client_learns_what_there_is(both: Any, kserve: Callable[..., Any]) -> None:
    assert kserve("kserve_tells", url=both.url, model="visits") == {
        "live": True, "ready": True, "model_ready": True, "v1_model_ready": True,
    }  # fmt: skip


@pytest.mark.parametrize("binary", [True, False])
def test_kserves_client_gets_tensors(both: Any, kserve: Callable[..., Any], binary: bool) -> None:
    outputs = {"prediction": binary, "probabilities": binary}
    got = kserve(
        "kserve_infers", url=both.url, model="visits", inputs=VISITS, binary=binary, outputs=outputs, name="o-8"
    )
    assert got["values"] == {"prediction": ["no", "yes"], "probabilities": SHARES}
    assert (got["said"]["id"], got["said"]["model_name"]) == ("o-8", "visits")  # it drops the version


def test_kserves_client_predicts_in_the_first_protocol(both: Any, kserve: Callable[..., Any]) -> None:
    rows: list[dict[str, Any]] = [{"x": 1.0, "pH": 3.0}, {"x": None, "pH": 3.0}]
    for instances in (rows, [list(row.values()) for row in rows]):
        got = kserve("kserve_predicts", url=both.url, model="wine", data={"instances": instances})
        assert got["predictions"] == pytest.approx([1031.0, 1530.0])
    told = kserve("kserve_predicts", url=both.url, model="wine", data={"instances": [{"x": 1}]})
    assert (told["failed"], "pH is missing" in told["message"]) == ("HTTPStatusError", True)


def test_tritons_grpc_client_learns_what_there_is(both: Any, talk: Callable[..., Any]) -> None:
    told = talk("triton_tells", transport="grpc", url=both.grpc, model="wine", version="2")
    assert (told["live"], told["ready"], told["model_ready"]) == (True, True, True)
    assert told["server"]["name"] == "boucle"
    assert told["model"] == {
        "name": "wine",
        "versions": ["1", "2"],
        "platform": "boucle_adding",
        "inputs": [{"name": name, "datatype": "FP64", "shape": ["-1"]} for name in ("x", "pH")],
        "outputs": [{"name": "prediction", "datatype": "FP64", "shape": ["-1"]}],
    }


@pytest.mark.parametrize(("model", "version", "told"), [("whine", "", "NOT_FOUND"), ("wine", "9", "NOT_FOUND")])
def test_tritons_grpc_client_is_told_of_what_is_not_there(
    both: Any, talk: Callable[..., Any], model: str, version: str, told: str
) -> None:
    got = talk("triton_infers", transport="grpc", url=both.grpc, model=model, inputs=WINE, model_version=version)
    assert told in got["message"]


@pytest.mark.parametrize("inputs", [WINE, [TABLE]], ids=["columns", "table"])
@pytest.mark.parametrize("version", [1, 2])
def test_tritons_grpc_client_gets_numbers(both: Any, talk: Callable[..., Any], inputs: Any, version: int) -> None:
    got = talk("triton_infers", transport="grpc", url=both.grpc, model="wine", inputs=inputs, request_id="order-9",
               model_version=str(version))  # fmt: skip
    assert got["values"]["prediction"] == pytest.approx([1000 * version + 31.0, 1000 * version + 37.0])
    assert got["said"] == {"model_name": "wine", "model_version": str(version), "id": "order-9"}


def test_tritons_grpc_client_sends_every_kind_of_column(both: Any, talk: Callable[..., Any]) -> None:
    got = talk("triton_infers", transport="grpc", url=both.grpc, model="visits", inputs=VISITS)
    assert got["values"] == {"prediction": ["no", "yes"], "probabilities": SHARES}
    only = talk("triton_infers", transport="grpc", url=both.grpc, model="visits", inputs=VISITS,
                outputs={"probabilities": True})  # fmt: skip
    assert list(only["values"]) == ["probabilities"]


def test_tritons_grpc_client_shows_what_is_wrong(both: Any, talk: Callable[..., Any]) -> None:
    got = talk("triton_infers", transport="grpc", url=both.grpc, model="wine", inputs=WINE[:1])
    assert "INVALID_ARGUMENT" in got["message"]
    assert "pH is missing" in got["message"]


def test_kserves_grpc_client_asks_and_infers(both: Any, kserve: Callable[..., Any]) -> None:
    for name, inputs in (("o-10", VISITS), (None, VISITS)):
        got = kserve("kserve_calls", url=both.grpc, model="visits", inputs=inputs, name=name)
        assert (got["live"], got["ready"], got["model_ready"]) == (True, True, True)
        assert got["values"] == {"prediction": ["no", "yes"], "probabilities": SHARES}
        assert got["said"]["model_version"] == "1"
        assert got["said"]["id"] == name or name is None


FRAME = {
    "city": ["Lyon", "Nîmes"],
    "age": [4, 7],
    "score": [2.0, 3.0],
    "member": [True, False],
    "day": ["2023-05-01", "2024-05-01T12:00:00"],
}
GAPS = {**FRAME, "city": [None, "Nîmes"], "age": [None, 7], "score": [None, 3.0]}
YES = ["no", "yes"]


@pytest.fixture(scope="module", params=[True, False], ids=["quick", "asgi"])
def one(request: pytest.FixtureRequest, start: Callable[..., Any]) -> Any:
    """A data plane with the classifier alone: MLflow's paths name no model."""
    return start(["visits"], quick=request.param)


def test_grpc_asks_for_the_same_keys(start: Callable[..., Any], talk: Callable[..., Any]) -> None:
    key = Key("shop", digest_of(b"opens-wine"), Role.VIEWER, models=("wine",))
    plane = start(["wine", "visits"], grpc_port=0, access=Access(required=True, keys=(key,)))

    def ask(model: str, **headers: str) -> str:
        got = talk("triton_infers", transport="grpc", url=plane.grpc, model=model, inputs=WINE, headers=headers)
        return str(got.get("message", got.get("values")))

    assert "UNAUTHENTICATED" in ask("wine")
    assert "UNAUTHENTICATED" in ask("wine", authorization="Bearer wrong")
    assert "PERMISSION_DENIED" in ask("visits", authorization="Bearer opens-wine")
    assert "1031" in ask("wine", **{"x-api-key": "opens-wine"})


def test_every_worker_answers_grpc(start: Callable[..., Any], talk: Callable[..., Any]) -> None:
    plane = start(["wine"], grpc_port=0, workers=2)
    for _ in range(6):
        got = talk("triton_infers", transport="grpc", url=plane.grpc, model="wine", inputs=WINE, request_id="w")
        assert got.get("values") == {"prediction": SAID}, got


@pytest.fixture(scope="module")
def alone(start: Callable[..., Any]) -> Any:
    return start(["wine"])


def test_mlflows_client_waits_and_asks_for_the_version(one: Any, score: Callable[..., Any]) -> None:
    assert score("mlflow_waits", address=one.address)["version"]


@pytest.mark.parametrize("order", [list(FRAME), list(FRAME)[::-1]], ids=["in order", "reversed"])
@pytest.mark.parametrize("rows", [FRAME, GAPS], ids=["whole", "gaps"])
def test_mlflows_client_sends_a_frame(one: Any, score: Callable[..., Any], rows: Any, order: list[str]) -> None:
    frame = {name: rows[name] for name in order}
    assert score("mlflow_frame", address=one.address, frame=frame) == {"values": YES}
    assert score("mlflow_frame", address=one.address, frame=frame, params={"threshold": 0.5}) == {"values": YES}


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_what_mlflow_writes_for_arrays_is_read(one: Any, score: Callable[..., Any], shape: list[int]) -> None:
    assert score("mlflow_arrays", url=one.url, arrays=FRAME, shape=shape) == {"values": YES}


@pytest.mark.parametrize("rows", [FRAME, GAPS], ids=["whole", "gaps"])
@pytest.mark.parametrize("form", ["csv", "split", "records", "example"])
def test_mlflow_reads_the_answer_to_what_pandas_writes(
    one: Any, score: Callable[..., Any], rows: Any, form: str
) -> None:
    assert score("mlflow_written", url=one.url, frame=rows, form=form) == {"values": YES}


def test_mlflows_client_shows_what_is_wrong(one: Any, score: Callable[..., Any]) -> None:
    told = score("mlflow_frame", address=one.address, frame={"city": ["Lyon"]})
    assert "error code 422" in told["message"]
    assert "member is missing" in told["message"]


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_mlflows_client_sends_a_matrix(alone: Any, score: Callable[..., Any], kind: str) -> None:
    assert score("mlflow_matrix", address=alone.address, rows=[[1, 3], [2, 3.5]], kind=kind) == {"values": SAID}
