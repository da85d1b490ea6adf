from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.serving.pace import LEAST_WAIT, WAITS, Pace

SECONDS = st.floats(1e-6, 10.0)


def test_a_call_has_a_fixed_part_and_one_a_row() -> None:
    pace = Pace(0.010, 0.041, 32)
    assert pace.expected(1) == pytest.approx(0.010)
    assert pace.expected(32) == pytest.approx(0.041)
    assert pace.expected(64) == pytest.approx(0.073)


def test_a_slower_machine_makes_everything_slower() -> None:
    pace = Pace(0.010, 0.041, 32)
    for _ in range(100):
        pace.seen(10, 3 * 0.019)
    assert pace.expected(32) == pytest.approx(3 * 0.041)
    assert pace.longest_wait(1) == pytest.approx(3 * WAITS * 0.010)


def test_a_model_that_could_not_be_tried_is_known_by_its_first_call() -> None:
    pace = Pace()
    assert pace.expected(100) == 0.0
    pace.seen(10, 0.5)
    assert pace.expected(100) == pytest.approx(5.0)
    assert math.isinf(pace.longest_wait(1))


def test_one_row_may_wait_for_a_few_calls_and_many_rows_longer() -> None:
    pace = Pace(0.010, 0.041, 32)
    assert pace.longest_wait(1) == pytest.approx(WAITS * 0.010)
    assert pace.longest_wait(1000) == pytest.approx(WAITS * (0.009 + 1.0))
    assert Pace(1e-4, 1e-4).longest_wait(1) == LEAST_WAIT


@given(SECONDS, SECONDS, st.lists(st.tuples(st.integers(1, 10_000), SECONDS), max_size=20))
def test_more_rows_never_take_less(one: float, many: float, calls: list[tuple[int, float]]) -> None:
    pace = Pace(one, many)
    for rows, spent in calls:
        pace.seen(rows, spent)
    expected = [pace.expected(rows) for rows in (1, 2, 100, 10_000)]
    assert expected == sorted(expected)
    assert expected[0] > 0.0
