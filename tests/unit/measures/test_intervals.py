import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from boucle.measures.intervals import Estimate, bootstrap, normal, paired, score_all, share, student, wilson
from boucle.measures.metrics import Answers, labelled, numbers, score

Array = np.ndarray[Any, Any]


def regression(n: int, seed: int) -> Answers:
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    return numbers(truth, truth + random.laplace(0.0, 1.0, n))


def classification(n: int, seed: int, skill: float = 1.0) -> Answers:
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.3
    chance = 1 / (1 + np.exp(-(random.normal(size=n) + skill * (2 * truth - 1))))
    return labelled(truth, chance > 0.5, chance, (False, True))


@given(st.integers(1, 400), st.data())
def test_wilson_equals_scipy(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    theirs = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 199, 1000, 5000])
def test_student_quantiles_equal_scipy(freedom: int) -> None:
    for level in (0.5, 0.9, 0.95, 0.999):
        assert student(freedom, level) == pytest.approx(stats.t.ppf((1 + level) / 2, freedom), rel=1e-5)


def test_the_mean_interval_equals_scipy() -> None:
    values = np.random.default_rng(1).normal(size=25)
    ours = normal(values)
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert math.isnan(normal(values[:1]).low)
    assert math.isnan(normal(values[:0]).value)


def test_the_share_of_nothing_is_unknown_between_nought_and_one() -> None:
    nothing = share(0, 0)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_regression_intervals_cover_the_truth_as_often_as_they_say(metric: str) -> None:
    """300 samples of 120 rows: the share that covers has a standard error of 1.3 points around 95 %."""
    true = score(metric, regression(400_000, 99))
    hits = [_covers(bootstrap([metric], regression(120, s), resamples=200, seed=s)[metric], true) for s in range(300)]
    assert 0.90 <= np.mean(hits) <= 0.985


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc", "log_loss", "recall"])
def test_classification_intervals_cover_the_truth_as_often_as_they_say(metric: str) -> None:
    true = score(metric, classification(400_000, 99))
    hits = [
        _covers(bootstrap([metric], classification(150, s), resamples=200, seed=s)[metric], true) for s in range(300)
    ]
    assert 0.90 <= np.mean(hits) <= 0.985


def _covers(estimate: Estimate, true: float) -> bool:
    return estimate.low <= true <= estimate.high


def test_paired_intervals_cover_the_true_difference_and_are_narrower_than_unpaired_ones() -> None:
    hits, narrower = [], []
    for seed in range(200):
        random = np.random.default_rng(seed)
        truth, shared = random.normal(size=100), random.normal(size=100)
        one = numbers(truth, truth + shared)
        two = numbers(truth, truth + shared + random.normal(0, 0.3, 100))
        found = paired(["mse"], one, two, resamples=200, seed=seed)["mse"]
        hits.append(_covers(found, 0.09))
        narrower.append(found.half < bootstrap(["mse"], two, resamples=200, seed=seed)["mse"].half)
    assert 0.89 <= np.mean(hits) <= 0.985
    assert all(narrower)


def test_many_rows_are_sampled_and_the_interval_keeps_its_width() -> None:
    given_ = regression(60_000, 3)
    found = bootstrap(["rmse", "r2"], given_, seed=1)
    errors = np.square(given_.truth - given_.prediction)
    reach = 1.96 * errors.std() / math.sqrt(60_000) / (2 * math.sqrt(errors.mean()))
    assert found["rmse"].value == pytest.approx(score("rmse", given_))
    assert found["rmse"].half == pytest.approx(reach, rel=0.15)


def test_the_same_seed_gives_the_same_interval_and_another_gives_another() -> None:
    given_ = classification(200, 1)
    one, same, other = (bootstrap(["f1"], given_, seed=s)["f1"] for s in (1, 1, 2))
    assert one == same
    assert one != other


@given(st.integers(2, 60), st.integers(0, 2**20))
def test_every_interval_holds_its_own_value(n: int, seed: int) -> None:
    metrics = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "balanced_accuracy", "brier")
    found = bootstrap(metrics, classification(n, seed), resamples=60, seed=seed)
    for name, estimate in found.items():
        if not math.isnan(estimate.value):
            assert estimate.low <= estimate.value <= estimate.high, name


def test_a_perfect_score_on_few_rows_is_not_certain() -> None:
    truth = np.array([False, True] * 15)
    found = bootstrap(["f1", "accuracy", "roc_auc"], labelled(truth, truth, truth.astype(float), (False, True)))
    assert all(e.value == 1.0 and 0.8 < e.low < 0.95 for e in found.values())


def test_identical_answers_differ_by_nothing() -> None:
    given_ = regression(50, 1)
    assert paired(["rmse"], given_, given_)["rmse"] == Estimate(0.0, 0.0, 0.0, 50)


def test_one_row_has_a_value_and_no_interval() -> None:
    found = bootstrap(["mae"], regression(1, 1))["mae"]
    assert found.value > 0
    assert math.isnan(found.low)


def test_different_rows_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="3 rows cannot be compared with 4"):
        paired(["mae"], regression(3, 1), regression(4, 1))


def test_an_estimate_turned_round_keeps_its_ends_in_order() -> None:
    assert Estimate(1.0, 0.5, 2.0, 9).scaled(-1.0) == Estimate(-1.0, -2.0, -0.5, 9)
    assert score_all(["mae"], regression(5, 1))["mae"] > 0
