"""Rollouts: replayed before they start, judged on what is new, and ended when they cannot be decided."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.deployment import Deployment
from boucle.core.errors import Conflict
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Observation, Role
from boucle.core.signature import Batch
from boucle.core.verdict import Verdict
from boucle.loop import rollouts
from boucle.loop.operations import promote
from boucle.loop.project import Project
from boucle.loop.replay import replay
from boucle.loop.turn import run_turn
from boucle.monitoring import canary
from boucle.ports.runtime import Predictor
from boucle.testing.clock import FakeClock

PROJECT = """
name: line
task: tabular-regression
data: {source: line.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
evaluate: {metrics: [rmse], require: {rmse: "<= 2"}}
release: {steps: [50], min_feedback: 50, deadline: 1d, replay: 100}
"""


class World:
    """A project with two versions, the first of which answers."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.project = Project.open(folder, clock=self.clock)
        self.random = np.random.default_rng(5)
        self.count = 0

    def release(self, **changes: Any) -> None:
        settings = self.project.settings
        changed = settings.release.model_copy(update=changes)
        self.project.settings = settings.model_copy(update={"release": changed})

    def answer(self, rows: int, role: Role = "champion", error: float = 0.0, labelled: bool = True) -> None:
        """Answer requests with errors of about 1 besides ``error``."""
        seen, told = [], []
        version = 1 if role == "champion" else 2
        for x in self.random.uniform(0, 10, rows).tolist():
            self.count += 1
            self.clock.sleep(1.0)
            name, truth = f"r{self.count}", 2 * x + 1 + float(self.random.normal())
            inputs = {"x": [x], "kind": ["low" if x < 5 else "high"]}
            answered = {"prediction": [2 * x + 1 + error]}
            seen.append(Observation(name, self.clock.now(), "line", version, role, 1, inputs, answered, 0.001))
            told.append(Feedback(name, self.clock.now(), [truth]))
        with self.project.state.begin() as tx:
            tx.observations.ingest(seen, told if labelled else [], {})

    @property
    def held(self) -> Deployment:
        with self.project.state.begin(write=False) as tx:
            return tx.deployments.get("line")

    def judge(self) -> Verdict | None:
        return rollouts.judge_rollout(self.project, self.held, None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    (folder / "boucle.yaml").write_text(PROJECT)
    random = np.random.default_rng(1)
    x = random.uniform(0, 10, 400)
    kind = np.where(x < 5, "low", "high")
    pd.DataFrame({"x": x, "kind": kind, "y": 2 * x + 1 + random.normal(size=400)}).to_csv(
        folder / "line.csv", index=False
    )
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


def test_a_rollout_goes_on_with_its_evidence_and_is_decided(world: World) -> None:
    rollouts.begin(world.project, 2)
    for _ in range(40):
        world.answer(20, error=1.5)
        world.answer(20, "challenger")
        world.judge()
        if world.held.challenger is None:
            break
    assert world.held.champion == 2


def test_a_look_reads_what_is_new_and_nothing_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rollouts.begin(world.project, 2)
    read: list[int] = []
    learn = canary.learn

    def counted(progress: Any, new: Any, *given: Any, **named: Any) -> Any:
        read.append(len(new))
        return learn(progress, new, *given, **named)

    monkeypatch.setattr(canary, "learn", counted)
    for rows in (30, 10, 0, 5):
        world.answer(rows)
        world.answer(rows, "challenger")
        verdict = world.judge()
        assert (verdict is None) == (rows == 0)
    assert read == [60, 20, 0, 10]
    assert verdict is not None
    assert verdict.checks[0].n == 45


def test_a_new_rollout_begins_with_nothing(world: World) -> None:
    rollouts.begin(world.project, 2)
    world.answer(30)
    world.answer(30, "challenger")
    world.judge()
    world.project.delivery.rollback("line")
    world.clock.sleep(1.0)
    rollouts.begin(world.project, 2)
    world.answer(7, "challenger")
    verdict = world.judge()
    assert verdict is not None
    assert verdict.checks[0].n == 7


@pytest.mark.parametrize("labelled", [True, False])
def test_what_cannot_be_decided_in_time_ends_and_the_champion_stays(world: World, labelled: bool) -> None:
    rollouts.begin(world.project, 2)
    world.answer(10, labelled=labelled)
    world.answer(10, "challenger", labelled=labelled)
    world.judge()
    assert world.held.challenger == 2
    world.clock.sleep(86_400.0)
    verdict = world.judge()
    assert verdict is not None
    held = world.held
    assert verdict.status == "inconclusive"
    assert (held.champion, held.challenger) == (1, None)
    assert held.rollout is not None
    assert held.rollout.reason.startswith("inconclusive after 1d, the champion stays")


def test_a_deadline_may_be_rows(world: World) -> None:
    world.release(deadline=40)
    rollouts.begin(world.project, 2)
    for challenger in (2, None):
        world.answer(20, labelled=False)
        world.answer(20, "challenger", labelled=False)
        world.judge()
        assert world.held.challenger == challenger


class Broken:
    """The challenger's model, but it fails on some rows."""

    def __init__(self, inner: Predictor, above: float) -> None:
        self.inner = inner
        self.above = above

    def predict(self, batch: Batch) -> Batch:
        if max(batch["x"].tolist()) > self.above:
            raise ZeroDivisionError("x is too large")
        return self.inner.predict(batch)


def breaking(world: World, monkeypatch: pytest.MonkeyPatch, above: float) -> None:
    load = world.project.predictor

    def loaded(version: ModelVersion) -> tuple[Predictor, BundleInfo]:
        predictor, info = load(version)
        return (Broken(predictor, above) if version.number == 2 else predictor), info

    monkeypatch.setattr(world.project, "predictor", loaded)


def test_a_challenger_that_fails_where_the_champion_answered_is_not_rolled_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.answer(200)
    breaking(world, monkeypatch, 8.0)
    with pytest.raises(Conflict, match="ZeroDivisionError: x is too large"):
        rollouts.begin(world.project, 2)
    with pytest.raises(Conflict, match="new errors"):
        promote(world.project, "line/2")
    assert world.held.challenger is None
    with world.project.state.begin(write=False) as tx:
        assert [event.version for event in tx.journal.events("line", ["rollout_refused"])] == [2, 2]
    promote(world.project, "line/2", reason="a person has looked at it", override=True)
    assert world.held.challenger == 2


def test_a_few_new_errors_may_be_let_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.answer(200)
    breaking(world, monkeypatch, 9.8)
    world.release(replay_errors=0.2)
    rollouts.begin(world.project, 2)
    assert world.held.challenger == 2


def test_a_replay_tells_what_changes_and_where(world: World) -> None:
    world.answer(60, error=30.0)
    world.answer(100)
    world.answer(40, error=-30.0)
    verdict = replay(world.project, world.project.resolve("line/2"))
    assert verdict is not None
    errors, flips, ratio = verdict.checks
    assert (verdict.status, errors.observed, errors.n) == ("pass", 0.0, 100)
    assert flips.observed == pytest.approx(0.4, abs=0.02)  # of the newest hundred
    assert {one["slice"] for one in flips.evidence["slices"]} == {"kind=high", "kind=low"}
    assert ratio.observed is not None
    assert ratio.observed > 0


def test_without_requests_to_replay_nothing_is_refused(world: World) -> None:
    assert replay(world.project, world.project.resolve("line/2")) is None
    world.answer(20)
    world.release(replay=0)
    assert replay(world.project, world.project.resolve("line/2")) is None


def test_requests_whose_columns_are_not_in_the_log_cannot_be_replayed(world: World) -> None:
    world.answer(20)
    load = world.project.predictor

    def private(version: ModelVersion) -> tuple[Predictor, BundleInfo]:
        predictor, info = load(version)
        inputs = tuple(replace(field, pii=field.name == "kind") for field in info.signature.inputs)
        return predictor, replace(info, signature=replace(info.signature, inputs=inputs))

    world.project.predictor = private  # type: ignore[method-assign]
    verdict = replay(world.project, world.project.resolve("line/2"))
    assert verdict is not None
    assert verdict.status == "inconclusive"
    assert "'kind' is not kept in the log" in verdict.reason
