"""Estimated quality before labels: shown with its assumption, muted by labels, never a reason to act."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.core.expected import QualityReference
from boucle.core.json import dumps, loads
from boucle.measures.intervals import Estimate, bootstrap
from boucle.measures.metrics import Answers, labelled, numbers
from boucle.measures.references import quality_reference
from boucle.monitoring.estimate import ASSUMPTION, estimate_quality


def answered(seed: int, rows: int, sign: float = 1.0) -> Answers:
    random = np.random.default_rng([71, seed])
    x = random.normal(size=rows)
    came = random.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * sign * x))
    return labelled(came.astype(int), (x > 0).astype(int), 1.0 / (1.0 + np.exp(-5.0 * x)), (0, 1))


REFERENCE = quality_reference(answered(0, 4000))


def test_an_estimate_is_shown_with_its_assumption() -> None:
    verdict = estimate_quality("wine/1", answered(1, 2000), REFERENCE)
    assert verdict.status == "pass"
    assert {c.name: c.note for c in verdict.checks}["accuracy"] == ASSUMPTION
    assert verdict.inputs["assumption"] == ASSUMPTION


def test_labels_that_agree_leave_it_and_labels_that_do_not_mute_it() -> None:
    later, turned = answered(2, 2000), answered(3, 2000, sign=-1.0)
    agreeing = estimate_quality("wine/1", later, REFERENCE, bootstrap(["accuracy"], later), ["accuracy"])
    assert agreeing.status == "pass"
    muted = estimate_quality("wine/1", turned, REFERENCE, bootstrap(["accuracy"], turned), ["accuracy"])
    assert muted.status == "inconclusive"
    assert muted.checks[0].observed is None
    assert "muted: labels say" in muted.checks[0].note


def test_a_few_labels_contradict_nothing() -> None:
    few = {"accuracy": Estimate(0.2, 0.1, 0.3, 20)}
    assert estimate_quality("wine/1", answered(4, 500), REFERENCE, few, ["accuracy"]).status == "pass"


@pytest.mark.parametrize("given", [answered(5, 99), numbers(np.ones(500), np.ones(500)), answered(6, 0)])
def test_without_rows_or_probabilities_there_is_none(given: Answers) -> None:
    assert estimate_quality("wine/1", given, REFERENCE).status == "inconclusive"
    assert estimate_quality("wine/1", answered(7, 500), None).status == "inconclusive"


def test_the_reference_is_small_and_keeps_through_json() -> None:
    raw = dumps(REFERENCE)
    assert loads(raw, QualityReference) == REFERENCE
    assert len(raw) < 10_000
    assert set(REFERENCE.losses) == {"zero_one", "brier", "log", "precision", "recall"}


def test_a_reference_of_numbers_and_one_of_few_rows() -> None:
    random = np.random.default_rng(8)
    found = quality_reference(numbers(random.normal(size=500), np.zeros(500)), {"side": ["l", "r"] * 250})
    assert set(found.losses) == {"squared", "absolute"}
    assert set(found.slices["side"]) == {"l", "r"}
    assert quality_reference(numbers(np.ones(5), np.zeros(5))) == QualityReference()
    assert quality_reference(answered(9, 49)) == QualityReference()
