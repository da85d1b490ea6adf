"""Rows of one id or group go together; those that have none are parted by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boucle.core.errors import DataError
from boucle.data.split import split
from boucle.project.learning import Data


def data(**changes: Any) -> Data:
    return Data.model_validate({"source": "f.csv", "target": "y", **changes})


def visits(people: int, each: int = 2) -> pd.DataFrame:
    rows = people * each
    names = np.repeat([f"P{i}" for i in range(people)], each)
    return pd.DataFrame({"who": names, "a": np.arange(rows) / 7, "y": ["well", "ill"] * (rows // 2)})


@given(seed=st.integers(0, 10_000), rare=st.sets(st.integers(0, 79), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_an_id_is_never_parted_by_a_rare_class(seed: int, rare: set[int]) -> None:
    rows = visits(40)
    rows.loc[sorted(rare), "y"] = "rare"
    parts = split(rows, data(id="who", split={"seed": seed}), classification=True)
    assert not set(parts.train["who"]) & set(parts.test["who"])
    assert len(parts.train) + len(parts.test) == 80
    assert len(parts.train) > 0
    assert len(parts.test) > 0


@pytest.mark.parametrize("role", [{"id": "who"}, {"split": {"group": "who"}}])
def test_rows_without_a_unit_are_parted_one_by_one(role: dict[str, Any]) -> None:
    labelled = visits(500).assign(who=None, a=np.arange(1000) + 0.5)
    parts = split(pd.concat([visits(100), labelled], ignore_index=True), data(**role), classification=False)
    nameless = int(parts.test["who"].isna().sum())
    assert 120 < nameless < 280


def test_rows_that_come_later_without_an_id_move_nobody() -> None:
    before = split(visits(100), data(id="who"), classification=False)
    later = visits(20).assign(who=None, a=lambda f: f["a"] + 1000)
    after = split(pd.concat([visits(100), later]), data(id="who"), classification=False)
    assert set(before.test["a"]) <= set(after.test["a"])
    assert set(before.train["a"]) <= set(after.train["a"])


def test_a_first_gap_in_true_and_false_moves_nobody() -> None:
    rows = visits(100).assign(lift=[True, False] * 100)
    before = split(rows, data(), classification=False)
    gap = pd.DataFrame({"who": ["P999"], "a": [999.0], "y": ["ill"], "lift": [None]})
    after = split(pd.concat([rows.astype({"lift": object}), gap]), data(), classification=False)
    assert set(before.test["a"]) <= set(after.test["a"])
    assert set(before.train["a"]) <= set(after.train["a"])


@pytest.mark.parametrize(
    ("how", "classification", "kind"),
    [
        ({}, False, "random"),
        ({}, True, "stratified"),
        ({"stratify": False}, True, "random"),
        ({"stratify": True}, False, "stratified"),
        ({"group": "who"}, True, "group"),
        ({"time": "a"}, True, "time"),
    ],
)
def test_the_summary_says_how_rows_were_parted(how: dict[str, Any], classification: bool, kind: str) -> None:
    parts = split(visits(100), data(split=how), classification)
    assert parts.summary == {"kind": kind, "train": len(parts.train), "test": len(parts.test)}


@pytest.mark.parametrize(
    ("role", "key"),
    [
        ({"id": "whoo"}, "data.id"),
        ({"split": {"group": "whoo"}}, "data.split.group"),
        ({"split": {"time": "whoo"}}, "data.split.time"),
    ],
)
def test_a_unit_that_is_not_there_is_named_with_a_near_one(role: dict[str, Any], key: str) -> None:
    with pytest.raises(DataError, match=key) as caught:
        split(visits(10), data(**role), classification=False)
    assert "did you mean 'who'?" in str(caught.value.hint)
