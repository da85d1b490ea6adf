"""Sequential judgements: how often they are wrong under constant looking, and how soon they are right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.measures.sequences import (
    UNKNOWN,
    Band,
    Floats,
    Marks,
    blocks,
    change_point,
    difference_sequence,
    mean_sequence,
    rate_process,
    reach,
    rise_evidence,
    rows_until,
)

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
        bands = [difference_sequence(values[:n], second[:n], 100) for n in range(100, rows + 1, 100)]
        told = [b for b, n in zip(bands, range(100, rows + 1, 100), strict=True) if second[:n].sum() >= 100]
        above += any(b.low > 0.0 for b in told)
        below += any(b.high < 0.0 for b in told)
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
    pooled = errors[second].mean() - errors[~second].mean()
    assert pooled > 0.1
    assert abs(difference_sequence(errors, second, 500).estimate) < 0.04


def test_the_band_is_narrowest_for_its_effort_where_it_was_planned() -> None:
    widths = [reach(n, 200) * np.sqrt(n) for n in (20, 200, 2000)]
    assert widths[1] == min(widths)
    assert widths[1] == pytest.approx(2.77, abs=0.02)
    assert reach(0, 200) == np.inf


def test_without_rows_nothing_is_known() -> None:
    nothing = np.zeros(0)
    assert difference_sequence(nothing, nothing.astype(bool), 100) == UNKNOWN
    assert mean_sequence(nothing, 100) == UNKNOWN
    assert difference_sequence(np.ones(50), np.zeros(50, dtype=bool), 100) == UNKNOWN


def test_paired_differences_are_bounded_at_all_times() -> None:
    wrong = 0
    for run in range(200):
        values = np.random.default_rng([3000, run]).choice([-1.0, 0.0, 1.0], 2000, p=[0.05, 0.9, 0.05])
        bands = [mean_sequence(values[:n], 200) for n in range(100, 2001, 50)]
        wrong += any(b.low > 0.0 for b in bands)
    assert wrong / 200 <= 0.06


@given(st.lists(st.booleans(), max_size=200))
def test_blocks_are_stretches_with_enough_of_both(marks: list[bool]) -> None:
    second = np.array(marks, dtype=bool)
    block = blocks(second)
    for number in range(block.max(initial=-1) + 1):
        inside = second[block == number]
        assert min(inside.sum(), len(inside) - inside.sum()) == 5
    assert (np.diff(block[block >= 0]) >= 0).all()


def test_more_rows_are_asked_for_until_the_bound_is_met() -> None:
    band = Band(0.01, -1.0, 1.0, 100.0, 0.5)
    rows = rows_until(band, 0.06, 100)
    assert rows is not None
    assert band.estimate + band.spread * reach(rows, 100) == pytest.approx(0.06, abs=1e-6)
    assert rows_until(band, 0.005, 100) is None


def test_the_e_process_rarely_accuses_an_equal_version() -> None:
    accused = 0
    for run in range(300):
        errors, second = cycling(np.random.default_rng([4000, run]), 6000, 1.0)
        accused += rate_process(errors > 0, second).max(initial=0.0) >= 20.0
    assert accused / 300 <= 0.05


def test_the_e_process_finds_a_disaster_within_a_hundred_rows() -> None:
    needed = []
    for run in range(40):
        random = np.random.default_rng([5000, run])
        second = random.random(4000) < 0.1
        errors = random.random(4000) < np.where(second, 0.5, 0.05)
        found = np.flatnonzero(rate_process(errors, second) >= 20.0)
        needed.append(5 * (found[0] + 1))
    assert np.mean(needed) <= 40
    assert max(needed) <= 100


def test_errors_above_the_tolerated_rate_are_proven_and_below_are_not() -> None:
    assert rise_evidence(30, 100, 0.01) > 1e6
    assert rise_evidence(1, 100, 0.01) < 2.0
    assert rise_evidence(0, 0, 0.01) == 1.0


def test_the_change_point_is_found_near_the_truth() -> None:
    missed = []
    for run in range(40):
        random = np.random.default_rng([7000, run])
        losses = random.normal(size=600) ** 2 * np.where(np.arange(600) < 400, 0.3, 0.75)
        found = change_point(losses)
        assert found is not None
        missed.append(abs(found - 400))
    assert np.median(missed) <= 20
    assert max(missed) <= 150


def test_losses_that_only_fall_have_no_rise() -> None:
    assert change_point(np.linspace(2.0, 1.0, 200)) is None
    assert change_point([1.0] * 30) is None
