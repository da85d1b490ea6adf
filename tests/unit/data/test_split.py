"""A row keeps its side when others are added, and nothing leaks across."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.errors import DataError
from boucle.data import split as parting
from boucle.data.split import split
from boucle.project.learning import Data
from boucle.project.settings import Settings

Make = Callable[..., Settings]


def data(**changes: object) -> Data:
    return Data.model_validate({"source": "f.csv", "target": "y", **changes})


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=rows), "g": rng.integers(0, 40, rows), "y": rng.integers(0, 2, rows)})


def keys(frame: pd.DataFrame) -> set[float]:
    return set(frame["a"])


@given(first=st.integers(5, 200), more=st.integers(0, 200), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_a_row_keeps_its_side_when_rows_are_added(first: int, more: int, seed: int) -> None:
    rows = table(first + more, seed)
    before = split(rows.iloc[:first], data(split={"seed": seed}), classification=False)
    after = split(rows.sample(frac=1, random_state=1), data(split={"seed": seed}), classification=False)
    if 5 < len(before.test) < first - 5:  # not one that was moved so that no side is empty
        assert keys(before.test) <= keys(after.test)
        assert keys(before.train) <= keys(after.train)


def test_rows_that_stand_twice_stay_together() -> None:
    rows = pd.concat([table(200)] * 3)
    parts = split(rows, data(), classification=False)
    assert not keys(parts.train) & keys(parts.test)


def test_whole_numbers_read_as_floats_are_the_same_rows() -> None:
    rows = table(300)
    first = split(rows, data(), classification=False)
    second = split(rows.astype({"g": "float64", "y": "float64"}), data(), classification=False)
    assert keys(first.test) == keys(second.test)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_the_share_is_about_what_was_asked_for(share: float) -> None:
    parts = split(table(5000), data(split={"test": share}), classification=False)
    assert len(parts.test) / 5000 == pytest.approx(share, abs=0.02)


def test_the_seed_decides() -> None:
    rows = table(500)
    one, same, other = (keys(split(rows, data(split={"seed": s}), False).test) for s in (1, 1, 2))
    assert one == same
    assert len(one & other) < 0.5 * len(one)


def test_rare_classes_stand_on_both_sides() -> None:
    rows = table(400).assign(y=["rare"] * 2 + ["often"] * 398)
    parts = split(rows, data(), classification=True)
    assert set(parts.train["y"]) == set(parts.test["y"]) == {"rare", "often"}


def test_a_group_is_never_parted() -> None:
    parts = split(table(500), data(split={"group": "g"}), classification=False)
    assert not set(parts.train["g"]) & set(parts.test["g"])
    assert len(parts.test) > 0


@pytest.mark.parametrize("newest", [0.25, "25d"])
def test_by_time_the_newest_rows_are_the_test(newest: float | str) -> None:
    rows = table(100).assign(day=pd.date_range("2024-01-01", periods=100).astype(str))
    parts = split(rows, data(split={"time": "day", "test": newest}), classification=False)
    assert len(parts.test) == 25
    assert parts.train["day"].max() < parts.test["day"].min()


def test_one_id_on_both_sides_of_a_time_is_refused() -> None:
    rows = table(100).assign(day=pd.date_range("2024-01-01", periods=100), who=[i % 50 for i in range(100)])
    with pytest.raises(DataError, match="both sides"):
        split(rows, data(id="who", split={"time": "day"}), classification=False)


def test_rows_without_a_target_are_on_no_side() -> None:
    rows = table(100).assign(y=[np.nan] * 10 + [1.0, 2.0] * 45)
    parts = split(rows, data(), classification=False)
    assert len(parts.train) + len(parts.test) == 90


@pytest.mark.parametrize("rows", [2, 3, 5, 8])
def test_no_side_is_ever_empty(rows: int) -> None:
    for seed in range(20):
        parts = split(table(rows, seed), data(split={"seed": seed}), classification=False)
        assert len(parts.train) > 0
        assert len(parts.test) > 0


def test_a_single_row_many_times_cannot_be_parted() -> None:
    with pytest.raises(DataError, match="the same one"):
        split(pd.concat([table(1)] * 10), data(), classification=False)


def test_a_time_that_is_missing_is_told() -> None:
    rows = table(10).assign(day=["", *pd.date_range("2024-01-01", periods=9).astype(str)])
    with pytest.raises(DataError, match="1 rows have no time"):
        split(rows, data(split={"time": "day"}), classification=False)


def test_rows_are_parted_alike_however_many_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    midnights = pd.date_range("2024-01-01", periods=60)
    odd = pd.Series(["a", None, 1, True] * 30, dtype=object)
    rows = table(120).assign(
        at=[*midnights, *(midnights + pd.Timedelta(hours=5))],
        odd=odd,
        flag=pd.Series([True, None] * 60, dtype=object),
        town=["x", "y"] * 60,
    )
    whole = split(rows, data(), classification=False)
    monkeypatch.setattr(parting, "_AT_ONCE", 7)
    few = split(rows, data(), classification=False)
    pd.testing.assert_frame_equal(few.test, whole.test)
    assert 7 < len(whole.test) < 60


def test_the_side_of_a_row_is_the_one_it_always_had() -> None:
    rows = pd.DataFrame({"n": np.arange(40) / 7, "t": list("abcd") * 10, "y": range(40)})
    assert split(rows, data(), classification=False).test["y"].tolist() == [2, 4, 5, 9, 10, 12, 21, 25, 27, 34, 35, 38]
