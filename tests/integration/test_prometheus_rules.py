"""What `boucle rules` writes, read by Prometheus' own tools: well-formed, and it fires when and only when it should."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from boucle.cli.main import run
from boucle.loop.rules import rules
from boucle.project.load import load

pytestmark = [pytest.mark.server]

PROJECT = """
name: wine
task: tabular-regression
data: {source: wine.csv, target: y}
monitor: {slo: {availability: 0.99, latency_p99_ms: 50}}
"""
LOUD = (
    PROJECT
    + """
serve: {auth: {required: true}, tls: {certificate: c.pem, key: k.pem}}
alerts: ["slack://T1JJ3T3L2/A1BRTD4JD/sesame/", "mailtos://robot:sesame@example.org?to=oncall@example.org", "gnu://x"]
"""
)
READY = {"series": 'boucle_model_ready{model="wine",version="1"}', "values": "1x600"}
QUIET = {"series": 'boucle_drift_alarm{model="wine"}', "values": "0x600"}
BEATING = {"series": 'boucle_keeper_beats_total{model="wine"}', "values": "0+60x600"}
WELL = [READY, QUIET, BEATING]


def write(folder: Path, project: str) -> Path:
    (folder / "boucle.yaml").write_text(project)
    with pytest.raises(SystemExit) as ended:
        run(["rules", "--project", str(folder), "--out", str(folder / "out")])
    assert not ended.value.code
    return folder / "out"


@pytest.fixture
def fired(tmp_path: Path, prometheus_programs: Path) -> Callable[..., None]:
    """Asserts which alerts fire at a minute, given series with a value a minute; promtool evaluates the rules."""
    out = write(tmp_path, PROJECT)

    def check(series: list[dict[str, str]], minute: int, *expected: str, project: str = PROJECT) -> None:
        (tmp_path / "boucle.yaml").write_text(project)
        held = rules(load(tmp_path, {}))
        (out / "rules.yml").write_text(yaml.safe_dump(held))
        alerts: dict[str, str] = {}
        for rule in (r for group in held["groups"] for r in group["rules"] if "alert" in r):
            alerts.setdefault(rule["alert"], rule["labels"]["severity"])
        (out / "test.yml").write_text(yaml.safe_dump(_test(series, minute, set(expected), alerts)))
        done = subprocess.run(
            [prometheus_programs / "promtool", "test", "rules", "test.yml"], cwd=out, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def _test(series: list[dict[str, str]], minute: int, expected: set[str], alerts: dict[str, str]) -> dict[str, Any]:
    """Ask for each alert at its first severity; with an expression, as the texts of a message hold the value."""
    expressions = [
        {
            "expr": f'count(ALERTS{{alertname="{name}",severity="{severity}",alertstate="firing"}}) > bool 0'
            " or vector(0)",
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": "{}", "value": int(name in expected)}],
        }
        for name, severity in alerts.items()
    ]
    return {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": expressions}],
    }


def requests(code: str, values: str) -> dict[str, str]:
    return {
        "series": f'boucle_requests_total{{model="wine",version="1",role="champion",code="{code}"}}',
        "values": values,
    }


@pytest.mark.parametrize("project", [PROJECT, LOUD], ids=["plain", "loud"])
def test_prometheus_and_alertmanager_read_what_is_written(
    tmp_path: Path, prometheus_programs: Path, project: str
) -> None:
    out = write(tmp_path, project)
    for name in ("boucle.key", "slack.url", "mail.password"):
        (out / name).write_text("sesame")
    tools = {"promtool": ["check", "config", "prometheus.yml"], "amtool": ["check-config", "alertmanager.yml"]}
    for tool, words in tools.items():
        done = subprocess.run(
            [prometheus_programs / tool, *words], cwd=out, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert not [path for path in out.glob("*.yml") if "sesame" in path.read_text()]


def test_a_service_that_keeps_its_promise_fires_nothing(fired: Callable[..., None]) -> None:
    fired([*WELL, requests("200", "0+1000x600"), requests("503", "0+9x600")], 600)


def test_an_outage_pages_within_minutes(fired: Callable[..., None]) -> None:
    broken = [*WELL, requests("200", "0+100x60 6000x20"), requests("500", "0x60 0+100x20")]
    fired(broken, 60)
    fired(broken, 75, "BoucleAvailability")


def test_an_outage_pages_where_the_budget_is_wide(fired: Callable[..., None]) -> None:
    wide = PROJECT.replace("availability: 0.99", "error_rate: 0.2")
    fired([*WELL, requests("500", "0+100x100")], 90, "BoucleAvailability", project=wide)


def test_an_outage_that_is_over_pages_no_more(fired: Callable[..., None]) -> None:
    over = [*WELL, requests("200", "0+100x60 6000x15 6000+100x60"), requests("500", "0x60 0+100x15 1500x60")]
    fired(over, 74, "BoucleAvailability")
    fired(over, 120)


def test_two_failures_at_night_wake_nobody(fired: Callable[..., None]) -> None:
    fired([*WELL, requests("200", "0x100"), requests("500", "0x50 1 2x49")], 55)


def test_slow_answers_burn_the_latency_budget(fired: Callable[..., None]) -> None:
    base = 'boucle_request_duration_seconds_{}{{model="wine",version="1"{}}}'
    quick = {"series": base.format("bucket", ',le="0.05"'), "values": "0+70x100"}
    whole = {"series": base.format("count", ""), "values": "0+100x100"}
    fired([*WELL, quick, whole], 90, "BoucleLatency")


@pytest.mark.parametrize("le", ["1", "1.0"])
def test_a_bound_of_whole_seconds_is_found_as_either_prometheus_writes_it(fired: Callable[..., None], le: str) -> None:
    seconds = PROJECT.replace("latency_p99_ms: 50", "latency_p99_ms: 1000")
    base = 'boucle_request_duration_seconds_{}{{model="wine",version="1"{}}}'
    quick = {"series": base.format("bucket", f',le="{le}"'), "values": "0+100x100"}
    slower = {"series": base.format("bucket", ',le="10"'), "values": "0+100x100"}
    fired([*WELL, quick, slower, {"series": base.format("count", ""), "values": "0+100x100"}], 90, project=seconds)
    fired([*WELL, slower, {**quick, "values": "0+50x100"}, {"series": base.format("count", ""), "values": "0+100x100"}],
          90, "BoucleLatency", project=seconds)  # fmt: skip


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([QUIET, BEATING], "BoucleNotServing"),
        (
            [*WELL, {"series": 'boucle_model_ready{model="wine",version="2"}', "values": "0x600"}],
            "BoucleVersionNotLoaded",
        ),
        ([READY, BEATING], "BoucleControlPlaneAway"),
        ([READY, QUIET, {**BEATING, "values": "0+60x10 600x500"}], "BoucleKeeperSilent"),
        ([READY, QUIET], "BoucleKeeperSilent"),
        ([*WELL, {"series": "boucle_observations_dropped_total", "values": "0x25 7x500"}], "BoucleCaptureDrops"),
        ([READY, {**QUIET, "values": "1x500"}, BEATING], "BoucleDrift"),
        ([*WELL, {"series": 'boucle_data_fault_alarm{model="wine"}', "values": "1x500"}], "BoucleDataFault"),
        ([*WELL, {"series": 'boucle_quality_alarm{model="wine"}', "values": "1x500"}], "BoucleQualityLoss"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_trouble_fires_its_own_alert(
    fired: Callable[..., None], series: list[dict[str, str]], expected: str
) -> None:
    fired(series, 30, expected)
