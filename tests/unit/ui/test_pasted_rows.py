"""Rows that are pasted are read as the contract says, and the first that is wrong is named."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.ui.asking import Answered
from boucle.ui.pages.several import written
from boucle.ui.pasting import LONGEST, MOST, rows_of
from boucle.views.contract import FieldRow


def field(name: str, dtype: str, *, optional: bool = False) -> FieldRow:
    return FieldRow(name, dtype, optional, None, None, (), False, None, None, None, None, 0, None, None)


FIELDS = (
    field("tenure", "int64"),
    field("charges", "float64"),
    field("senior", "bool"),
    field("plan", "string", optional=True),
)
ROW = {"tenure": 12, "charges": 61.5, "senior": True, "plan": "fibre"}


@pytest.mark.parametrize(
    "text",
    [
        "tenure,charges,senior,plan\n12,61.5,true,fibre",
        "plan;senior;charges;tenure\r\nfibre;oui;61,5;12\r\n",
        "\ufefftenure\tcharges\tsenior\tplan\tnote\n12\t61.5\t1\tfibre\tleft out\n",
        json.dumps([ROW]),
        json.dumps(ROW | {"note": "left out"}),
        f"{json.dumps(ROW)}\n",
    ],
)
def test_every_way_to_write_a_row_reads_the_same(text: str) -> None:
    assert rows_of(text, FIELDS) == [ROW]


def test_lines_of_json_are_rows_and_what_may_be_missing_may_be_left_out() -> None:
    plain = {name: value for name, value in ROW.items() if name != "plan"}
    assert rows_of(f"{json.dumps(plain)}\n\n{json.dumps(plain | {'plan': None})}", FIELDS) == [plain, plain]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no row"),
        ("tenure,charges,senior\n1,2,true\n1,x,true", "Row 2: 'x' is no value of 'charges'"),
        ("tenure,charges,senior\n1,2,perhaps", "Row 1: 'perhaps' is no value of 'senior'"),
        ("tenure,charges\n1,2", "Row 1 has no 'senior'"),
        ('[{"tenure": [1]}]', "Row 1: '\\[1\\]' is no value"),
        ("[1, 2]", "A row is an object"),
        ('{"tenure": 1}\n{oops', "Line 2 is no JSON"),
        ("tenure,charges,senior\n" + "1,2,true\n" * (MOST + 1), "101 rows are too many"),
        ("x" * (LONGEST + 1), "too much"),
        ("tenure,charges,senior\n1,inf,true", "no value of 'charges'"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_read(text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        rows_of(text, FIELDS)


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_read_or_refused_whole(text: str) -> None:
    try:
        rows: list[dict[str, Any]] = rows_of(text, FIELDS)
    except RequestError:
        return
    assert all(set(row) <= {one.name for one in FIELDS} for row in rows)


def test_answers_are_taken_along_with_their_rows_and_no_formula() -> None:
    found = [Answered("try-1", 2, "no", (0.75, 0.25), 0.01), Answered("try-1", 2, "yes", (0.25, 0.75), 0.01)]
    text = written(FIELDS, [ROW, ROW | {"plan": "=1+1"}], found, ("no", "yes"))
    first, second = csv.DictReader(text.splitlines())
    assert (first["prediction"], first["probability_no"], first["version"]) == ("no", "0.75", "2")
    assert second["plan"] == "'=1+1"
