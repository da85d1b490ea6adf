"""The parts of the data plane together, inside this process: what a user's own application gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.errors import BundleError, NotFound, Overloaded, RequestError
from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.formats.segment import read_new
from boucle.serving.app import App
from boucle.serving.embedded import EmbeddedModel, asgi, attach
from boucle.serving.options import ServeOptions

SIGNATURE = Signature((Field("x", "float64"), Field("mail", "string", optional=True, pii=True)), outputs_of(("a", "b")))


class Fake:
    """A runtime whose model says "b" above zero, and fails on 666."""

    def load(self, directory: Path, info: BundleInfo) -> Fake:
        if info.options.get("broken"):
            raise BundleError("it does not load")
        return self

    def predict(self, batch: Batch) -> Batch:
        x = batch["x"].astype(np.float64)
        if (x == 666).any():
            raise ZeroDivisionError("a fault of the model")
        sure = np.where(x > 0, 0.9, 0.2)
        labels = np.array(["b" if value > 0 else "a" for value in x], dtype=object)
        return {"prediction": labels, "probabilities": np.column_stack([1 - sure, sure])}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(plugins, "load", lambda group, name: Fake)
    root = tmp_path / ".boucle"
    release(root, Route("mood", True, target(root, 1)))
    return root


def target(root: Path, version: int, **options: Any) -> Target:
    staged = bundle.staging(root)
    bundle.write_info(staged, BundleInfo("mood", SIGNATURE, "fake", float(version), options))
    path, digest = bundle.publish(staged, root)
    return Target(version, str(path), digest)


def release(root: Path, *routes: Route) -> None:
    write_routes(root / "serving" / "routes.json", RouteTable(1, routes))


@pytest.fixture
def model(state: Path) -> Iterator[EmbeddedModel]:
    with attach(state.parent) as attached:
        yield attached


def test_it_answers_as_predict_does_and_keeps_what_it_answered(state: Path, model: EmbeddedModel) -> None:
    answer = model.predict([{"x": 1.0}, {"x": -1}], id="order-7", key="k")
    assert answer == {
        "id": "order-7",
        "model": "mood",
        "version": 1,
        "predictions": ["b", "a"],
        "probabilities": [[pytest.approx(0.1), 0.9], [0.8, 0.2]],
        "labels": ["a", "b"],
    }
    model.feedback("order-7", ["b", "b"])
    (seen,), (told,), _ = read_new(state / "serving" / "segments", {})
    assert (seen.id, seen.role, seen.key, seen.inputs["x"]) == ("order-7", "champion", "k", [1.0, -1.0])
    assert seen.outputs["prediction"] == ["b", "a"]
    assert (told.id, told.truth) == ("order-7", ["b", "b"])


def test_personal_values_are_never_written(state: Path, model: EmbeddedModel) -> None:
    model.predict([{"x": 1, "mail": "ada@example.org"}, {"x": 2, "mail": "ada@example.org"}, {"x": 3}])
    assert all(b"ada@" not in path.read_bytes() for path in state.rglob("*") if path.is_file())
    mails = read_new(state / "serving" / "segments", {})[0][0].inputs["mail"]
    assert mails[0] == mails[1]
    assert mails[2] is None


def test_a_model_that_fails_is_an_error_that_is_kept(state: Path, model: EmbeddedModel) -> None:
    with pytest.raises(RequestError) as caught:
        model.predict({"x": 666})
    assert caught.value.facts["code"] == "model_error"
    assert read_new(state / "serving" / "segments", {})[0][0].error == "model_error"
    assert model.predict({"x": 1})["predictions"] == ["b"]


def test_a_truth_of_the_wrong_length_or_class_is_refused(model: EmbeddedModel) -> None:
    name = model.predict([{"x": 1}, {"x": 2}])["id"]
    for truth in ("b", ["b"], ["b", "c"]):
        with pytest.raises(RequestError):
            model.feedback(name, truth)


def test_a_switched_off_model_refuses(state: Path) -> None:
    release(state, Route("mood", False, target(state, 1)))
    with attach(state) as model, pytest.raises(Overloaded):
        model.predict({"x": 1})


def test_what_the_project_says_of_serving_holds_in_an_embedded_model(state: Path) -> None:
    options = ServeOptions("/elsewhere", max_rows=2)
    options_file = ServeOptions(str(state)).published
    options_file.write_bytes(dumps(options))
    with attach(state.parent) as model:
        assert model.predict([{"x": 1}, {"x": 2}])["predictions"] == ["b", "b"]
        with pytest.raises(RequestError, match="limit is 2"):
            model.predict([{"x": 1}] * 3)
    options_file.write_bytes(b'{"from": "another version"}')
    with attach(state.parent) as model:
        assert len(model.predict([{"x": 1}] * 3)["predictions"]) == 3


def test_attaching_says_what_is_missing(tmp_path: Path, state: Path) -> None:
    with pytest.raises(NotFound, match="no Boucle project"):
        attach(tmp_path / "elsewhere")
    with pytest.raises(NotFound, match="did you mean 'mood'"):
        attach(state, "moods")
    release(state, Route("mood", True, target(state, 2, broken=True)))
    with pytest.raises(NotFound, match="it does not load"):
        attach(state)
    release(state)
    with pytest.raises(NotFound, match="No model is released"):
        attach(state)


def called(app: App, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": f"/m{path}", "root_path": "/m", "headers": given}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], {n.decode(): v.decode() for n, v in sent[0]["headers"]}, sent[1]["body"]


@pytest.fixture
def app(state: Path) -> Iterator[App]:
    made = asgi(state)
    yield made
    made.plane.close()


def test_a_mounted_application_answers_below_its_place(app: App) -> None:
    status, headers, body = called(app, "POST", "/predict/mood", b'{"x": 1}', x_request_id="r1")
    assert (status, headers["x-request-id"], headers["x-model-version"]) == (200, "r1", "1")
    assert json.loads(body)["predictions"] == ["b"]


def test_head_is_get_without_the_body(app: App) -> None:
    got, head = called(app, "GET", "/v2/models/mood"), called(app, "HEAD", "/v2/models/mood")
    assert (head[0], head[1]["content-length"], head[2]) == (got[0], got[1]["content-length"], b"")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/predict/mood", {}, 405),
        ("POST", "/predict/mood", {"content_type": "image/png"}, 415),
        ("POST", "/predict/mood", {"content_encoding": "gzip"}, 415),
        ("POST", "/predict/mood", {"content_length": "99999999999"}, 413),
        ("POST", "/predict/mood", {"x_request_id": "a b"}, 400),
        ("GET", "/v2/models/moods", {}, 404),
        ("GET", "/v2/models/mood/versions/two", {}, 400),
    ],
)
def test_a_wrong_request_is_refused_before_the_model(
    app: App, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    got, _, body = called(app, method, path, b'{"x": 1}', **headers)
    assert got == status
    assert json.loads(body)["code"]


def test_a_model_that_fails_is_500_and_counted(app: App) -> None:
    status, _, body = called(app, "POST", "/predict", b'{"x": 666}')
    assert (status, json.loads(body)["code"]) == (500, "model_error")
    counted = 'boucle_requests_total{model="mood",version="1",role="champion",code="500"} 1'
    assert counted in called(app, "GET", "/metrics")[2].decode()


def test_a_refusal_is_counted_by_its_reason(app: App) -> None:
    _, _, body = called(app, "POST", "/predict", b'{"x": "high"}')
    called(app, "POST", "/predict/nobody", b'{"x": 1}')
    found = called(app, "GET", "/metrics")[2].decode()
    assert f'boucle_refused_total{{model="mood",reason="{json.loads(body)["code"]}"}} 1' in found
    assert 'boucle_refused_total{model="",reason="not_found"} 1' in found
    assert "boucle_saturation_ratio 0" in found


def test_a_draining_server_is_not_ready_and_still_answers(app: App) -> None:
    app.draining = True
    assert called(app, "GET", "/readyz")[0] == 503
    assert called(app, "POST", "/predict", b'{"x": 1}')[0] == 200
