"""What a reference teaches of its losses: their level, their cycle, and how far rows repeat one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from boucle.core.expected import Expected
from boucle.measures.cycles import f_tail
from boucle.measures.expected import expect

RANDOM = np.random.default_rng(21)


def errors(rate: Any, rows: int) -> NDArray[np.float64]:
    return (RANDOM.random(rows) < rate).astype(np.float64)


@given(st.floats(0.01, 20.0), st.integers(1, 30), st.integers(1, 60))
def test_the_tail_of_f_is_that_of_the_tables(ratio: float, above: int, below: int) -> None:
    assert f_tail(ratio, above, below) == pytest.approx(stats.f.sf(ratio, above, below), abs=1e-9)


def test_a_published_value_of_f() -> None:
    assert f_tail(4.96, 1, 10) == pytest.approx(0.05, abs=2e-4)  # the 5 % point of F(1, 10) in every table


def test_errors_are_described_by_their_rate_and_its_error() -> None:
    found = expect(np.array([0.0, 0.0, 0.0, 1.0] * 2500))
    assert (found.mean, found.errors, found.cut, found.design) == (0.25, True, 1.0, 1.0)
    assert found.error == pytest.approx(np.sqrt(0.25 * 0.75 / 10_000))
    assert found.tolerated(0.01) == pytest.approx(0.26)


@pytest.mark.parametrize("wrong", [0, 1, 25, 60])
def test_a_small_reference_is_given_its_own_error(wrong: int) -> None:
    found = expect(np.array([1.0] * wrong + [0.0] * (100 - wrong)))
    worst = found.tolerated(0.0)  # Wilson's bound: the share from which the one found is two standard errors away
    assert worst - wrong / 100 == pytest.approx(2.0 * np.sqrt(worst * (1.0 - worst) / 100), abs=2e-6)


def test_losses_are_cut_so_that_one_decides_nothing() -> None:
    plain = RANDOM.exponential(1.0, 1000)
    found = expect(np.concatenate((plain, [1e9])))
    assert found.cut == pytest.approx(np.quantile(plain, 0.995), rel=0.2)
    assert found.mean * found.cut == pytest.approx(1.0, rel=0.1)
    assert not found.errors


def test_a_daily_cycle_is_learnt_and_expected_again() -> None:
    hour = np.repeat(np.arange(24 * 10), 200)
    rate = 0.10 + 0.08 * np.sin(2.0 * np.pi * hour / 24)
    found = expect(errors(rate, len(rate)), window=200)
    assert len(found.phases) == 24
    assert found.design == 1.0
    assert [found.at(6.5), found.at(18.5)] == pytest.approx([0.18, 0.02], abs=0.04)
    assert found.at(24 * 7 + 6.5) == found.at(6.5)
    assert found.at(None) == found.mean


def test_a_cycle_that_is_no_whole_number_of_blocks_is_not_foretold() -> None:
    # Expected by the block it would soon be out of step; instead its swing counts as rows that repeat one another.
    for period, learnt in ((7.3, False), (7.0, True), (7.5, True)):
        block = np.repeat(np.arange(48), 2000)
        found = expect(errors(0.10 + 0.06 * np.sin(2.0 * np.pi * block / period), len(block)), window=2000)
        assert bool(found.phases) == learnt
        assert (found.design < 2.0) == learnt


def test_times_place_a_day_on_the_clock_whatever_the_rows_of_a_block() -> None:
    times = 1e9 + np.sort(RANDOM.random(60_000)) * 86400 * 12
    rate = 0.10 + 0.08 * np.sin(2.0 * np.pi * times / 86400)
    found = expect(errors(rate, len(times)), window=230, times=times)
    assert len(found.phases) * found.span == pytest.approx(86400)
    noon = 1e9 + 86400 * (14 - 1e9 / 86400 % 1 + 0.25)
    assert found.at(noon) == pytest.approx(0.18, abs=0.04)


def test_a_short_reference_has_no_cycle_and_still_blocks_of_the_clock() -> None:
    found = expect(errors(0.1, 500), window=100, times=np.linspace(0.0, 7200.0, 500))
    assert (found.phases, found.design) == ((), 1.0)
    assert found.span == pytest.approx(1440.0, rel=0.02)


def test_rarely_is_a_cycle_seen_where_there_is_none() -> None:
    # Each is one chance in 100 at most: more than 6 of 100 would be seen in fewer than 1 in 1,000 runs.
    found = [expect(errors(0.1, 4000), window=100) for _ in range(100)]
    assert stats.binom.sf(6, 100, 0.01) < 0.001
    assert sum(bool(one.phases) for one in found) <= 6


def test_bursts_of_equal_rows_count_as_the_few_rows_they_are() -> None:
    found = [expect(np.repeat(errors(0.1, 2000), 20), window=1000).design for _ in range(10)]
    assert np.mean(found) == pytest.approx(20.0, rel=0.25)
    assert np.mean([expect(errors(0.1, 40_000), window=1000).design for _ in range(10)]) < 1.2


def test_missing_losses_are_left_out_and_nothing_is_refused() -> None:
    assert expect(np.array([np.nan, 1.0, 0.0])).mean == 0.5
    for wrong in (np.array([]), np.array([np.nan]), np.array([-1.0])):
        with pytest.raises(ValueError, match="loss"):
            expect(wrong)


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.floats(-1e12, 1e12))
def test_what_is_tolerated_is_always_a_rate(mean: float, tolerance: float, time: float) -> None:
    one = Expected(mean, 100.0, 0.5, phases=(mean, 0.0, 1.0), span=3600.0)
    assert 0.0 < one.tolerated(tolerance, time) < 1.0
