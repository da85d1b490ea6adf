"""Neyman's smooth test against its own law, and what it sees of changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from boucle.core.profile import Column
from boucle.measures.profiles import profile
from boucle.measures.smooth import Basis, settled, smooth_test

RUNS = 400


def basis(rows: np.ndarray[Any, Any]) -> tuple[Basis, Any]:
    """Return the basis of a reference of one numeric column, and what counts rows in its bins."""
    from boucle.measures.law import Law  # the law imports the basis

    law = Law(profile({"x": rows}, {"x": "numeric"}))
    found = law.bases[0]
    assert found is not None
    return found, lambda values: law.count({"x": values}).bins[law.place(0)]


@pytest.mark.parametrize("tied", [False, True])
def test_the_functions_are_orthonormal_under_the_reference(tied: bool) -> None:
    rows = np.random.default_rng(0).normal(size=5000)
    rows = np.where(rows < 0.3, 0.0, rows.round(1)) if tied else rows
    found, count = basis(rows)
    counts = count(rows)
    assert found.means(counts) == pytest.approx(np.zeros(found.order), abs=1e-9)
    assert found.covariance(counts) == pytest.approx(np.eye(found.order), abs=1e-9)


def test_p_values_of_no_change_are_uniform() -> None:
    random = np.random.default_rng(1)
    found, count = basis(random.normal(size=200_000))
    pvalues = [smooth_test(found.means(count(random.normal(size=800))), None, 800.0, 0.0).p for _ in range(RUNS)]
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("shift", [0.1, 0.3, 0.5])
def test_the_effect_is_about_the_shift_in_standard_deviations(shift: float) -> None:
    random = np.random.default_rng(2)
    found, count = basis(random.normal(size=100_000))
    effects = [smooth_test(found.means(count(random.normal(shift, 1.0, 2000))), None, 2000.0).effect for _ in range(50)]
    assert np.mean(effects) == pytest.approx(shift, rel=0.12)


def test_a_trifle_stays_a_trifle_however_many_rows() -> None:
    off = np.array([0.02, 0.0, 0.0, 0.0])
    assert smooth_test(off, None, 1e6, 0.0).p < 1e-6
    assert smooth_test(off, None, 1e6, 0.03).p > 0.5


def test_a_scale_and_a_skew_are_seen_as_well() -> None:
    random = np.random.default_rng(3)
    found, count = basis(random.normal(size=50_000))
    wide, skewed = random.normal(0.0, 1.35, 1000), random.gumbel(-0.45, 0.78, 1000)
    assert smooth_test(found.means(count(wide)), None, 1000.0).p < 1e-6
    assert smooth_test(found.means(count(skewed)), None, 1000.0).p < 1e-3


def test_a_constant_column_has_no_functions() -> None:
    assert Basis.of(Column("x", "numeric", cuts=(1, 2)), np.array([0, 50, 0])) is None
    assert Basis.of(Column("x", "categorical", levels=("a",)), np.array([50])) is None


@pytest.mark.parametrize("freedom", [8, 20, 200])
def test_a_variance_that_is_only_estimated_has_heavier_tails(freedom: int) -> None:
    for chance in (1e-2, 1e-3, 1e-5):
        square = 4.0 * stats.f.isf(chance, 4, freedom)
        said = stats.chi2.sf(settled(square, freedom), 4)
        assert chance / 1.2 < said < 3.0 * chance  # never less rare than it is, and not much more
        assert freedom > 20 or stats.chi2.sf(square, 4) < chance / 2.0
    assert settled(12.5, float("inf")) == 12.5
