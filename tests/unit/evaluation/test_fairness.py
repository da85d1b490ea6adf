from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.evaluation.fairness import by_group, checks, difference, ratio
from boucle.evaluation.result import Fairness
from boucle.measures.intervals import share
from boucle.measures.metrics import Answers, labelled, numbers
from boucle.project.learning import Fairness as Limits

LIMITS = Limits.model_validate({"groups": ["sex"]})


def people(counts: dict[str, int], selected: dict[str, float], seed: int = 0) -> tuple[pd.DataFrame, Answers]:
    random = np.random.default_rng(seed)
    sex = np.repeat(list(counts), list(counts.values()))
    truth = random.random(len(sex)) < 0.5
    told = random.random(len(sex)) < np.array([selected[s] for s in sex])
    return pd.DataFrame({"sex": sex}), labelled(truth, told, classes=(False, True))


def one(frame: pd.DataFrame, answers: Answers) -> Fairness:
    return by_group(frame, LIMITS, answers)[0]


def test_rates_of_each_group_have_their_counts() -> None:
    frame = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 60})
    truth = np.array(([True] * 30 + [False] * 30) * 2)
    told = np.array([True] * 30 + [False] * 30 + [True] * 15 + [False] * 45)
    found = one(frame, labelled(truth, told, classes=(False, True)))
    rates = {g.level: {k: e.value for k, e in g.rates.items()} for g in found.groups}
    assert rates["f"] == {"selected": 0.5, "true positive": 1.0, "false positive": 0.0, "accuracy": 1.0}
    assert rates["m"] == {"selected": 0.25, "true positive": 0.5, "false positive": 0.0, "accuracy": 0.75}
    gaps = {g.name: g for g in found.gaps}
    assert gaps["selected, ratio"].estimate.value == 0.5
    assert gaps["true positive, difference"].estimate.value == 0.5
    assert gaps["true positive, difference"].status == "fail"


def test_a_large_gap_on_many_rows_fails_and_on_few_is_inconclusive() -> None:
    many = one(*people({"f": 1000, "m": 1000}, {"f": 0.3, "m": 0.6}))
    told = np.array([True] * 24 + [False] * 36 + [True] * 33 + [False] * 27)
    few = one(pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 60}), labelled(told, told, classes=(False, True)))
    assert many.gaps[0].status == "fail"
    assert few.gaps[0].estimate.value < 0.8
    assert few.gaps[0].status == "inconclusive"


def test_equal_groups_pass() -> None:
    found = one(*people({"f": 2000, "m": 2000}, {"f": 0.5, "m": 0.5}))
    assert {g.status for g in found.gaps} == {"pass"}
    assert {c.status for c in checks([found])} == {"pass"}


def test_a_group_under_fifty_rows_is_shown_and_not_counted() -> None:
    found = one(*people({"f": 300, "m": 49}, {"f": 0.5, "m": 0.1}))
    assert [(g.level, g.counted) for g in found.groups] == [("f", True), ("m", False)]
    assert found.gaps == ()
    (check,) = checks([found])
    assert check.status == "inconclusive"
    assert "fewer than two groups" in check.note


def test_a_regression_compares_mean_errors() -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"sex": ["f", "m"] * 200})
    answers = numbers(np.zeros(400), random.normal(size=400) + np.array([0.0, 2.0] * 200))
    (gap,) = one(frame, answers).gaps
    assert gap.between == ("m", "f")
    assert gap.estimate.low < 2.0 < gap.estimate.high


def test_several_classes_compare_accuracy() -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 400)
    told = np.where(np.array([True, False] * 200), truth, 0)
    (gap,) = one(pd.DataFrame({"sex": ["f", "m"] * 200}), labelled(truth, told, classes=(0, 1, 2))).gaps
    assert gap.name == "accuracy, difference"
    assert gap.status == "fail"


@pytest.mark.parametrize("function", ["difference", "ratio"])
def test_gap_intervals_cover_as_often_as_they_say(function: str) -> None:
    """400 pairs of groups of 80: the share that covers has a standard error of 1.1 points around 95 %."""
    measure: Any = {"difference": difference, "ratio": ratio}[function]
    true = {"difference": 0.2, "ratio": 1.5}[function]
    random = np.random.default_rng(4)
    hits = []
    for _ in range(400):
        found = measure(share(random.binomial(80, 0.6), 80), share(random.binomial(80, 0.4), 80))
        hits.append(found.low <= true <= found.high)
    assert 0.92 <= np.mean(hits) <= 0.985


def test_a_group_that_is_never_selected_has_a_ratio_of_nought() -> None:
    assert ratio(share(0, 80), share(40, 80)).value == 0.0
    assert ratio(share(0, 80), share(40, 80)).high < 0.2
    assert ratio(share(0, 80), share(0, 80)).value == 1.0
