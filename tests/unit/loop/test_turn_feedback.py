"""A retraining learns from what the service saw, however the rows are parted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.observation import Feedback, Observation
from boucle.loop.project import Project
from boucle.loop.turn import run_turn

DAYS = pd.date_range("2024-01-01", periods=200, freq="h")
CLOCKS: dict[str, Callable[[], Any]] = {
    "text": lambda: DAYS.astype(str),
    "dates": lambda: DAYS,
    "numbers": lambda: DAYS.astype("int64") // 10**9,
}


def seen(name: str, time: float, x: float) -> Observation:
    return Observation(name, time, "line", 1, "champion", 1, {"x": [x]}, {"prediction": [0.0]})


@pytest.mark.parametrize("kind", CLOCKS)
def test_labelled_rows_are_the_newest_of_a_split_by_time(tmp_path: Path, kind: str) -> None:
    x = np.linspace(0, 10, 200)
    frame = pd.DataFrame({"x": x, "y": 2 * x, "seen": CLOCKS[kind]()})
    frame.to_parquet(tmp_path / "line.parquet")
    (tmp_path / "boucle.yaml").write_text(
        "{name: line, task: tabular-regression, model: {estimator: sklearn.linear_model.Ridge},"
        " data: {source: line.parquet, target: y, split: {time: seen, test: 0.2}}}"
    )
    project = Project.open(tmp_path)
    now = 1_800_000_000.0
    answers = [
        Observation(f"r{i}", now + i, "line", 1, "champion", 1, {"x": [float(i)]}, {"prediction": [0.0]})
        for i in range(60)
    ]
    truths = [Feedback(f"r{i}", now + i, [2.0 * i]) for i in range(60)]
    project.prepare()
    with project.state.begin() as tx:
        tx.observations.ingest(answers, truths, {})
    result = run_turn(project, lambda *_: None, with_feedback=True)
    assert result.data.rows == 260
    assert result.metrics["rmse"] < 1
    project.close()


def test_rows_of_a_shadow_are_learned_once(tmp_path: Path) -> None:
    x = np.linspace(0, 10, 200)
    pd.DataFrame({"x": x, "y": 2 * x}).to_csv(tmp_path / "line.csv", index=False)
    (tmp_path / "boucle.yaml").write_text(
        "{name: line, task: tabular-regression, model: {estimator: sklearn.linear_model.Ridge},"
        " data: {source: line.csv, target: y}}"
    )
    project = Project.open(tmp_path)
    project.prepare()
    pair = [
        Observation("a", 1.0, "line", 1, "champion", 1, {"x": [1.5]}, {"prediction": [0.0]}),
        Observation("a", 1.0, "line", 2, "shadow", 1, {"x": [1.5]}, {"prediction": [9.0]}),
    ]
    with project.state.begin() as tx:
        tx.observations.ingest(pair, [Feedback("a", 2.0, [3.0])], {})
    assert run_turn(project, lambda *_: None, with_feedback=True).data.rows == 201
    project.close()
