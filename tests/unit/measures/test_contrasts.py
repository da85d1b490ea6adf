"""Contrasts: how often they are wrong under constant looking, how soon they are right, and that they add up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.json import from_data, to_data
from boucle.measures.contrasts import FALLS, Arm, Contrast, Pairs
from boucle.measures.sequences import UNKNOWN, Floats, Marks

Stream = tuple[Floats, Marks]


def squared(random: np.random.Generator, rows: int, factor: float) -> Stream:
    """Squared errors of a regression; the second version's are ``factor`` times as large."""
    second = random.random(rows) < 0.2
    return random.normal(size=rows) ** 2 * np.where(second, factor, 1.0), second


def cycling(random: np.random.Generator, rows: int, factor: float) -> Stream:
    """Errors at a rate that swings over the day, while the second version's share grows."""
    time = np.arange(rows)
    second = random.random(rows) < np.where(time < rows / 2, 0.05, 0.3)
    rate = 0.05 * (1.0 + 0.6 * np.sin(time / 200.0)) * np.where(second, factor, 1.0)
    return (random.random(rows) < rate).astype(np.float64), second


def ends(make: Callable[..., Stream], factor: float, runs: int, rows: int) -> tuple[float, float]:
    """Return how often the band's lower end was ever above 0, and its upper end ever below, over many looks."""
    above = below = 0
    for run in range(runs):
        values, second = make(np.random.default_rng([2000, run]), rows, factor)
        contrast, bands = Contrast(), []
        for start in range(0, rows, 100):
            contrast.add_rows(values[start : start + 100], second[start : start + 100])
            if contrast.second.rows >= 100:
                bands.append(contrast.band(100))
        above += any(b.low > 0.0 for b in bands)
        below += any(b.high < 0.0 for b in bands)
    return above / runs, below / runs


@pytest.mark.parametrize("make", [squared, cycling])
def test_equal_versions_are_rarely_told_apart_however_often_one_looks(make: Callable[..., Stream]) -> None:
    above, below = ends(make, 1.0, runs=150, rows=3000)
    assert above <= 0.06
    assert below <= 0.08


def test_a_version_twice_as_bad_is_always_found() -> None:
    assert ends(squared, 2.0, runs=40, rows=3000) == (1.0, 0.0)
    assert ends(cycling, 3.0, runs=40, rows=6000)[0] == 1.0


def test_a_growing_share_is_not_mistaken_for_a_difference() -> None:
    random = np.random.default_rng(5)
    late = np.arange(4000) >= 2000
    second = random.random(4000) < np.where(late, 0.5, 0.05)
    errors = (random.random(4000) < np.where(late, 0.4, 0.05)).astype(np.float64)
    contrast = Contrast()
    contrast.add_rows(errors, second)
    assert errors[second].mean() - errors[~second].mean() > 0.1
    assert abs(contrast.band(500).estimate) < 0.04


def test_without_rows_of_both_nothing_is_known() -> None:
    empty, lonely, pairs = Contrast(), Contrast(), Pairs()
    lonely.add_rows(np.ones(50), np.zeros(50, dtype=bool))
    assert empty.band(100) == lonely.band(100) == pairs.band(100) == UNKNOWN
    assert (empty.e_value, lonely.e_value, pairs.e_value) == (1.0, 1.0, 1.0)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200), st.integers(1, 50))
def test_rows_are_counted_the_same_however_they_come_in(rows: list[tuple[bool, bool]], size: int) -> None:
    errors = np.array([e for e, _ in rows], dtype=np.float64)
    second = np.array([s for _, s in rows], dtype=bool)
    whole, parts = Contrast(), Contrast()
    whole.add_rows(errors, second)
    for start in range(0, len(rows), size):
        parts.add_rows(errors[start : start + size], second[start : start + size])
    assert parts == whole
    assert whole.second.rows + whole.waiting_second.rows == second.sum()
    assert from_data(to_data(whole), Contrast) == whole


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), min_size=1, max_size=12))
def test_two_contrasts_add_up_to_the_one_that_saw_all(intervals: list[tuple[int, int, bool]]) -> None:
    past = Arm.counted(50, 1000)
    one, other, both = Contrast(past=past), Contrast(past=past), Contrast(past=past + past)
    for first, second, which in intervals:
        arms = Arm.counted(first, 90), Arm.counted(second, 10)
        (one if which else other).add(*arms)
        both.add(*arms)
    merged, band = one + other, both.band(100)
    assert (merged.first, merged.second, merged.strata) == (both.first, both.second, both.strata)
    assert merged.band(100).estimate == pytest.approx(band.estimate)
    assert merged.band(100).high == pytest.approx(band.high)
    assert (one + Contrast()).band(100) == one.band(100)


def paired(run: int, rows: int, worse: float) -> Stream:
    """Errors of two versions on the same rows: each errs alone on 5 %, the second on ``worse`` more."""
    kind = np.random.default_rng([3000, run]).choice(4, rows, p=[0.05, 0.05 + worse, 0.02, 0.88 - worse])
    return ((kind == 0) | (kind == 2)).astype(np.float64), (kind == 1) | (kind == 2)


def test_pairs_are_bounded_and_judged_at_all_times() -> None:
    wrong = accused = 0
    for run in range(200):
        first, second = paired(run, 2000, 0.0)
        pairs, lows = Pairs(), []
        for start in range(0, 2000, 50):
            pairs.add(first[start : start + 50], second[start : start + 50].astype(np.float64))
            lows.append(pairs.band(200).low)
        wrong += max(lows[1:]) > 0.0
        accused += pairs.best >= 20.0
    assert wrong / 200 <= 0.06
    assert accused / 200 <= 0.06


def test_a_shadow_that_errs_more_is_found_in_a_few_hundred_rows() -> None:
    for run in range(20):
        first, second = paired(run, 600, 0.15)
        pairs = Pairs()
        pairs.add(first, second.astype(np.float64))
        assert pairs.best >= 20.0
        assert pairs.band(200).low > 0.0


def test_the_e_process_rarely_accuses_an_equal_version() -> None:
    accused = 0
    for run in range(300):
        contrast = Contrast()
        contrast.add_rows(*cycling(np.random.default_rng([4000, run]), 6000, 1.0))
        accused += contrast.best >= 20.0
    assert accused / 300 <= 0.05


def test_the_first_stratum_counts_and_does_not_accuse_an_equal_version() -> None:
    random = np.random.default_rng(4100)
    values = []
    for rate in np.tile([0.002, 0.02, 0.1, 0.4], 500):
        contrast = Contrast()
        contrast.add(Arm.counted(random.binomial(900, rate), 900), Arm.counted(random.binomial(100, rate), 100))
        values.append(contrast.e_value or 0.0)
    assert np.mean(np.array(values) >= 20.0) <= 0.05
    assert np.mean(values) <= 1.2


def test_the_e_process_finds_a_disaster_within_a_hundred_rows() -> None:
    needed = []
    for run in range(40):
        random = np.random.default_rng([5000, run])
        second = random.random(4000) < 0.1
        errors = (random.random(4000) < np.where(second, 0.5, 0.05)).astype(np.float64)
        contrast, start = Contrast(), 0
        while contrast.best < 20.0:
            contrast.add_rows(errors[start : start + 10], second[start : start + 10])
            start += 10
        needed.append(contrast.second.rows)
    assert np.mean(needed) <= 40
    assert max(needed) <= 100


def test_a_rate_that_falls_is_found_where_that_is_asked() -> None:
    rises, falls = Contrast(), Contrast(ratios=FALLS)
    for _ in range(10):
        for one in (rises, falls):
            one.add(Arm.counted(90, 900), Arm.counted(3, 100))
    assert falls.best >= 20.0
    assert rises.best == 1.0


def test_losses_that_are_no_errors_have_no_e_value() -> None:
    contrast, pairs = Contrast(), Pairs()
    contrast.add_rows(*squared(np.random.default_rng(1), 200, 1.0))
    pairs.add(np.array([0.2, 0.5]), np.array([0.1, 0.7]))
    assert (contrast.e_value, pairs.e_value) == (None, None)
