"""Quality from labels, promises of the service, and business measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from boucle.core.observation import Feedback, Joined, Observation
from boucle.monitoring.business import cut_of, measure_business, revenue
from boucle.monitoring.labels import Labelled, labelled
from boucle.monitoring.quality import Judge, Quality
from boucle.monitoring.slo import judge_slo
from boucle.ports.stores import State
from boucle.project.watching import Business

from .conftest import make_settings


def joined(truths: list[Any], predictions: list[Any], probabilities: list[Any] | None = None, **changes: Any) -> Joined:
    n = len(truths)
    given = {
        "ids": [f"r{i}" for i in range(n)], "positions": [0] * n, "versions": [1] * n, "roles": ["champion"] * n,
        "times": [float(i) for i in range(n)], "arrived": [float(i) for i in range(n)], "predictions": predictions,
        "probabilities": probabilities or [None] * n, "truths": truths,
    }  # fmt: skip
    return Joined(**{**given, **changes})


def regression(errors: Any) -> Labelled:
    return labelled(joined(list(errors), [0.0] * len(errors)), "tabular-regression")


def judged(errors: Any, rmse: float | None = 1.0, newest: int = 250) -> Quality:
    reference = {} if rmse is None else {"rmse": rmse}
    return Judge("wine/1", reference, ["rmse", "mae"], 0.1, newest).judge(regression(errors))


def test_errors_as_large_as_in_the_reference_never_fail() -> None:
    found = [judged(np.random.default_rng([1, i]).normal(size=1000)).verdict.status for i in range(60)]
    assert found == ["pass"] * 60


def test_errors_half_as_large_again_fail_with_the_time_of_the_change() -> None:
    random = np.random.default_rng(2)
    errors = np.concatenate((random.normal(size=500), random.normal(0.0, 1.6, 300)))
    found = judged(errors)
    assert found.verdict.status == "fail"
    assert found.verdict.failed[0].bound == "<= 1.1"
    assert found.changed == pytest.approx(500.0, abs=60)
    assert found.verdict.inputs["changed"] == found.changed


def test_a_value_beyond_the_bound_that_may_be_chance_is_undecided() -> None:
    errors = np.random.default_rng(3).normal(0.0, 1.3, 120)
    errors *= 1.3 / np.sqrt(np.mean(errors**2))
    check = judged(errors).verdict.checks[0]
    assert (check.status, check.note) == ("inconclusive", "beyond the bound, and not surely")


@pytest.mark.parametrize(("many", "rmse", "note"), [
    (0, 1.0, "too few labels: 0 of 100"), (99, 1.0, "too few labels: 99 of 100"), (100, None, "no reference value"),
])  # fmt: skip
def test_without_evidence_quality_is_never_fine(many: int, rmse: float | None, note: str) -> None:
    verdict = judged(np.full(many, 0.5), rmse).verdict
    assert verdict.status == "inconclusive"
    assert note in verdict.checks[0].note


def test_other_metrics_are_reported_and_decide_nothing() -> None:
    first, second = judged(np.random.default_rng(4).normal(size=250)).verdict.checks
    assert (first.name, second.name, second.status) == ("rmse", "mae", "pass")
    assert second.low is not None
    assert second.observed is not None
    assert second.low < second.observed


def test_accuracy_below_the_tolerated_one_fails() -> None:
    truths = ["yes" if i % 2 else "no" for i in range(300)]
    answers = [t if i % 3 else "no" if t == "yes" else "yes" for i, t in enumerate(truths)]
    rows = labelled(joined(truths, answers), "tabular-classification", ("no", "yes"))
    verdict = Judge("churn/1", {"accuracy": 0.9}, ["accuracy"], 0.1, 300).judge(rows).verdict
    assert (verdict.status, verdict.failed[0].bound) == ("fail", ">= 0.89")


def test_truths_are_brought_into_the_type_of_the_classes() -> None:
    rows = labelled(joined(["1", 0, 1.0, True], [1, 0, 1, 1]), "tabular-classification", (0, 1))
    assert rows.truth.tolist()[:3] == [1, 0, 1]
    flags = labelled(joined([1, 0, "True"], [True, False, True]), "tabular-classification", (False, True))
    assert flags.truth.tolist() == [True, False, True]


def test_rows_that_cannot_be_scored_are_counted_and_left_out() -> None:
    rows = labelled(joined([1.0, None, "red", 2.0], [1.0, 2.0, 3.0, None]), "tabular-regression")
    assert (len(rows), rows.dropped) == (1, 3)


def test_an_unchanged_service_keeps_its_promises() -> None:
    slo = make_settings(monitor={"slo": {"latency_p99_ms": 50, "error_rate": 0.01}}).monitor.slo
    quick = {"requests": 500.0, "errors": 2.0, "latency_200": 500.0}
    verdict = judge_slo("wine/1", quick, slo)
    assert verdict is not None
    assert verdict.status == "pass"
    assert judge_slo("wine/1", quick, make_settings().monitor.slo) is None


@pytest.mark.parametrize("extra", [
    {"requests": 500.0, "errors": 30.0, "latency_200": 500.0},
    {"requests": 500.0, "errors": 0.0, "latency_200": 480.0, "latency_300": 20.0},
    {"requests": 10.0, "errors": 10.0, "latency_200": 10.0},
])  # fmt: skip
def test_errors_and_slow_answers_beyond_chance_are_a_breach(extra: dict[str, float]) -> None:
    slo = make_settings(monitor={"slo": {"latency_p99_ms": 50, "error_rate": 0.01}}).monitor.slo
    verdict = judge_slo("wine/1", extra, slo)
    assert verdict is not None
    assert (verdict.status, len(verdict.failed)) == ("fail", 1)


@pytest.mark.parametrize("extra", [{}, {"requests": 40.0, "latency_200": 40.0}])
def test_few_requests_are_no_proof_of_a_good_service(extra: dict[str, float]) -> None:
    slo = make_settings(monitor={"slo": {"latency_p99_ms": 50, "error_rate": 0.01}}).monitor.slo
    verdict = judge_slo("wine/1", extra, slo)
    assert verdict is not None
    assert verdict.status == "inconclusive"


def test_business_measures_are_told_by_version_with_an_interval(state: State) -> None:
    seen = [
        Observation(f"r{i}", float(i), "wine", 1 + i % 2, "champion", 1, {}, {"prediction": [1.0]}) for i in range(100)
    ]
    sales = [Feedback(f"r{i}", 200.0, event="sale", value=10.0) for i in range(0, 50, 2)]
    with state.begin() as tx:
        tx.observations.ingest(seen, sales, {})
        (one,) = measure_business(tx, "wine", {"margin": Business(event="sale", value="amount", cap=None)})
    assert (one.version, one.count, one.value, one.rate) == (1, 25, 250.0, 0.5)
    assert one.low is not None
    assert one.high is not None
    assert 0.3 < one.low < 0.5 < one.high < 0.7
    assert (one.each, one.cut) == (5.0, 10.0)
    assert one.each_low is not None
    assert 3.0 < one.each_low < 5.0


def test_revenue_per_row_is_right_as_often_as_it_says() -> None:
    random, within = np.random.default_rng(5), []
    for _ in range(200):
        sold = random.random(2000) < 0.1
        values = random.exponential(20.0, int(sold.sum()))
        found = revenue(values.tolist(), 2000, 1e9)
        within.append(found.low <= 2.0 <= found.high)
    assert np.mean(within) >= 0.90  # 95 % less 3 standard errors


def test_one_large_sale_decides_nothing() -> None:
    plain = [20.0] * 500
    assert revenue([*plain, 1e9], 5000, cut_of([*plain, 1e9])).value < 2.2
    assert revenue([], 0, cut_of([])).n == 0
    assert revenue([], 10, 0.0).value == 0.0
