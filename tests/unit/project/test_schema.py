"""The JSON Schema that editors use agrees with what load accepts."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml

from boucle.core.signature import Field
from boucle.project import schema
from boucle.project.template import render

VALID = """\
name: wine
task: tabular-regression
data:
  source: [a.csv, b.csv]
  target: quality
  split: {time: bought, test: 30d}
  checks: {pH: {min: 2.5, max: 4.5}, kind: {categories: [red, 1, true]}}
model: {estimator: [sklearn.linear_model.Ridge], search: {trials: 3}}
evaluate: {require: {rmse: "<= 1"}, champion: {margin: 0}}
serve: {port: "${PORT}", workers: 2}
monitor: {window: 1h, business: {margin: {event: sale, value: amount}}}
react: {quality_loss: retrain, drift: {action: alert, confirm: 3}}
alerts: ["${URL}"]
"""


def problems(project: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema.json_schema()).iter_errors(project)]


def test_the_shipped_schema_is_current() -> None:
    assert schema.SHIPPED.read_text() == schema.text(), "run: make docs"


def test_the_schema_is_a_schema_and_closed() -> None:
    made = schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(made)
    sections = [made, *(one for one in made["$defs"].values() if one["type"] == "object")]
    assert all(section["additionalProperties"] is False for section in sections)
    assert all("title" not in section for section in sections)


def test_valid_projects_pass() -> None:
    assert problems(yaml.safe_load(VALID)) == []


def test_the_template_passes() -> None:
    columns = [Field("pH", "float64", minimum=2.5, maximum=4.5), Field("kind", "string", categories=("red", "white"))]
    text = render("w", "tabular-regression", "w.csv", "q", columns, {"n": "no use"}, "id", [], "rmse", {"rmse": "<= 1"})
    assert problems(yaml.safe_load(text)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"serv": {}},
        {"serve": {"prot": 1}},
        {"serve": {"port": "http"}},
        {"task": "regression"},
        {"react": {"drift": "rerain"}},
        {"data": {"source": "a"}},
        {"release": {"strategy": "canry"}},
    ],
)
def test_faulty_projects_are_marked(change: dict[str, Any]) -> None:
    assert problems(yaml.safe_load(VALID) | change) != []
