"""What a turn finds out before it records anything, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle import plugins
from boucle.core.errors import MissingExtra
from boucle.loop.project import Project
from boucle.loop.turn import run_turn

SETTINGS = (
    "{name: line, task: tabular-regression, model: {estimator: sklearn.linear_model.Ridge},"
    " data: {source: line.csv, target: y, checks: {x: {type: float64, min: 0, max: 10, missing: 0}}}}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = np.linspace(0, 10, 200)
    pd.DataFrame({"x": x, "y": 2 * x}).to_csv(tmp_path / "line.csv", index=False)
    (tmp_path / "boucle.yaml").write_text(SETTINGS)
    return tmp_path


def test_a_trainer_that_is_not_installed_leaves_no_failed_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(self: Project) -> None:
        raise plugins.absent(ModuleNotFoundError(name="sklearn"))

    monkeypatch.setattr(Project, "trainer", absent)
    project = Project.open(folder)
    with pytest.raises(MissingExtra, match="tabular"):
        run_turn(project, lambda *_: None)
    assert not (project.root / "mlflow.db").exists()
    project.close()


def test_a_first_turn_on_data_that_keeps_its_contract_loads_no_pandera_and_runs_no_migration(folder: Path) -> None:
    script = (
        "import sys; from boucle.loop.project import Project; from boucle.loop.turn import run_turn;"
        f"result = run_turn(Project.open({str(folder)!r}), lambda *_: None);"
        "unwanted = ('pandera', 'optuna', 'boucle.adapters.stores.migrate');"
        "print(result.version, [name for name in unwanted if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "1 []"
