"""What holds for every answer of the control plane, faults and strangers included."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.api.shield import HEADERS, LARGEST
from boucle.core.access import Role
from boucle.loop import access
from boucle.loop.attempts import ALLOWED, MOST, Attempts
from boucle.loop.project import Project
from boucle.views import models as views

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"
HOME = "http://127.0.0.1:8081"


def opened(folder: Path, serve: str = "{}") -> Project:
    (folder / "boucle.yaml").write_text(PROJECT + f"serve: {serve}\n")
    project = Project.open(folder, actor="local")
    project.prepare()
    access.publish(project)
    return project


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    project = opened(tmp_path)
    with TestClient(create_app(project), base_url=HOME, raise_server_exceptions=False) as client:
        yield client
    project.close()


def fail(*_: object) -> None:
    raise RuntimeError("the password is hunter2")


def test_a_fault_is_told_by_its_number_only(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(views, "status", fail)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/status")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    number = answer.json()["hint"].split()[-1]
    assert number in caplog.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200), ("GET", "/nowhere", 404), ("PUT", "/livez", 405),
        ("POST", "/api/models/wine/promotions", 422), ("GET", "/api/status", 500),
    ],
)  # fmt: skip
def test_every_answer_has_the_headers(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, method: str, path: str, status: int
) -> None:
    monkeypatch.setattr(views, "status", fail)
    answer = client.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "strict-transport-security" not in answer.headers
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example", "", "[::2]"])
def test_without_authentication_other_names_do_not_lead_here(client: TestClient, host: str) -> None:
    same = {"host": host, "origin": f"http://{host}"}
    assert client.post("/api/models/wine/rollbacks", json={}, headers=same).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8081", "127.0.0.1", "[::1]:8081"])
def test_this_machines_own_names_do(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("serve", ["{insecure: true}", "{auth: {required: true}}"])
def test_where_others_may_call_any_name_does(tmp_path: Path, serve: str) -> None:
    project = opened(tmp_path, serve)
    with TestClient(create_app(project), base_url="http://loop.example") as client:
        assert client.get("/livez").status_code == 200
    project.close()


def test_a_body_nobody_needs_is_refused(client: TestClient) -> None:
    path = "/api/models/wine/rollbacks"
    assert client.post(path, content=b" " * (LARGEST + 1)).status_code == 413
    assert client.post(path, content=iter([b"{}"])).status_code == 411
    assert client.post(path, content=b"{}", headers={"content-length": "x"}).status_code == 413


def test_what_was_sent_is_not_sent_back(client: TestClient) -> None:
    answer = client.post("/api/models/wine/promotions", json={"version": "hunter2"})
    assert answer.status_code == 422
    assert "version" in answer.json()["hint"]
    assert "hunter2" not in answer.text


def test_without_authentication_events_say_local(client: TestClient) -> None:
    client.post("/api/models/wine/mute", json={"until": 1.0})
    assert [one["actor"] for one in client.get("/api/events").json()["events"]] == ["local"]
    assert client.get("/api/me").json() == {"name": "local", "role": "admin", "by": "local", "models": None}


def test_who_keeps_failing_waits_and_a_valid_key_does_not(tmp_path: Path) -> None:
    project = opened(tmp_path, "{auth: {required: true}}")
    given = {"x-api-key": access.add(project, "ci", Role.VIEWER).secret}
    with TestClient(create_app(project)) as client:
        codes = [client.get("/api/me", headers={"x-api-key": "guess"}).status_code for _ in range(ALLOWED.count + 1)]
        assert codes == [401] * ALLOWED.count + [429]
        assert int(client.get("/api/me").headers["retry-after"]) > 0
        assert client.get("/api/me", headers=given).status_code == 200
    project.close()


def test_a_key_revoked_on_the_command_line_stops_at_once(tmp_path: Path) -> None:
    project = opened(tmp_path, "{auth: {required: true}}")
    given = {"x-api-key": access.add(project, "ci", Role.VIEWER).secret}
    with TestClient(create_app(project)) as client:
        assert client.get("/api/me", headers=given).status_code == 200
        access.revoke(project, "ci")
        assert client.get("/api/me", headers=given).status_code == 401
    project.close()


def test_failures_are_counted_by_network_and_in_bounded_memory() -> None:
    attempts = Attempts()
    for _ in range(ALLOWED.count):
        attempts.failed("2001:db8::1", 1000.0)
    assert attempts.failed("2001:db8::2", 1000.0) > 0
    assert attempts.failed("2001:db8:0:1::1", 1000.0) == 0
    for number in range(MOST + 10):
        attempts.failed(f"10.0.{number // 256}.{number % 256}", 1000.0)
    assert len(attempts) == MOST


def test_open_metrics_need_no_key(tmp_path: Path) -> None:
    project = opened(tmp_path, "{auth: {required: true, metrics: open}}")
    with TestClient(create_app(project)) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/api/status").status_code == 401
    project.close()
