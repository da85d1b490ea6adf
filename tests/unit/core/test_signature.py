from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from boucle.core.signature import Field, Signature, missing

PREDICTION = Field("prediction", "float64")
WINE = Signature(
    (Field("pH", "float64"), Field("grade", "int64", optional=True), Field("colour", "string")), (PREDICTION,)
)


def batch(**changes: Any) -> dict[str, Any]:
    columns = {
        "pH": np.array([3.1, 3.2]),
        "grade": np.array([1.0, np.nan]),
        "colour": np.array(["red", "white"], object),
    }
    return columns | changes


def test_a_batch_of_the_right_columns_is_accepted() -> None:
    assert WINE.accepts(batch())
    assert WINE.accepts(batch(more=np.array([1, 2])))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pH": np.array([3, 4])}, "column 'pH' should be float64, is int64"),
        ({"pH": np.array([3.1, np.nan])}, "column 'pH' has missing values and is not optional"),
        ({"colour": np.array(["red", None], object)}, "column 'colour' has missing values and is not optional"),
        ({"pH": np.array([3.1])}, "columns differ in length: {'pH': 1, 'grade': 2, 'colour': 2}"),
    ],
)
def test_what_is_wrong_with_a_batch_is_said(changes: dict[str, Any], said: str) -> None:
    assert WINE.problems(batch(**changes)) == [said]


def test_a_missing_column_is_named() -> None:
    assert WINE.problems({}) == [f"column '{name}' is missing" for name in ("pH", "grade", "colour")]


def test_a_field_that_makes_no_sense_is_refused() -> None:
    for attempt in (
        lambda: Field("", "float64"),
        lambda: Field("x", "complex"),  # type: ignore[arg-type]
        lambda: Field("x", "float64", minimum=2, maximum=1),
        lambda: Signature((Field("x", "bool"), Field("x", "bool")), (PREDICTION,)),
        lambda: Signature((), ()),
    ):
        with pytest.raises(ValueError, match=r"field|output"):
            attempt()


def test_classes_tell_the_task() -> None:
    labels = Signature((), (Field("prediction", "string", categories=("no", "yes")), Field("probabilities", "float64")))
    assert (labels.task, labels.classes) == ("tabular-classification", ("no", "yes"))
    assert (WINE.task, WINE.classes) == ("tabular-regression", None)


def test_fields_are_found_by_name() -> None:
    assert WINE.input("pH").numeric
    assert not WINE.input("colour").numeric
    with pytest.raises(KeyError, match="ph"):
        WINE.input("ph")


@pytest.mark.parametrize(
    "column",
    [
        np.array([1.0, np.nan]),
        np.array(["2024-01-01", "NaT"], "datetime64[ns]"),
        np.array(["a", None], object),
        np.array(["a", float("nan")], object),
    ],
)
def test_missing_values_are_marked_in_every_storage(column: Any) -> None:
    assert missing(column).tolist() == [False, True]


def test_integers_and_booleans_miss_nothing() -> None:
    assert not missing(np.array([0, 1])).any()
    assert not missing(np.array([False, True])).any()
