"""The interval of an effect holds the true one nineteen times in twenty, and says when nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.measures.effects import effect_intervals


@pytest.mark.parametrize("order", [1, 4, 9])
@pytest.mark.parametrize("true", [0.0, 0.05, 0.2, 1.5])
@pytest.mark.parametrize("rows", [50.0, 2000.0])
def test_it_holds_the_true_effect_as_often_as_it_says(order: int, true: float, rows: float) -> None:
    rng = np.random.default_rng([order, int(100 * true), int(rows)])
    statistic = rng.noncentral_chisquare(order, max(rows * true**2, 1e-12), 4000)
    seen = np.sqrt(np.maximum(statistic - order, 0.0) / rows)
    low, high = effect_intervals(seen, rows, order)
    held = float(((low <= true + 1e-9) & (true <= high)).mean())
    assert held >= 0.935
    assert np.all(low <= seen + 1e-9)
    assert np.all(seen <= high)


def test_more_rows_make_it_narrower() -> None:
    low, high = effect_intervals(0.3, np.array([100.0, 1000.0, 10_000.0]), 4)
    assert np.all(np.diff(high - low) < 0.0)


def test_without_rows_or_freedom_nothing_is_known() -> None:
    low, high = effect_intervals([0.3, 0.3], [0.0, 100.0], [4, 0])
    assert low.tolist() == [0.0, 0.0]
    assert np.isinf(high).all()
