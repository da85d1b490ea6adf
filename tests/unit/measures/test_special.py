"""Tails against SciPy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special as reference
from scipy import stats

from boucle.measures.special import (
    beta_share,
    binomial_tail,
    chi2_tail,
    gamma_tail,
    normal_quantile,
    normal_tail,
)


@given(st.floats(0.01, 2000.0), st.floats(0.0, 4000.0))
def test_the_gamma_tail_is_scipys(a: float, x: float) -> None:
    assert gamma_tail(a, x) == pytest.approx(reference.gammaincc(a, x), rel=1e-8, abs=1e-13)


@given(st.integers(1, 60), st.floats(0.001, 500.0), st.just(0.0) | st.floats(0.001, 300.0))
def test_the_chi_squared_tail_is_scipys_central_or_not(df: int, x: float, noncentrality: float) -> None:
    expected = stats.ncx2.sf(x, df, noncentrality) if noncentrality else stats.chi2.sf(x, df)
    assert chi2_tail(x, df, noncentrality) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_very_non_central_tail_is_close_and_quick() -> None:
    for x in (89_000.0, 90_003.0, 91_500.0):
        assert chi2_tail(x, 3, 90_000.0) == pytest.approx(stats.ncx2.sf(x, 3, 90_000.0), abs=3e-3)


@given(st.integers(0, 3000), st.integers(1, 3000), st.floats(1e-6, 1.0 - 1e-6))
def test_the_binomial_tail_is_scipys(x: int, n: int, p: float) -> None:
    assert binomial_tail(x, n, p) == pytest.approx(stats.binom.sf(x - 1, n, p), rel=1e-7, abs=1e-12)


@given(st.floats(0.05, 500.0), st.floats(0.05, 500.0), st.floats(0.0, 1.0))
def test_the_beta_share_is_scipys(a: float, b: float, x: float) -> None:
    assert beta_share(a, b, x) == pytest.approx(reference.betainc(a, b, x), rel=1e-7, abs=1e-12)


def test_ends_are_ends() -> None:
    assert gamma_tail(2.0, math.inf) == 0.0
    assert (binomial_tail(0, 5, 0.1), binomial_tail(6, 5, 0.1), binomial_tail(1, 5, 0.0)) == (1.0, 0.0, 0.0)
    assert normal_tail(1.959963985) == pytest.approx(0.025)
    assert normal_quantile(0.975) == pytest.approx(1.959963985)
