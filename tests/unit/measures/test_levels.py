"""Slices: which levels are watched, and which rows are in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.expected import Expected
from boucle.measures.counting import Coded, level
from boucle.measures.levels import ALL, coded, part, slices_of, titles_of
from boucle.measures.tallies import Tally, tally, watch

WHOLE = Expected(0.25, 100.0, 0.4)
LOSSES = np.array([0.0, 0.0, 0.0, 1.0] * 25)


@pytest.mark.parametrize("column", [
    ["x"] * 60 + ["y"] * 40, np.array([1] * 60 + [2] * 40), np.array([1.0] * 60 + [2.0] * 40),
    [True] * 60 + [False] * 40, Coded(np.array([0] * 60 + [1] * 40), ["x", "y"]), ["x"] * 50 + [None] * 25 + ["y"] * 25,
])  # fmt: skip
def test_levels_of_any_type_are_slices(column: Any) -> None:
    (levels,) = slices_of({"c": column}, LOSSES, WHOLE).values()
    assert len(levels) == 2
    assert {one.rows for one in levels.values()} <= {25.0, 40.0, 50.0, 60.0}


@pytest.mark.parametrize("column", [
    ["x"] * 100, [None] * 100, [f"l{i % 13}" for i in range(100)], np.linspace(0.0, 1.0, 100), [float("nan")] * 100,
])  # fmt: skip
def test_one_level_and_many_are_no_slices(column: Any) -> None:
    assert slices_of({"c": column}, LOSSES, WHOLE) == {}


def test_rare_levels_are_left_out_and_no_more_slices_are_kept_than_can_be_watched() -> None:
    rare = ["x"] * 99 + ["y"]
    assert set(slices_of({"c": rare}, LOSSES, WHOLE)["c"]) == {"x"}
    many = slices_of({f"c{i}": ["x", "y"] * 50 for i in range(5000)}, LOSSES, WHOLE)
    assert len(titles_of(many)) == ALL


def test_rows_are_parted_by_what_the_reference_knew() -> None:
    slices = slices_of({"c": ["1", "2"] * 50, "gone": ["a", "b"] * 50}, LOSSES, WHOLE)
    (one,) = part({"c": [2, 1.0, "new", None, "1"]}, slices)
    assert [one.names[i] if i >= 0 else "" for i in one.codes] == ["c=2", "c=1", "", "", "c=1"]
    (flags,) = part({"c": [True, False]}, slices)
    assert [one.names[i] if i >= 0 else "" for i in flags.codes] == ["c=1", ""]
    (empty,) = part({"c": []}, slices)
    assert len(empty.codes) == 0


@given(st.lists(st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["1", "a", ""])), max_size=30))
def test_every_value_has_the_code_of_its_text(values: list[Any]) -> None:
    codes, levels = coded(values)
    assert len(codes) == len(values)
    for value, code in zip(values, codes.tolist(), strict=True):
        assert code == -1 if value is None else levels[code] == level(value)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("xyz")), min_size=2, max_size=40), st.integers(0, 2**16))
def test_tallies_of_parts_add_up_to_that_of_the_whole(rows: list[tuple[bool, str]], seed: int) -> None:
    slices = slices_of({"c": ["x", "y"] * 50}, LOSSES, WHOLE)
    losses, column = np.array([float(w) for w, _ in rows]), np.array([c for _, c in rows], dtype=object)
    mine = np.random.default_rng(seed).random(len(rows)) < 0.5

    def count(among: Any) -> Tally:
        return tally(losses[among], WHOLE, 0.01, None, part({"c": column[among]}, slices))

    whole, added = count(np.ones(len(rows), dtype=bool)), count(mine).added(count(~mine))
    assert (added.rows, added.total) == (whole.rows, whole.total)
    assert added.growth == pytest.approx(whole.growth)
    assert {k: pytest.approx(v) for k, v in added.slices.items()} == whole.slices
    watched = watch(titles_of(slices)).after(0.0, whole)
    assert watched.whole.logs == pytest.approx(whole.growth)
    assert watched.slices["c=y"].logs == pytest.approx(whole.slices["c=y"])


def test_losses_that_are_missing_are_not_counted() -> None:
    found = tally(np.array([np.nan, 1.0, np.nan]), WHOLE, 0.01, None, part({"c": ["x"] * 3}, {"c": {"x": WHOLE}}))
    assert (found.rows, found.total) == (1, 1.0)
    assert watch([]).after(0.0, tally(np.array([np.nan]), WHOLE, 0.01)).whole.starts == (None,) * 5


def test_a_slice_with_a_course_of_its_own_is_expected_to_follow_it() -> None:
    random = np.random.default_rng(5)
    phase = np.repeat(np.arange(4), 5000)
    column = random.choice(["x", "y"], len(phase))
    rates = {"x": np.array([0.1, 0.1, 0.1, 0.1]), "y": np.array([0.05, 0.15, 0.25, 0.15])}
    losses = (random.random(len(phase)) < np.where(column == "x", rates["x"][phase], rates["y"][phase])).astype(float)
    means = tuple(float(losses[phase == t].mean()) for t in range(4))
    whole = Expected(float(losses.mean()), float(len(losses)), float(losses.std()), phases=means)
    slices = slices_of({"c": column}, losses, whole, phase)["c"]
    for name, rate in rates.items():
        assert slices[name].phases == pytest.approx(rate, abs=0.02)
