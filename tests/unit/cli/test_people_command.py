"""``boucle people``: who has signed in through a provider, and the roles that are given to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boucle.cli.main import run
from boucle.core.access import Role
from boucle.core.person import Person
from boucle.loop.project import Project

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    project = Project.open(tmp_path)
    project.prepare()
    with project.state.begin() as tx:
        tx.people.put(Person("subject-7", "eva@example.org", Role.VIEWER))
    project.close()
    return tmp_path


def people(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["people", *words])
    return int(ended.value.code or 0)


def test_a_role_is_given_and_the_way_back_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert people("give", "eva@example.org", "--role", "operator", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["role"], told["given"]) == ("operator", "admin")
    assert told["undo"] == "boucle people give eva@example.org --role viewer"
    assert people("give", "eva@example.org", "--role", "none") == 0
    capsys.readouterr()
    assert people("list", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)["people"]
    assert one["role"] is None


@pytest.mark.parametrize("words", [("give", "eva@example.org", "--role", "queen"), ("give", "adam", "--role", "admin")])
def test_what_cannot_be_given_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert people(*words) == 2
    assert "hint:" in capsys.readouterr().err
