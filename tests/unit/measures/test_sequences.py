"""Sequential judgements: how often they are wrong under constant looking, and how soon they are right."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.measures.sequences import (
    Band,
    change_point,
    reach,
    rows_until,
)


def test_the_band_is_narrowest_for_its_effort_where_it_was_planned() -> None:
    widths = [reach(n, 200) * np.sqrt(n) for n in (20, 200, 2000)]
    assert widths[1] == min(widths)
    assert widths[1] == pytest.approx(2.77, abs=0.02)
    assert reach(0, 200) == np.inf


def test_more_rows_are_asked_for_until_the_bound_is_met() -> None:
    band = Band(0.01, -1.0, 1.0, 100.0, 0.5)
    rows = rows_until(band, 0.06, 100)
    assert rows is not None
    assert band.estimate + band.spread * reach(rows, 100) == pytest.approx(0.06, abs=1e-6)
    assert rows_until(band, 0.005, 100) is None


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
