"""Engines run a command away from the process that asked, and say what became of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from boucle import plugins
from boucle.ports.engine import Engine, Outcome, Work

PROJECT = "{name: line, task: tabular-regression, data: {source: line.csv, target: y}}"


@pytest.fixture(params=["process"])
def engine(request: pytest.FixtureRequest) -> Engine:
    made: Engine = plugins.load("engines", request.param)()
    return made


def ended(work: Work) -> Outcome:
    end = time.monotonic() + 90
    while (outcome := work.poll()) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    return outcome


def test_an_answer_comes_back_as_data(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    outcome = ended(engine.start(["history"], tmp_path, tmp_path / "logs" / "h.log"))
    assert (outcome.code, outcome.answer) == (0, {"events": []})


def test_misuse_comes_back_with_its_code_and_message(engine: Engine, tmp_path: Path) -> None:
    outcome = ended(engine.start(["status"], tmp_path, tmp_path / "s.log"))
    assert outcome.code == 2
    assert outcome.answer is not None
    assert outcome.answer["code"] == "project"
    assert "boucle init" in outcome.messages


def test_work_that_says_nothing_has_no_answer(engine: Engine, tmp_path: Path) -> None:
    outcome = ended(engine.start(["--version"], tmp_path, tmp_path / "v.log"))
    assert outcome.answer is None


def test_work_can_be_stopped(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    work = engine.start(["watch"], tmp_path, tmp_path / "w.log")
    assert work.poll() is None
    work.stop()
    assert work.poll() is not None
