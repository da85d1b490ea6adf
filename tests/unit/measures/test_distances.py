"""Tests on counts: against SciPy, on noise, and on changes that matter or do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from boucle.measures.distances import (
    benjamini_hochberg,
    chi2_test,
    ks_test,
    rate_test,
    shift_of,
)

PVALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)


def binned(rows: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    """Count standard normal values in 128 bins of equal expectation."""
    edges = stats.norm.ppf(np.linspace(0, 1, 129)[1:-1])
    counts: list[int] = np.bincount(np.searchsorted(edges, rows), minlength=128).tolist()
    return counts


def test_ks_on_bins_of_single_values_is_scipys() -> None:
    random = np.random.default_rng(1)
    old, new = random.integers(0, 60, 1000), random.integers(3, 63, 400)
    found = ks_test(np.bincount(old, minlength=70), np.bincount(new, minlength=70))
    expected = stats.ks_2samp(old, new, method="asymp")
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue, rel=0.2)
    assert found.p >= expected.pvalue


def test_chi2_without_rare_levels_is_scipys() -> None:
    random = np.random.default_rng(2)
    old, new = random.multinomial(1000, [0.2] * 5), random.multinomial(300, [0.3, 0.1, 0.2, 0.2, 0.2])
    expected = stats.chi2_contingency(np.array([old, new]), correction=False)
    found = chi2_test(old, new)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))


@given(PVALUES)
def test_adjusted_p_values_are_scipys(pvalues: list[float]) -> None:
    rejected, adjusted = benjamini_hochberg(pvalues, 0.05)
    assert adjusted == pytest.approx(stats.false_discovery_control(pvalues).tolist())
    assert rejected == [p <= 0.05 for p in adjusted]


def test_noise_is_rarely_called_drift_at_any_size() -> None:
    random = np.random.default_rng(1000)
    for rows in (200, 2000, 50_000):
        pvalues = [ks_test(binned(random.normal(size=10_000)), binned(random.normal(size=rows))).p for _ in range(200)]
        assert np.mean(np.array(pvalues) < 0.05) <= 0.09


def test_half_a_standard_deviation_is_found_and_measured() -> None:
    random = np.random.default_rng(1001)
    old = binned(random.normal(size=10_000))
    found = [ks_test(old, binned(random.normal(0.5, 1.0, 1000)), 0.03) for _ in range(50)]
    assert max(f.p for f in found) < 1e-6
    assert np.mean([f.effect for f in found]) == pytest.approx(0.5, abs=0.08)


def test_a_trifle_stays_a_trifle_however_many_rows() -> None:
    random = np.random.default_rng(1002)
    old, new = binned(random.normal(size=500_000)), binned(random.normal(0.02, 1.0, 500_000))
    assert ks_test(old, new).p < 1e-6
    assert ks_test(old, new, trifle=0.03).p > 0.5
    assert ks_test(old, new).effect < 0.1


def test_one_row_of_a_new_level_is_no_drift() -> None:
    assert chi2_test([100_000, 0], [249, 1]).p == 1.0
    assert chi2_test([50_000, 50_000, 0], [125, 124, 1]).p > 0.5


def test_many_levels_without_drift_have_no_effect() -> None:
    random = np.random.default_rng(1003)
    found = [
        chi2_test(random.multinomial(10_000, [1 / 200] * 200), random.multinomial(2000, [1 / 200] * 200), 0.03)
        for _ in range(100)
    ]
    assert np.mean([f.p < 0.05 for f in found]) <= 0.05
    assert np.mean([f.effect for f in found]) < 0.06


def test_empty_counts_are_no_drift() -> None:
    for test in (ks_test, chi2_test):
        assert test([0, 0], [1, 2]).p == test([5, 6], [0, 0]).p == test([0], [0]).p == 1.0


def test_bins_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="3 bins cannot be compared with 2"):
        ks_test([1, 2, 3], [1, 2])


def test_a_gap_is_turned_into_the_shift_that_makes_it() -> None:
    for shift in (0.1, 0.5, 1.5):
        assert shift_of(2.0 * stats.norm.cdf(shift / 2.0) - 1.0) == pytest.approx(shift)


def test_a_rate_has_to_exceed_what_the_reference_leaves_open() -> None:
    assert rate_test(0, 500, 0, 1000).p == 1.0
    assert rate_test(2, 500, 0, 1000).p > 0.05
    assert rate_test(25, 500, 0, 1000).p < 1e-10
    assert rate_test(25, 500, 50, 1000).p > 0.5
    assert rate_test(0, 0, 0, 0).rate == 0.0
