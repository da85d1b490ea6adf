"""What the pages of alarms, history, trying, contract and maturity draw, with names from people's files in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from boucle.loop.telling.said import said
from boucle.ui.draw.answer import answer, bars
from boucle.ui.draw.evidence_of import LONGEST, evidence_of
from boucle.ui.draw.fields import allowed, changes, fields
from boucle.ui.draw.mini import mini
from boucle.ui.draw.spark import spark
from boucle.ui.pages.contract import curl, python, schema
from boucle.ui.pages.maturity import levels
from boucle.ui.pages.row import about, control, native, odd, typical
from boucle.ui.words.catalogue import LANGUAGES, Words
from boucle.views.alarms import Spark
from boucle.views.contract import MASKED, Change, ContractView, FieldRow
from boucle.views.decisions import Decision
from boucle.views.drift import Fault
from boucle.views.histogram import Bin, Histogram
from boucle.views.history import EventView
from boucle.views.maturity import Item, Level, Maturity

EN, FR = (Words(language, ZoneInfo("UTC")) for language in LANGUAGES)
EVIL = "<img src=x onerror=alert(1)>"


def field(name: str = "tenure", dtype: str = "float64", **more: Any) -> FieldRow:
    plain: dict[str, Any] = {
        "optional": False, "minimum": None, "maximum": None, "categories": (), "pii": False, "missing": 0.01,
        "was_missing": 0.0, "broken": 0.2, "outside": 0.003, "rows": 500, "example": None, "histogram": None,
    }  # fmt: skip
    return FieldRow(name, dtype, **(plain | more))


def numbers(name: str = "tenure") -> Histogram:
    bins = (Bin("", None, 0.0, 0, 2), Bin("", 0.0, 12.0, 60, 30), Bin("", 12.0, 70.5, 40, 68))
    return Histogram(name, "numeric", 100, 100, bins, {})


def levels_of(name: str = "contract") -> Histogram:
    bins = (Bin("yearly", None, None, 90, 50), Bin(EVIL, None, None, 10, 50), Bin("…", None, None, 1, 0))
    return Histogram(name, "categorical", 101, 100, bins, {})


def test_a_spark_tells_failed_windows_by_shape_and_its_last_value() -> None:
    points = [Spark(0.0, 0.02, "pass"), Spark(60.0, 0.31, "fail"), Spark(120.0, 0.25, "inconclusive")]
    drawn = spark(points, "churn drifted", EN)
    assert drawn.count("<rect") == 1
    assert drawn.count("<circle") == 2
    assert ">0.25</text>" in drawn
    assert ">0,25</text>" in spark(points, "", FR)
    assert spark([], "", EN) == ""
    assert spark(points[:1], "", EN).count("<circle") == 1


@pytest.mark.parametrize("values", [[0.0, 0.0], [-1.0, 1.0], [0.9, 0.91], [-2.0, -1.0]])
def test_a_spark_keeps_inside_its_frame(values: list[float]) -> None:
    drawn = spark([Spark(float(i), value, "pass") for i, value in enumerate(values)], "", EN)
    heights = [float(part.split('"')[0]) for part in drawn.split('cy="')[1:]]
    assert all(0.0 <= y <= 72.0 for y in heights)


def decided(**data: Any) -> EventView:
    what = said("event.trained", ref="churn/2", model="churn", actor="keeper")
    decision = Decision(7, 1_795_262_400.0, "trained", "churn", 2, "keeper", what, "gate pass", "boucle rollback churn")
    return EventView(decision, data, "0" * 64, "ab" * 32)


def test_the_evidence_of_an_event_has_its_checks_its_place_in_the_chain_and_the_way_back() -> None:
    check = {"name": EVIL, "observed": 0.82, "low": 0.79, "high": 0.85, "bound": ">= 0.7", "n": 1500, "status": "pass"}
    drawn = evidence_of(decided(verdict={"checks": [check, {"name": "odd", "status": "no such word"}, 3]}), EN)
    for told in ("0.820", "[0.790, 0.850]", "&gt;= 0.7", "1,500", "pass", "abababababababab", "boucle rollback churn"):
        assert told in drawn
    assert EVIL not in drawn


def test_a_long_event_is_cut_and_one_without_a_verdict_has_no_table() -> None:
    drawn = evidence_of(decided(rows="x" * 3 * LONGEST, verdict="none"), FR)
    assert "<table" not in drawn
    assert len(drawn) < 2 * LONGEST


def test_the_predicted_class_stands_out_and_the_most_probable_comes_first() -> None:
    drawn = bars([("no", 0.2), (EVIL, 0.7), ("maybe", 0.1)], "no", EN)
    assert drawn.index("70.0") < drawn.index("20.0") < drawn.index("10.0")
    assert drawn.count("pb on") == 1
    assert EVIL not in drawn


@pytest.mark.parametrize(("value", "told"), [(12.345678, "12.35"), ("a\nb", "a\nb"), ([{"end": 3}], "&quot;end&quot;")])
def test_an_answer_is_written_whatever_it_is(value: Any, told: str) -> None:
    drawn = answer("champion churn/2", False, value, [], ("try-1", 0.0031), EN)
    assert told in drawn
    assert "3.1" in drawn
    assert 'data-text="try-1"' in drawn


def test_numbers_are_read_as_both_languages_write_them() -> None:
    assert native(field(), "1\u202f150,5") == 1150.5
    assert native(field(), "\u22123.5") == -3.5
    assert native(field(dtype="int64"), "12") == 12
    assert native(field(dtype="int64"), "12.5") == 12.5  # the data plane says what is wrong with it
    assert native(field(dtype="bool"), "true") is True


@pytest.mark.parametrize("wrong", ["twelve", "inf", "nan", "1e999", "1.2.3"])
def test_what_is_no_number_is_not_asked_about(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.replace(".", r"\.")):
        native(field(), wrong)


def test_a_typical_row_is_the_reference_and_an_odd_one_its_thin_end() -> None:
    assert typical(field(dtype="int64", example=17.4)) == "17"
    assert typical(field(dtype="bool", example="False")) == "false"
    assert typical(field(example=63.3912)) == "63.39"
    assert odd(field(histogram=numbers())) == "70.5"
    assert odd(field("contract", "string", histogram=levels_of())) == EVIL
    assert odd(field(example=5.0)) == "5"


def test_a_personal_value_is_nowhere() -> None:
    one = field("iban", "string", pii=True, example=MASKED)
    assert typical(one) == odd(one) == ""
    assert "personal" in about(one, EN)
    assert MASKED not in control(one, typical(one), EN)


def test_a_field_is_asked_for_by_what_it_takes() -> None:
    assert "<textarea" in control(field(dtype="text"), "", EN)
    assert 'inputmode="decimal"' in control(field(), "1", EN)
    drawn = control(field("contract", "string", categories=("yearly", EVIL)), "yearly", EN)
    assert '<option value="yearly" selected>' in drawn
    assert EVIL not in drawn
    assert control(field(dtype="bool"), "true", FR).count("<option") == 3


def test_the_table_of_fields_says_what_is_allowed_missing_and_wrong() -> None:
    fault = Fault("tenure", "missing", 0.04, "<= 0.01", 500, EVIL)
    rows = [field(minimum=0.0, maximum=72.0), field("contract", "string", categories=tuple("abcdef"), pii=True)]
    drawn = fields(rows, [fault], EN)
    for told in ("0 to 72", "a, b, c, d", "and 2 more", "0.3", "20", "personal", "500", "&lt;= 0.01"):
        assert told in drawn
    assert EVIL not in drawn
    assert allowed(field(minimum=2.5), FR) == "à partir de 2,500"


def test_a_small_distribution_says_where_it_moved_most() -> None:
    drawn = mini(levels_of(), EN)
    assert drawn.count("<rect") == 3
    assert "contract:" in drawn
    assert EVIL not in drawn
    assert mini(Histogram("x", "numeric", 0, 0, (), {}), EN).startswith("<svg")


def test_changes_of_a_contract_are_told_with_what_was() -> None:
    drawn = changes([Change(EVIL, "removed", "float64 0 … 3", "")], "Changed", FR)
    assert "retiré" in drawn
    assert EVIL not in drawn


def test_the_program_and_the_schema_that_are_offered_are_right() -> None:
    row = {"tenure": 12, "name": 'O\'Brien "x"'}
    program = python("http://127.0.0.1:1", "churn", row, guarded=True)
    compile(program, "offered", "exec")
    assert "BOUCLE_KEY" in program
    assert "BOUCLE_KEY" not in curl("http://127.0.0.1:1", "churn", row, guarded=False)
    output = field("prediction", "string", categories=("no", "yes"))
    bounded = field("tenure", "int64", minimum=0.0, maximum=72.0, categories=())
    view = replace(_EMPTY, fields=(bounded, field("left", "bool", optional=True)), outputs=(output,))
    told = schema(view)
    assert told["required"] == ["tenure"]
    assert json.loads(json.dumps(told))["properties"]["tenure"]


_EMPTY = ContractView(
    "churn", 2, 0.0, said("home.none.lead"), said("home.none.lead"), (), (), (), 1, (), 0, 0, None, (), "pass", ""
)


def test_maturity_marks_the_next_level_and_says_what_adds_what_is_missing() -> None:
    done, missing = said("maturity.champion"), said("maturity.alerts")
    items = (Item("champion", done, True, ""), Item("alerts", missing, False, "alerts: [mailto://…]"))
    told = tuple(Level(n, said(f"maturity.level.{n}"), n == 1, items) for n in (1, 2, 3))
    drawn = levels(Maturity("churn", 1, done, done, told), EN)
    assert drawn.count("level next") == 1
    assert drawn.index("reached") < drawn.index("next") < drawn.index("later")
    assert drawn.count("<code>alerts: [mailto://…]</code>") == 3
