"""A project whose state is written by hand: views read what is stored, so no model is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from boucle.core.deployment import Rollout
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.verdict import Check, Status, Verdict
from boucle.loop import alarms
from boucle.loop.project import Project
from boucle.testing.clock import FakeClock

PROJECT = """
name: churn
task: tabular-classification
data: {source: churn.csv, target: leaves}
monitor: {slo: {error_rate: 0.01}}
"""
NOW, HOUR = 1.8e9, 3600.0


class Written:
    """A state, and the hand that writes it."""

    def __init__(self, folder: Path) -> None:
        (folder / "boucle.yaml").write_text(PROJECT)
        self.clock = FakeClock(NOW)
        self.project = Project.open(folder, actor="keeper", clock=self.clock)
        self.project.prepare()

    def put(self, **fields: Any) -> None:
        """Replace fields of the release state."""
        with self.project.state.begin() as tx:
            held = tx.deployments.get("churn")
            tx.deployments.put(replace(held, **{"generation": held.generation + 1, **fields}))

    def event(
        self, kind: str, version: int | None = None, ago: float = 0.0, actor: str = "keeper", **data: Any
    ) -> Event:
        with self.project.state.begin() as tx:
            return tx.journal.append(Event(kind, self.clock.now() - ago, f"why {kind}", "churn", version, actor, data))

    def judged(self, kind: str, *checks: Check, version: int = 1, ago: float = 0.0, **inputs: Any) -> Verdict:
        verdict = Verdict.of(f"churn/{version}", kind, checks, **inputs)
        with self.project.state.begin() as tx:
            tx.windows.record("churn", version, kind, self.clock.now() - ago, verdict)
        return verdict

    def alarm(self, cause: str, version: int = 1) -> None:
        with self.project.state.begin() as tx:
            alarms.raise_alarm(self.project, tx, "churn", cause, f"{cause}: so it is", version, {})

    def released(self, version: int = 1, ago: float = 9 * 24 * HOUR) -> None:
        self.put(champion=version)
        self.event("trained", version, ago, rows=8420, verdict=gate(), report="")
        after = {"champion": version}
        self.event("release", version, ago, before={}, after=after, undo="boucle disable churn")


def gate() -> Mapping[str, Any]:
    return to_data(Verdict.of("churn challenger", "gate", [accuracy(0.91)]))


def accuracy(value: float, status: Status = "pass", n: int = 1500) -> Check:
    return Check("accuracy", status, value, ">= 0.9", value - 0.007, value + 0.007, n, evidence={"labels": n})


def column(name: str, effect: float, status: Status = "pass") -> Check:
    evidence = {
        f"smooth_{many}": {"effect": effect / many, "p": 0.0, "rows": 500 * many, "sure": status == "fail",
                           "low": effect / many - 0.05, "high": effect / many + 0.05}
        for many in (1, 4)
    }  # fmt: skip
    return Check(name, status, effect, "< 0.1", effect - 0.05, effect + 0.05, 500, evidence=evidence)


def loss(value: float, n: int, status: Status = "inconclusive", width: float = 0.1, **evidence: Any) -> Check:
    told = {"champion_loss": 0.1, "champion_rows": 9 * n, "e_value": 0.4, "ends_at": 20.0, "needed": 1150,
            "required": 2000, "unit": "labels", **evidence}  # fmt: skip
    name = "zero_one loss, challenger minus champion"
    return Check(name, status, value, "< 0.05", value - width, value + width, n, evidence=told)


def rollout(version: int = 2, ago: float = 4 * HOUR, **fields: Any) -> Rollout:
    began = NOW - ago
    one = Rollout(f"churn/{version}#2", version, "canary", "stepping", began, began, 0.1, 1, (0.1, 0.5), 200)
    return replace(one, **fields)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    written = Written(tmp_path)
    yield written
    written.project.close()
