"""Texts and images come in by every protocol, and every kind of answer goes out by each."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from boucle import plugins
from boucle.measures.pictures import blank
from boucle.serving.app import App
from boucle.serving.batcher import Job
from boucle.serving.codec import TableReader
from boucle.serving.embedded import asgi, attach
from boucle.serving.grpc import tensors
from boucle.serving.grpc.messages import CLASSES
from boucle.serving.messages import Answer, Asked, Raw

from .media_models import SIGNATURES, Runtime, asked, form, objects, release

WIDE = blank(24)
PNG = base64.b64encode(WIDE).decode()
SPAN = {"label": "NAME", "start": 0, "end": 3, "text": "Ada", "score": 0.75}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("media") / ".boucle"
    release(state, *SIGNATURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "load", lambda group, name: Runtime)
        yield state


@pytest.fixture(scope="module")
def app(root: Path) -> Iterator[App]:
    made = asgi(root)
    yield made
    made.plane.close()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"text": "a good one"}, ""),
        ([{"text": "a good one"}], ""),
        ("a good one", ""),
        (["a good one"], ""),
        ({"inputs": "a good one"}, ""),
        ({"inputs": ["a good one"]}, ""),
        ({"text": ["a good one"]}, ""),
        ([["a good one"]], ""),
        ({"text": {"b64": base64.b64encode(b"a good one").decode()}}, ""),
        (b"a good one", "text/plain"),
        ("un good café".encode("latin-1"), "text/plain; charset=iso-8859-1"),
        (b'text\n"a good one"\n', "text/csv"),
        form(text=b"a good one"),
        form(file=("note.txt", b"a good one")),
    ],
)
def test_a_text_is_taken_in_every_friendly_form(app: App, body: Any, kind: str) -> None:
    said = asked(app, "/predict/mood", body, kind)
    assert said.status == 200, said.body
    assert said.json["predictions"] == ["good"]
    assert (said.json["probabilities"], said.json["labels"]) == ([[pytest.approx(0.1), 0.9]], ["bad", "good"])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (WIDE, "image/png"),
        (WIDE, "application/octet-stream"),
        ({"image": PNG}, ""),
        ({"image": {"b64": PNG}}, ""),
        ({"b64": PNG}, ""),
        (PNG, ""),
        ([PNG], ""),
        ([{"b64": PNG}], ""),
        ({"image": [PNG]}, ""),
        (f"data:image/png;base64,{PNG}", ""),
        form(image=("a.png", WIDE)),
        form(file=("a.png", WIDE)),
    ],
)
def test_an_image_is_taken_in_every_friendly_form(app: App, body: Any, kind: str) -> None:
    said = asked(app, "/predict/shapes", body, kind)
    assert said.status == 200, said.body
    assert said.json["predictions"] == ["tall"]


def test_parts_of_one_name_are_rows_and_values_stand_beside_files(app: App) -> None:
    first, told = form(image=("a.png", WIDE), price=b"2.5", title=b"lamp")
    said = asked(app, "/predict/offer", first, told)
    assert said.json["predictions"] == [len(WIDE) + 2.5]
    two = first.replace(b"--edge--\r\n", b"") + first
    assert asked(app, "/predict/offer", two, told).json["predictions"] == [len(WIDE) + 2.5] * 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/shapes:predict", {"instances": [{"b64": PNG}]}),
        ("/v1/models/shapes:predict", {"instances": [{"image": {"b64": PNG}}]}),
        ("/v1/models/shapes:predict", {"instances": [PNG]}),
    ],
)
def test_kserve_v1_takes_images_as_b64(app: App, path: str, body: Any) -> None:
    assert asked(app, path, body).json == {"predictions": ["tall"]}


def test_mlflow_takes_texts_in_each_of_its_shapes(root: Path, tmp_path: Path) -> None:
    state = tmp_path / ".boucle"
    release(state, "mood")
    app = asgi(state)
    for body in (
        {"dataframe_split": {"columns": ["text"], "data": [["good"], ["x"]]}},
        {"dataframe_records": [{"text": "good"}, {"text": "x"}]},
        {"instances": ["good", "x"]},
        {"inputs": {"text": ["good", "x"]}},
    ):
        assert asked(app, "/invocations", body).json == {"predictions": ["good", "bad"]}
    assert asked(app, "/invocations", b"text\ngood\nx\n", "text/csv").json == {"predictions": ["good", "bad"]}
    app.plane.close()


def tensor(name: str, data: list[str], **parameters: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data, "parameters": parameters}


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        ("mood", tensor("text", ["good", "x"]), ["good", "bad"]),
        ("mood", tensor("text", ["Z29vZA=="], content_type="base64"), ["good"]),
        ("shapes", tensor("image", [PNG]), ["tall"]),
        ("shapes", tensor("image", [PNG], content_type="base64"), ["tall"]),
    ],
)
def test_the_inference_protocol_takes_both_as_bytes(app: App, model: str, given: Any, said: list[str]) -> None:
    found = asked(app, f"/v2/models/{model}/infer", {"inputs": [given]}).json
    assert found["outputs"][0] == {"name": "prediction", "datatype": "BYTES", "shape": [len(said)], "data": said}


def test_the_binary_extension_carries_files_as_they_are(app: App) -> None:
    packed = struct.pack("<I", len(WIDE)) + WIDE
    told = {"name": "image", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(packed)}}
    head = json.dumps({"inputs": [told]}).encode()
    length = {"inference_header_content_length": str(len(head))}
    found = asked(app, "/v2/models/shapes/infer", head + packed, "application/octet-stream", **length)
    assert found.json["outputs"][0]["data"] == ["tall"]


@pytest.mark.parametrize(
    ("model", "body", "friendly", "tensors_"),
    [
        ("names", "Ada and me", [[SPAN]], [("BYTES", [1], [json.dumps([SPAN], separators=(",", ":"))])]),
        ("gaps", "a", [[{"token": "a", "score": 0.5, "text": "a"}]], [("BYTES", [1], None)]),
        ("short", "a long story", ["a long st"], [("BYTES", [1], ["a long st"])]),
        ("vectors", "aab", [[3, 2, 0.5]], [("FP64", [1, 3], [3, 2, 0.5])]),
    ],
)
def test_every_kind_of_answer_goes_out(app: App, model: str, body: str, friendly: Any, tensors_: Any) -> None:
    assert asked(app, f"/predict/{model}", body).json["predictions"] == friendly
    assert asked(app, f"/v1/models/{model}:predict", {"instances": [body]}).json["predictions"] == friendly
    said = asked(app, f"/v2/models/{model}/infer", {"inputs": [tensor("text", [body])]}).json["outputs"]
    found = [(one["datatype"], one["shape"], one["data"]) for one in said]
    assert [one[:2] for one in found] == [one[:2] for one in tensors_]
    assert all(data is None or data == one[2] for (_, _, data), one in zip(tensors_, found, strict=True))


def test_an_answer_to_a_question_has_its_score_and_its_place(app: App) -> None:
    body = {"question": "Who?", "context": "Ada did it"}
    said = asked(app, "/predict/asks", body).json
    assert (said["predictions"], said["score"], said["start"], said["end"]) == (["Ada"], [0.5], [0], [3])
    given = [tensor(name, [text]) for name, text in body.items()]
    told = asked(app, "/v2/models/asks/infer", {"inputs": given}).json["outputs"]
    assert [(one["name"], one["datatype"], one["data"]) for one in told] == [
        ("prediction", "BYTES", ["Ada"]), ("score", "FP64", [0.5]), ("start", "INT64", [0]), ("end", "INT64", [3]),
    ]  # fmt: skip


def test_grpc_takes_texts_and_images_and_answers_in_bytes() -> None:
    for model, name, content, based in (
        ("mood", "text", b"good", False), ("shapes", "image", WIDE, False), ("shapes", "image", PNG.encode(), True),
    ):  # fmt: skip
        request = CLASSES["ModelInferRequest"](model_name=model)
        given = request.inputs.add(name=name, datatype="BYTES", shape=[1])
        given.contents.bytes_contents.append(content)
        if based:
            given.parameters["content_type"].string_param = "base64"
        read = tensors.decode(Raw(b"", table=request), TableReader(SIGNATURES[model], 10))
        assert read.batch is not None
        assert read.batch[name].tolist() == (["good"] if model == "mood" else [WIDE])
    answer = Answer("a", "names", 1, "champion", lambda: {"prediction": objects([[SPAN]])}, [[SPAN]])
    said = CLASSES["ModelInferResponse"].FromString(tensors.encode(read, answer).body)
    assert json.loads(said.outputs[0].contents.bytes_contents[0]) == [SPAN]


def test_python_asks_with_texts_and_bytes(root: Path) -> None:
    with attach(root, "mood") as model:
        assert model.predict(["good", "x"])["predictions"] == ["good", "bad"]
        assert model.predict({"text": "good"})["predictions"] == ["good"]
    with attach(root, "shapes") as model:
        assert model.predict([WIDE])["predictions"] == ["tall"]


def test_texts_that_wait_for_a_slow_model_are_one_call_and_each_gets_its_own_answer(root: Path) -> None:
    app = asgi(root)
    model, version = Runtime.loaded["mood"], app.plane.engine.snapshot.find("mood").champion
    assert version is not None
    read = version.intake.exact.values
    done: Queue[Job] = Queue()
    jobs = [
        Job(version, Asked(read(texts)), str(place), done=done.put)
        for place, texts in enumerate((["x"], ["good"], ["x", "good"], ["good", "good"]))
    ]
    model.gate.clear()
    version.batcher.submit(jobs[0])
    assert model.entered.wait(60)
    for job in jobs[1:]:
        version.batcher.submit(job)
    model.gate.set()
    answered = [done.get(timeout=60) for _ in jobs]
    assert model.calls[-2:] == [1, 5]
    told = {job.id: version.answer(job).predictions for job in answered}
    assert told == {"0": ["bad"], "1": ["good"], "2": ["bad", "good"], "3": ["good", "good"]}
    app.plane.close()


@pytest.mark.parametrize(
    ("model", "right", "wrong"),
    [
        ("names", [[SPAN]], ["Ada"]),
        ("names", [[]], [3]),
        ("short", ["a better one"], [["a", "b"]]),
        ("short", "a better one", 3),
        ("mood", ["good"], [["good"]]),
    ],
)
def test_truths_are_of_the_kind_of_the_answer(app: App, model: str, right: Any, wrong: Any) -> None:
    named = asked(app, f"/predict/{model}", "Ada and me", x_request_id=f"of-{model}").json["id"]
    assert asked(app, "/feedback", {"id": named, "truth": right}).json["joined"] == 1
    said = asked(app, "/feedback", {"id": named, "truth": wrong})
    assert (said.status, said.json["field"]) == (422, "truth")
