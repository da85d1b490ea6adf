"""The control plane does what the command line does, and refuses what other sites' pages send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.core.access import Role
from boucle.core.event import Event
from boucle.core.person import Person
from boucle.loop.project import Project

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    pd.DataFrame({"x": range(100), "y": range(100)}).to_csv(tmp_path / "wine.csv", index=False)
    project = Project.open(tmp_path, actor="api")
    project.prepare()
    yield project
    project.close()


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), base_url="http://127.0.0.1") as client:
        yield client


def test_the_status_of_a_project_without_a_model(client: TestClient) -> None:
    answer = client.get("/api/status").json()
    assert answer["models"][0]["champion"] is None
    assert answer["models"][0]["quality"]["status"] == "inconclusive"


def test_an_unknown_model_is_404_with_a_hint(client: TestClient) -> None:
    answer = client.post("/api/models/wine/rollbacks", json={"reason": "try"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_a_wrong_body_is_422(client: TestClient) -> None:
    assert client.post("/api/models/wine/promotions", json={"version": 0}).status_code == 422


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_page_of_another_site_may_not_act(client: TestClient, origin: str) -> None:
    answer = client.post("/api/models/wine/rollbacks", json={}, headers={"origin": origin})
    assert answer.status_code == 403


def test_our_own_page_may_act(client: TestClient) -> None:
    answer = client.post("/api/models/wine/rollbacks", json={}, headers={"origin": "http://127.0.0.1"})
    assert answer.status_code == 404  # not refused; there is nothing to roll back


def test_every_answer_forbids_framing_and_sniffing(client: TestClient) -> None:
    answer = client.get("/livez")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_events_and_their_chain(client: TestClient, project: Project) -> None:
    with project.state.begin() as tx:
        tx.journal.append(Event("trained", 1.0, "why", "wine", 1))
    assert [e["kind"] for e in client.get("/api/events").json()["events"]] == ["trained"]
    assert client.get("/api/events/verification").json() == {"ok": True, "events": 1, "broken_at": None}


def test_metrics_are_in_prometheus_text_form(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert 'boucle_drift_alarm{model="wine"} 0.0' in text
    assert "# TYPE boucle_drift_alarm gauge" in text


def test_a_turn_is_started_and_asked_about(client: TestClient) -> None:
    started = client.post("/api/turns", json={"reason": "a test"})
    assert started.status_code == 202
    number = started.json()["turn"]
    assert client.post("/api/turns", json={}).status_code == 409
    client.app.state.turns._turns[number - 1].work.stop()  # type: ignore[attr-defined]
    assert client.get(f"/api/turns/{number}").json()["state"] == "ended"
    assert client.get("/api/turns/99").status_code == 404


def test_a_person_is_given_a_role_and_labels_are_asked_for(client: TestClient, project: Project) -> None:
    with project.state.begin() as tx:
        tx.people.put(Person("subject-7", "eva", Role.VIEWER))
    assert client.post("/api/people/subject-7/role", json={"role": "operator"}).json()["before"] == "viewer"
    assert client.post("/api/people/eva/role", json={"role": "queen"}).status_code == 422
    assert client.get("/api/people").json()["people"][0]["role"] == "operator"
    assert client.get("/api/models/wine/lessons").json()["own"] is True
    assert client.post("/api/models/wine/labels", json={"count": 0}).status_code == 422
    refused = client.post("/api/models/wine/labels", json={})
    assert (refused.status_code, refused.json()["hint"]) == (409, "boucle promote wine/VERSION")


def test_a_path_asked_by_another_method_says_which_it_takes(client: TestClient) -> None:
    pages = client.get("/api/openapi.json").json()["paths"]
    refused = []
    for path, methods in pages.items():
        answer = client.request("PATCH", path.replace("{", "").replace("}", ""), headers={"origin": "http://127.0.0.1"})
        if answer.status_code == 405:
            refused.append(path)
            assert {one.strip().lower() for one in answer.headers["allow"].split(",")} >= set(methods) - {"patch"}
    assert len(refused) > 10
