"""kill -9 at every step of a training: the state is always one of the two sides, and the next turn succeeds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

PROJECT = """
name: line
task: tabular-regression
data: {source: line.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
evaluate: {require: {rmse: "<= 1"}}
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "boucle.yaml").write_text(PROJECT)
    x = np.linspace(0, 10, 400)
    pd.DataFrame({"x": x, "y": 2 * x + 1}).to_csv(folder / "line.csv", index=False)
    script = Path(__file__).with_name("killing_turns.py")
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_turns_were_killed_at_many_steps_and_the_last_one_lived(deaths: list[dict[str, Any]]) -> None:
    assert len(deaths) >= 8
    assert all(d["killed"] for d in deaths[:-1])
    assert deaths[-1]["exit"] == 0


def test_after_every_death_the_state_is_one_of_the_two_sides(deaths: list[dict[str, Any]]) -> None:
    for death in deaths:
        assert death["chain"]
        assert death["alias"] == death["champion"], death
        routed = [route["champion"]["version"] for route in death["routes"]]
        assert routed == ([death["champion"]] if death["champion"] else []), death
        assert death["champion"] is None or death["champion"] in death["versions"]


def test_nothing_answers_before_a_turn_has_ended_well(deaths: list[dict[str, Any]]) -> None:
    first = next(i for i, d in enumerate(deaths) if d["champion"] is not None)
    assert all(not d["versions"] or d["champion"] is None for d in deaths[:first])
    assert deaths[-1]["champion"] is not None


def test_versions_are_numbered_without_a_gap(deaths: list[dict[str, Any]]) -> None:
    assert deaths[-1]["versions"] == list(range(1, len(deaths[-1]["versions"]) + 1))
