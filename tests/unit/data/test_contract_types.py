"""The check and the training agree on what a declared type means; what a violation shows, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boucle.data.check import check
from boucle.data.fields import conform, input_fields
from boucle.data.infer import repeated
from boucle.project.settings import Settings

Make = Callable[..., Settings]
NUMBERS = st.one_of(st.none(), st.integers(-3, 3), st.floats(-2, 2), st.sampled_from([0.0, 1.0, 2.0**63, np.nan]))
TEXTS = st.one_of(
    st.none(), st.sampled_from(["1", "2.0", "0.5", " ", "", "true", "False", "2024-01-02", "01/02/2024", "x", "inf"])
)
COLUMNS = st.one_of(
    st.lists(NUMBERS, min_size=3, max_size=8),
    st.lists(TEXTS, min_size=3, max_size=8),
    st.lists(st.booleans(), min_size=3, max_size=8),
)


@given(values=COLUMNS, kind=st.sampled_from(["float64", "int64", "bool", "string", "datetime"]))
@example(["true", "false", None], "bool")
@example(["1", " ", "0"], "bool")
@example([2.0**63, 1.0, 0.0], "int64")
@example(["01/02/2024", "2024-01-02", None], "datetime")
def test_what_the_check_lets_through_can_be_learned_from(values: list[Any], kind: str) -> None:
    frame = pd.DataFrame({"x": values, "y": [float(n) for n in range(len(values))]})
    data = {"source": "f.csv", "target": "y", "checks": {"x": {"type": kind}}}
    settings = Settings.model_validate({"name": "t", "task": "tabular-regression", "data": data})
    verdict, _ = check(frame, settings)
    if verdict.status == "pass":
        fields = input_fields(frame, settings)
        assert [f.dtype for f in fields] == [kind]
        assert len(conform(frame, fields)) == len(frame)


@pytest.mark.parametrize(
    ("values", "kind", "wrong"),
    [
        ([0, 1, 7], "bool", (7,)),
        ([20240101, 20240102, 20240103], "datetime", (20240101, 20240102, 20240103)),
        (["2024-01-02", "01/02/2024", "soon"], "datetime", ("01/02/2024", "soon")),
        ([1.0, 2.5, np.nan], "int64", (2.5,)),
        (["1", "two", " "], "float64", ("two",)),
    ],
)
def test_values_of_another_type_are_shown(
    flats: pd.DataFrame, make: Make, values: list[Any], kind: str, wrong: tuple[Any, ...]
) -> None:
    frame = flats.head(3).assign(x=values)
    _, (violation,) = check(frame, make(checks={"x": {"type": kind}}))
    assert (violation.column, violation.count, violation.examples) == ("x", len(wrong), wrong)


def test_examples_of_personal_data_are_not_shown(flats: pd.DataFrame, make: Make) -> None:
    flats.loc[4, "quarter"] = "Mme Dupont, 3 rue Basse"
    verdict, (violation,) = check(flats, make(checks={"quarter": {"categories": ["north", "south"], "pii": True}}))
    assert (violation.count, violation.rows, violation.examples) == (1, (4,), ())
    assert "Dupont" not in str(verdict)


@pytest.mark.parametrize(("column", "found"), [("size", 2), ("spare", 0)])
def test_endless_values_are_told_of_what_is_learned_from(
    flats: pd.DataFrame, make: Make, column: str, found: int
) -> None:
    flats["spare"] = 1.5
    flats.loc[[3, 5], column] = [np.inf, -np.inf]
    _, violations = check(flats, make(drop=["spare"]))
    assert sum(v.count for v in violations) == found


def test_whole_numbers_beside_gaps_are_the_declared_categories(flats: pd.DataFrame, make: Make) -> None:
    flats["rooms"] = flats["rooms"].astype("float64")
    flats.loc[0, "rooms"] = np.nan
    verdict, found = check(flats, make(checks={"rooms": {"categories": [1, 2, 3, 4, 5]}}))
    assert verdict.status == "fail"
    assert [(v.rule, v.count) for v in found] == [("one of the categories", int((flats["rooms"] == 6).sum()))]


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.5, None]), st.sampled_from("ab")), max_size=30)
)
def test_setting_rows_aside_finds_the_same_repeated_rows(rows: list[tuple[Any, ...]]) -> None:
    few = pd.DataFrame(rows, columns=["n", "x", "c"])
    many = pd.concat([few] * 600, ignore_index=True)
    assert repeated(few).tolist() == few.duplicated().tolist()
    assert repeated(many).tolist() == many.duplicated().tolist()


def test_numbered_categories_stay_numbers_that_requests_can_send(flats: pd.DataFrame, make: Make) -> None:
    flats["rooms"] = flats["rooms"].astype("float64")
    flats.loc[0, "rooms"] = np.nan
    fields = input_fields(flats, make(checks={"rooms": {"categories": [1, 2, 3, 4, 5, 6]}}))
    rooms = next(f for f in fields if f.name == "rooms")
    assert (rooms.dtype, rooms.optional, rooms.categories) == ("int64", True, None)
    assert (rooms.minimum, rooms.maximum) == (1.0, 6.0)


def test_text_categories_have_no_range(flats: pd.DataFrame, make: Make) -> None:
    fields = input_fields(flats, make(checks={"rooms": {"type": "string", "categories": [1, 2, 3, 4, 5, 6, 7]}}))
    rooms = next(f for f in fields if f.name == "rooms")
    assert (rooms.dtype, rooms.minimum, rooms.categories) == ("string", None, tuple("1234567"))
