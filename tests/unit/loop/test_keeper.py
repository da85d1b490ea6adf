"""The keeper judges what was observed and does the right thing about it, with a reason on record."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle.core.event import Event
from boucle.core.observation import Feedback, Observation, Role
from boucle.loop.keeper import Keeper, Looked
from boucle.loop.project import Project
from boucle.loop.turn import run_turn
from boucle.loop.views import status
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
        labelled: bool = True,
    ) -> None:
        """Serve rows around the reference; ``shift`` moves the truth, ``error`` the answers, ``factor`` some inputs."""
        seen, truths = [], []
        for x in self._rng.uniform(0, 10, rows).tolist():
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
        with self.project.state.begin(write=False) as tx:
            return [a.cause for a in tx.alarms.unresolved("line")]


@pytest.fixture(scope="module")
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


def test_steady_traffic_leads_to_nothing(world: World) -> None:
    for _ in range(4):
        world.answer(250)
        looked = world.look()
        assert looked.actions == []
        assert {v.kind: v.status for v in looked.verdicts} == {"fault": "pass", "drift": "pass", "quality": "pass"}
    assert world.events("decision", "alarm_opened") == []


def test_lost_quality_retrains_once_and_says_why(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4)
    assert [a.action for a in world.look().actions] == ["retrain"]
    assert world.look().actions == []  # one is under way
    assert [list(a)[:2] for a in world.engine.started] == [["train", "--with-feedback"]]
    (decision,) = world.events("decision")
    assert "rmse" in decision.reason
    assert "quality" in world.alarms()


def test_broken_data_is_told_and_never_learned_from(world: World) -> None:
    world.answer(250)
    world.look()
    world.answer(300, shift=4, factor=1000)
    world.look()
    assert world.engine.started == []
    assert {"fault", "quality"} <= set(world.alarms())
    waits = {e.data["waits"]["kind"] for e in world.events("decision") if e.data["waits"]}
    assert waits == {"fault"}


def test_too_few_labels_wait(world: World) -> None:
    world.answer(300, labelled=False)
    world.answer(40, shift=9)
    world.look()
    assert world.engine.started == []


def test_a_retrained_version_that_passed_is_rolled_out(world: World) -> None:
    world.answer(300, shift=4)
    world.look()
    world.engine.work.outcome = passed(2)
    world.look()
    (rollout,) = world.events("rollout_started")
    assert rollout.version == 2
    assert status(world.project).models[0].challenger == 2


def test_a_challenger_that_is_better_becomes_champion(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(6):
        world.answer(60, shift=4)
        world.answer(60, shift=4, error=4, version=2, role="challenger")
        world.look()
    (done,) = world.events("rollout_done")
    assert "loss" in done.reason
    assert status(world.project).models[0].champion == {"version": 2, "since": done.time, "previous": 1}


def test_a_challenger_that_is_worse_is_taken_back(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(6):
        world.answer(60)
        world.answer(60, error=4, version=2, role="challenger")
        world.look()
    assert len(world.events("rollout_aborted")) == 1
    assert status(world.project).models[0].champion["version"] == 1  # type: ignore[index]


def test_without_labels_a_rollout_stands_still(world: World) -> None:
    world.project.delivery.promote("line", 2)
    for _ in range(3):
        world.answer(200, labelled=False)
        world.answer(200, version=2, role="challenger", labelled=False)
        world.look()
    assert status(world.project).models[0].challenger == 2


def test_a_version_that_needs_approval_waits_for_it(world: World) -> None:
    release = world.project.settings.release.model_copy(update={"require_approval": True})
    world.project.settings = world.project.settings.model_copy(update={"release": release})
    world.answer(300, shift=4)
    world.look()
    world.engine.work.outcome = passed(2)
    world.look()
    assert "approval" in world.alarms()
    assert world.events("rollout_started") == []


def test_two_failed_gates_in_a_row_call_a_person_and_stop_the_retraining(world: World) -> None:
    for _ in range(5):
        world.answer(1000, shift=4)
        world.look()
        world.engine.work.outcome = failed()
        world.look()
    assert len(world.engine.started) == 2
    assert "gate" in world.alarms()
    assert any(e.data["waits"] and e.data["waits"]["kind"] == "gates" for e in world.events("decision"))


def test_a_keeper_that_was_killed_during_a_retraining_notices(world: World) -> None:
    world.answer(300, shift=4)
    world.look()
    Keeper(world.project)._retraining.recover()
    (lost,) = world.events("retraining_lost")
    assert "quality" in lost.reason


def test_an_alarm_is_resolved_after_quiet_windows(world: World) -> None:
    world.answer(300, factor=1000)
    world.look()
    assert "fault" in world.alarms()
    for _ in range(4):
        world.answer(250)
        world.look()
    assert "fault" not in world.alarms()
    assert len(world.events("alarm_resolved")) >= 1


def test_the_history_of_all_this_is_chained(world: World) -> None:
    world.answer(300, shift=4)
    world.look()
    with world.project.state.begin(write=False) as tx:
        assert tx.journal.verify() is None
