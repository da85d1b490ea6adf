import math

import pytest

from boucle.evaluation.gates import meets, required
from boucle.measures.intervals import Estimate


@pytest.mark.parametrize(
    ("estimate", "bound", "status", "note"),
    [
        (Estimate(0.5, 0.4, 0.6, 100), "<= 0.75", "pass", ""),
        (Estimate(0.5, 0.4, 0.8, 100), "<= 0.75", "pass", "reaches over the bound"),
        (Estimate(0.8, 0.7, 0.9, 100), "<= 0.75", "fail", "reaches over the bound"),
        (Estimate(0.9, 0.85, 0.95, 100), ">= 0.8", "pass", ""),
        (Estimate(0.9, 0.85, 0.95, 19), ">= 0.8", "inconclusive", "fewer than 20 rows"),
        (Estimate(0.1, 0.05, 0.15, 19), ">= 0.8", "inconclusive", "fewer than 20 rows"),
        (Estimate(math.nan, 0.0, 1.0, 100), ">= 0.8", "inconclusive", "undefined"),
    ],
)
def test_a_bound_is_held_against_the_value_and_says_how_sure_that_is(
    estimate: Estimate, bound: str, status: str, note: str
) -> None:
    (check,) = required({"m": bound}, {"m": estimate}, {})
    assert check.status == status
    assert note in check.note
    assert check.bound == bound


def test_costs_are_bounded_too_and_one_not_measured_is_inconclusive() -> None:
    fast, big = required({"latency_p99_ms": "<= 5", "size_mb": "<= 1"}, {}, {"latency_p99_ms": 2.0})
    assert (fast.status, fast.observed) == ("pass", 2.0)
    assert big.status == "inconclusive"


def test_nothing_is_no_number_and_keeps_no_bound() -> None:
    assert not meets(math.nan, "<= 1")
    assert not meets(math.nan, ">= 1")
    assert meets(1.0, "<= 1")
    assert not meets(1.0, "< 1")
