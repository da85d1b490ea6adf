"""Alertmanager's deliveries open and resolve alarms, once each, and a wrong one changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from boucle.api.app import create_app
from boucle.core.access import Role
from boucle.core.alarm import Alarm
from boucle.loop import access
from boucle.loop.project import Project

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"
PATH = "/api/alerts/alertmanager"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    project = Project.open(tmp_path, actor="api")
    project.prepare()
    yield project
    project.close()


@pytest.fixture
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), base_url="http://127.0.0.1") as client:
        yield client


def alert(status: str = "firing", fingerprint: str = "a1", minute: int = 1, **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "DiskFull", "model": "wine", **labels},
        "annotations": {"summary": "90 % full"},
        "startsAt": f"2026-01-01T00:{minute:02}:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
    }


def delivery(*alerts: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "boucle", "alerts": alerts, **other}


def unresolved(project: Project) -> list[Alarm]:
    with project.state.begin() as tx:
        return tx.alarms.unresolved("wine")


def test_a_firing_alert_opens_one_alarm_however_often_it_is_delivered(client: TestClient, project: Project) -> None:
    first = client.post(PATH, json=delivery(alert()))
    assert first.status_code == 200
    (alarm,) = unresolved(project)
    assert first.json() == {"opened": [alarm.id], "resolved": [], "unchanged": 0}
    assert (alarm.cause, alarm.reason) == ("external:DiskFull", "DiskFull: 90 % full")
    assert client.post(PATH, json=delivery(alert())).json()["unchanged"] == 1
    assert unresolved(project) == [alarm]


def test_an_alarm_ends_when_the_last_of_its_alerts_does(client: TestClient, project: Project) -> None:
    client.post(PATH, json=delivery(alert(), alert(fingerprint="b2", instance="other")))
    assert client.post(PATH, json=delivery(alert("resolved"))).json()["resolved"] == []
    (alarm,) = unresolved(project)
    ended = client.post(PATH, json=delivery(alert("resolved", "b2")))
    assert ended.json()["resolved"] == [alarm.id]
    assert unresolved(project) == []


def test_a_late_delivery_does_not_open_again_what_is_over(client: TestClient, project: Project) -> None:
    client.post(PATH, json=delivery(alert("resolved")))
    assert client.post(PATH, json=delivery(alert())).json() == {"opened": [], "resolved": [], "unchanged": 1}
    assert len(client.post(PATH, json=delivery(alert(minute=2))).json()["opened"]) == 1
    assert client.post(PATH, json=delivery(alert("resolved", minute=1))).json()["resolved"] == []
    assert len(unresolved(project)) == 1


def test_what_boucle_has_told_itself_opens_nothing(client: TestClient, project: Project) -> None:
    assert client.post(PATH, json=delivery(alert(told_by="boucle"))).json()["unchanged"] == 1
    assert unresolved(project) == []


def test_odd_words_of_others_are_kept_on_one_line(client: TestClient, project: Project) -> None:
    odd = {**alert(), "annotations": {"summary": "a\0b\nc\u2028<!channel>" + "d" * 5000}}
    assert client.post(PATH, json=delivery(odd)).status_code == 200
    (alarm,) = unresolved(project)
    assert alarm.reason.startswith("DiskFull: a b c <!channel>d")
    assert len(alarm.reason) == 500


def test_half_a_character_is_refused(client: TestClient, project: Project) -> None:
    body = json.dumps(delivery({**alert(), "annotations": {"summary": "\ud800"}}))
    assert client.post(PATH, content=body, headers={"content-type": "application/json"}).status_code == 422
    assert unresolved(project) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "3"},
        {"alerts": "none"},
        {"alerts": [alert(), alert("broken")]},
        {"alerts": [alert(), {**alert(), "startsAt": "yesterday"}]},
        {"alerts": [alert(), alert(alertname="")]},
        {"alerts": [alert(), alert(alertname="two\nlines")]},
        {"alerts": [alert(), alert(model="beer")]},
        {"alerts": [alert(), {**alert(), "fingerprint": "../x"}]},
        {"alerts": [alert(), {**alert(), "startsAt": 1767225600}]},
        {"alerts": [alert(), {**alert(), "startsAt": "2026-01-01T00:00:00"}]},
    ],
)
def test_a_wrong_delivery_is_refused_whole(client: TestClient, project: Project, wrong: dict[str, Any]) -> None:
    answer = client.post(PATH, json=delivery(alert()) | wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert unresolved(project) == []


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 200)])
def test_only_an_operator_delivers(tmp_path: Path, role: Role, status: int) -> None:
    (tmp_path / "boucle.yaml").write_text(PROJECT + "serve: {auth: {required: true}}\n")
    project = Project.open(tmp_path, actor="api")
    project.prepare()
    made = access.add(project, "alertmanager", role)
    with TestClient(create_app(project), base_url="http://127.0.0.1") as client:
        assert client.post(PATH, json=delivery(alert())).status_code == 401
        headers = {"authorization": f"Bearer {made.secret}"}
        assert client.post(PATH, json=delivery(alert()), headers=headers).status_code == status
    assert len(unresolved(project)) == (status == 200)
    project.close()
