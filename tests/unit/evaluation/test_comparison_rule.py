import math

import numpy as np
import pytest

from boucle.evaluation.comparison import check, compare, judge, rows_needed
from boucle.measures.intervals import Estimate
from boucle.measures.metrics import Answers, numbers


@pytest.mark.parametrize(
    ("value", "low", "high", "margin", "n", "status", "note"),
    [
        (0.3, 0.1, 0.5, 0.0, 100, "pass", "surely better"),
        (0.1, -0.1, 0.3, 0.0, 100, "pass", "not proven; about 400 rows would tell"),
        (0.0, 0.0, 0.0, 0.0, 100, "pass", "not worse than the margin"),
        (-0.1, -0.3, 0.1, 0.0, 100, "inconclusive", "perhaps by chance"),
        (-0.3, -0.5, -0.1, 0.0, 100, "fail", "surely worse"),
        (-0.3, -0.5, -0.1, 0.6, 100, "pass", "not worse than the margin"),
        (-0.3, -0.5, -0.1, 0.2, 100, "inconclusive", "perhaps by chance"),
        (-0.3, -0.5, -0.21, 0.2, 100, "fail", "surely worse"),
        (-0.3, -0.5, -0.1, 0.0, 19, "inconclusive", "fewer than 20 rows"),
        (0.3, 0.1, 0.5, 0.0, 19, "inconclusive", "fewer than 20 rows"),
        (math.nan, math.nan, math.nan, 0.0, 100, "inconclusive", "cannot be told"),
    ],
)
def test_the_rule(value: float, low: float, high: float, margin: float, n: int, status: str, note: str) -> None:
    found, said = judge(Estimate(value, low, high, n), margin)
    assert found == status
    assert note in said


def answers(noise: float, seed: int, n: int = 200) -> Answers:
    truth = np.random.default_rng(0).normal(size=n)
    return numbers(truth, truth + np.random.default_rng(seed).normal(0.0, noise, n))


def test_improvement_is_above_nought_also_where_less_is_better() -> None:
    found = compare("shop/1", ["rmse", "r2"], answers(1.0, 1), answers(0.5, 2), 0.0, 3)
    assert found.status == "pass"
    assert found.differences["rmse"].low > 0
    assert found.differences["r2"].low > 0
    assert found.champion["rmse"] > found.challenger["rmse"]


def test_equal_challengers_are_rarely_failed_and_worse_ones_mostly_are() -> None:
    """At a one-sided 2.5 % error, 400 equal pairs fail 10 times on average; more than 20 has a chance under 0.2 %."""
    equal = [compare("", ["mae"], answers(1.0, 2 * s), answers(1.0, 2 * s + 1), 0.0, s).status for s in range(400)]
    worse = [compare("", ["mae"], answers(1.0, 2 * s), answers(1.4, 2 * s + 1), 0.0, s).status for s in range(50)]
    assert equal.count("fail") <= 20
    assert equal.count("pass") >= 160
    assert worse.count("fail") >= 40


def test_the_rows_needed_grow_with_the_square_of_the_interval() -> None:
    assert rows_needed(Estimate(0.1, -0.1, 0.3, 100), 0.0) == 400
    assert rows_needed(Estimate(0.1, -0.3, 0.5, 100), 0.0) == 1600
    assert rows_needed(Estimate(0.0, -0.3, 0.3, 100), 0.0) is None


def test_the_check_carries_the_interval_and_its_reading() -> None:
    said = check(compare("shop/1", ["mae"], answers(1.0, 1), answers(0.5, 2), 0.1, 3), "champion")
    assert said.bound == ">= -0.1"
    assert said.low is not None
    assert said.high is not None
    assert said.observed is not None
    assert said.low < said.observed < said.high
    assert "over shop/1: surely better" in said.note
