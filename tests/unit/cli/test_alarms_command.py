"""`boucle alarms` lists what is open, and shows one alarm as people were told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boucle.cli.main import run
from boucle.core.alarm import Alarm
from boucle.loop.project import Project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "boucle.yaml").write_text(
        "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\nlanguage: fr\n"
    )
    project = Project.open(tmp_path)
    project.prepare()
    with project.state.begin() as tx:
        data = {"done": "retour à wine/2", "undo": "boucle promote wine/3"}
        tx.alarms.put(Alarm(0, "wine", "drift", 7200.0, "alcohol 0.4", 3, data=data))
        tx.alarms.put(Alarm(0, "wine", "fault", 1.0, "pH", 3, state="resolved"))
    project.close()
    return tmp_path


def out(folder: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        run(["alarms", "--project", str(folder), *words])
    assert (ended.value.code or 0) == code
    return capsys.readouterr().out


def test_one_alarm_is_shown_as_it_was_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = out(folder, capsys, "1")
    assert shown.startswith("wine : dérive des données (open)\n\nalcohol 0.4\n")
    assert "Annuler : boucle promote wine/3" in shown


def test_the_list_has_what_is_open_or_all(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["id"] for one in json.loads(out(folder, capsys, "--json"))["alarms"]] == [1]
    assert len(json.loads(out(folder, capsys, "--all", "--json"))["alarms"]) == 2


def test_an_alarm_that_never_was_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out(folder, capsys, "99", code=2)
