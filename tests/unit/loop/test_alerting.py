"""Whom Alertmanager is told to tell, as far as the project's addresses can be translated; secrets never."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boucle.cli.main import run
from boucle.loop.alerting import alertmanager, prometheus, untranslated
from boucle.loop.rules import rules
from boucle.project.load import load
from boucle.project.settings import Settings

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: y}\n"


def settings(folder: Path, more: str = "") -> Settings:
    (folder / "boucle.yaml").write_text(PROJECT + more)
    return load(folder, {})


def people(folder: Path, *addresses: str) -> dict[str, Any]:
    found = alertmanager(settings(folder, f"alerts: {json.dumps(addresses)}\n"))
    return next(dict(one) for one in found["receivers"] if one["name"] == "people")


def routes(folder: Path, more: str = "") -> list[str]:
    return [one["receiver"] for one in alertmanager(settings(folder, more))["route"]["routes"]]


def test_what_boucle_tells_itself_is_told_once(tmp_path: Path) -> None:
    assert routes(tmp_path, 'alerts: ["slack://A/B/C/"]\n') == ["nobody", "people", "boucle"]
    assert routes(tmp_path) == ["people", "people", "boucle", "people"]


@pytest.mark.parametrize("address", ["slack://T1/B1/sesame/", "https://hooks.slack.com/services/T1/B1/sesame"])
def test_slack_is_read_from_a_file(tmp_path: Path, address: str) -> None:
    assert people(tmp_path, address)["slack_configs"] == [{"api_url_file": "slack.url", "send_resolved": True}]


def test_mail_keeps_its_server_and_people_but_not_its_password(tmp_path: Path) -> None:
    (mail,) = people(tmp_path, "mailtos://robot:sesame@example.org?to=oncall@example.org")["email_configs"]
    assert (mail["from"], mail["to"]) == ("robot@example.org", "oncall@example.org")
    assert mail["smarthost"] == "example.org:587"
    assert "sesame" not in json.dumps(mail)


def test_other_kinds_are_named_to_be_added_by_hand() -> None:
    assert untranslated(["gnu://sesame", "slack://A/B/C", "mailto://nowhere", "gnu://x"]) == ["gnu", "mailto"]


def test_without_promises_no_budget_is_watched_and_the_loop_still_is(tmp_path: Path) -> None:
    names = [group["name"] for group in rules(settings(tmp_path))["groups"]]
    assert names == ["boucle-wine-model", "boucle-wine-itself"]


def test_a_service_that_fills_up_is_told_before_it_refuses(tmp_path: Path) -> None:
    groups = rules(settings(tmp_path, "monitor: {slo: {saturation: 0.8}}\n"))["groups"]
    (rule,) = next(one["rules"] for one in groups if one["name"] == "boucle-wine-saturation")
    assert (rule["expr"], rule["for"]) == ("max(boucle_saturation_ratio) > 0.8", "5m")


def test_a_promise_beyond_the_longest_bucket_cannot_be_watched(tmp_path: Path) -> None:
    slow = settings(tmp_path, "monitor: {slo: {latency_p99_ms: 60000}}\n")
    assert "latency" not in json.dumps(rules(slow))


def test_a_key_is_given_where_callers_are_asked_who_they_are(tmp_path: Path) -> None:
    (job,) = prometheus(settings(tmp_path, "serve: {auth: {required: true}}\n"), "boucle.internal")["scrape_configs"]
    assert job["authorization"] == {"credentials_file": "boucle.key"}
    assert job["static_configs"] == [{"targets": ["boucle.internal:8080", "boucle.internal:8081"]}]


def test_the_command_prints_the_rules_or_all_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings(tmp_path)
    for words, begins in (([], "# Written by"), (["--json"], '{"alertmanager"')):
        with pytest.raises(SystemExit) as ended:
            run(["rules", "--project", str(tmp_path), *words])
        assert not ended.value.code
        assert capsys.readouterr().out.startswith(begins)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boucle.yaml"]
