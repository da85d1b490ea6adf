"""A model that writes word by word is disturbed on no more rows than a judgement needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from boucle.core.signature import Batch, Field, Signature
from boucle.evaluation.gates import FEW
from boucle.evaluation.robustness import FEWER, check, probe
from boucle.evaluation.scored import Scored
from boucle.ports.runtime import Predictor

SIGNATURE = Signature((Field("text", "text"),), (Field("prediction", "text"),), "text-generation")
TEXTS = np.array([f"Once upon a time, number {place}" for place in range(300)], dtype=object)


@dataclass
class Echo:
    """Says the beginning again, in small letters."""

    asked: int = 0

    def predict(self, batch: Batch) -> Batch:
        self.asked += len(batch["text"])
        return {"prediction": np.array([text.lower()[:9] for text in batch["text"]], dtype=object)}


class Slow(Echo):
    def trial(self) -> Predictor:
        return self


def test_nothing_is_asked_of_it_where_no_verdict_can_come_of_it() -> None:
    predictor, few = Slow(), TEXTS[: FEW - 1]
    found = probe(Scored(predictor, SIGNATURE, {"text": few}, few), "exact_match", limit=1.0, seed=0)
    assert (found.status, predictor.asked) == ("inconclusive", 0)
    assert check(found).note == f"fewer than {FEW} rows"


@pytest.mark.parametrize(("make", "rows"), [(Slow, FEW), (Echo, FEWER)])
def test_what_writes_word_by_word_is_tried_on_as_few_rows_as_can_be_judged(make: Callable[[], Echo], rows: int) -> None:
    predictor = make()
    found = probe(Scored(predictor, SIGNATURE, {"text": TEXTS}, TEXTS), "exact_match", limit=1.0, seed=0)
    assert {one.rows for one in found.perturbations} == {rows}
    assert found.status == "pass", "so few rows are enough for a verdict"
    assert predictor.asked == rows * (1 + len(found.perturbations))
