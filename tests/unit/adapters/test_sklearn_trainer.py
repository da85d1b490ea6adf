"""Training with scikit-learn's interface."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.adapters.trainers.sklearn import SklearnTrainer
from boucle.core.errors import BoucleError, NotFound, TrainingError
from boucle.core.signature import Batch, Field
from boucle.measures.metrics import compute
from boucle.ports.frames import to_batch
from boucle.ports.trainer import Fitted, Job

RNG = np.random.default_rng(3)
ROWS = 240
FIELDS = (
    Field("size", "float64", optional=True),
    Field("age", "float64"),
    Field("rooms", "int64", categories=(1, 2, 3)),
    Field("garden", "bool"),
    Field("town", "string", optional=True),
    Field("sold", "datetime"),
)
FRAME = pd.DataFrame(
    {
        "size": np.where(np.arange(ROWS) % 17 == 0, np.nan, RNG.normal(100, 30, ROWS)),
        "age": RNG.normal(40, 10, ROWS),
        "rooms": RNG.integers(1, 4, ROWS),
        "garden": RNG.random(ROWS) < 0.5,
        "town": np.array(["Lyon", "Nantes", None], dtype=object)[RNG.integers(0, 3, ROWS)],
        "sold": pd.date_range("2024-01-01", periods=ROWS),
    }
)
WORTH = FRAME["size"].fillna(90) * 3 + FRAME["rooms"] * 40 + (FRAME["town"] == "Lyon") * 60 + RNG.normal(0, 10, ROWS)
FRAME["price"] = WORTH
FRAME["dear"] = np.where(WORTH.quantile(0.7) < WORTH, "yes", "no")
FRAME["band"] = np.digitize(WORTH, WORTH.quantile([0.3, 0.7]))
REGRESSION = Job("tabular-regression", FIELDS, "price", FRAME, metric="rmse", seed=1, folds=3)
BINARY = Job("tabular-classification", FIELDS, "dear", FRAME, metric="accuracy", seed=1, folds=3)
MULTI = replace(BINARY, target="band")
RIDGE, LOGISTIC = "sklearn.linear_model.Ridge", "sklearn.linear_model.LogisticRegression"


def fit(job: Job, **changes: Any) -> Fitted:
    return SklearnTrainer().fit(replace(job, **changes), lambda text, share: None)


def answers(fitted: Fitted, frame: pd.DataFrame = FRAME) -> Batch:
    batch = to_batch(frame, fitted.signature.inputs)
    return SklearnRuntime().wrap(fitted.model, fitted.signature).predict(batch)


def share_of(answer: Batch, place: int) -> NDArray[np.float64]:
    return np.asarray(answer["probabilities"], dtype=np.float64)[:, place]


@pytest.mark.parametrize("job", [REGRESSION, BINARY, MULTI], ids=lambda job: job.target)
def test_auto_compares_three_candidates_with_the_constant_answer(job: Job) -> None:
    fitted = fit(job, estimator="auto")
    assert next(iter(fitted.scores)) == "baseline"
    assert len(fitted.scores) == 4
    assert set(fitted.spread) == set(fitted.scores)
    rest = {name: score for name, score in fitted.scores.items() if name != "baseline"}
    best = min(rest.values()) if job.metric == "rmse" else max(rest.values())
    assert fitted.scores[fitted.chosen] == best
    assert fitted.warnings == ()


@pytest.mark.parametrize(
    ("job", "estimator"),
    [
        (REGRESSION, "xgboost.XGBRegressor"),
        (BINARY, "xgboost.XGBClassifier"),
        (MULTI, "xgboost.XGBClassifier"),
        (REGRESSION, "lightgbm.LGBMRegressor"),
        (BINARY, "lightgbm.LGBMClassifier"),
        (MULTI, "sklearn.svm.LinearSVC"),
        (BINARY, "sklearn.ensemble.GradientBoostingClassifier"),
        (REGRESSION, "sklearn.neighbors.KNeighborsRegressor"),
    ],
)
def test_an_import_path_gives_a_model_that_answers_in_the_datas_own_labels(job: Job, estimator: str) -> None:
    params = {"n_estimators": 20} if "n_" not in estimator and "boost" in estimator.lower() else {}
    fitted = fit(job, estimator=estimator, params=params)
    answer = answers(fitted)
    better = fitted.scores[fitted.chosen] > fitted.scores["baseline"]
    assert better == (job.metric != "rmse")
    if job is not REGRESSION:
        assert fitted.signature.classes == tuple(np.unique(FRAME[job.target].to_numpy(dtype=object)).tolist())
        assert set(answer["prediction"].tolist()) <= set(FRAME[job.target])
        np.testing.assert_allclose(np.asarray(answer["probabilities"], dtype=float).sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("estimator", ["auto", "xgboost.XGBClassifier", "lightgbm.LGBMClassifier"])
def test_the_same_job_gives_the_same_answers_and_scores(estimator: str) -> None:
    first, second = (fit(BINARY, estimator=estimator, threshold="tune") for _ in range(2))
    assert first.scores == second.scores
    assert first.threshold == second.threshold
    for name, column in answers(first).items():
        assert np.array_equal(column, answers(second)[name])


def test_another_seed_gives_other_folds() -> None:
    assert fit(REGRESSION, estimator=RIDGE, seed=1).scores != fit(REGRESSION, estimator=RIDGE, seed=2).scores


def test_missing_values_and_unseen_levels_are_answered() -> None:
    fitted = fit(REGRESSION, estimator=RIDGE)
    town = np.array(["Paris", None, "Paris", "Lyon"], dtype=object)
    odd = FRAME.head(4).assign(size=np.nan, town=town, rooms=[9, 9, 1, 1])
    assert np.isfinite(answers(fitted, odd)["prediction"].astype(float)).all()


def test_times_are_no_inputs() -> None:
    assert "sold" not in fit(REGRESSION, estimator=RIDGE).signature.names


def test_answers_to_unseen_rows_are_worse_than_those_to_the_rows_of_the_fit() -> None:
    fitted = fit(REGRESSION, estimator="sklearn.ensemble.RandomForestRegressor", params={"n_estimators": 10})
    assert fitted.unseen is not None
    truth = FRAME["price"].to_numpy()
    unseen = compute("rmse", truth[fitted.unseen.rows], fitted.unseen.answers["prediction"])
    assert unseen == pytest.approx(fitted.scores[fitted.chosen], rel=0.05)
    assert compute("rmse", truth, answers(fitted)["prediction"]) < 0.7 * unseen


def test_a_model_that_does_not_beat_the_constant_answer_says_so() -> None:
    noise = FRAME.assign(price=np.random.default_rng(0).normal(size=ROWS))
    fitted = fit(REGRESSION, frame=noise, estimator="sklearn.tree.DecisionTreeRegressor")
    assert "does not beat the constant answer" in fitted.warnings[0]


def test_a_fixed_threshold_is_applied_by_the_model_itself() -> None:
    fitted = fit(BINARY, estimator=LOGISTIC, threshold=0.2)
    assert fitted.threshold == 0.2
    assert fitted.unseen is not None
    for answer in (answers(fitted), fitted.unseen.answers):
        shares = share_of(answer, 1)
        assert answer["prediction"].tolist() == np.where(shares >= 0.2, "yes", "no").tolist()


def test_a_tuned_threshold_is_no_worse_than_a_half_out_of_fold() -> None:
    rare = FRAME.assign(dear=np.where(WORTH.quantile(0.93) < WORTH, "yes", "no"))
    fitted = fit(BINARY, frame=rare, metric="f1", estimator=LOGISTIC, threshold="tune")
    assert fitted.threshold is not None
    assert fitted.unseen is not None
    truth = rare["dear"].to_numpy(dtype=object)[fitted.unseen.rows]
    half = np.where(share_of(fitted.unseen.answers, 1) >= 0.5, "yes", "no")
    assert compute("f1", truth, fitted.unseen.answers["prediction"]) >= compute("f1", truth, half)


def test_the_positive_label_may_be_the_first() -> None:
    fitted = fit(BINARY, estimator=LOGISTIC, threshold=0.9, positive="no")
    answer = answers(fitted)
    assert answer["prediction"].tolist() == np.where(share_of(answer, 0) >= 0.9, "no", "yes").tolist()


@pytest.mark.parametrize("estimator", [LOGISTIC, "xgboost.XGBClassifier", "lightgbm.LGBMClassifier"])
def test_balanced_weights_find_more_of_the_rare_class(estimator: str) -> None:
    rare = FRAME.assign(dear=np.where(WORTH + RNG.normal(0, 80, ROWS) > WORTH.quantile(0.9), "yes", "no"))
    params = {} if estimator == LOGISTIC else {"n_estimators": 5, "max_depth": 2}
    plain, weighted = (
        fit(BINARY, frame=rare, metric="recall", estimator=estimator, params=params, class_weight=weight)
        for weight in (None, "balanced")
    )
    assert weighted.scores[weighted.chosen] > plain.scores[plain.chosen]


def test_a_search_never_ends_worse_than_it_began() -> None:
    told: list[tuple[str, float]] = []
    job = replace(REGRESSION, estimator="sklearn.neighbors.KNeighborsRegressor", trials=6)
    fitted = SklearnTrainer().fit(job, lambda text, share: told.append((text, share)))
    assert fitted.scores["KNeighborsRegressor (searched)"] <= fitted.scores["KNeighborsRegressor"]
    assert set(fitted.params) == {"estimator", "n_neighbors", "weights"}
    assert any(text.startswith("trial 6 of 6") for text, _ in told)
    assert [share for _, share in told] == sorted(share for _, share in told)


def test_a_declared_range_is_where_the_search_looks() -> None:
    params = {"alpha": {"low": 5.0, "high": 6.0}, "fit_intercept": [True], "tol": 0.01}
    fitted = fit(REGRESSION, estimator=RIDGE, params=params, trials=4)
    assert fitted.params["tol"] == 0.01
    assert 5.0 <= fitted.params.get("alpha", 5.0) <= 6.0


def test_a_search_is_the_same_each_time() -> None:
    first, second = (fit(REGRESSION, estimator="auto", trials=4) for _ in range(2))
    assert first.params == second.params
    assert first.scores == second.scores


def test_failing_trials_are_noted_and_the_rest_goes_on() -> None:
    params = {"alpha": [-1.0, 0.5, 2.0]}
    fitted = fit(REGRESSION, estimator=RIDGE, params=params, trials=8)
    assert any("trials failed" in note for note in fitted.warnings)


def test_a_failing_candidate_is_left_out_and_named() -> None:
    fitted = fit(REGRESSION, estimator=(RIDGE, "sklearn.svm.SVR"), params={"SVR": {"C": -1.0}})
    assert fitted.chosen == "Ridge"
    assert "SVR was left out" in fitted.warnings[0]


def test_a_class_of_one_row_does_not_stop_the_training() -> None:
    lonely = FRAME.assign(band=np.where(np.arange(ROWS) == 5, 9, FRAME["band"]))
    fitted = fit(MULTI, frame=lonely, estimator=LOGISTIC)
    assert fitted.signature.classes == (0, 1, 2, 9)
    assert fitted.unseen is not None
    assert fitted.unseen.answers["probabilities"].shape == (ROWS - 1, 4)


def test_truth_values_stay_truth_values() -> None:
    fitted = fit(BINARY, frame=FRAME.assign(dear=FRAME["dear"] == "yes"), estimator=LOGISTIC)
    assert fitted.signature.prediction.dtype == "bool"
    assert answers(fitted)["prediction"].dtype == bool


def test_estimators_that_do_not_converge_are_noted() -> None:
    fitted = fit(BINARY, estimator=LOGISTIC, params={"max_iter": 1})
    assert any("converge" in note for note in fitted.warnings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"estimator": "sklearn.linear_model.Rige"}, "did you mean 'sklearn.linear_model.Ridge'"),
        ({"estimator": "Ridge"}, "did you mean 'sklearn.linear_model.Ridge'"),
        ({"estimator": "no_such_package.Model"}, "There is no estimator"),
        ({"estimator": "sklearn.metrics.accuracy_score"}, "is a function, not an estimator"),
        ({"estimator": RIDGE, "params": {"alfa": 1}}, "did you mean 'alpha'"),
        ({"estimator": RIDGE, "params": {"alpha": "much"}}, "Ridge could not be fitted"),
        ({"estimator": RIDGE, "params": {"alpha": {"low": 1, "high": 2}}}, "there is no search"),
        ({"estimator": RIDGE, "params": {"alpha": {"low": 2, "high": 1}}, "trials": 2}, "cannot be searched"),
        ({"estimator": "sklearn.linear_model.LinearRegression", "trials": 2}, "nothing to search"),
        ({"estimator": (RIDGE, "sklearn.linear_model._ridge.Ridge")}, "stands twice"),
        ({"estimator": (RIDGE, "sklearn.svm.SVR"), "params": {"alpha": 1}}, "belongs to none of the candidates"),
        ({"metric": "accuracy"}, "does not belong"),
        ({"target": "cost"}, "no target column"),
        ({"frame": FRAME.head(3)}, "too few"),
        ({"frame": FRAME.assign(price=7.0)}, "is 7 in every row"),
        ({"frame": FRAME.assign(price=np.inf)}, "infinite"),
        ({"frame": FRAME.assign(price=[np.nan, *[1.0] * (ROWS - 1)])}, "missing in 1 of 240"),
        ({"frame": FRAME.assign(price="a lot")}, "is no number"),
        ({"frame": FRAME.assign(age=np.inf)}, "'age' holds infinite"),
        ({"fields": (FIELDS[-1],), "estimator": RIDGE}, "No input column"),
        ({"threshold": 0.4, "estimator": RIDGE}, "exactly two classes"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(REGRESSION, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": FRAME.assign(dear="yes")}, "single class"),
        ({"frame": FRAME.assign(dear=FRAME["dear"].where(FRAME.index > 0))}, "missing in 1 of 240"),
        ({"positive": "maybe"}, "not in the data"),
        ({"target": "band", "threshold": "tune", "estimator": LOGISTIC}, "exactly two classes"),
        ({"class_weight": "balanced", "estimator": "sklearn.naive_bayes.GaussianNB"}, "has no class_weight"),
    ],
)
def test_classes_that_cannot_be_trained_on_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(BINARY, **changes)


def test_an_unknown_metric_is_named_with_near_ones() -> None:
    with pytest.raises(NotFound, match="did you mean 'rmse'"):
        fit(REGRESSION, metric="rmsee")


def test_every_error_of_a_training_is_one_of_ours() -> None:
    with pytest.raises(BoucleError):
        fit(REGRESSION, fields=(Field("absent", "float64"),))
