"""The command line's manners: help, misuse, errors, missing extras."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from boucle.cli.main import COMMANDS, application, run
from boucle.core.errors import MissingExtra


def boucle(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boucle", *words], capture_output=True, text=True, timeout=150, cwd=cwd, check=False
    )


def test_help_names_every_command() -> None:
    done = boucle("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        application(name)([name, "--help"], prog_name="boucle")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "Usage: boucle" in shown
    assert name in ("init", "adopt", "demo", "export", "keys", "people", "serve", "up") or "--json" in shown


@pytest.mark.parametrize(
    ("name", "kind"), [("export", "observations"), ("export", "hub"), ("people", "list"), ("people", "give")]
)
def test_commands_of_a_group_tell_programs_too(name: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        application(name)([name, kind, "--help"], prog_name="boucle")
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_an_unknown_command_is_misuse_with_a_near_name() -> None:
    done = boucle("trian")
    assert done.returncode == 2
    assert "train" in done.stderr


def test_a_folder_without_a_project_says_how_to_begin(tmp_path: Path) -> None:
    done = boucle("status", "--json", cwd=tmp_path)
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["code"] == "project"
    assert "boucle init" in told["hint"]
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def absent(_: str | None) -> None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.linear_model")

    monkeypatch.setattr("boucle.cli.main.application", absent)
    with pytest.raises(SystemExit) as ended:
        run(["train"])
    assert ended.value.code == 2
    assert "pip install 'boucle[tabular]'" in capsys.readouterr().err


def test_missing_extras_are_import_errors_too() -> None:
    assert issubclass(MissingExtra, ImportError)


def test_the_version_is_told() -> None:
    assert boucle("--version").stdout.startswith("boucle 0.")
