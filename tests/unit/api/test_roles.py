"""On the control plane every route takes its role, and the history names who called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.core.access import Role
from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.event import Event
from boucle.loop import access
from boucle.loop.project import Project

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
serve: {auth: {required: true}}
"""
OPEN = {("GET", "/livez"), ("GET", "/readyz")}
NEEDS = {
    ("GET", "/metrics"): Role.VIEWER,
    ("GET", "/api/openapi.json"): Role.VIEWER,
    ("GET", "/api/me"): Role.VIEWER,
    ("GET", "/api/status"): Role.VIEWER,
    ("GET", "/api/models"): Role.VIEWER,
    ("GET", "/api/models/{name}/versions/{version}"): Role.VIEWER,
    ("GET", "/api/models/{name}/compare/{left}/{right}"): Role.VIEWER,
    ("GET", "/api/events"): Role.VIEWER,
    ("GET", "/api/events/verification"): Role.VIEWER,
    ("GET", "/api/alarms"): Role.VIEWER,
    ("GET", "/api/turns/{number}"): Role.VIEWER,
    **{
        ("GET", f"/api/{path}"): Role.VIEWER
        for path in (
            "overview",
            "models/{name}",
            "models/{name}/story",
            "models/{name}/drift",
            "models/{name}/quality",
            "models/{name}/contract",
            "models/{name}/lessons",
            "models/{name}/faults",
            "models/{name}/versions/{version}/against/{other}",
            "rollouts",
            "models/{name}/rollout",
            "models/{name}/rollouts/{version}",
            "history",
            "history/{seq}",
            "alarms/summary",
            "people",
            "notifiers",
            "maturity",
        )
    },
    ("POST", "/api/models/{name}/promotions"): Role.OPERATOR,
    ("POST", "/api/models/{name}/rollbacks"): Role.OPERATOR,
    ("POST", "/api/models/{name}/switch/{wanted}"): Role.OPERATOR,
    ("POST", "/api/models/{name}/rollout/{wanted}"): Role.OPERATOR,
    ("POST", "/api/models/{name}/mute"): Role.OPERATOR,
    ("POST", "/api/alarms/{number}/acknowledgement"): Role.OPERATOR,
    ("POST", "/api/alerts/alertmanager"): Role.OPERATOR,
    ("POST", "/api/turns"): Role.OPERATOR,
    ("POST", "/api/models/{name}/labels"): Role.OPERATOR,
    ("POST", "/api/people/{person}/role"): Role.ADMIN,
    ("GET", "/api/keys"): Role.ADMIN,
    ("POST", "/api/keys"): Role.ADMIN,
    ("POST", "/api/keys/{key}/rotations"): Role.ADMIN,
    ("DELETE", "/api/keys/{key}"): Role.ADMIN,
}
BODIES: dict[str, Any] = {
    "/api/models/{name}/promotions": {"version": 1},
    "/api/models/{name}/mute": {"until": 1.0},
    "/api/alerts/alertmanager": {"version": "4", "alerts": []},
    "/api/keys": {"name": "new", "role": "viewer"},
    "/api/people/{person}/role": {"role": None},
}
PARTS = {
    "name": "wine",
    "number": "1",
    "version": "1",
    "left": "1",
    "right": "1",
    "key": "nobody",
    "person": "nobody",
    "other": "1",
    "seq": "1",
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path, actor="local")
    project.prepare()
    access.publish(project)
    yield project
    project.close()


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), raise_server_exceptions=False) as client:
        yield client


def headers(project: Project, role: Role, models: list[str] | None = None) -> dict[str, str]:
    name = f"{role.value}-{len(access.listing(project, every=True))}"
    return {"x-api-key": access.add(project, name, role, models).secret}


def ask(client: TestClient, method: str, path: str, given: dict[str, str], model: str = "wine") -> Any:
    wanted = "enabled" if "switch" in path else "paused"
    filled = path.format(**PARTS | {"wanted": wanted, "name": model})
    return client.request(method, filled, json=BODIES.get(path, {}) if method == "POST" else None, headers=given)


def test_every_route_is_in_the_table_of_roles(project: Project) -> None:
    paths = create_app(project).openapi()["paths"]
    routes = {(method.upper(), path) for path in paths for method in paths[path]}
    assert routes == OPEN | set(NEEDS) - {("GET", "/api/openapi.json")}


@pytest.mark.parametrize(("method", "path"), sorted(NEEDS))
def test_without_a_key_nothing_is_told_or_done(client: TestClient, method: str, path: str) -> None:
    answer = ask(client, method, path, {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(("method", "path"), sorted(key for key, role in NEEDS.items() if role > Role.VIEWER))
def test_a_lesser_role_is_forbidden(client: TestClient, project: Project, method: str, path: str) -> None:
    lesser = list(Role)[list(Role).index(NEEDS[method, path]) - 1]
    answer = ask(client, method, path, headers(project, lesser))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path"), sorted(set(NEEDS) - {("POST", "/api/turns")}))
def test_the_role_named_is_enough(client: TestClient, project: Project, method: str, path: str) -> None:
    answer = ask(client, method, path, headers(project, NEEDS[method, path]))
    assert answer.status_code not in (401, 403, 429, 500), answer.text


@pytest.mark.parametrize(("method", "path"), sorted(key for key in NEEDS if "{name}" in key[1]))
def test_a_key_for_another_model_is_forbidden(client: TestClient, project: Project, method: str, path: str) -> None:
    answer = ask(client, method, path, headers(project, Role.ADMIN, ["churn"]))
    assert answer.status_code == 403
    assert "wine" in answer.json()["title"]


@pytest.mark.parametrize("path", ["/api/keys", "/metrics"])
def test_what_is_about_all_models_takes_a_key_for_all(client: TestClient, project: Project, path: str) -> None:
    assert client.get(path, headers=headers(project, Role.ADMIN, ["wine"])).status_code == 403


def test_a_limited_caller_sees_and_acknowledges_what_is_theirs(client: TestClient, project: Project) -> None:
    with project.state.begin() as tx:
        for model in ("wine", "churn"):
            tx.deployments.put(Deployment(model).released(1))
            tx.journal.append(Event("release", 1.0, "why", model, 1))
            tx.alarms.put(Alarm(0, model, "drift", 1.0, "x"))
    given = headers(project, Role.OPERATOR, ["wine"])
    assert [one["name"] for one in client.get("/api/status", headers=given).json()["models"]] == ["wine"]
    assert [one["model"] for one in client.get("/api/events", headers=given).json()["events"]] == ["wine"]
    assert [one["model"] for one in client.get("/api/alarms", headers=given).json()["alarms"]] == ["wine"]
    assert client.get("/api/events?model=churn", headers=given).status_code == 403
    acknowledged = [client.post(f"/api/alarms/{n}/acknowledgement", headers=given).status_code for n in (1, 2)]
    assert acknowledged == [200, 403]


def test_an_override_takes_an_approver(client: TestClient, project: Project) -> None:
    wanted = {"version": 1, "override": True, "reason": "the lab has checked it by hand"}
    path = "/api/models/wine/promotions"
    assert client.post(path, json=wanted, headers=headers(project, Role.OPERATOR)).status_code == 403
    assert client.post(path, json=wanted, headers=headers(project, Role.APPROVER)).status_code == 404  # no version 1


def test_events_name_who_called(client: TestClient, project: Project) -> None:
    secret = access.add(project, "ada", Role.OPERATOR).secret
    client.post("/api/models/wine/mute", json={"until": 1.0}, headers={"authorization": f"Bearer {secret}"})
    with project.state.begin(write=False) as tx:
        assert [(one.kind, one.actor) for one in tx.journal.events()][-1] == ("muted", "ada")


def test_admins_manage_keys(client: TestClient, project: Project) -> None:
    given = headers(project, Role.ADMIN)
    made = client.post(
        "/api/keys", json={"name": "ci", "role": "viewer", "rate": "5/s", "expires": "1d"}, headers=given
    )
    assert made.status_code == 201
    assert client.get("/api/me", headers={"x-api-key": made.json()["key"]}).json() == {
        "name": "ci", "role": "viewer", "by": "key", "models": None,
    }  # fmt: skip
    turned = client.post("/api/keys/ci/rotations", json={"grace": 0}, headers=given).json()
    assert client.get("/api/me", headers={"x-api-key": made.json()["key"]}).status_code == 401
    assert client.delete("/api/keys/ci", headers=given).status_code == 200
    assert client.get("/api/me", headers={"x-api-key": turned["key"]}).status_code == 401
    listed = client.get("/api/keys?every=true", headers=given)
    assert len(listed.json()["keys"]) == 3
    assert turned["key"] not in listed.text


@pytest.mark.parametrize(
    "wrong", [{"role": "god"}, {"rate": "often"}, {"expires": "soon"}, {"name": "a b"}, {"more": 1}, {"models": "wine"}]
)
def test_a_key_that_makes_no_sense_is_not_made(client: TestClient, project: Project, wrong: dict[str, Any]) -> None:
    given = headers(project, Role.ADMIN)
    answer = client.post("/api/keys", json={"name": "ci", "role": "viewer"} | wrong, headers=given)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(access.listing(project)) == 1
