"""The e-CUSUM: what it promises, exactly where that can be summed up, else by simulation with the error stated."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from boucle.core.json import dumps, loads
from boucle.measures.detectors import (
    CEILING,
    STEPS,
    THRESHOLD,
    Cusum,
    advance,
    count_growth,
    log_mean,
    loss_growth,
    pooled,
    replay,
)

RATES = st.floats(0.001, 0.9)
GROWTHS = st.lists(st.lists(st.floats(-5.0, 5.0), min_size=5, max_size=5), max_size=12)


def looks_until_alarm(random: np.random.Generator, rate: float, expected: float, rows: int, most: int) -> int | None:
    state = Cusum()
    for look in range(most):
        state = advance(state, count_growth(random.binomial(rows, rate), rows, expected), look)
        if state.alarm:
            return look + 1
    return None


@given(RATES, st.floats(0.001, 1.0), st.integers(1, 30), st.floats(1.0, 8.0))
def test_no_rate_up_to_the_tolerated_one_makes_evidence_on_average(
    p: float, part: float, n: int, design: float
) -> None:
    wrong = np.arange(n + 1)
    chances = stats.binom.pmf(wrong, n, p * part)
    gain = np.array([np.exp(count_growth(x, n, p, design)) for x in wrong])
    assert (chances @ gain <= 1.0 + 1e-9).all()


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40), RATES)
def test_errors_are_the_losses_of_which_counts_are_enough(errors: list[int], p: float) -> None:
    counted = count_growth(sum(errors), len(errors), p)
    assert loss_growth(np.array(errors), p) == pytest.approx(counted, rel=1e-9, abs=1e-9)


@given(RATES)
def test_a_row_grows_as_the_likelihood_ratio_of_the_reference(p: float) -> None:
    risen = p + np.array(STEPS) * (1.0 - p)
    assert np.exp(count_growth(1, 1, p)) == pytest.approx(risen / p)
    assert np.exp(count_growth(0, 1, p)) == pytest.approx((1.0 - risen) / (1.0 - p))


def test_strata_with_rates_of_their_own_add_up() -> None:
    both = count_growth([3, 9], [100, 50], [0.02, 0.2])
    assert both == pytest.approx(count_growth(3, 100, 0.02) + count_growth(9, 50, 0.2))


@given(GROWTHS)
def test_evidence_is_forgotten_below_one_and_grows_no_further_than_the_ceiling(growths: list[list[float]]) -> None:
    state, plain = Cusum(), np.zeros(5)
    for look, growth in enumerate(growths):
        state = advance(state, growth, look)
        plain = np.minimum(np.maximum(plain, 0.0) + growth, CEILING)
        assert state.logs == pytest.approx(tuple(plain))
    assert replay(enumerate(growths)) == state
    assert loads(dumps(state), Cusum) == state


def test_a_look_that_goes_on_counts_as_one_with_the_look_before() -> None:
    parts = [[-1.0, 0.5, 1.0, 1.0, 1.0], [1.5, 0.5, -3.0, 1.0, 1.0]]
    state = advance(advance(Cusum(), parts[0], 0.0), parts[1], 0.0, opens=False)
    assert state == advance(Cusum(), np.sum(parts, axis=0), 0.0)


def test_false_alarms_are_no_more_than_promised_at_the_very_edge_of_what_is_tolerated() -> None:
    # The mean time to an alarm is 2,000 looks or more, so one within 200 looks has a chance of at most 0.1 (Ville).
    # Of 200 streams, more than 34 would then be seen in fewer than 1 of 1,000 runs of this test.
    random = np.random.default_rng(11)
    alarms = [looks_until_alarm(random, 0.06, 0.06, 500, 200) for _ in range(200)]
    assert stats.binom.sf(34, 200, 200 / THRESHOLD) < 0.001
    assert sum(a is not None for a in alarms) <= 34


def test_a_model_as_good_as_its_reference_is_left_alone() -> None:
    random = np.random.default_rng(12)
    assert [looks_until_alarm(random, 0.05, 0.06, 1000, 2000) for _ in range(10)] == [None] * 10


@pytest.mark.parametrize(("rate", "longest", "mean"), [(0.08, 12, 5.0), (0.10, 4, 2.0), (0.15, 1, 1.0)])
def test_a_loss_is_found_within_a_few_looks(rate: float, longest: int, mean: float) -> None:
    random = np.random.default_rng(13)
    delays = [looks_until_alarm(random, rate, 0.06, 1000, 50) or 50 for _ in range(60)]
    assert max(delays) <= longest
    assert np.mean(delays) <= mean


def test_the_change_is_dated_by_the_last_fresh_start_of_the_leading_step() -> None:
    random, found = np.random.default_rng(14), []
    for _ in range(40):
        state, look = Cusum(), 0
        while not state.alarm and look < 80:
            rate = 0.05 if look < 30 else 0.10
            state = advance(state, count_growth(random.binomial(500, rate), 500, 0.06), look)
            look += 1
        found.append(state.since)
    assert np.median([f for f in found if f is not None]) == 30
    assert np.mean([f is not None and abs(f - 30) <= 2 for f in found]) >= 0.9


def test_bets_on_losses_hold_their_promise_and_find_a_rise() -> None:
    random = np.random.default_rng(15)
    calm = np.minimum(random.exponential(0.1, (300, 400)), 1.0)
    mean = float(calm.mean())
    gains = np.exp([loss_growth(row, mean) for row in calm[:, :20]])
    assert (gains.mean(axis=0) - 4.0 * gains.std(axis=0) / math.sqrt(len(gains)) <= 1.0).all()
    assert not replay((i, loss_growth(row, mean)) for i, row in enumerate(calm)).alarm
    risen = np.minimum(random.exponential(0.12, (10, 400)), 1.0)
    assert replay((i, loss_growth(row, mean)) for i, row in enumerate(risen)).alarm


@given(st.lists(st.floats(-50.0, 20.0), min_size=1, max_size=12))
def test_slices_weigh_half_and_all_rows_half(logs: list[float]) -> None:
    one = Cusum((3.0,) * 5, (0.0,) * 5)
    slices = [Cusum((log,) * 5, (0.0,) * 5) for log in logs]
    expected = math.log(math.exp(3.0) / 2.0 + np.mean(np.exp(logs)) / 2.0)
    assert pooled(one, slices) == pytest.approx(expected)
    assert pooled(one, []) == pytest.approx(3.0)
    assert log_mean(logs) == pytest.approx(math.log(np.mean(np.exp(logs))))


def test_an_alarm_ends_when_the_loss_has_ended() -> None:
    random, state = np.random.default_rng(16), Cusum()
    states = []
    for look in range(80):
        rate = 0.2 if look < 40 else 0.05
        state = advance(state, count_growth(random.binomial(1000, rate), 1000, 0.06), look)
        states.append(state.alarm)
    assert states[39]
    assert not states[-1]
    assert sum(a != b for a, b in pairwise(states)) == 1
