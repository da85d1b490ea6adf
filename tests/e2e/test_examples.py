"""The examples that train: churn with its groups and threshold; reviews, articles and digits without torch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from boucle.loop.project import Project
from boucle.loop.registering import TurnResult
from boucle.loop.turn import run_turn

pytestmark = [pytest.mark.timeout(900)]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, TurnResult]]:
    folder = tmp_path_factory.mktemp("churn") / "churn"
    shutil.copytree(EXAMPLES / "churn", folder)
    project = Project.open(folder)
    yield project, run_turn(project, lambda *_: None)
    project.close()


def test_churn_is_learned_well_enough_to_answer(churn: tuple[Project, TurnResult]) -> None:
    _, result = churn
    assert (result.verdict.status, result.alias) == ("pass", "champion")
    assert 0.82 < result.metrics["roc_auc"] < 0.90
    assert result.metrics["recall"] > 0.6


def test_its_report_judges_groups_and_slices(churn: tuple[Project, TurnResult]) -> None:
    _, result = churn
    report = json.loads(Path(result.report).with_suffix(".json").read_text())
    assert {f["column"] for f in report["fairness"]} == {"female", "senior_citizen"}
    assert {s["column"] for s in report["slices"]} == {"contract", "internet_service"}
    assert Path(result.report).stat().st_size < 1_000_000


def test_the_threshold_is_tuned_and_part_of_the_model(churn: tuple[Project, TurnResult]) -> None:
    project, _ = churn
    _, info = project.predictor(project.resolve("churn@champion"))
    assert info.threshold is not None
    assert info.threshold < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "accuracy", "disturbed"),
    [("sentiment", 0.70, "typos in one word of ten"), ("topics", 0.93, "lower case"), ("digits", 0.95, "noise of 2 %")],
)
def test_texts_and_images_are_learned_without_torch(tmp_path: Path, name: str, accuracy: float, disturbed: str) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    project = Project.open(tmp_path / name)
    result = run_turn(project, lambda *_: None)
    project.close()
    assert (result.verdict.status, result.alias, result.runtime) == ("pass", "champion", "sklearn")
    assert result.metrics["accuracy"] > accuracy
    report = json.loads(Path(result.report).with_suffix(".json").read_text())
    assert disturbed in {p["name"] for p in report["robustness"]["perturbations"]}
    assert all(m["truth"] != m["told"] for m in report["mistakes"])
