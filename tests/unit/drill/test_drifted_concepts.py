"""A concept moves truths and the answers of those who have learned it alike, for half of the rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from boucle.drill.concept import SIZE, Concept
from boucle.drill.population import Population

ALL = np.arange(600)


def errors(rows: Population, truth_at: float, answers_at: float) -> float:
    concept = Concept(rows)
    truth = concept.truth(rows.truth, ALL, truth_at)
    told = concept.answers(rows.answers, ALL, answers_at)["prediction"]
    if rows.signature.classes is not None:
        return float(np.mean(truth != told))
    return float(np.sqrt(np.mean((truth.astype(float) - told.astype(float)) ** 2)))


@given(strength=st.floats(0.0, 1.0))
def test_who_has_learned_the_concept_is_as_good_as_before(
    numbers: Population, labels: Population, strength: float
) -> None:
    for rows in (numbers, labels):
        assert np.isclose(errors(rows, strength, strength), errors(rows, 0.0, 0.0))


def test_who_has_not_is_worse_the_further_it_has_gone(numbers: Population, labels: Population) -> None:
    for rows in (numbers, labels):
        found = [errors(rows, strength, 0.0) for strength in (0.0, 0.25, 0.5, 1.0)]
        assert found == sorted(found)
        assert found[-1] > 1.5 * found[0]


def test_a_number_moves_by_errors_and_only_in_one_half(numbers: Population) -> None:
    moved = Concept(numbers).truth(numbers.truth, ALL, 1.0).astype(float) - numbers.truth.astype(float)
    assert set(np.round(moved, 6)) == {0.0, round(SIZE * errors(numbers, 0.0, 0.0), 6)}
    assert (moved > 0).sum() == 300


def test_probabilities_go_with_the_label(labels: Population) -> None:
    told = Concept(labels).answers(labels.answers, ALL, 1.0)
    best = np.array(["no", "yes"], dtype=object)[told["probabilities"].argmax(axis=1)]
    assert (best == told["prediction"]).all()
