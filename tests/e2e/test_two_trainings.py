"""Two trainings of one project at once: one is done, the other is told to wait; and disks that refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from boucle.core.errors import Conflict, StoreError
from boucle.formats.files import exclusive
from boucle.loop.project import Project
from boucle.loop.turn import run_turn

PROJECT = """
name: line
task: tabular-regression
data: {source: line.csv, target: y}
model: {estimator: sklearn.linear_model.Ridge}
"""

pytestmark = [pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    pd.DataFrame({"x": range(200), "y": [2.0 * x for x in range(200)]}).to_csv(tmp_path / "line.csv", index=False)
    return tmp_path


def test_the_second_training_is_refused_while_the_first_runs(folder: Path) -> None:
    project = Project.open(folder)
    project.prepare()
    with (
        exclusive(project.root / "locks" / "train.lock", "A training of line"),
        pytest.raises(Conflict, match="under way"),
    ):
        run_turn(project, lambda *_: None)
    project.close()


def test_the_lock_of_a_training_that_was_killed_holds_nobody_up(folder: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom boucle.formats.files import exclusive\n"
        f"with exclusive(Path({str(folder)!r}) / '.boucle/locks/train.lock', 'A training'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    project = Project.open(folder)
    assert run_turn(project, lambda *_: None).alias == "champion"
    project.close()


def test_a_disk_that_takes_no_more_leaves_the_project_as_it_was(folder: Path) -> None:
    """A limit on the size of files stands in for a full disk: every write beyond it fails the same way."""
    script = (
        "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"from boucle.cli.main import run\nrun(['train', '--json', '--project', {str(folder)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 2, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["code"] == "store"
    assert told["hint"]
    project = Project.open(folder)
    assert run_turn(project, lambda *_: None).version == 1
    project.close()


def test_a_state_directory_that_is_a_file_is_told_plainly(folder: Path) -> None:
    (folder / ".boucle").write_text("not a directory")
    project = Project.open(folder)
    with pytest.raises(StoreError, match="cannot be written"):
        run_turn(project, lambda *_: None)
    project.close()
