import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, roc_curve

from boucle.evaluation import plots
from boucle.evaluation.curves import calibration, confusion, curves, grid, rocs
from boucle.evaluation.plots import ticks
from boucle.measures.metrics import labelled, numbers

RNG = np.random.default_rng(3)
CHANCE = RNG.random(500)
TRUTH = RNG.random(500) < CHANCE
BINARY = labelled(TRUTH, CHANCE > 0.5, CHANCE, (False, True))


def test_confusion_equals_scikit_learn() -> None:
    found = confusion(BINARY)
    assert found.labels == ("False", "True")
    assert np.array(found.counts).tolist() == confusion_matrix(TRUTH, CHANCE > 0.5).tolist()


def test_calibration_of_honest_probabilities_lies_on_the_diagonal() -> None:
    found = calibration(BINARY)
    assert found is not None
    assert sum(e.n for e in found.happened) == 500
    inside = [e.low <= told <= e.high for told, e in zip(found.told, found.happened, strict=True)]
    assert sum(inside) >= 9


def test_calibration_of_overconfident_probabilities_does_not() -> None:
    sharp = np.where(CHANCE > 0.5, 0.99, 0.01)
    found = calibration(labelled(TRUTH, CHANCE > 0.5, sharp, (False, True)))
    assert found is not None
    assert found.error > 0.15


def test_the_roc_curve_lies_on_that_of_scikit_learn() -> None:
    (found,) = rocs(BINARY)
    false, true, _ = roc_curve(TRUTH, CHANCE, drop_intermediate=False)
    assert len(found.true_positive) <= 60
    points = set(zip(np.round(false, 4), np.round(true, 4), strict=True))
    assert set(zip(found.false_positive, found.true_positive, strict=True)) <= points
    assert (found.false_positive[0], found.true_positive[-1]) == (0.0, 1.0)


def test_without_probabilities_there_is_only_the_confusion() -> None:
    found = curves(labelled(TRUTH, CHANCE > 0.5, classes=(False, True)))
    assert found.confusion is not None
    assert found.calibration is None
    assert found.roc == ()


@given(st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 2), min_size=1, max_size=50))
def test_a_grid_counts_every_finite_pair_once(pairs: list[tuple[float, float]]) -> None:
    x, y = (np.array([p[i] for p in pairs], dtype=np.float64) for i in (0, 1))
    finite = int((np.isfinite(x) & np.isfinite(y)).sum())
    for square in (True, False):
        found = grid(x, y, square)
        assert (0 if found is None else sum(map(sum, found.counts))) == finite


def test_a_cloud_of_equal_answers_can_be_drawn() -> None:
    found = curves(numbers(np.full(9, 5.0), np.full(9, 5.0)))
    assert found.predicted_by_true is not None
    assert found.residual_by_predicted is not None
    drawn = plots.cloud(found.residual_by_predicted, "answer", "left over", "zero")
    assert "nan" not in drawn
    assert drawn.count("<rect") == 1


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    high = low + width
    found = ticks(low, high)
    assert len(found) <= 6
    assert all(low - width * 1e-6 <= t <= high + width * 1e-6 for t in found)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (math.inf, math.inf), (2.0, 1.0)])
def test_no_width_has_no_ticks(low: float, high: float) -> None:
    assert ticks(low, high) == ()
