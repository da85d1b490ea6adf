"""Many tests at once, and levels too rare to be tested by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from boucle.measures.distances import benjamini_hochberg, effective_rows, pooled

PVALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)


@given(PVALUES)
def test_adjusted_p_values_are_scipys(pvalues: list[float]) -> None:
    rejected, adjusted = benjamini_hochberg(pvalues, 0.05)
    assert adjusted == pytest.approx(stats.false_discovery_control(pvalues).tolist())
    assert rejected == [p <= 0.05 for p in adjusted]


@given(PVALUES, st.integers(0, 50))
def test_tests_left_out_count_as_if_they_had_found_nothing(pvalues: list[float], more: int) -> None:
    rejected, adjusted = benjamini_hochberg(pvalues, 0.05, len(pvalues) + more)
    full, padded = benjamini_hochberg([*pvalues, *[1.0] * more], 0.05)
    assert rejected == full[: len(pvalues)]
    assert adjusted == pytest.approx(padded[: len(pvalues)])


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=40))
def test_pooling_loses_no_row(counts: list[tuple[int, int]]) -> None:
    old, new = (np.array(side, dtype=np.float64) for side in zip(*counts, strict=True))
    left, right = pooled(old, new)
    assert (left.sum(), right.sum()) == (old.sum(), new.sum())
    assert len(left) == len(right) <= len(old)


def test_a_comparison_is_worth_less_than_its_smaller_side() -> None:
    assert effective_rows(1000.0, 1000.0) == 500.0
    assert effective_rows(0.0, 5.0) == 0.0
