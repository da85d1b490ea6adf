"""A model is asked what it can tell of its inputs so far as that costs little, and never at the price of an answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from boucle.core.signature import Batch, Field
from boucle.serving import watching as module
from boucle.serving.watching import SHARE, SKIPPED, watching

from .media_models import objects

TEXT = Field("text", "text")


class Clocked:
    """A model whose vectors take as long as ``cost`` says, on a clock of the test's."""

    def __init__(self, cost: float) -> None:
        self.now, self.cost, self.asked = 0.0, cost, 0

    def predict(self, batch: Batch) -> Batch:
        return {}

    def embed(self, batch: Batch) -> Any:
        self.now += self.cost
        self.asked += 1
        return np.ones((len(batch["text"]), 4))


def told(model: Clocked, calls: int, monkeypatch: pytest.MonkeyPatch, apart: float = 0.001) -> int:
    """Watch so many calls, ``apart`` seconds each; returns how often the meaning was told."""
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: model.now))
    watched = watching((TEXT,), model)
    assert watched is not None
    found = 0
    for _ in range(calls):
        found += "meaning.1" in watched.columns({"text": objects(["a text"])})
        model.now += apart
    return found


def test_vectors_that_cost_nothing_come_with_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Clocked(0.0), 40, monkeypatch) == 40


def test_vectors_that_cost_come_with_one_call_in_eight_when_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Clocked(0.01), 40, monkeypatch, apart=1.0) == 40 // (SKIPPED + 1)


def test_under_load_they_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Clocked(0.05)
    told(model, 5000, monkeypatch)
    assert (model.asked - 1) * model.cost <= SHARE * model.now


def test_a_model_that_fails_to_tell_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = Clocked(0.0)
    monkeypatch.setattr(Clocked, "embed", lambda self, batch: 1 / 0)
    watched = watching((TEXT,), model)
    assert watched is not None
    assert watched.columns({"text": objects(["a"])}) == {}
    assert watched.columns({"text": objects(["ab"])})["text.characters"] == [2.0]
    assert len(caplog.records) == 1


def test_tables_are_not_watched_and_personal_texts_tell_nothing() -> None:
    assert watching((Field("x", "float64"),), Clocked(0.0)) is None
    private = watching((Field("text", "text", pii=True),), Clocked(0.0))
    assert private is not None
    assert private.columns({"text": objects(["a"])}) == {}
