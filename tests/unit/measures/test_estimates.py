"""Estimated performance: calibration against scikit-learn's, estimates against labels that were held back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from boucle.core.expected import Calibration
from boucle.core.json import dumps, loads
from boucle.measures.estimates import METRICS, calibrate, calibrated, estimate
from boucle.measures.metrics import Answers, labelled, numbers, score

PAIRS = st.lists(st.tuples(st.integers(0, 64).map(lambda v: v / 64.0), st.booleans()), min_size=1, max_size=60)


def world(seed: int, rows: int, centre: float = 0.0, turned: bool = False) -> tuple[Answers, Any, Any]:
    """Answer with scores that are much too sure; the right chance is that of twice x, or its opposite."""
    random = np.random.default_rng([31, seed])
    x = random.normal(centre, 1.0, rows)
    came = random.random(rows) < 1.0 / (1.0 + np.exp(2.0 * x if turned else -2.0 * x))
    scores = 1.0 / (1.0 + np.exp(-5.0 * x))
    return labelled(came.astype(int), (scores > 0.5).astype(int), scores, (0, 1)), scores, came


@given(PAIRS)
def test_calibration_is_the_isotonic_regression_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    scores, came = np.array([s for s, _ in pairs]), np.array([t for _, t in pairs])
    table = calibrate(scores, came)
    grid = np.concatenate((np.linspace(-0.5, 1.5, 50), scores))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, came.astype(float)).predict(grid)
    assert calibrated(grid, table) == pytest.approx(theirs, abs=1e-6)


@given(PAIRS)
def test_a_calibration_increases_and_keeps_the_share_of_all(pairs: list[tuple[float, bool]]) -> None:
    table = calibrate(np.array([s for s, _ in pairs]), np.array([t for _, t in pairs]))
    assert list(table.shares) == sorted(table.shares)
    assert np.dot(table.shares, table.rows) == pytest.approx(sum(t for _, t in pairs))
    assert loads(dumps(table), Calibration) == table


def test_estimates_are_right_when_the_rows_change_and_their_meaning_does_not() -> None:
    # 95 % intervals of five metrics in 20 worlds; calibration on its own rows makes them a little too sure.
    within, off = [], []
    for seed in range(20):
        _, scores, came = world(seed, 3000)
        later, _, _ = world(1000 + seed, 1000, centre=0.5)
        found = estimate(later, [calibrate(scores, came)])
        truths = {name: score(name, later) for name in METRICS}
        within += [found[name].low <= truths[name] <= found[name].high for name in METRICS]
        off += [found["accuracy"].value - truths["accuracy"]]
    assert np.mean(within) >= 0.85
    assert abs(np.mean(off)) < 0.01


def test_without_calibration_the_same_model_would_seem_much_better() -> None:
    _, scores, came = world(1, 3000)
    later, _, _ = world(2, 3000)
    naive = Calibration((0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (1e9, 1e9))
    sure = estimate(later, [naive])["accuracy"].value
    right = score("accuracy", later)
    assert sure - right > 0.05
    assert abs(estimate(later, [calibrate(scores, came)])["accuracy"].value - right) < 0.03


def test_estimates_are_blind_to_a_world_that_changed_its_mind() -> None:
    _, scores, came = world(3, 3000)
    turned, _, _ = world(4, 3000, turned=True)
    assert score("accuracy", turned) < 0.3
    assert estimate(turned, [calibrate(scores, came)])["accuracy"].low > 0.7


def test_the_truth_is_not_looked_at() -> None:
    later, scores, came = world(5, 500)
    hidden = Answers(1 - later.truth, later.prediction, later.probabilities, later.labels, 2, 1)
    tables = [calibrate(scores, came)]
    assert estimate(later, tables) == estimate(hidden, tables)


def test_more_classes_have_a_table_each() -> None:
    random = np.random.default_rng(6)
    chances = random.dirichlet((1.0, 1.0, 1.0), 4000)
    truth = (random.random((4000, 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    given_ = labelled(truth, chances.argmax(axis=1), chances**2 / (chances**2).sum(axis=1, keepdims=True), (0, 1, 2))
    assert given_.probabilities is not None
    tables = [calibrate(given_.probabilities[:2000, c], given_.truth[:2000] == c) for c in range(3)]
    later = given_.take(np.arange(2000, 4000))
    found = estimate(later, tables, ("accuracy", "f1"))
    assert found["accuracy"].value == pytest.approx(score("accuracy", later), abs=0.03)
    assert found["f1"].value == pytest.approx(score("f1", later), abs=0.03)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_few_rows_or_no_probabilities_are_no_error(rows: int) -> None:
    later, scores, came = world(7, 500)
    tables = [calibrate(scores, came)]
    assert set(estimate(later.take(np.arange(rows)), tables)) == (set(METRICS) if rows else set())
    assert estimate(numbers(np.ones(3), np.ones(3)), tables) == {}
    assert estimate(later, []) == {}
    with pytest.raises(ValueError, match="no score"):
        calibrate(np.array([np.nan]), np.array([True]))
