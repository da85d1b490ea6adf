"""Profiles: bins of the reference, counts that add up, and columns that go wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.json import dumps, loads
from boucle.core.profile import RATES, Profile
from boucle.core.signature import Field
from boucle.measures.keys import KEYS, centre_and_scale, keys
from boucle.measures.law import Law
from boucle.measures.profiles import PREDICTION, reference_profile

FIELDS = (Field("x", "float64", optional=True), Field("kind", "string", optional=True))
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
LEVELS = st.sampled_from(["a", "b", "c", "new", None])
ROWS = st.lists(st.tuples(NUMBERS, LEVELS, st.floats(-1e6, 1e6)), max_size=30)


def batch(x: Any, kind: Any) -> dict[str, np.ndarray[Any, Any]]:
    levels = np.empty(len(kind), dtype=object)
    levels[:] = list(kind)
    return {"x": np.array(x, dtype=np.float64), "kind": levels}


def parted(rows: list[Any]) -> tuple[dict[str, np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    x, kind, predicted = zip(*rows, strict=True) if rows else ((), (), ())
    return batch(x, kind), np.array(predicted, dtype=np.float64)


def of(values: Any, dtype: Any = "float64") -> Law:
    """Return the law of a reference of one column."""
    column = np.asarray(values)
    return Law(reference_profile({"x": column}, [Field("x", dtype, optional=True)], np.zeros(len(column))))


def bins(law: Law, values: Any = None) -> list[int]:
    """Return the counts of column x, of the reference without values."""
    counted = law.total if values is None else law.count({"x": np.asarray(values)})
    found: list[int] = counted.bins[law.place(0)].tolist()
    return found


def rates(law: Law, values: Any) -> dict[str, int]:
    return dict(zip(RATES, law.count({"x": np.asarray(values)}).rates[0].tolist(), strict=True))


@given(st.lists(NUMBERS, min_size=2, max_size=50))
def test_keys_keep_the_order_of_numbers(values: list[float]) -> None:
    known = np.sort(np.array([v for v in values if not math.isnan(v)]))
    centre, scale = centre_and_scale(known[np.isfinite(known)])
    assert (np.diff(keys(known, centre, scale).astype(np.int64)) >= 0).all()


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9))
def test_keys_tell_numbers_apart_that_differ_by_a_hundredth_of_their_distance(centre: float, distance: float) -> None:
    near, far = keys([centre + distance, centre + 1.02 * distance], centre, distance)
    assert near < far or centre + distance == centre + 1.02 * distance or abs(centre) > 1e6 * distance
    assert 0 <= near < KEYS


@given(ROWS, ROWS, ROWS)
def test_counts_of_two_windows_add_up_to_those_of_their_union(base: Any, one: Any, two: Any) -> None:
    rows, predicted = parted(base)
    law = Law(reference_profile(rows, FIELDS, predicted))
    merged, union = law.count(*parted(one)) + law.count(*parted(two)), law.count(*parted(one + two))
    assert merged.rows == union.rows == len(one) + len(two)
    assert (merged.bins == union.bins).all()
    assert (merged.rates == union.rates).all()
    np.testing.assert_allclose(merged.pairs, union.pairs, rtol=1e-9, atol=1e-9)


@given(ROWS)
def test_every_profile_can_be_written_down_and_read_back(base: Any) -> None:
    rows, predicted = parted(base)
    raw = dumps(reference_profile(rows, FIELDS, predicted))
    assert dumps(loads(raw, Profile)) == raw


def test_quantile_bins_hold_about_the_same_share_each() -> None:
    counts = np.array(bins(of(np.random.default_rng(0).lognormal(size=12_700))))
    assert (counts[0], counts[-1], counts.sum()) == (0, 0, 12_700)
    assert 110 <= len(counts) <= 127
    assert np.median(counts[1:-1]) == pytest.approx(100, rel=0.15)
    assert counts.max() <= 250


def test_few_distinct_values_have_a_bin_each() -> None:
    law = of([0, 0, 0, 1, 5, 5], "int64")
    assert [n for n in bins(law) if n] == [3, 1, 2]
    assert bins(law, [-1, 6])[0] == 1
    assert bins(law, [-1, 6])[-1] == 1


def test_a_constant_column_still_notices_another_value() -> None:
    law = of([7.0] * 50)
    assert bins(law, [6.9, 7.0, 7.1]) == [1, 1, 1]


@pytest.mark.parametrize("values", [[], [math.nan] * 5, [math.inf, -math.inf]])
def test_a_reference_without_a_number_counts_all_the_same(values: list[float]) -> None:
    law = of(np.array(values, dtype=np.float64))
    seen = rates(law, [1.0, math.nan, math.inf])
    assert (seen["missing"], seen["outside"], seen["far"]) == (1, 0, 0)


def test_values_beyond_the_range_are_outside_and_other_units_are_far() -> None:
    seen = rates(of(np.linspace(2.0, 4.0, 100)), [3.0, 4.1, 4.3, 1.7, 9.0, 3000.0, math.inf, -999.0])
    assert (seen["outside"], seen["far"]) == (6, 3)


def test_whole_numbers_and_the_most_common_value_are_counted() -> None:
    law = of([0.5, 0.5, 0.25, 1.0, 2.5])
    assert (rates(law, [0.5, 1.0, 2.0, 0.75])["whole"], rates(law, [0.5, 1.0, 0.5])["common"]) == (2, 2)


def test_levels_are_known_by_their_text_whatever_their_type() -> None:
    law = of(np.array([1, 2, 2, None], dtype=object), "string")
    assert law.profile.columns[0].levels == ("1", "2")
    values = np.array(["1", 2.0, "3", None, math.nan], dtype=object)
    assert bins(law, values) == [1, 1]
    assert (rates(law, values)["unseen"], rates(law, values)["missing"]) == (1, 2)


def test_truth_values_are_the_same_as_numbers_or_not() -> None:
    law = of(np.array([True, False, True]), "bool")
    assert (law.profile.columns[0].levels, bins(law)) == (("False", "True"), [1, 2])
    assert bins(law, np.array([1.0, 0.0, math.nan])) == [1, 1]
    assert rates(law, np.array([True, None, False], dtype=object))["missing"] == 1


def test_levels_that_only_happened_to_repeat_are_not_expected_again() -> None:
    names = np.array([f"id{i % 900}" for i in range(1000)] + ["common"] * 9, dtype=object)
    profile = of(names, "string").profile
    assert len(profile.columns[0].levels) == 500
    assert profile.met[:500].sum() == pytest.approx(9, abs=200 * 0.5)


def test_the_output_is_a_number_a_score_or_a_label() -> None:
    labels = np.array(["no", "yes"], dtype=object)
    score = reference_profile({}, (), labels, np.array([[0.9, 0.1], [0.3, 0.7]])).column(PREDICTION)
    label = reference_profile({}, (), labels).column(PREDICTION)
    assert (score.kind, score.low, score.high) == ("numeric", 0.1, 0.7)
    assert (label.kind, label.levels) == ("categorical", ("no", "yes"))


def test_personal_data_is_not_in_the_profile() -> None:
    mail = np.array(["ann@example.org"], dtype=object)
    reference = reference_profile({"mail": mail}, [Field("mail", "string", pii=True)], np.zeros(1))
    assert [column.name for column in reference.columns] == [PREDICTION]
    with pytest.raises(KeyError, match="mail"):
        reference.column("mail")


def test_a_column_that_is_not_sent_is_all_missing() -> None:
    law = Law(reference_profile(batch([1.0, 2.0], ["a", "b"]), FIELDS, np.zeros(2)))
    seen = law.count({"x": np.array([1.0])}, np.zeros(1))
    assert (seen.rates[1, RATES.index("missing")], seen.bins[law.place(1)].sum()) == (1, 0)


def test_times_are_profiled_in_seconds() -> None:
    times = np.array(["2026-01-01T00:00:00", "2026-01-01T00:01:00", "NaT"], dtype="datetime64[ns]")
    law = of(times, "datetime")
    column = law.profile.columns[0]
    assert (column.kind, law.total.rates[0, RATES.index("missing")]) == ("datetime", 1)
    assert column.low is not None
    assert column.high == column.low + 60.0
