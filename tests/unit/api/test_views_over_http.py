"""Every view is a route: the same JSON, for viewers, and only about the models that the caller may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.core.access import Role
from boucle.core.json import dumps, to_data
from boucle.loop import access
from boucle.loop.project import Project
from boucle.testing.clock import FakeClock
from boucle.views.overview import overview

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"
ROUTES = (
    "overview", "models/wine", "models/wine/story", "models/wine/drift", "models/wine/quality", "models/wine/contract",
    "models/wine/faults", "rollouts", "history", "alarms/summary", "people",
    "notifiers", "maturity",
)  # fmt: skip


def opened(folder: Path, more: str = "") -> Project:
    (folder / "boucle.yaml").write_text(PROJECT + more)
    project = Project.open(folder, actor="api", clock=FakeClock(1.8e9))
    project.prepare()
    return project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = opened(tmp_path)
    yield project
    project.close()


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize("route", ROUTES)
def test_a_project_without_a_past_has_every_view(client: TestClient, route: str) -> None:
    answer = client.get(f"/api/{route}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"


def test_a_route_answers_what_the_view_holds(client: TestClient, project: Project) -> None:
    assert client.get("/api/overview").json() == msgspec.json.decode(dumps(to_data(overview(project))))


@pytest.mark.parametrize(
    "route",
    [
        "models/beer",
        "models/beer/story",
        "models/beer/drift",
        "models/wine/rollout",
        "history/7",
        "models/wine/versions/1/against/2",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, route: str) -> None:
    answer = client.get(f"/api/{route}")
    assert answer.status_code == 404
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    "query", ["models/wine/story?span=1y", "models/wine/drift?horizon=0", "history?before=-1", "history?kind=A%20B"]
)
def test_a_wrong_question_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/{query}").status_code == 422


def test_a_caller_sees_the_models_of_the_key_alone(tmp_path: Path) -> None:
    project = opened(tmp_path, "serve: {auth: {required: true}}\n")
    headers = {
        name: {"authorization": f"Bearer {access.add(project, name, Role.VIEWER, models).secret}"}
        for name, models in (("all", None), ("other", ["beer"]))
    }
    with TestClient(create_app(project), base_url="http://127.0.0.1") as client:
        assert client.get("/api/overview").status_code == 401
        assert client.get("/api/overview", headers=headers["all"]).json()["models"][0]["name"] == "wine"
        assert client.get("/api/overview", headers=headers["other"]).json()["models"] == []
        assert client.get("/api/history", headers=headers["other"]).json()["entries"] == []
        for route in ("models/wine", "models/wine/quality", "maturity", "people", "notifiers"):
            assert client.get(f"/api/{route}", headers=headers["other"]).status_code == 403
    project.close()
