"""The loop from a notebook, and inside a user's own Flask and FastAPI applications."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import boucle
from boucle.core.errors import Conflict, RequestError
from boucle.formats.segment import read_new
from boucle.serving import embedded

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    return frame.assign(y=frame["a"] + 2 * frame["b"] + 3 * frame["c"] + rng.normal(0, 0.1, 300))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, table: pd.DataFrame) -> Path:
    """A model from a notebook, adopted with rows that have their truth."""
    folder = tmp_path_factory.mktemp("adopted")
    model = LinearRegression().fit(table[["a", "b", "c"]], table["y"])
    result = boucle.adopt(model, sample=table, name="sums", target="y", directory=folder)
    assert (result.verdict.status, result.alias, result.version) == ("pass", "champion", 1)
    assert "&lt;svg" in result._repr_html_()  # the report's plots, in a notebook
    return folder


def test_an_adopted_estimator_answers_as_it_did(folder: Path, table: pd.DataFrame) -> None:
    loaded = boucle.load("sums@champion", folder)
    original = LinearRegression().fit(table[["a", "b", "c"]], table["y"])
    assert np.allclose(loaded.predict(table), original.predict(table[["a", "b", "c"]]))
    assert loaded.predict({"a": 1, "b": 1, "c": 1})[0] == pytest.approx(6, abs=0.1)
    assert "sums/1" in repr(loaded)
    assert "<table>" in loaded._repr_html_()


def test_a_regression_has_no_probabilities(folder: Path, table: pd.DataFrame) -> None:
    with pytest.raises(AttributeError, match="no probabilities"):
        boucle.load("sums", folder).predict_proba(table)


def test_a_model_without_ground_truth_is_kept_but_answers_nothing_unless_overridden(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    inputs = table[["a", "b", "c"]]
    result = boucle.adopt(LinearRegression().fit(inputs, table["y"]), sample=inputs, name="blind", directory=tmp_path)
    assert (result.verdict.status, result.alias) == ("inconclusive", "")
    with boucle.open(tmp_path) as loop:
        with pytest.raises(Conflict, match="did not pass"):
            loop.promote(1)
        with pytest.raises(RequestError, match="15 characters"):
            loop.promote(1, override=True, reason="just do it")
        loop.promote(1, override=True, reason="measured in the notebook by hand")
        assert loop.status().models[0].champion is not None
        assert "override" in loop.history()[-1].reason


def test_a_loop_opened_in_python_trains_and_tells(tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "boucle.yaml").write_text(
        "{name: sums, task: tabular-regression, data: {source: t.csv, target: y},"
        " model: {estimator: sklearn.linear_model.Ridge}}"
    )
    with boucle.open(tmp_path) as loop:
        assert "no champion yet" in repr(loop)
        assert loop.train().alias == "champion"
        assert loop.train(reason="once more").alias == "challenger"
        loop.promote("sums@challenger", "direct")
        assert "sums/2 answers all traffic." in repr(loop)
        loop.rollback()
        assert "sums/1 answers" in loop._repr_html_()


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.parent.name.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(autouse=True)
def _given_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what applications have attached: they keep it until their process ends, and this one goes on."""
    assemble, made = embedded._plane, []

    def remembered(directory: str | Path) -> Any:
        made.append(assemble(directory))
        return made[-1]

    monkeypatch.setattr(embedded, "_plane", remembered)
    yield
    for plane in made:
        plane.close()


@pytest.fixture
def flask(folder: Path) -> Iterator[Any]:
    app = module(EXAMPLES / "flask-app" / "app.py").create_app(str(folder))
    with app.test_client() as client:
        yield client


def captured(folder: Path) -> tuple[set[str], set[str]]:
    observations, feedback, _ = read_new(folder / ".boucle" / "serving" / "segments", {})
    return {o.id for o in observations}, {f.id for f in feedback}


def test_answers_of_a_flask_application_are_captured(flask: Any, folder: Path) -> None:
    answer = flask.post("/predict", json={"a": 1, "b": 1, "c": 1}).get_json()
    assert answer["predictions"][0] == pytest.approx(6, abs=0.1)
    assert flask.post(f"/truth/{answer['id']}", json={"truth": 6.0}).status_code == 204
    observed, told = captured(folder)
    assert answer["id"] in observed
    assert answer["id"] in told


def test_a_flask_application_is_told_what_is_wrong(flask: Any) -> None:
    answer = flask.post("/predict", json={"a": 1, "b": "one", "c": 1})
    assert answer.status_code == 422
    assert "b" in answer.get_json()["error"]


def test_the_data_plane_mounts_inside_a_fastapi_application(folder: Path) -> None:
    from fastapi.testclient import TestClient  # here: the other tests need no client

    app = module(EXAMPLES / "fastapi-app" / "app.py").create_app(str(folder))
    with TestClient(app) as client:
        assert client.get("/").json()["say"] == "my own application"
        answer = client.post("/models/predict", json={"a": 1, "b": 1, "c": 1}).json()
        assert answer["model"] == "sums"
        assert client.get("/models/v2/models/sums").json()["inputs"][0]["name"] == "a"
    assert answer["id"] in captured(folder)[0]
