"""Tables to batches and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import ContractError
from boucle.core.signature import Field, Signature, outputs_of
from boucle.ports import frames
from boucle.ports.frames import to_batch, to_column, to_frame

FIELDS = (
    Field("size", "float64", optional=True),
    Field("rooms", "int64"),
    Field("floor", "int64", optional=True),
    Field("garden", "bool"),
    Field("sold", "bool", optional=True),
    Field("town", "string", optional=True),
    Field("built", "datetime", optional=True),
)
VALUES = {
    "size": st.none() | st.floats(allow_nan=False, width=32),
    "rooms": st.integers(-(2**63), 2**63 - 1),
    "floor": st.none() | st.integers(-(2**50), 2**50),
    "garden": st.booleans(),
    "sold": st.none() | st.booleans(),
    "town": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    "built": st.none() | st.datetimes(min_value=pd.Timestamp(1700, 1, 1), max_value=pd.Timestamp(2200, 1, 1)),
}


@given(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=8))
def test_a_batch_is_accepted_by_its_signature_and_survives_the_way_through_a_frame(rows: list[dict[str, Any]]) -> None:
    batch = to_batch(pd.DataFrame(rows, columns=list(VALUES)), FIELDS)
    assert Signature(FIELDS, outputs_of(None)).accepts(batch)
    frame = to_frame(batch, FIELDS)
    again = to_batch(frame, FIELDS)
    for field in FIELDS:
        assert again[field.name].dtype == batch[field.name].dtype == frame[field.name].dtype
        np.testing.assert_array_equal(again[field.name], batch[field.name])


def test_missing_text_is_none_whatever_the_frame_had() -> None:
    field = Field("town", "string", optional=True)
    for series in (
        pd.Series(["Lyon", None], dtype="str"),
        pd.Series(["Lyon", np.nan], dtype=object),
        pd.Series(["Lyon", pd.NA], dtype="category"),
    ):
        column = to_column(series, field)
        assert column.dtype == object
        assert column.tolist() == ["Lyon", None]


def test_numbers_become_levels_where_the_field_is_text() -> None:
    assert to_column(pd.Series([1, 2]), Field("code", "string")).tolist() == ["1", "2"]


def test_a_frame_of_numbers_only_is_the_same_as_one_built_column_by_column() -> None:
    fields = (Field("a", "float64"), Field("b", "int64", optional=True))
    batch = {"a": np.array([1.5, np.nan]), "b": np.array([np.nan, 2.0])}
    pd.testing.assert_frame_equal(to_frame(batch, fields), pd.DataFrame(batch))


def test_many_numbers_and_text_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_FEW", 1)
    fields = (Field("a", "float64"), Field("t", "string"))
    batch = {"a": np.array([1.5, 2.5]), "t": np.array(["x", None], dtype=object)}
    for some in (fields[:1], fields):
        again = to_batch(to_frame(batch, some), some)
        assert all(np.shares_memory(again[field.name], batch[field.name]) for field in some)


def test_times_with_a_zone_are_brought_to_utc() -> None:
    column = to_column(pd.Series(["2024-05-01T02:00:00+02:00", None]), Field("at", "datetime", optional=True))
    assert column[0] == np.datetime64("2024-05-01T00:00:00")
    assert np.isnat(column[1])


def test_a_column_without_values_is_one_of_times_as_well() -> None:
    field = Field("at", "datetime", optional=True)
    assert np.isnat(to_column(pd.Series([np.nan, np.nan]), field)).all()
    with pytest.raises(ContractError, match="numbers"):
        to_column(pd.Series([np.nan, 3.0]), field)


def test_an_absent_optional_column_is_all_missing() -> None:
    batch = to_batch(pd.DataFrame({"rooms": [1, 2]}), (FIELDS[0], FIELDS[1], FIELDS[5]))
    assert np.isnan(batch["size"].astype(float)).all()
    assert batch["town"].tolist() == [None, None]


def test_an_absent_column_is_named_with_a_near_one() -> None:
    with pytest.raises(ContractError, match="Column 'rooms' is missing") as caught:
        to_batch(pd.DataFrame({"room": [1]}), (Field("rooms", "int64"),))
    assert "did you mean 'room'?" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "dtype", "why"),
    [
        ([1.5, 2.0], "int64", "1.5 is not a whole number"),
        ([1, None], "int64", "1 of its values are missing"),
        ([2**64 - 1], "int64", "does not fit into 64 bits"),
        ([float("inf")], "int64", "infinite"),
        (["three"], "float64", "could not convert"),
        ([0, 2], "bool", "2 is neither 0 nor 1"),
        (["soon"], "datetime", "ISO8601"),
        ([20240501], "datetime", "numbers"),
        (pd.to_datetime(["2024-05-01"]), "float64", "dates"),
    ],
)
def test_values_that_would_be_bent_are_refused(values: Any, dtype: Any, why: str) -> None:
    with pytest.raises(ContractError, match=why) as caught:
        to_column(pd.Series(values), Field("x", dtype))
    assert caught.value.facts["field"] == "x"
