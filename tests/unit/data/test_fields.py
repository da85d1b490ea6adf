"""The inputs: what the contract declares goes before what the values say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import ContractError, DataError, ProjectError
from boucle.data.fields import conform, input_fields, widened
from boucle.ports.frames import to_batch
from boucle.project.settings import Settings

Make = Callable[..., Settings]


def test_target_id_and_dropped_columns_are_no_inputs(flats: pd.DataFrame, make: Make) -> None:
    fields = input_fields(flats, make(id="id", drop=["lift"]))
    assert [f.name for f in fields] == ["rooms", "size", "quarter"]


def test_declared_types_ranges_and_categories_win(flats: pd.DataFrame, make: Make) -> None:
    checks = {"rooms": {"type": "float64", "min": 0, "max": 20}, "quarter": {"categories": ["north", "south", "west"]}}
    fields = {f.name: f for f in input_fields(flats, make(id="id", checks=checks))}
    assert (fields["rooms"].dtype, fields["rooms"].minimum, fields["rooms"].maximum) == ("float64", 0, 20)
    assert fields["quarter"].categories == ("north", "south", "west")


def test_values_that_may_be_missing_make_a_field_optional(flats: pd.DataFrame, make: Make) -> None:
    fields = {f.name: f for f in input_fields(flats, make(id="id", checks={"size": {"missing": 0.1}}))}
    assert fields["size"].optional
    assert not fields["rooms"].optional


@pytest.mark.parametrize("data", [{"checks": {"sice": {"min": 0}}}, {"features": ["sice"]}, {"id": "sice"}])
def test_a_column_that_is_not_there_is_named_with_a_near_one(
    flats: pd.DataFrame, make: Make, data: dict[str, Any]
) -> None:
    with pytest.raises(ProjectError) as caught:
        input_fields(flats, make(**data))
    assert "'size'" in str(caught.value.hint)


def test_an_input_that_was_asked_for_and_cannot_be_one_is_refused(flats: pd.DataFrame, make: Make) -> None:
    with pytest.raises(DataError, match="cannot be an input"):
        input_fields(flats.assign(same=1), make(features=["same"]))


def test_ranges_and_categories_grow_with_what_was_right(flats: pd.DataFrame, make: Make) -> None:
    fields = input_fields(flats, make(id="id"))
    seen = pd.DataFrame({"rooms": [30], "size": [1.0], "quarter": ["east"], "lift": [True]})
    grown = {f.name: f for f in widened(fields, seen)}
    assert grown["rooms"].maximum == 30
    assert grown["size"].minimum == 1.0
    assert grown["quarter"].categories == ("north", "south", "east")


def test_a_conformed_frame_is_a_batch_the_signature_takes(flats: pd.DataFrame, make: Make) -> None:
    fields = input_fields(flats, make(id="id"))
    frame = conform(flats, fields, target="rent")
    assert list(frame.columns) == ["rooms", "size", "quarter", "lift", "rent"]
    batch = to_batch(frame, fields)
    assert [batch[f.name].dtype for f in fields] == [f.storage for f in fields]


def test_blanks_between_numbers_are_missing(make: Make) -> None:
    frame = pd.DataFrame({"size": ["1.5", " ", "2.5", "3"], "rent": [1.0, 2.0, 3.0, 4.0]})
    fields = input_fields(frame, make())
    assert np.isnan(conform(frame, fields)["size"].to_numpy()).tolist() == [False, True, False, False]


def test_text_where_a_number_is_declared_is_refused(flats: pd.DataFrame, make: Make) -> None:
    fields = input_fields(flats, make(id="id"))
    with pytest.raises(ContractError, match="'size'"):
        conform(flats.assign(size="wide"), fields)
