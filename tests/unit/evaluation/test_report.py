import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from boucle.core.signature import Field, Signature
from boucle.evaluation.evaluate import evaluate
from boucle.evaluation.look import number
from boucle.evaluation.report import Context, answer, report_data, report_html, report_json
from boucle.evaluation.result import Evaluation
from boucle.project.learning import Evaluate

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
VOID = {"meta", "br", "img", "link", "input", "hr"}
CONTEXT = Context("shop", "shop/2", "f" * 64, "run-1", 1.7e9, {"Ridge": 0.65, EVIL: 0.7}, EVIL, EVIL)


class Page(HTMLParser):
    """Checks that every tag is closed in order, and keeps tags, attributes and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def priced(regression: Any) -> Evaluation:
    case = regression()
    settings = Evaluate.model_validate({"require": {"rmse": "<= 0.75"}, "slices": ["size", "region"]})
    more: dict[str, Any] = {"champion": case.poor, "champion_ref": "shop/1", "size_bytes": 123456}
    return evaluate("shop/2", case.good, case.signature, case.frame, "price", settings, **more)


@pytest.fixture
def hostile(binary: Any) -> Evaluation:
    """A classification whose labels, columns and levels are full of HTML."""
    case = binary()
    labels = ("a" + EVIL, "b" + EVIL)
    outputs = (Field("prediction", "string", categories=labels), Field("probabilities", "float64", shape=(2,)))
    frame = case.frame.replace({"north": EVIL}).rename(columns={"idle": EVIL})
    frame["churn"] = np.where(frame["churn"] == "yes", labels[1], labels[0])
    inputs = (*case.signature.inputs[:3], Field(EVIL, "float64", optional=True))
    settings = Evaluate.model_validate({"slices": ["region", EVIL], "fairness": {"groups": ["region"]}})
    predictor = type(case.good)(case.good.function, labels)
    subject, signature = "shop/2", Signature(inputs, outputs)
    more: dict[str, Any] = {"champion": predictor, "champion_ref": EVIL}
    return evaluate(subject, predictor, signature, frame, "churn", settings, **more)


def assert_alone(source: str) -> None:
    """Nothing in the page reaches outside it, and nothing in it runs."""
    page = Page(source)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "srcset", "action"} & names
    assert not [n for n in names if n.startswith("on")]
    assert not re.search(r"https?:|url\(|@import", source)
    assert "default-src 'none'" in dict(page.attributes).values() or "default-src 'none'" in source


def test_the_page_is_whole_and_stands_alone(priced: Evaluation) -> None:
    source = report_html(priced, CONTEXT)
    assert_alone(source)
    assert len(source.encode()) < 300_000
    shown = " ".join(Page(source).words)
    for part in ("The gate", "Metrics", "Against shop/1", "What is left over", "By slice", "Under disturbance"):
        assert part in shown


def test_labels_full_of_html_do_no_harm(hostile: Evaluation) -> None:
    source = report_html(hostile, CONTEXT)
    assert_alone(source)
    shown = " ".join(Page(source).words)
    assert EVIL in shown
    for part in ("What was answered for what", "Calibration of", "ROC", "Fairness by region"):
        assert part in shown


def test_the_page_opens_with_the_answer(priced: Evaluation) -> None:
    source = report_html(priced, CONTEXT)
    heading = re.search(r"<h1>.*?</h1>", source)
    assert heading is not None
    assert "shop/2 passes its gate." in heading[0]


def test_the_outcome_can_be_read_without_colour(priced: Evaluation) -> None:
    shown = " ".join(Page(report_html(priced, CONTEXT)).words)
    for check in priced.verdict.checks:
        assert f"{check.status} {check.name}" in shown


@pytest.mark.parametrize(("status", "said"), [("fail", "does not pass"), ("inconclusive", "too early to say")])
def test_each_outcome_has_its_sentence(priced: Evaluation, status: Any, said: str) -> None:
    checks = tuple(replace(c, status=status) for c in priced.verdict.checks)
    found = replace(priced, verdict=replace(priced.verdict, status=status, checks=checks))
    assert said in answer(found, "shop/2")
    assert "rmse" in answer(found, "shop/2")


def test_both_themes_and_print_are_provided_for(priced: Evaluation) -> None:
    source = report_html(priced, CONTEXT)
    assert "prefers-color-scheme:dark" in source
    assert "@media print" in source
    used = set(re.findall(r"var\(--([a-z]+)\)", source))
    assert used <= set(re.findall(r"--([a-z]+):", source))


def test_every_drawing_says_what_it_shows(hostile: Evaluation) -> None:
    drawings = re.findall(r"<svg [^>]*>", report_html(hostile, CONTEXT))
    assert drawings
    assert all("aria-hidden" in d or ('role="img"' in d and "aria-label=" in d) for d in drawings)


def test_a_hundred_thousand_rows_make_no_larger_page(regression: Any) -> None:
    case = regression(rows=100_000)
    settings = Evaluate.model_validate({"slices": ["size", "age", "region"]})
    found = evaluate("shop/2", case.good, case.signature, case.frame, "price", settings)
    source = report_html(found, CONTEXT)
    assert len(source.encode()) < 300_000
    assert len(report_json(found)) < 300_000
    assert_alone(source)


def test_many_classes_and_many_columns_stay_under_a_megabyte() -> None:
    random = np.random.default_rng(0)
    import pandas as pd  # only this test builds its own wide table

    labels = tuple(f"class {i}" for i in range(120))
    inputs = tuple(Field(f"column {i}", "float64", optional=True) for i in range(300))
    frame = pd.DataFrame({f.name: random.normal(size=400) for f in inputs})
    frame["y"] = random.choice(np.array(labels, dtype=object), 400)

    class Guess:
        def predict(self, batch: Any) -> Any:
            n = len(batch["column 0"])
            told = np.full((n, 120), 1 / 120)
            return {"prediction": np.array([labels[0]] * n, dtype=object), "probabilities": told}

    outputs = (Field("prediction", "string", categories=labels), Field("probabilities", "float64", shape=(120,)))
    settings = Evaluate.model_validate({"slices": [f.name for f in inputs[:60]]})
    found = evaluate("wide/1", Guess(), Signature(inputs, outputs), frame, "y", settings)
    source = report_html(found, CONTEXT)
    assert len(source.encode()) < 1_000_000
    assert_alone(source)
    assert found.curves.confusion is not None
    assert found.curves.confusion.labels[-1] == "others"
    assert sum(map(sum, found.curves.confusion.counts)) == 400


def test_the_json_says_the_same_and_knows_no_nan(priced: Evaluation) -> None:
    nothing = replace(priced.metrics["r2"], value=float("nan"))
    found = replace(priced, metrics={**priced.metrics, "r2": nothing})
    data = json.loads(report_json(found, CONTEXT), parse_constant=lambda name: pytest.fail(name))
    assert data["metrics"]["r2"]["value"] is None
    assert data["metrics"]["rmse"]["low"] == priced.metrics["rmse"].low
    assert data["verdict"]["status"] == "pass"
    assert data["context"]["run"] == "run-1"
    assert "context" not in report_data(found)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "–"), (None, "–"), (float("inf"), "∞"), (-0.25, "−0.250"), (0.0, "0.000"), (12.345, "12.35"),
        (123.45, "123.5"), (12345.6, "12,346"), (0.00001, "1.00e−05"), (1e9, "1.00e+09"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_people(value: float | None, shown: str) -> None:
    assert number(value) == shown
