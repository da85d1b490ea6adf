"""Where a run happens."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest

from boucle.training.environment import capture, git_state


def git(directory: Path, *arguments: str) -> None:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(directory), *author, *arguments], check=True, capture_output=True)


def test_the_environment_names_python_the_packages_and_the_machine(tmp_path: Path) -> None:
    found = capture(tmp_path)
    assert found.python == platform.python_version()
    assert f"numpy=={np.__version__}" in found.requirements
    assert list(found.requirements) == sorted(found.requirements, key=lambda line: line.split("==")[0].lower())
    assert found.cores > 0
    assert found.cpu


def test_outside_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)
    assert git_state(tmp_path / "absent") == (None, None)


def test_a_changed_and_a_new_file_make_the_state_dirty(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert git_state(tmp_path) == (None, False)
    (tmp_path / "model.py").write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "First")
    commit, dirty = git_state(tmp_path)
    assert commit is not None
    assert len(commit) == 40
    assert dirty is False
    (tmp_path / "model.py").write_text("a = 2\n")
    assert git_state(tmp_path) == (commit, True)
    git(tmp_path, "checkout", "model.py")
    (tmp_path / "new.py").write_text("")
    assert git_state(tmp_path) == (commit, True)


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert capture(tmp_path).git_commit is None
