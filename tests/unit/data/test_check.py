"""Every violation of the contract is listed, with its column, rule, count and examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.core.dataset import Violation
from boucle.core.errors import ProjectError
from boucle.data.check import check
from boucle.project.settings import Settings

Make = Callable[..., Settings]


def broken(flats: pd.DataFrame, settings: Settings) -> list[Violation]:
    verdict, found = check(flats, settings)
    assert verdict.status == "fail"
    return list(found)


def test_clean_data_passes(flats: pd.DataFrame, make: Make) -> None:
    checks = {
        "rooms": {"type": "int64", "min": 1, "max": 6, "missing": 0},
        "quarter": {"categories": ["north", "south"]},
    }
    verdict, found = check(flats, make(checks=checks, rules=["size > rooms"]))
    assert (verdict.status, found) == ("pass", ())


@pytest.mark.parametrize(
    ("column", "value", "wanted", "rule", "example"),
    [
        ("rooms", 99, {"max": 10}, "at most 10", 99),
        ("rooms", -1, {"min": 0}, "at least 0", -1),
        ("quarter", "east", {"categories": ["north", "south"]}, "one of the categories", "east"),
        ("quarter", "North 1", {"pattern": "[a-z]+"}, "matches [a-z]+", "North 1"),
        ("size", None, {"missing": 0}, "at most 0.0% missing", None),
        ("size", "wide", {"type": "float64"}, "values are of type float64", "wide"),
        ("rooms", 2.5, {"type": "int64"}, "values are of type int64", 2.5),
        ("size", np.inf, {}, "values are finite", np.inf),
    ],
)
def test_a_broken_rule_is_found_where_it_is(
    flats: pd.DataFrame, make: Make, column: str, value: Any, wanted: dict[str, Any], rule: str, example: Any
) -> None:
    flats[column] = flats[column].astype(object)
    flats.loc[[7, 11], column] = value
    if not isinstance(value, str) and column != "quarter":
        flats[column] = pd.to_numeric(flats[column])
    (violation,) = broken(flats, make(checks={column: wanted}))
    assert (violation.column, violation.rule, violation.count) == (column, rule, 2)
    assert violation.examples == (example, example)
    assert violation.rows == (7, 11)


def test_values_that_stand_twice_where_they_may_not(flats: pd.DataFrame, make: Make) -> None:
    flats.loc[5, "id"] = "F3"
    (violation,) = broken(flats, make(checks={"id": {"unique": True}}))
    assert (violation.rule, violation.count, violation.rows) == ("no value stands twice", 2, (3, 5))


def test_a_rule_across_columns(flats: pd.DataFrame, make: Make) -> None:
    flats.loc[4, "size"] = 0.5
    (violation,) = broken(flats, make(rules=["size > rooms"]))
    assert (violation.rule, violation.count, violation.rows) == ("size > rooms", 1, (4,))


@pytest.mark.parametrize("rule", ["sice > 1", "size +", "size + 1"])
def test_a_rule_that_cannot_be_checked_is_the_projects_fault(flats: pd.DataFrame, make: Make, rule: str) -> None:
    with pytest.raises(ProjectError):
        check(flats, make(rules=[rule]))


def test_all_violations_are_told_at_once(flats: pd.DataFrame, make: Make) -> None:
    flats.loc[0, "rooms"] = 99
    flats.loc[1, "quarter"] = "east"
    checks = {"rooms": {"max": 10}, "quarter": {"categories": ["north", "south"]}, "balcony": {"missing": 0}}
    found = broken(flats, make(checks=checks))
    assert {v.column for v in found} == {"rooms", "quarter", "balcony"}


@pytest.mark.parametrize(
    ("policy", "status", "told"), [("allow", "pass", 0), ("warn", "pass", 1), ("refuse", "fail", 1)]
)
def test_rows_that_stand_twice(flats: pd.DataFrame, make: Make, policy: str, status: str, told: int) -> None:
    verdict, found = check(pd.concat([flats, flats.iloc[:3]]), make(duplicates=policy))
    assert (verdict.status, len(found)) == (status, told)


@pytest.mark.parametrize(
    ("rents", "says"),
    [
        ([np.nan] * 300, "no values"),
        ([500.0] * 300, "one value"),
        ([np.nan, *range(299)], "the target is missing"),
        (["cheap", "dear"] * 150, "is a number"),
    ],
)
def test_a_target_that_cannot_be_learned_fails(flats: pd.DataFrame, make: Make, rents: list[Any], says: str) -> None:
    found = broken(flats.assign(rent=rents), make())
    assert any(says in v.rule for v in found)


def test_a_single_class_fails(flats: pd.DataFrame, make: Make) -> None:
    found = broken(flats.assign(quarter="north"), make("tabular-classification", "quarter"))
    assert "one value" in found[0].rule
