"""A model that is switched off is answered for: by the champion before, by rules, by a constant."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle import plugins
from boucle.core.deployment import Route, RouteTable, Rule, Target
from boucle.core.errors import Overloaded
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Column, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.serving.batcher import Job
from boucle.serving.desk import Question, answer
from boucle.serving.fallback import answers
from boucle.serving.messages import Raw
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble
from boucle.serving.protocols import friendly

SIGNATURE = Signature((Field("x", "float64", optional=True), Field("colour", "string")), outputs_of(None))
NO_CHAMPION = Target(9, "nowhere", "none")


class Numbered:
    """A runtime whose model answers its own number."""

    def load(self, directory: Path, info: BundleInfo) -> Numbered:
        self.number = info.created
        return self

    def predict(self, batch: Batch) -> Batch:
        return {"prediction": np.full(len(batch["x"]), self.number)}


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    monkeypatch.setattr(plugins, "load", lambda group, name: Numbered)
    made = assemble(ServeOptions(str(tmp_path)), "worker")
    yield made
    made.close()


def target(plane: Plane, version: int) -> Target:
    staged = bundle.staging(Path(plane.options.state))
    bundle.write_info(staged, BundleInfo("wine", SIGNATURE, "numbered", float(version)))
    path, digest = bundle.publish(staged, Path(plane.options.state))
    return Target(version, str(path), digest)


def said(plane: Plane, route: Route, rows: list[dict[str, Any]]) -> tuple[int, str, list[Any]]:
    """Return the version that answers, its role, and its answers."""
    plane.engine.apply(RouteTable(1, (route,)))
    done: list[Job] = []
    answered = threading.Event()
    question = Question("wine", friendly, Raw(json.dumps(rows).encode()))

    def receive(job: Job) -> None:
        done.append(job)
        answered.set()

    plane.desk.ask(question, receive)
    plane.desk.flush()
    assert answered.wait(30)
    found = answer(done[0])
    return found.version, found.role, list(found.predictions)


ROWS: list[dict[str, Any]] = [{"x": 1.0, "colour": "red"}, {"x": 9.0, "colour": "white"}, {"x": None, "colour": "pink"}]
RULES = (Rule("x", ">", 5, 6.5), Rule("colour", "in", ["red", "pink"], 4.5))


def test_the_champion_before_answers_for_a_disabled_model(plane: Plane) -> None:
    one, two = target(plane, 1), target(plane, 2)
    route = Route("wine", False, two, warm=(one,), fallback=7.0, rules=RULES, standby=1)
    assert said(plane, route, ROWS) == (1, "fallback", [1.0, 1.0, 1.0])


def test_rules_answer_where_no_version_stands_by(plane: Plane) -> None:
    route = Route("wine", False, target(plane, 2), fallback=7.0, rules=RULES, standby=1)
    assert said(plane, route, [*ROWS, {"x": 2.0, "colour": "blue"}]) == (0, "fallback", [4.5, 6.5, 4.5, 7.0])


def test_a_constant_answers_where_nothing_else_is_declared(plane: Plane) -> None:
    assert said(plane, Route("wine", False, target(plane, 2), fallback=7.0), ROWS) == (0, "fallback", [7.0] * 3)


def test_without_a_fallback_a_disabled_model_says_so(plane: Plane) -> None:
    with pytest.raises(Overloaded, match="disabled"):
        said(plane, Route("wine", False, target(plane, 2), standby=1), ROWS)


def test_the_standby_answers_while_the_champion_does_not_load(plane: Plane) -> None:
    one = target(plane, 1)
    plane.engine.apply(RouteTable(1, (Route("wine", True, one),)))
    route = Route("wine", False, NO_CHAMPION, warm=(one,), standby=1)
    assert said(plane, route, ROWS)[:2] == (1, "fallback")


COLUMNS: dict[str, Column] = {
    "n": np.array([1.0, 2.0, np.nan]),
    "b": np.array([True, False, True]),
    "s": np.array(["a", "b", None], dtype=object),
    "t": np.array(["2026-01-01", "2026-06-01", "NaT"], dtype="datetime64[ns]"),
}


@pytest.mark.parametrize(
    ("rule", "holding"),
    [
        (Rule("n", "<=", 1, 1), [1, 0, 0]),
        (Rule("n", "!=", 1, 1), [0, 1, 0]),
        (Rule("n", "missing", None, 1), [0, 0, 1]),
        (Rule("n", "in", [2, 3], 1), [0, 1, 0]),
        (Rule("b", "==", True, 1), [1, 0, 1]),
        (Rule("s", "==", "b", 1), [0, 1, 0]),
        (Rule("s", "missing", None, 1), [0, 0, 1]),
        (Rule("t", ">=", "2026-03-01", 1), [0, 1, 0]),
        (Rule("t", "missing", None, 1), [0, 0, 1]),
        # What cannot be compared holds nowhere, and nothing is ever run.
        (Rule("s", "<", 1, 1), [0, 0, 0]),
        (Rule("n", "==", "__import__('os')", 1), [0, 0, 0]),
        (Rule("t", "<", "soon", 1), [0, 0, 0]),
        (Rule("absent", "==", 1, 1), [0, 0, 0]),
    ],
)
def test_a_rule_holds_where_its_column_compares(rule: Rule, holding: list[int]) -> None:
    assert answers([rule], 0, COLUMNS, 3).tolist() == holding


def test_the_first_rule_that_holds_answers_and_labels_keep_their_type() -> None:
    rules = [Rule("n", ">", 1, "high"), Rule("n", ">", 0, "low")]
    assert answers(rules, "unknown", COLUMNS, 3).tolist() == ["low", "high", "unknown"]
    assert answers([Rule("n", ">", 1, True)], False, COLUMNS, 3).dtype == bool
    assert answers([Rule("n", ">", 1, 2)], 1, COLUMNS, 3).dtype == np.int64
    assert answers([Rule("n", ">", 1, 2)], 1.5, COLUMNS, 3).dtype == np.float64
