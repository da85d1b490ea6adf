"""Estimated quality before labels: shown with its assumption, muted by labels, never a reason to act."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.core.expected import QualityReference
from boucle.core.json import dumps, loads
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Observation
from boucle.core.signature import Field, Signature, outputs_of
from boucle.measures.metrics import Answers, labelled, numbers
from boucle.measures.references import quality_reference
from boucle.monitoring.estimate import ASSUMPTION, estimate_quality, look_at_estimate
from boucle.ports.stores import State


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
    agreeing = estimate_quality("wine/1", later, REFERENCE, answered(10, 2000), ["accuracy"])
    assert agreeing.status == "pass"
    muted = estimate_quality("wine/1", later, REFERENCE, turned, ["accuracy"])
    assert muted.status == "inconclusive"
    assert muted.checks[0].observed is None
    assert "muted, P(y|x) has changed: where labels came, 0.2" in muted.checks[0].note


def test_labels_of_easier_rows_contradict_nothing() -> None:
    # Both worlds have the same P(y|x): the older rows are only further from the boundary.
    easy = answered(11, 2000)
    assert easy.probabilities is not None
    sure = easy.take(np.abs(easy.probabilities[:, 1] - 0.5) > 0.45)
    verdict = estimate_quality("wine/1", answered(12, 2000), REFERENCE, sure, ["accuracy"])
    assert verdict.status == "pass"


def test_a_few_labels_contradict_nothing() -> None:
    few = answered(4, 99, sign=-1.0)
    assert estimate_quality("wine/1", answered(4, 500), REFERENCE, few, ["accuracy"]).status == "pass"


def test_a_look_estimates_the_newest_rows_and_mutes_itself_by_their_labels(state: State) -> None:
    random = np.random.default_rng(13)
    x = random.normal(size=600)
    seen = [
        Observation(f"r{i}", float(i), "wine", 1, "champion", 1, {"x": [v]},
                    {"prediction": [int(v > 0)], "probabilities": [[1.0 - p, p]]})
        for i, (v, p) in enumerate(zip(x.tolist(), (1.0 / (1.0 + np.exp(-5.0 * x))).tolist(), strict=True))
    ]  # fmt: skip
    info = BundleInfo("wine", Signature((Field("x", "float64"),), outputs_of((0, 1))), "sklearn", 0.0)
    version = ModelVersion("wine", 1, "d" * 64, "run", 0.0)
    with state.begin() as tx:
        assert look_at_estimate(tx, version, info, None, 500) is None
        tx.observations.ingest(seen, [], {})
        before = look_at_estimate(tx, version, info, REFERENCE, 500)
        turned = [Feedback(one.id, 1e4, [int(v < 0)]) for one, v in zip(seen, x.tolist(), strict=True)]
        tx.observations.ingest([], turned, {})
        after = look_at_estimate(tx, version, info, REFERENCE, 500)
    assert before is not None
    assert after is not None
    assert (before.status, before.inputs["rows"], after.status) == ("pass", 500, "inconclusive")
    assert "muted" in after.checks[0].note


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
