"""A trained project, its keeper, and customers in the test's hands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle.core.alarm import Alarm
from boucle.core.event import Event
from boucle.core.observation import Feedback, Observation, Role
from boucle.loop import alarms
from boucle.loop.keeper import Keeper, Looked
from boucle.loop.project import Project
from boucle.loop.turn import run_turn
from boucle.ports.engine import Outcome
from boucle.testing.clock import FakeClock

PROJECT = """
name: line
task: tabular-regression
data: {source: line.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
evaluate: {metrics: [rmse], require: {rmse: "<= 2"}}
release: {steps: [50], min_feedback: 50}
monitor: {window: 250}
react: {min_labels: 100}
"""


class ScriptedWork:
    """Work that ends when the test says so."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.stopped = False

    def poll(self) -> Outcome | None:
        return self.outcome

    def stop(self) -> None:
        self.stopped = True


class ScriptedEngine:
    """Starts nothing; remembers what it was asked for."""

    name = "scripted"

    def __init__(self) -> None:
        self.started: list[Sequence[str]] = []
        self.work = ScriptedWork()

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> ScriptedWork:
        self.started.append(arguments)
        self.work = ScriptedWork()
        return self.work


class World:
    """A trained project, a keeper, and customers whose rows and truths the test chooses."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.project = Project.open(folder, actor="keeper", clock=self.clock)
        self.engine = ScriptedEngine()
        self.project.__dict__["engine"] = self.engine
        self.keeper = Keeper(self.project)
        self._rng = np.random.default_rng(5)
        self._count = 0

    def answer(
        self,
        rows: int,
        shift: float = 0.0,
        error: float = 0.0,
        version: int = 1,
        role: Role = "champion",
        factor: float = 1.0,
        low: float = 0.0,
        labelled: bool = True,
    ) -> None:
        """Serve rows around the reference; ``shift`` moves the truth, ``error`` the answers, ``factor`` some inputs.

        All inputs are above ``low``.
        """
        seen, truths = [], []
        for x in self._rng.uniform(low, 10, rows).tolist():
            self._count += 1
            self.clock.sleep(0.01)
            broken = x * factor if self._rng.random() < 0.1 else x
            now, name = self.clock.now(), f"r{self._count}"
            answered = {"prediction": [2 * x + 1 + error]}
            seen.append(Observation(name, now, "line", version, role, 1, {"x": [broken]}, answered, 0.001))
            truth = 2 * x + 1 + shift + float(self._rng.normal(0, 0.5))
            truths.append(Feedback(name, now, [truth]))
        with self.project.state.begin() as tx:
            tx.observations.ingest(seen, truths if labelled else [], {})

    def look(self) -> Looked:
        return self.keeper.look()

    def events(self, *kinds: str) -> list[Event]:
        with self.project.state.begin(write=False) as tx:
            return tx.journal.events("line", kinds)

    def alarms(self) -> list[str]:
        return [alarm.cause for alarm in self.open_alarms()]

    def open_alarms(self) -> list[Alarm]:
        with self.project.state.begin(write=False) as tx:
            return tx.alarms.unresolved("line")

    def acknowledge(self, alarm: Alarm) -> None:
        alarms.acknowledge(self.project, alarm.id)

    def change(self, **sections: dict[str, object]) -> None:
        """Change settings of the project: ``change(react={"budget": 1})``."""
        settings = self.project.settings.model_dump(mode="json", exclude_unset=True)
        merged = {**settings, **{name: {**settings.get(name, {}), **new} for name, new in sections.items()}}
        self.project.settings = type(self.project.settings).model_validate(merged)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 (champion) and 2 (challenger), trained once."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "boucle.yaml").write_text(PROJECT)
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, 500)
    pd.DataFrame({"x": x, "y": 2 * x + 1 + rng.normal(0, 0.5, 500)}).to_csv(folder / "line.csv", index=False)
    project = Project.open(folder)
    for _ in range(2):
        assert run_turn(project, lambda *_: None).verdict.status == "pass"
    project.close()
    return folder


@pytest.fixture
def world(trained: Path, tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "line"
    shutil.copytree(trained, folder)
    world = World(folder)
    yield world
    world.project.close()


def passed(version: int) -> Outcome:
    return Outcome(0, {"model": "line", "version": version, "verdict": {"status": "pass", "checks": []}}, "")


def failed() -> Outcome:
    check = {"name": "rmse", "status": "fail", "observed": 9.0, "bound": "<= 2"}
    return Outcome(1, {"model": "line", "version": 3, "verdict": {"status": "fail", "checks": [check]}}, "")
