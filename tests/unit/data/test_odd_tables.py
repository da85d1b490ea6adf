"""Tables as they come from notebooks, JSON and databases: odd indexes, lists in cells, time zones, absent columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from boucle.core.errors import DataError
from boucle.data.check import check
from boucle.data.fields import conform
from boucle.data.infer import infer, infer_target
from boucle.data.read import read_table
from boucle.data.snapshot import decode, encode
from boucle.data.split import split
from boucle.project.learning import Data
from boucle.project.settings import Settings

Make = Callable[..., Settings]


def test_rows_are_named_by_their_place_whatever_the_index(flats: pd.DataFrame, make: Make) -> None:
    flats.loc[[2, 9], "rooms"] = 99
    flats.index = pd.Index([0] * len(flats))
    _, (violation,) = check(flats, make(checks={"rooms": {"max": 10}}))
    assert (violation.count, violation.rows) == (2, (2, 9))


@pytest.mark.parametrize(
    "data",
    [
        {"features": ["sise"]},
        {"id": "sise"},
        {"split": {"group": "sise"}},
        {"split": {"time": "sise"}},
        {"checks": {"sise": {"min": 0}}},
    ],
)
def test_every_column_the_project_names_has_to_be_there(flats: pd.DataFrame, make: Make, data: dict[str, Any]) -> None:
    verdict, (violation,) = check(flats, make(**data))
    assert verdict.status == "fail"
    assert (violation.column, violation.count) == ("sise", 300)
    assert "did you mean 'size'?" in violation.rule


def test_a_range_over_text_asks_for_numbers(flats: pd.DataFrame, make: Make) -> None:
    flats["size"] = ["12", "abc", " "] * 100
    verdict, (violation,) = check(flats, make(checks={"size": {"min": 0}}))
    assert verdict.status == "fail"
    assert (violation.rule, violation.count, violation.rows) == ("values are of type float64", 100, (1, 4, 7, 10, 13))
    assert set(violation.examples) == {"abc"}


def test_numbers_written_as_text_are_held_to_their_range(flats: pd.DataFrame, make: Make) -> None:
    flats["size"] = ["12", "99", " "] * 100
    _, (violation,) = check(flats, make(checks={"size": {"max": 50}}))
    assert (violation.rule, violation.count) == ("at most 50", 100)


def test_a_missing_target_is_not_also_told_as_no_number(flats: pd.DataFrame, make: Make) -> None:
    rents = pd.Series(["500", None, "600"] * 100)
    _, found = check(flats.assign(rent=rents), make())
    assert [(v.rule, v.count) for v in found] == [("the target is missing", 100)]


def test_lists_in_cells_are_left_out_and_compared(flats: pd.DataFrame, make: Make) -> None:
    flats["photos"] = [[1, 2]] * len(flats)
    assert "lists" in infer(flats, "rent").dropped["photos"]
    verdict, found = check(pd.concat([flats, flats.iloc[:4]]), make())
    assert verdict.status == "pass"
    assert [(v.rule, v.count) for v in found] == [("no row stands twice", 4)]


def test_a_target_of_lists_is_refused() -> None:
    with pytest.raises(DataError, match="lists"):
        infer_target(pd.Series([[1], [2]], name="y"))


def test_true_and_false_stay_so_beside_gaps(flats: pd.DataFrame, make: Make) -> None:
    flats["lift"] = pd.Series([True, None, False] * 100, dtype=object)
    (field,) = [f for f in infer(flats, "rent").fields if f.name == "lift"]
    assert (field.dtype, field.optional) == ("bool", True)
    assert conform(flats, [field])["lift"].isna().sum() == 100
    target = infer(flats, "lift").target
    assert (target.dtype, target.categories) == ("bool", (False, True))
    parts = split(flats, make("tabular-classification", "lift").data, classification=True)
    assert parts.train["lift"].dtype == parts.test["lift"].dtype == bool


def test_a_constant_target_is_told_in_plain_words() -> None:
    with pytest.raises(DataError, match=r"the one value 1\.5 in every row"):
        infer_target(pd.Series([1.5, 1.5], name="y"))


def test_moments_come_back_whatever_their_zone() -> None:
    times = pd.Series(pd.date_range("2024-03-30 20:00", periods=12, freq="h", tz="Europe/Paris"))
    times = times.where(times.index != 3)
    back = decode(encode(pd.DataFrame({"t": times})))["t"]
    pd.testing.assert_series_equal(back.dt.tz_convert("Europe/Paris"), times, check_names=False)


def test_the_way_of_writing_holds_for_a_list_of_files(tmp_path: Path) -> None:
    for name, town in (("a", "Châlons"), ("b", "Orléans")):
        (tmp_path / f"{name}.csv").write_bytes(f"town:rent\n{town}:5\n".encode("cp1252"))
    source = {"source": ["a.csv", "b.csv"], "target": "rent", "separator": ":", "encoding": "cp1252"}
    frame = read_table(Data.model_validate(source), tmp_path)
    assert frame.to_dict("list") == {"town": ["Châlons", "Orléans"], "rent": [5, 5]}
