from typing import Any

import numpy as np

from boucle.core.signature import Batch
from boucle.evaluation.robustness import check, probe
from boucle.evaluation.scored import Scored, prepare


def scored(case: Any, target: str, predictor: Any = None) -> Scored:
    return prepare(predictor or case.good, case.signature, case.frame, target)


def test_a_smooth_model_stands_small_noise_and_is_tried_in_every_way(regression: Any) -> None:
    found = probe(scored(regression(), "price"), "rmse", 0.5, 0)
    assert found.status == "pass"
    assert [(p.name, p.column) for p in found.perturbations] == [
        ("numbers + noise of 0.1 sd", ""),
        ("numbers + noise of 0.5 sd", ""),
        ("missing", "idle"),
        ("unseen category", "region"),
        ("columns in another order", ""),
        ("rows in another order", ""),
    ]
    small, large = found.perturbations[:2]
    assert small.flips < large.flips
    assert 0 < small.loss < large.loss


def test_answers_that_flip_too_often_fail(binary: Any) -> None:
    found = probe(scored(binary(), "churn"), "accuracy", 0.0001, 0)
    said = check(found)
    assert said.status == "fail"
    assert said.bound == "<= 0.0001"
    assert said.observed == found.perturbations[0].flips


def test_an_exception_of_the_model_is_a_finding_not_a_crash(regression: Any) -> None:
    case = regression()

    class Strict:
        def predict(self, batch: Batch) -> Batch:
            if np.isnan(batch["idle"].astype(float)).any():
                raise ValueError("missing values are not supported")
            return case.good.predict(batch)

    found = probe(scored(case, "price", Strict()), "rmse", 0.5, 0)
    assert found.status == "fail"
    assert "ValueError: missing values" in found.note


def test_answers_of_nan_are_counted_and_fail(regression: Any) -> None:
    case = regression()
    found = probe(scored(case, "price", type(case.good)(lambda b: 2 * b["size"] + 0 * b["idle"])), "rmse", 0.5, 0)
    assert [p.broken for p in found.perturbations if p.name == "missing"] == [300]
    assert found.status == "fail"


def test_a_model_that_leans_on_the_order_of_rows_is_caught(regression: Any) -> None:
    case = regression()
    found = probe(scored(case, "price", type(case.good)(lambda b: np.arange(len(b["size"])))), "rmse", 1.0, 0)
    assert found.note == "rows in another order change answers"


def test_few_rows_are_inconclusive(regression: Any) -> None:
    assert probe(scored(regression(rows=10), "price"), "rmse", 0.9, 0).status == "inconclusive"
