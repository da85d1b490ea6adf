"""``boucle keys``: the secret goes to standard output, alone and once; everything else is told beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from boucle.cli.main import run
from boucle.core.access import Role
from boucle.loop import access
from boucle.loop.project import Project

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\n"
SECRET = re.compile(r"boucle_[\w-]{43}\n")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "boucle.yaml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["keys", *words])
    return int(ended.value.code or 0)


def test_the_secret_alone_is_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert keys("add", "ci", "--role", "viewer") == 0
    shown = capsys.readouterr()
    assert SECRET.fullmatch(shown.out)
    assert "not shown again" in shown.err
    assert "serve.auth.required" in shown.err  # nobody is asked for it yet


def test_a_list_never_shows_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    keys("add", "ci", "--role", "viewer", "--model", "wine", "--rate", "5/s", "--expires", "90d", "--json")
    made = json.loads(capsys.readouterr().out)
    assert (made["models"], made["rate"], made["expires"] - made["created"]) == (["wine"], "5/s", 90 * 86_400)
    keys("list", "--json")
    listed = capsys.readouterr().out
    assert [one["name"] for one in json.loads(listed)["keys"]] == ["ci"]
    assert made["key"] not in listed
    keys("list")
    assert "ci" in capsys.readouterr().out


def test_rotate_prints_another_secret_and_revoke_ends_both(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    keys("add", "ci", "--role", "viewer")
    first = capsys.readouterr().out
    assert keys("rotate", "ci", "--grace", "1h") == 0
    second = capsys.readouterr().out
    assert SECRET.fullmatch(second)
    assert first != second
    assert keys("revoke", "ci", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["revoked"]) == 2
    project = Project.open(folder)
    assert access.listing(project) == []
    project.close()


@pytest.mark.parametrize(
    "wrong",
    [
        ("add", "ci"), ("add", "ci", "--role", "god"), ("add", "a b", "--role", "viewer"),
        ("add", "ci", "--role", "viewer", "--rate", "often"), ("add", "ci", "--role", "viewer", "--expires", "soon"),
        ("revoke", "nobody"), ("rotate", "nobody"), ("forget",),
    ],
)  # fmt: skip
def test_misuse_ends_with_2_and_makes_nothing(wrong: tuple[str, ...], folder: Path) -> None:
    assert keys(*wrong) == 2
    project = Project.open(folder)
    assert access.listing(project, every=True) == []
    project.close()


def test_the_history_names_the_person(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    keys("add", "ci", "--role", Role.ADMIN.value)
    with pytest.raises(SystemExit):
        run(["history", "--json"])
    events = json.loads(capsys.readouterr().out.splitlines()[-1])["events"]
    assert [(one["kind"], one["actor"]) for one in events] == [("key_added", "cli:ada")]
