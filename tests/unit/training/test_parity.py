from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.ports.compiler import Program
from boucle.ports.runtime import Predictor
from boucle.training.edges import edges, length, together
from boucle.training.parity import Report, compare

FIELDS = (Field("x", "float64", optional=True), Field("town", "string"))
SIGNATURE = Signature(FIELDS, outputs_of(("no", "yes")))
SAMPLE: Batch = {
    "x": np.linspace(-1, 1, 50),
    "town": np.array(["Lyon", "Brest"] * 25, dtype=object),
}


class Model:
    """Says yes above ``border``; where ``x`` is missing, or the town unknown, as it is told."""

    def __init__(self, border: float = 0.0, missing: float = 0.0, unknown: float = 0.0, off: float = 0.0) -> None:
        self.border, self.missing, self.unknown, self.off = border, missing, unknown, off

    def predict(self, batch: Batch) -> Batch:
        x = np.nan_to_num(batch["x"].astype(np.float64), nan=self.missing, posinf=9, neginf=-9)
        x = np.where(np.isin(batch["town"], ["Lyon", "Brest"]), x, self.unknown)
        likely = np.where(x > self.border, 0.75, 0.25) + self.off
        prediction = np.where(likely > 0.5, "yes", "no").astype(object)
        return {"prediction": prediction, "probabilities": np.column_stack([1 - likely, likely])}


class Strict(Model):
    """Refuses rows with a missing value."""

    def predict(self, batch: Batch) -> Batch:
        if np.isnan(batch["x"].astype(np.float64)).any():
            raise RequestError("a value is missing")
        return super().predict(batch)


def parity(one: Predictor, other: Predictor, borders: Any = None) -> Report:
    return compare(one, other, Program({}, tolerance=1e-9, borders=borders), SIGNATURE, SAMPLE)


def test_two_forms_that_answer_alike_are_accepted_with_what_was_compared() -> None:
    report = parity(Model(), Model(off=1e-12))
    assert report.accepted
    assert 0 < report.worst <= 1e-9
    assert {"known rows", "missing values", "unseen levels", "extreme values"} <= set(report.rows)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Model(border=0.5), "on known rows"),
        (Model(off=1e-6), "tolerance"),
        (Model(missing=1.0), "on missing values"),
        (Model(unknown=1.0), "on unseen levels"),
        (Strict(), "it refuses them"),
    ],
)
def test_a_form_that_answers_otherwise_is_told_apart(other: Predictor, why: str) -> None:
    report = parity(Model(), other)
    assert not report.accepted
    assert why in report.why


def test_a_border_moved_by_the_smallest_step_is_found() -> None:
    border = 0.123456789
    moved = Model(border=float(np.nextafter(border, -1)))
    assert parity(Model(border=border), moved).accepted  # no known row shows it
    assert "borders" in parity(Model(border=border), moved, np.array([[0.0, border]])).why


def test_rows_the_original_refuses_are_counted() -> None:
    report = parity(Strict(), Model())
    assert report.accepted
    assert report.refused == 20  # ten with one value missing, ten with all that may be
    assert report.rows["extreme values"] == 15


def test_a_batch_the_original_refuses_is_put_to_it_in_parts() -> None:
    report = parity(Strict(), Model(unknown=0.0))
    assert report.rows["unseen levels"] == 20  # none of them has a missing value
    assert "missing values" not in report.rows


class Neighbourly(Model):
    """Answers a row by itself otherwise than among others."""

    def predict(self, batch: Batch) -> Batch:
        answer = super().predict(batch)
        return (
            answer
            if len(batch["x"]) > 1
            else {**answer, "probabilities": answer["probabilities"].astype(np.float64) + 0.1}
        )


def test_an_answer_that_depends_on_the_neighbours_is_found() -> None:
    assert "tolerance" in parity(Model(), Neighbourly()).why


@given(st.integers(1, 30), st.integers(0, 80))
def test_edges_are_rows_of_the_signature(rows: int, columns: int) -> None:
    fields = (*(Field(f"x{place}", "float64", optional=place % 2 == 0) for place in range(columns)),
              Field("n", "int64"), Field("town", "string", optional=True))  # fmt: skip
    signature = Signature(fields, outputs_of(None))
    sample: dict[str, Any] = {f"x{place}": np.linspace(0, 1, rows) for place in range(columns)}
    sample |= {"n": np.arange(rows), "town": np.array(["Lyon"] * rows, dtype=object)}
    for kind, batches in edges(signature, sample):
        assert signature.accepts(together(batches)), kind
        assert all(length(batch) for batch in batches)
