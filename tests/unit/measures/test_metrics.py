import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn import metrics as reference

from boucle.core.errors import NotFound
from boucle.core.signature import KINDS
from boucle.measures.metrics import METRICS, compute, default_metrics, labelled, losses, metric_of, score

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
RNG = np.random.default_rng(5)


def shares(rows: int, classes: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), rows)


@given(st.integers(2, 40).flatmap(lambda n: st.tuples(*[npst.arrays(np.float64, n, elements=NUMBERS)] * 2)))
def test_regression_metrics_equal_scikit_learn(pair: tuple[Any, Any]) -> None:
    truth, prediction = pair
    assert compute("mse", truth, prediction) == pytest.approx(reference.mean_squared_error(truth, prediction))
    assert compute("rmse", truth, prediction) == pytest.approx(reference.root_mean_squared_error(truth, prediction))
    assert compute("mae", truth, prediction) == pytest.approx(reference.mean_absolute_error(truth, prediction))
    assume(np.std(truth) > 1e-3)
    assert compute("r2", truth, prediction) == pytest.approx(reference.r2_score(truth, prediction), rel=1e-6, abs=1e-6)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=2, max_size=60))
def test_macro_metrics_equal_scikit_learn_for_several_classes(rows: list[tuple[str, str]]) -> None:
    truth, prediction = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    classes = ("a", "b", "c", "d")
    ours = {m: compute(m, truth, prediction, classes=classes) for m in ("accuracy", "precision", "recall", "f1")}
    macro: dict[str, Any] = {"average": "macro", "zero_division": 0.0}
    assert ours["accuracy"] == pytest.approx(reference.accuracy_score(truth, prediction))
    assert ours["precision"] == pytest.approx(reference.precision_score(truth, prediction, **macro))
    assert ours["recall"] == pytest.approx(reference.recall_score(truth, prediction, **macro))
    assert ours["f1"] == pytest.approx(reference.f1_score(truth, prediction, **macro))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60), st.booleans())
def test_binary_metrics_equal_scikit_learn_where_they_are_defined(
    rows: list[tuple[bool, bool]], positive: bool
) -> None:
    truth, prediction = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    for name in ("precision", "recall", "f1"):
        ours = compute(name, truth, prediction, classes=(False, True), positive=positive)
        theirs = getattr(reference, f"{name}_score")(truth, prediction, pos_label=positive, zero_division=np.nan)
        assert ours == pytest.approx(theirs, nan_ok=True)


@given(st.integers(2, 50).flatmap(lambda n: st.tuples(
    npst.arrays(np.bool_, n), npst.arrays(np.int64, n, elements=st.integers(0, 6)))))  # fmt: skip
def test_roc_auc_equals_scikit_learn_with_ties(pair: tuple[Any, Any]) -> None:
    truth, level = pair
    assume(0 < truth.sum() < len(truth))
    ours = compute("roc_auc", truth, truth, level / 6.0, classes=(False, True))
    assert ours == pytest.approx(reference.roc_auc_score(truth, level))


def test_probability_metrics_equal_scikit_learn_for_three_classes() -> None:
    truth, given_ = RNG.choice(["x", "y", "z"], 200), shares(200, 3)
    prediction = np.array(["x", "y", "z"])[given_.argmax(axis=1)]
    classes = ("x", "y", "z")
    auc = reference.roc_auc_score(truth, given_, multi_class="ovr")
    assert compute("roc_auc", truth, prediction, given_, classes) == pytest.approx(auc)
    assert compute("log_loss", truth, prediction, given_, classes) == pytest.approx(reference.log_loss(truth, given_))
    brier = reference.brier_score_loss(truth, given_, labels=list(classes))
    assert compute("brier", truth, prediction, given_, classes) == pytest.approx(brier)
    balanced = reference.balanced_accuracy_score(truth, prediction)
    assert compute("balanced_accuracy", truth, prediction, None, classes) == pytest.approx(balanced)


def test_probability_metrics_equal_scikit_learn_for_two_classes() -> None:
    truth, chance = RNG.choice(["no", "yes"], 150), RNG.random(150)
    chance[:2] = (0.0, 1.0)
    for told in (chance, np.column_stack((1 - chance, chance))):
        ours = {m: compute(m, truth, truth, told, ("no", "yes")) for m in ("log_loss", "brier", "roc_auc")}
        assert ours["log_loss"] == pytest.approx(reference.log_loss(truth, chance))
        assert ours["brier"] == pytest.approx(reference.brier_score_loss(truth, chance, pos_label="yes"))
        assert ours["roc_auc"] == pytest.approx(reference.roc_auc_score(truth, chance))


def test_row_weights_count_rows_as_often_as_they_say() -> None:
    truth, given_ = RNG.integers(0, 3, 80), shares(80, 3, 1)
    prediction, times = given_.argmax(axis=1), RNG.integers(0, 4, 80)
    repeated = np.repeat(np.arange(80), times)
    for name, metric in METRICS.items():
        if metric.kind not in ("class", "quantity"):
            continue
        told = given_ if metric.probabilities else None
        weighted = compute(name, truth, prediction, told, weights=times.astype(float))
        plain = compute(name, truth[repeated], prediction[repeated], None if told is None else told[repeated])
        assert weighted == pytest.approx(plain), name


@pytest.mark.parametrize(
    ("metric", "truth", "prediction", "probabilities"),
    [
        ("precision", [0, 1], [0, 0], None),
        ("recall", [0, 0], [0, 1], None),
        ("roc_auc", [1, 1], [1, 1], [0.2, 0.3]),
        ("roc_auc", [0, 1], [0, 1], None),
        ("roc_auc", [0, 1], [0, 1], [np.nan, 0.4]),
        ("log_loss", [0, 1], [0, 1], None),
    ],
)
def test_an_undefined_classification_metric_is_nan(
    metric: str, truth: list[int], prediction: list[int], probabilities: list[float] | None
) -> None:
    told = None if probabilities is None else np.array(probabilities)
    assert math.isnan(compute(metric, np.array(truth), np.array(prediction), told, classes=(0, 1)))


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_give_nan_and_never_an_exception(metric: str) -> None:
    nothing = np.array([])
    assert math.isnan(compute(metric, nothing, nothing, np.empty((0, 2)), classes=(0, 1)))


def test_r2_of_a_constant_truth_is_nan() -> None:
    assert math.isnan(compute("r2", np.full(9, 0.1), np.linspace(0, 1, 9)))


def test_a_label_the_model_does_not_know_counts_as_a_miss() -> None:
    truth, told = np.array(["a", "b", "new"]), np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    prediction = np.array(["a", "b", "b"])
    assert compute("accuracy", truth, prediction, told, ("a", "b")) == pytest.approx(2 / 3)
    assert compute("log_loss", truth, prediction, told, ("a", "b")) > 10
    assert compute("recall", truth, prediction, told, ("a", "b")) == 1.0


def test_the_positive_label_is_the_last_in_sorted_order_unless_named() -> None:
    truth, prediction = np.array(["yes", "yes", "no"]), np.array(["yes", "no", "no"])
    assert compute("recall", truth, prediction, classes=("yes", "no")) == 0.5
    assert compute("recall", truth, prediction, classes=("yes", "no"), positive="no") == 1.0


def test_losses_average_to_the_metric_they_belong_to() -> None:
    truth, prediction = RNG.normal(size=50), RNG.normal(size=50)
    assert losses("mae", truth, prediction).mean() == pytest.approx(compute("mae", truth, prediction))
    assert math.sqrt(losses("rmse", truth, prediction).mean()) == pytest.approx(compute("rmse", truth, prediction))
    labels, given_ = RNG.integers(0, 3, 50), shares(50, 3, 2)
    answered = given_.argmax(axis=1)
    for name, shown in (("log_loss", 1.0), ("brier", 1.0)):
        mean = losses(name, labels, answered, given_).mean()
        assert mean == pytest.approx(shown * compute(name, labels, answered, given_))
    assert 1 - losses("accuracy", labels, answered).mean() == pytest.approx(compute("accuracy", labels, answered))


def test_losses_fall_back_on_the_error_without_probabilities() -> None:
    truth, prediction = np.array(["a", "b", "b"]), np.array(["a", "a", "b"])
    assert losses("log_loss", truth, prediction).tolist() == [0.0, 1.0, 0.0]
    assert losses("f1", truth, prediction).tolist() == [0.0, 1.0, 0.0]


def test_missing_and_mixed_labels_are_labels_too() -> None:
    truth = np.array(["a", None, float("nan"), 3], dtype=object)
    given_ = labelled(truth, truth)
    assert score("accuracy", given_) == 1.0
    assert len(given_.labels) == 3


def test_an_unknown_metric_is_refused_with_a_near_name() -> None:
    with pytest.raises(NotFound, match="did you mean 'rmse'"):
        metric_of("rsme")


@pytest.mark.parametrize("task", KINDS)
def test_default_metrics_belong_to_their_task(task: Any) -> None:
    assert all(task in METRICS[m].tasks for m in default_metrics(task))
