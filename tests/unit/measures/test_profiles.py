"""Profiles: bins of the reference, counts that add up, and columns that go wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.json import dumps, loads
from boucle.core.profile import ColumnProfile, Profile
from boucle.core.signature import Field
from boucle.measures.profiles import PREDICTION, reference_profile, window_profile

FIELDS = (Field("x", "float64", optional=True), Field("kind", "string", optional=True))
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
LEVELS = st.sampled_from(["a", "b", "c", "new", None])
ROWS = st.lists(st.tuples(NUMBERS, LEVELS, st.floats(-1e6, 1e6)), max_size=30)


def batch(x: Any, kind: Any) -> dict[str, np.ndarray[Any, Any]]:
    levels = np.empty(len(kind), dtype=object)
    levels[:] = list(kind)
    return {"x": np.array(x, dtype=np.float64), "kind": levels}


def of(values: Any, dtype: Any = "float64") -> ColumnProfile:
    """Profile a reference of one column."""
    column = np.asarray(values)
    field = Field("x", dtype, optional=True)
    return reference_profile({"x": column}, [field], np.zeros(len(column))).column("x")


def window(reference: ColumnProfile, values: Any) -> ColumnProfile:
    column = np.asarray(values)
    return window_profile({"x": column}, Profile(0, (reference,))).column("x")


@given(ROWS, ROWS, ROWS)
def test_profiles_of_two_windows_add_up_to_that_of_their_union(base: Any, one: Any, two: Any) -> None:
    def profile(rows: list[Any], reference: Profile) -> Profile:
        x, kind, predicted = zip(*rows, strict=True) if rows else ((), (), ())
        return window_profile(batch(x, kind), reference, np.array(predicted, dtype=np.float64))

    x, kind, predicted = zip(*base, strict=True) if base else ((), (), ())
    reference = reference_profile(batch(x, kind), FIELDS, np.array(predicted, dtype=np.float64))
    merged, union = profile(one, reference).merged(profile(two, reference)), profile(one + two, reference)
    assert merged.rows == union.rows == len(one) + len(two)
    for left, right in zip(merged.columns, union.columns, strict=True):
        assert (left.counts, left.missing, left.unseen, left.outside, left.far) == (
            right.counts, right.missing, right.unseen, right.outside, right.far,
        )  # fmt: skip
        assert left.total == pytest.approx(right.total, rel=1e-9, abs=1e140)
        assert left.rows == merged.rows


@given(ROWS)
def test_every_profile_can_be_written_down_and_read_back(base: Any) -> None:
    x, kind, predicted = zip(*base, strict=True) if base else ((), (), ())
    reference = reference_profile(batch(x, kind), FIELDS, np.array(predicted, dtype=np.float64))
    assert loads(dumps(reference), Profile) == reference


def test_quantile_bins_hold_about_the_same_share_each() -> None:
    counts = np.array(of(np.random.default_rng(0).lognormal(size=12_700)).counts)
    assert (counts[0], counts[-1], counts.sum(), len(counts)) == (0, 0, 12_700, 128)
    assert counts[1:-1].min() >= 90
    assert counts[1:-1].max() <= 110


def test_few_distinct_values_have_a_bin_each() -> None:
    column = of([0, 0, 0, 1, 5, 5], "int64")
    assert column.counts == (0, 3, 1, 2, 0)
    assert window(column, [-1, 0, 1, 2, 5, 6]).counts == (1, 1, 2, 1, 1)


def test_a_constant_column_still_notices_another_value() -> None:
    column = of([7.0] * 50)
    assert window(column, [6.9, 7.0, 7.1]).counts == (1, 1, 1)


@pytest.mark.parametrize("values", [[], [math.nan] * 5, [math.inf, -math.inf]])
def test_a_reference_without_a_number_counts_all_the_same(values: list[float]) -> None:
    column = of(np.array(values, dtype=np.float64))
    seen = window(column, [1.0, math.nan, math.inf])
    assert (seen.missing, seen.rows, seen.outside, seen.far) == (1, 3, 0, 0)


def test_values_beyond_the_range_are_outside_and_other_units_are_far() -> None:
    column = of(np.linspace(2.0, 4.0, 100))
    seen = window(column, [3.0, 4.1, 4.3, 1.7, 9.0, 3000.0, math.inf, -999.0])
    assert (seen.outside, seen.far) == (6, 3)


def test_levels_are_known_by_their_text_whatever_their_type() -> None:
    column = of(np.array([1, 2, 2, None], dtype=object), "string")
    assert column.levels == ("1", "2")
    seen = window(column, np.array(["1", 2.0, "3", None, math.nan], dtype=object))
    assert (seen.counts, seen.unseen, seen.missing) == ((1, 1), 1, 2)


def test_truth_values_are_the_same_as_numbers_or_not() -> None:
    column = of(np.array([True, False, True]), "bool")
    assert (column.levels, column.counts) == (("False", "True"), (1, 2))
    assert window(column, np.array([1.0, 0.0, math.nan])).counts == (1, 1)
    assert window(column, np.array([True, None, False], dtype=object)).missing == 1


def test_the_tail_of_many_levels_counts_as_unseen_in_the_reference_too() -> None:
    column = of(np.array([f"id{i}" for i in range(900)] + ["common"] * 9, dtype=object), "string")
    assert len(column.levels) == 500
    assert (column.unseen, column.rows) == (401, 909)


def test_the_output_is_a_number_a_score_or_a_label() -> None:
    labels = np.array(["no", "yes"], dtype=object)
    score = reference_profile({}, (), labels, np.array([[0.9, 0.1], [0.3, 0.7]])).column(PREDICTION)
    label = reference_profile({}, (), labels).column(PREDICTION)
    assert (score.kind, score.low, score.high) == ("numeric", 0.1, 0.7)
    assert (label.kind, label.levels) == ("categorical", ("no", "yes"))


def test_personal_data_is_not_in_the_profile() -> None:
    mail = np.array(["ann@example.org"], dtype=object)
    reference = reference_profile({"mail": mail}, [Field("mail", "string", pii=True)], np.zeros(1))
    assert b"example" not in dumps(reference)


def test_a_column_that_is_not_sent_is_all_missing() -> None:
    reference = reference_profile(batch([1.0, 2.0], ["a", "b"]), FIELDS, np.zeros(2))
    seen = window_profile({"x": np.array([1.0])}, reference, np.zeros(1))
    assert (seen.column("kind").missing, seen.column("kind").rows) == (1, 1)


def test_times_are_profiled_in_seconds() -> None:
    times = np.array(["2026-01-01T00:00:00", "2026-01-01T00:01:00", "NaT"], dtype="datetime64[ns]")
    column = of(times, "datetime")
    assert (column.kind, column.missing) == ("datetime", 1)
    assert column.low is not None
    assert column.high == column.low + 60.0
