"""The fire drill on the wine project: what ships passes, what is too loose fails, and the user's state stays."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from boucle.cli.main import run
from boucle.demo.templates import packaged, wines
from boucle.drill.run import run_drill
from boucle.drill.scenarios import SCENARIOS
from boucle.loop.project import Project
from boucle.loop.turn import run_turn

pytestmark = pytest.mark.slow
NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's project, with its first version released."""
    folder = tmp_path_factory.mktemp("wine")
    text = packaged("boucle.yaml").decode()
    quick = "estimator: sklearn.linear_model.Ridge"
    (folder / "boucle.yaml").write_text(
        "\n".join(f"  {quick}" if line.strip().startswith("estimator:") else line for line in text.splitlines())
    )
    wines().training.to_csv(folder / "winequality-red.csv", index=False)
    project = Project.open(folder)
    assert run_turn(project, lambda *_: None).verdict.status == "pass"
    project.close()
    return folder


def drilled(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(SystemExit) as ended:
        run(["drill", "--project", str(folder), "--json", *words])
    code = ended.value.code
    assert isinstance(code, int)
    return code, json.loads(capsys.readouterr().out)


def files(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.timeout(600)
def test_the_wine_project_passes_every_scenario_and_stays_as_it_was(
    wine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(wine)
    code, told = drilled(capsys, wine, *(word for name in NAMES if name != "mended-unit" for word in ("--only", name)))
    assert (code, told["ok"]) == (0, True), [s for s in told["scenarios"] if s["status"] == "fail"]
    status = {s["name"]: s["status"] for s in told["scenarios"]}
    assert [name for name, found in status.items() if found == "not applicable"] == ["null-surge", "new-category"]
    assert all(s["false_alarms"] == 0 for s in told["scenarios"])
    assert files(wine) == before


def test_nothing_is_learned_from_rows_that_were_broken_when_they_were_answered(
    wine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = drilled(capsys, wine, "--only", "mended-unit")
    assert (code, told["scenarios"][0]["wrong"]) == (0, [])


def test_thresholds_that_are_too_loose_fail(
    wine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUCLE_MONITOR__DRIFT__EFFECT", "5")
    monkeypatch.setenv("BOUCLE_MONITOR__QUALITY_TOLERANCE", "10")
    code, told = drilled(capsys, wine, "--only", "concept-drift")
    assert (code, told["ok"]) == (1, False)
    assert told["scenarios"][0]["missing"] == ["quality alarm", "retrain"]


def test_a_release_to_everybody_at_once_does_not_survive_a_poisoned_version(
    wine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOUCLE_RELEASE__STRATEGY", "direct")
    code, told = drilled(capsys, wine, "--only", "poisoned-challenger")
    assert code == 1
    assert "release" in told["scenarios"][0]["wrong"]


def test_the_same_seed_gives_the_same_drill(wine: Path) -> None:
    project = Project.open(wine)
    try:
        names = ["unit-change", "poisoned-challenger"]
        first, again, other = (run_drill(project, seed=seed, only=names, windows=9) for seed in (1, 1, 2))
    finally:
        project.close()
    assert first == again
    assert other.seed == 2


def test_misuse_is_answered_with_a_hint(wine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = drilled(capsys, wine, "--only", "poisoned-chalenger")
    assert (code, told["code"]) == (2, "not_found")
    assert "poisoned-challenger" in told["hint"]
    code, told = drilled(capsys, wine, "--windows", "3")
    assert (code, told["error"]) == (2, "A drill needs 9 windows at least, not 3.")


def test_a_project_without_a_version_is_told_to_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "boucle.yaml").write_bytes(packaged("boucle.yaml"))
    code, told = drilled(capsys, tmp_path)
    assert (code, told["code"]) == (2, "not_found")
    assert "boucle train" in told["hint"]
    assert not (tmp_path / ".boucle").exists()
