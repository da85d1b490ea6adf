"""Which rows to label next: doubtful ones more often, known chances, an estimate without bias."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.observation import Feedback, Observation
from boucle.core.signature import Field, Signature, outputs_of
from boucle.monitoring.asking import ask, choose, inclusions, uncertainty, weighted
from boucle.ports.stores import State

DOUBTS = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=80).map(np.array)


@given(DOUBTS, st.integers(1, 60))
def test_chances_sum_to_the_rows_asked_for_and_none_passes_one(doubt: np.ndarray, k: int) -> None:
    chances = inclusions(doubt, k)
    assert chances.sum() == pytest.approx(min(k, len(doubt)))
    assert (chances > 0.0).all()
    assert (chances <= 1.0 + 1e-12).all()
    order = np.argsort(doubt)
    assert (np.diff(chances[order]) >= -1e-12).all()


@given(DOUBTS, st.integers(1, 60), st.integers(0, 1000))
def test_as_many_rows_as_asked_for_are_chosen_and_the_same_by_the_same_seed(
    doubt: np.ndarray, k: int, seed: int
) -> None:
    taken, chances = choose(doubt, doubt, k, seed)
    assert len(set(taken.tolist())) == len(taken) == min(k, len(doubt))
    assert chances == pytest.approx(inclusions(doubt, k)[taken])
    assert choose(doubt, doubt, k, seed)[0].tolist() == taken.tolist()


def test_rows_are_chosen_with_the_chances_that_are_told() -> None:
    random = np.random.default_rng(61)
    told = random.random(400)
    doubt = uncertainty(told)
    times = np.zeros(400)
    for seed in range(2000):
        times[choose(doubt, told, 40, seed)[0]] += 1.0
    chances = inclusions(doubt, 40)
    off = (times - 2000 * chances) / np.sqrt(2000 * chances * (1.0 - chances))
    assert np.abs(off).max() < 4.5  # one of 400 normal values is beyond that once in 400 runs


def test_the_estimate_has_no_bias_and_is_closer_than_an_even_sample() -> None:
    random = np.random.default_rng(62)
    told = random.beta(0.5, 0.5, 5000)
    wrong = (random.random(5000) < np.minimum(told, 1.0 - told)).astype(float)
    doubt, truth = uncertainty(told), float(wrong.mean())
    found, even, within = [], [], []
    for seed in range(300):
        taken, chances = choose(doubt, told, 200, seed)
        one = weighted(wrong[taken], chances, 5000)
        found.append(one.value)
        within.append(one.low <= truth <= one.high)
        even.append(wrong[random.choice(5000, 200, replace=False)].mean())
    assert np.mean(found) == pytest.approx(truth, abs=4.0 * np.std(found) / np.sqrt(300))
    assert np.std(found) < 0.9 * np.std(even)
    assert np.mean(within) >= 0.91  # 95 % less 3 standard errors


def test_every_stretch_of_the_scores_has_its_share() -> None:
    scores = np.linspace(0.0, 1.0, 1000)
    taken, _ = choose(np.ones(1000), scores, 50, 3)
    ahead = np.searchsorted(np.sort(scores[taken]), scores) - 50.0 * scores
    assert np.abs(ahead).max() <= 5.0


def test_few_labels_and_none_are_no_error() -> None:
    assert np.isnan(weighted(np.empty(0), np.empty(0), 10).value)
    assert weighted(np.array([1.0]), np.array([0.1]), 10).value == 1.0
    assert weighted(np.array([0.0, 1.0]), np.ones(2), 2).low == 0.5
    assert len(choose(np.array([0.2, np.nan]), np.zeros(2), 5)[0]) == 2


def test_the_newest_rows_without_a_label_are_asked_for(state: State) -> None:
    signature = Signature((Field("x", "float64"),), outputs_of((0, 1)))
    random = np.random.default_rng(63)
    seen = [
        Observation(f"r{i}", float(i), "wine", 1, "champion", 2, {"x": [0.0, 1.0]},
                    {"prediction": [0, 1], "probabilities": [[p, 1.0 - p] for p in random.random(2).tolist()]})
        for i in range(50)
    ]  # fmt: skip
    with state.begin() as tx:
        tx.observations.ingest(seen, [Feedback(f"r{i}", 99.0, [0, 1]) for i in range(40)], {})
        asked = ask(tx, "wine", 1, signature, 10, seed=5)
        assert ask(tx, "wine", 1, signature, 10, seed=5) == asked
        assert len(ask(tx, "wine", 1, signature, 1000)) == 20
        assert ask(tx, "wine", 2, signature, 10) == ask(tx, "wine", 1, signature, 0) == []
    assert len({(one.id, one.row) for one in asked}) == 10
    assert {int(one.id[1:]) for one in asked} <= set(range(40, 50))
    assert all(0.0 < one.inclusion <= 1.0 for one in asked)
