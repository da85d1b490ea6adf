from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import ContractError, DataError, ProjectError
from boucle.core.json import dumps, loads
from boucle.core.signature import Batch, Field, Signature
from boucle.evaluation.evaluate import evaluate
from boucle.evaluation.result import Evaluation
from boucle.project.learning import Evaluate


def run(case: Any, target: str, settings: dict[str, Any] | None = None, **more: Any) -> Evaluation:
    subject = more.pop("predictor", case.good)
    chosen = Evaluate.model_validate(settings or {})
    return evaluate("shop/2", subject, case.signature, case.frame, target, chosen, **more)


def test_a_good_regression_passes_its_bound_and_shows_what_it_rests_on(regression: Any) -> None:
    found = run(regression(), "price", {"require": {"rmse": "<= 0.75"}, "slices": ["size"]}, size_bytes=2_000_000)
    assert found.verdict.status == "pass"
    assert found.metrics["rmse"].value == pytest.approx(0.5, abs=0.06)
    assert found.metrics["rmse"].low < 0.5 < found.metrics["rmse"].high
    assert found.importance[0].column == "size"
    assert sum(s.estimate.n for s in found.slices) == 300
    assert found.latency_ms["p50"] <= found.latency_ms["p99"]


def test_a_bound_that_is_not_kept_fails(regression: Any) -> None:
    found = run(regression(), "price", {"require": {"rmse": "<= 0.3", "size_mb": "<= 1"}}, size_bytes=2_000_000)
    assert [(c.name, c.status) for c in found.verdict.checks] == [("rmse", "fail"), ("size_mb", "fail")]


def test_too_few_rows_never_pass(regression: Any) -> None:
    case = regression(rows=19)
    found = run(case, "price", {"require": {"rmse": "<= 100"}}, champion=case.poor, champion_ref="shop/1")
    assert found.verdict.status == "inconclusive"
    assert {c.status for c in found.verdict.checks} == {"inconclusive"}


def test_without_bounds_a_version_has_to_beat_a_constant(regression: Any) -> None:
    case = regression()
    assert run(case, "price").verdict.status == "pass"
    worse = run(case, "price", predictor=type(case.good)(lambda b: np.full(len(b["size"]), 35.0)))
    assert worse.verdict.status == "fail"
    assert worse.verdict.failed[0].name == "beats a constant"


def test_the_constant_comes_from_the_training_rows(regression: Any) -> None:
    case = regression()
    far = run(case, "price", train_frame=case.frame.assign(price=0.0))
    assert far.baseline is not None
    assert far.baseline.champion["rmse"] > 15


def test_a_clearly_worse_challenger_fails_against_the_champion(regression: Any) -> None:
    case = regression()
    found = run(case, "price", predictor=case.poor, champion=case.good, champion_ref="shop/1")
    assert [c.name for c in found.verdict.failed] == ["champion"]
    assert found.comparison is not None
    assert found.comparison.differences["rmse"].high < 0


def test_the_champion_answers_through_its_own_signature(regression: Any) -> None:
    case = regression()
    old = Signature((Field("size", "float64"),), case.signature.outputs)

    class Old:
        def predict(self, batch: Batch) -> Batch:
            assert list(batch) == ["size"]
            return case.poor.predict(batch)

    found = run(case, "price", champion=Old(), champion_ref="shop/1", champion_signature=old)
    assert found.comparison is not None
    assert found.comparison.status == "pass"


def test_a_classification_has_all_its_parts(binary: Any) -> None:
    settings = {"slices": ["region"], "fairness": {"groups": ["region"]}, "robustness": {"gate": True}}
    found = run(binary(), "churn", settings)
    assert found.metrics["roc_auc"].value > 0.8
    assert found.positive == "yes"
    assert found.curves.confusion is not None
    assert sum(map(sum, found.curves.confusion.counts)) == 400
    assert found.curves.calibration is not None
    assert found.curves.calibration.error < 0.1
    assert found.fairness[0].column == "region"
    assert "robustness" in [c.name for c in found.verdict.checks]


def test_the_same_seed_gives_the_same_numbers(binary: Any) -> None:
    case = binary()
    one, two = (run(case, "churn", {"slices": ["age"]}, seed=7) for _ in range(2))
    assert (one.metrics, one.slices, one.importance, one.robustness) == (
        two.metrics,
        two.slices,
        two.importance,
        two.robustness,
    )


def test_an_evaluation_goes_through_json_and_back(binary: Any) -> None:
    found = run(binary(), "churn", {"fairness": {"groups": ["region"]}})
    assert loads(dumps(found), Evaluation) == found


def test_rows_without_a_target_are_left_out_and_counted(regression: Any) -> None:
    case = regression()
    case.frame.loc[:9, "price"] = np.nan
    found = run(case, "price")
    assert (found.rows, found.left_out) == (290, 10)


def test_integer_labels_read_as_text_are_still_the_models_labels(binary: Any) -> None:
    case = binary()
    outputs = (Field("prediction", "int64", categories=(0, 1)), Field("probabilities", "float64", shape=(2,)))
    case.signature = Signature(case.signature.inputs, outputs)
    case.frame["churn"] = np.where(case.frame["churn"] == "yes", "1", "0")
    found = run(case, "churn", predictor=type(case.good)(case.good.function, (0, 1)))
    assert found.metrics["accuracy"].value > 0.7


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"metrics": ["rsme"]}, "did you mean 'rmse'"),
        ({"metrics": ["f1"]}, "not a metric of tabular-regression"),
        ({"slices": ["siz"]}, "did you mean 'size'"),
        ({"fairness": {"groups": ["sex"]}}, "evaluate.fairness.groups"),
    ],
)
def test_a_name_that_is_not_there_is_refused(regression: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        run(regression(), "price", settings)


def test_rows_that_cannot_be_judged_are_refused(regression: Any, binary: Any) -> None:
    case = regression()
    with pytest.raises(DataError, match="no column 'cost'"):
        run(case, "cost")
    case.frame["price"] = np.nan
    with pytest.raises(DataError, match="No row has a value"):
        run(case, "price")
    other = binary()
    other.frame["churn"] = "maybe"
    with pytest.raises(DataError, match="none of the model's labels"):
        run(other, "churn")
    other.frame = other.frame.drop(columns="size")
    with pytest.raises(ContractError, match="size"):
        run(other, "churn")


def test_a_text_target_of_a_regression_is_refused(regression: Any) -> None:
    case = regression()
    case.frame["price"] = pd.Series(["dear"] * 300)
    with pytest.raises(DataError, match="not a number in 300 rows"):
        run(case, "price")
