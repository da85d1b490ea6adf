"""A real Prometheus reads a real `boucle up` by the files that `boucle rules` writes, and a real Alertmanager tells."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.waiting import free_ports

from boucle.loop.service import address

from .receivers import Webhook, webhook

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]

WITHIN = 150.0
PROJECT = """
name: wine
task: tabular-regression
data: {{source: wine.csv, target: y}}
model: {{estimator: sklearn.linear_model.Ridge}}
monitor: {{slo: {{availability: 0.99, latency_p99_ms: 50}}}}
alerts: ["json://{hook}/"]
"""


@dataclass
class Stack:
    """What runs: Boucle's planes, Prometheus and Alertmanager by their URLs; ``told`` is where Boucle tells people."""

    folder: Path
    data: str
    control: str
    prometheus: str
    alertmanager: str
    told: Webhook


def get(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        text = answer.read().decode()
    return json.loads(text) if text[:1] in ("{", "[") else text


def until(holds: Callable[[], Any]) -> Any:
    """Ask until the answer is something; return it."""
    end, trouble = time.monotonic() + WITHIN, ""
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except OSError as error:
            trouble = str(error)
        time.sleep(0.1)
    pytest.fail(f"it did not come about {trouble}")


@contextmanager
def running(folder: Path, name: str, *command: str | Path, environ: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server until the block ends; it has to end well."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environ)
    try:
        yield
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(60) == 0, log.read_text()
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def watching(programs: Path, folder: Path, people: str, lasting: str = r"\g<0>") -> Iterator[tuple[str, str]]:
    """Run Prometheus and Alertmanager on the written files, hastened.

    ``people`` is the webhook that is added as the command's note says, ``lasting`` what stands instead of `for`.
    """
    ports = free_ports(2)
    hasty = {
        "prometheus.yml": (("15s", "1s"), ("127.0.0.1:9093", f"127.0.0.1:{ports[1]}")),
        "boucle.rules.yml": ((r"for: \S+", lasting),),
        "alertmanager.yml": (
            ("(group_wait|group_interval): .*", r"\1: 1s"),
            (
                "- name: people\n",
                f"- name: people\n  slack_configs:\n  - {{api_url: '{people}', send_resolved: true}}\n",
            ),
        ),
    }
    for name, changes in hasty.items():
        text = (folder / name).read_text()
        for old, new in changes:
            text, made = re.subn(old, new, text)
            assert made, f"{name} has no {old}"
        (folder / name).write_text(text)
    here = [f"127.0.0.1:{port}" for port in ports]
    prometheus = [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=tsdb",
        "--rules.alert.resend-delay=1s",
        f"--web.listen-address={here[0]}",
    ]
    alertmanager = ["--config.file=alertmanager.yml", "--storage.path=am", "--cluster.listen-address=",
                    f"--web.listen-address={here[1]}"]  # fmt: skip
    with (
        running(folder, "alertmanager", *_at_home(programs), programs / "prometheus-alertmanager", *alertmanager),
        running(folder, "prometheus", programs / "prometheus", *prometheus),
    ):
        yield f"http://{here[0]}", f"http://{here[1]}"


def _at_home(programs: Path) -> list[str | Path]:
    """Return what makes a program find its files in /usr/share, if it was unpacked elsewhere: Debian built that in."""
    if Path("/usr/share/prometheus/alertmanager").exists():
        return []
    bind = 'mount --bind "$0" /usr/share && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", bind, programs.parent / "share"]


def boucle(folder: Path, environ: dict[str, str], *words: str) -> Any:
    command = [sys.executable, "-m", "boucle", *words, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, env=environ, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, prometheus_programs: Path) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("live")
    environ = {**os.environ, "BOUCLE_SERVE__PORT": "0", "BOUCLE_SERVE__CONTROL_PORT": "0"}
    with ExitStack() as open_:
        told, people = (open_.enter_context(webhook(slack=slack)) for slack in (False, True))
        (folder / "boucle.yaml").write_text(PROJECT.format(hook=told.url.removeprefix("http://")))
        pd.DataFrame({"x": range(500), "y": [2.0 * i for i in range(500)]}).to_csv(folder / "wine.csv", index=False)
        assert boucle(folder, environ, "train")["alias"] == "champion"
        open_.enter_context(running(folder, "up", sys.executable, "-m", "boucle", "up", environ=environ))
        planes = [address(folder / ".boucle" / "serving" / name, 90) for name in ("address.json", "control.json")]
        data, control = map(str, planes)
        ports = {
            "BOUCLE_SERVE__PORT": data.rpartition(":")[2],
            "BOUCLE_SERVE__CONTROL_PORT": control.rpartition(":")[2],
        }
        boucle(folder, environ | ports, "rules", "--out", ".")
        get(f"{data}/predict", {"x": 3.0})
        yield Stack(
            folder, data, control, *open_.enter_context(watching(prometheus_programs, folder, people.url)), told
        )


def test_every_metric_the_rules_name_is_exported(stack: Stack) -> None:
    expressions = re.findall("expr: (.*)", (stack.folder / "boucle.rules.yml").read_text())
    named = {name for one in expressions for name in re.findall(r"\bboucle_\w+", one)}
    assert len(named) > 8
    until(lambda: "boucle_keeper_beats_total" in get(f"{stack.control}/metrics"))
    text = get(f"{stack.data}/metrics") + get(f"{stack.control}/metrics")
    assert named - set(re.findall(r"^(boucle_\w+)", text, re.MULTILINE)) == set()


def test_prometheus_evaluates_every_rule_and_a_healthy_loop_fires_none(stack: Stack) -> None:
    def evaluated() -> Any:
        groups = get(f"{stack.prometheus}/api/v1/rules")["data"]["groups"]
        held = [rule for group in groups for rule in group["rules"]]
        return held if held and all(rule["health"] != "unknown" for rule in held) else None

    def ups() -> list[str]:
        return [r["value"][1] for r in get(f"{stack.prometheus}/api/v1/query?query=up")["data"]["result"]]

    until(lambda: ups() == ["1", "1"])
    since = datetime.now(UTC)
    held = until(
        lambda: (found := evaluated()) and min(r["lastEvaluation"] for r in found) > since.isoformat() and found
    )
    assert [rule["name"] for rule in held if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in held if rule.get("state") == "firing"] == []


def test_an_alert_becomes_an_alarm_that_people_are_told_of_and_ends_with_it(stack: Stack) -> None:
    begun = datetime.now(UTC)

    def post(ends: datetime) -> None:
        alert = {
            "labels": {"alertname": "DiskFull", "model": "wine"},
            "annotations": {"summary": "90 % full"},
            "startsAt": begun.isoformat(),
            "endsAt": ends.isoformat(),
        }
        get(f"{stack.alertmanager}/api/v2/alerts", [alert])

    def causes() -> list[str]:
        return [alarm["cause"] for alarm in get(f"{stack.control}/api/alarms")["alarms"]]

    until(lambda: get(f"{stack.alertmanager}/-/ready"))
    post(begun + timedelta(hours=1))
    until(lambda: "external:DiskFull" in causes())
    assert stack.told.arrived.wait(WITHIN)
    (message,) = [body for _, body in stack.told.got if "DiskFull" in body["title"]]
    assert "90 % full" in message["message"]
    post(datetime.now(UTC))
    until(lambda: "external:DiskFull" not in causes())


def test_where_nothing_answers_people_are_told_without_boucle(tmp_path: Path, prometheus_programs: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(PROJECT.format(hook="127.0.0.1:1"))
    port, control = map(str, free_ports(2))
    environ = {**os.environ, "BOUCLE_SERVE__PORT": port, "BOUCLE_SERVE__CONTROL_PORT": control}
    boucle(tmp_path, environ, "rules", "--out", ".")
    with webhook() as people, watching(prometheus_programs, tmp_path, people.url, "for: 0s"):
        found = until(lambda: [body for _, body in people.got if "BoucleNotServing" in json.dumps(body)])
        assert people.refused == []
    assert "wine" in json.dumps(found[0])
